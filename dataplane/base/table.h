// One array of the packet path: zeroed, on huge pages when the EAL has them, on the given NUMA node, taken once at
// start.
#pragma once

#include <rte_malloc.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace fedge {

template <typename T>
class Table {
    static_assert(std::is_trivially_destructible_v<T>);

  public:
    // Throws std::runtime_error if the EAL has not enough memory. The elements start as all-zero bytes.
    Table(const char* what, size_t count, int socket)
        : data_(static_cast<T*>(rte_zmalloc_socket(what, count ? count * sizeof(T) : sizeof(T), kAlignment, socket))),
          count_(count) {
        if (!data_)
            throw std::runtime_error("no memory for " + std::to_string(count * sizeof(T)) + " bytes of " + what +
                                     ": lower max-allocations or the limit behind it, or give the EAL more memory");
    }
    ~Table() { rte_free(data_); }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    T& operator[](size_t i) { return data_[i]; }
    const T& operator[](size_t i) const { return data_[i]; }
    T* data() { return data_; }
    size_t size() const { return count_; }
    size_t bytes() const { return count_ * sizeof(T); }
    std::span<T> span() { return {data_, count_}; }

  private:
    static constexpr size_t kAlignment = alignof(T) < 64 ? 64 : alignof(T);
    T* data_;
    size_t count_;
};

}  // namespace fedge
