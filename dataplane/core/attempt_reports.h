// What came of connecting to servers of partners: from the cores to management, which counts and reports it to control
// for the order of its next answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "dataplane/base/address.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/core/report_ring.h"
#include "dataplane/policy/questions.h"
#include "message_generated.h"

namespace fedge::core {

struct Attempt {
    FixedText<policy::kMaxName> host;
    Endpoint endpoint;
    uint16_t code = 0;  // ms-diagnostics; 0: it was good
    FixedText<200> error;
};
using AttemptRing = ReportRing<Attempt, 256>;

// Management's part. Bounded: what is attempted at more places than it can count between two reports is not reported.
class AttemptReports {
  public:
    static constexpr size_t kMost = 2048;  // places
    static constexpr size_t kRows = 256;   // of a report, which must fit a message

    void add(const Attempt& attempt);
    bool empty() const { return counts_.empty(); }
    // Takes out up to kRows, as the body of a message.
    flatbuffers::Offset<contract::TargetReports> take(flatbuffers::FlatBufferBuilder& builder);
    void clear() { counts_.clear(); }

  private:
    struct Count {
        uint32_t good = 0;
        uint32_t failed = 0;
        uint16_t code = 0;  // of the last that failed
        FixedText<200> error;
    };
    std::map<std::pair<Endpoint, std::string>, Count> counts_;
};

}  // namespace fedge::core
