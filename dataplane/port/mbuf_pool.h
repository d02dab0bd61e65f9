// Packet buffers of one core.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <string>

namespace fedge::port {

struct MbufPoolConfig {
    uint32_t mbufs = 16384;                          // rounded up to 2^n - 1, the size that wastes no memory
    uint32_t cache = 256;                            // mbufs kept by the core without touching the pool's ring
    uint16_t data_room = RTE_MBUF_DEFAULT_BUF_SIZE;  // bytes, headroom (128) included
};

// Fills receive queues and is asked for new packets by its core only; any core may free into it.
class MbufPool {
  public:
    // Throws std::runtime_error that says how much memory was wanted.
    MbufPool(const std::string& name, const MbufPoolConfig& config, int socket);
    ~MbufPool() { rte_mempool_free(pool_); }
    MbufPool(const MbufPool&) = delete;
    MbufPool& operator=(const MbufPool&) = delete;

    rte_mempool* get() const { return pool_; }
    uint32_t free_count() const {
        return rte_mempool_avail_count(pool_);
    }  // a sum over all caches: not for the packet path
    uint32_t size() const { return pool_->size; }

  private:
    rte_mempool* pool_;
};

}  // namespace fedge::port
