// Tells the operator when messages of unknown domains are refused at a rate that looks like a probe or a mistake in the
// configuration.
#pragma once

#include <cstdint>
#include <optional>

#include "control/log.h"

namespace fedge::control {

class DropAlarm {
  public:
    static constexpr uint64_t kWarning = 5;  // refused messages per second
    static constexpr uint64_t kError = 10;
    static constexpr int64_t kPeriod = 10;  // seconds over which the rate is taken

    explicit DropAlarm(Log& log) : log_(log) {}

    // `refused`: all since the dataplane started, by its counters; nothing without a dataplane. Time in Unix seconds;
    // call about once a second.
    void on_tick(std::optional<uint64_t> refused, int64_t now);

  private:
    enum class Level : uint8_t { quiet, warning, error };

    Log& log_;
    Level level_ = Level::quiet;
    std::optional<uint64_t> before_;
    int64_t since_ = 0;
};

}  // namespace fedge::control
