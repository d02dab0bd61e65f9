#include "control/discovered/drop_alarm.h"

#include <string>

namespace fedge::control {

void DropAlarm::on_tick(std::optional<uint64_t> refused, int64_t now) {
    // Another dataplane counts anew, and a clock may be set back.
    if (!refused || !before_ || *refused < *before_ || now < since_) {
        before_ = refused;
        since_ = now;
        return;
    }
    int64_t time = now - since_;
    if (time < kPeriod) return;
    uint64_t rate = (*refused - *before_) / static_cast<uint64_t>(time);
    before_ = refused;
    since_ = now;
    Level level = rate >= kError ? Level::error : rate >= kWarning ? Level::warning : Level::quiet;
    if (level == level_) return;
    level_ = level;
    std::string text = std::to_string(rate) + " messages of unknown domains are refused each second";
    if (level == Level::error) {
        log_.error(text + "; `fedge show counters` tells the rest");
    } else if (level == Level::warning) {
        log_.warning(text);
    } else {
        log_.info("few messages of unknown domains are refused now");
    }
}

}  // namespace fedge::control
