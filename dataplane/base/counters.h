// Per-core counters in memory that control can read. One writer per block; plain stores, no atomics needed by x86-64
// and arm64 for whole 64-bit values, but written through volatile-free relaxed atomics so that the compiler keeps them
// whole.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/contract/counters.h"

namespace fedge {

using contract::Counter;
using contract::Drop;

// A core's handle on its block.
class Counters {
  public:
    explicit Counters(contract::CounterBlock& block) : block_(&block) {}

    void add(Counter c, uint64_t n = 1) { bump(block_->values[static_cast<size_t>(c)], n); }
    void drop(Drop d, uint64_t n = 1) { bump(block_->drops[static_cast<size_t>(d)], n); }
    // From any thread.
    uint64_t value(Counter c) const { return whole(block_->values[static_cast<size_t>(c)]); }
    uint64_t value(Drop d) const { return whole(block_->drops[static_cast<size_t>(d)]); }

  private:
    static uint64_t whole(uint64_t& cell) { return std::atomic_ref<uint64_t>(cell).load(std::memory_order_relaxed); }
    static void bump(uint64_t& cell, uint64_t n) {
        std::atomic_ref<uint64_t> ref(cell);
        ref.store(ref.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    contract::CounterBlock* block_;
};

// The memory behind all cores' counters: a memfd whose descriptor is handed to control.
class CounterMemory {
  public:
    // Throws std::system_error.
    explicit CounterMemory(uint32_t cores);
    ~CounterMemory();
    CounterMemory(const CounterMemory&) = delete;
    CounterMemory& operator=(const CounterMemory&) = delete;

    Counters core(uint32_t index) { return Counters{blocks_[index]}; }
    int descriptor() const { return fd_; }  // owned by this object

  private:
    int fd_ = -1;
    void* memory_ = nullptr;
    size_t bytes_ = 0;
    contract::CounterBlock* blocks_ = nullptr;
};

}  // namespace fedge
