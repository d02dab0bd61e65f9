// What a core tells the management thread without waiting: one writer, one reader, bounded; a row without room is lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace fedge::core {

template <typename Row, uint32_t kRows>
class ReportRing {
  public:
    // False: it was lost.
    bool put(const Row& row) {
        uint32_t head = head_.load(std::memory_order_relaxed);
        if (head - tail_.load(std::memory_order_acquire) == kRows) return false;
        rows_[head % kRows] = row;
        head_.store(head + 1, std::memory_order_release);
        return true;
    }
    bool take(Row& row) {
        uint32_t tail = tail_.load(std::memory_order_relaxed);
        if (tail == head_.load(std::memory_order_acquire)) return false;
        row = rows_[tail % kRows];
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

  private:
    static_assert((kRows & (kRows - 1)) == 0, "so that positions stay right when the counts wrap");

    std::array<Row, kRows> rows_;
    alignas(64) std::atomic<uint32_t> head_{0};
    alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace fedge::core
