// Lines that a core wants in the log: the management thread writes them, because writing may block.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/base/fixed_text.h"
#include "dataplane/contract/message_generated.h"
#include "dataplane/core/report_ring.h"

namespace fedge::core {

struct LogLine {
    contract::Severity severity = contract::Severity::info;
    FixedText<400> text;
};

class LogRing {
  public:
    void put(contract::Severity severity, std::string_view text) { lines_.put({severity, text}); }
    bool take(LogLine& line) { return lines_.take(line); }

  private:
    ReportRing<LogLine, 64> lines_;
};

}  // namespace fedge::core
