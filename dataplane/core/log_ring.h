// Lines that a core wants in the log: the management thread writes them, because writing may block. One writer, one
// reader, bounded; a line without room is lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/base/fixed_text.h"
#include "dataplane/contract/message_generated.h"

namespace fedge::core {

struct LogLine {
    contract::Severity severity = contract::Severity::info;
    FixedText<400> text;
};

class LogRing {
  public:
    static constexpr uint32_t kLines = 64;

    void put(contract::Severity severity, std::string_view text) {
        uint32_t head = head_.load(std::memory_order_relaxed);
        if (head - tail_.load(std::memory_order_acquire) == kLines) return;
        lines_[head % kLines] = {severity, text};
        head_.store(head + 1, std::memory_order_release);
    }
    bool take(LogLine& line) {
        uint32_t tail = tail_.load(std::memory_order_relaxed);
        if (tail == head_.load(std::memory_order_acquire)) return false;
        line = lines_[tail % kLines];
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

  private:
    std::array<LogLine, kLines> lines_;
    alignas(64) std::atomic<uint32_t> head_{0};
    alignas(64) std::atomic<uint32_t> tail_{0};
};

}  // namespace fedge::core
