#include "dataplane/port/mbuf_pool.h"

#include <rte_errno.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace fedge::port {

MbufPool::MbufPool(const std::string& name, const MbufPoolConfig& config, int socket) {
    uint32_t count = std::bit_ceil(config.mbufs + 1) - 1;
    // The pool refuses a cache that could hold more than two thirds of it.
    uint32_t cache = std::min({config.cache, uint32_t{RTE_MEMPOOL_CACHE_MAX_SIZE}, count / 2});
    pool_ = rte_pktmbuf_pool_create(name.c_str(), count, cache, 0, config.data_room, socket);
    if (!pool_) {
        uint64_t bytes = uint64_t{count} * (config.data_room + sizeof(rte_mbuf) + 64);
        throw std::runtime_error("pools.mbufs-per-core: no memory for " + std::to_string(count) +
                                 " packet buffers of a core (about " + std::to_string(bytes >> 20) +
                                 " MiB): " + rte_strerror(rte_errno) +
                                 "; lower it, or raise eal.memory or the number of hugepages");
    }
}

}  // namespace fedge::port
