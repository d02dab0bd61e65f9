// A bounded queue of pointers between cores, many writers, one reader. What is sent changes owner. Full means false:
// the sender keeps the object and counts the drop; nobody ever waits.
#pragma once

#include <rte_ring.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace fedge {

template <typename T>
class Mailbox {
  public:
    // size: power of two. Throws std::runtime_error if the EAL has no memory left.
    Mailbox(const std::string& name, uint32_t size, int socket)
        : ring_(rte_ring_create(name.c_str(), size, socket, RING_F_SC_DEQ)) {
        if (!ring_) throw std::runtime_error("mailbox " + name + ": no memory");
    }
    ~Mailbox() { rte_ring_free(ring_); }
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    bool send(T* object) { return rte_ring_enqueue(ring_, object) == 0; }
    // How many of the burst were taken, from the front.
    uint32_t send(std::span<T*> objects) {
        return rte_ring_enqueue_burst(ring_, reinterpret_cast<void* const*>(objects.data()),
                                      static_cast<uint32_t>(objects.size()), nullptr);
    }
    uint32_t receive(std::span<T*> out) {
        return rte_ring_dequeue_burst(ring_, reinterpret_cast<void**>(out.data()), static_cast<uint32_t>(out.size()),
                                      nullptr);
    }
    // The reader's look before receive(), which costs more. rte_ring_empty reads the tails as if nobody wrote them.
    bool empty() const {
        return __atomic_load_n(&ring_->prod.tail, __ATOMIC_RELAXED) ==
               __atomic_load_n(&ring_->cons.tail, __ATOMIC_RELAXED);
    }

  private:
    rte_ring* ring_;
};

}  // namespace fedge
