// A core's end of its questions to control: what it knows of partners' whereabouts, the objects that travel, and what
// came of connecting to partners.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/core/attempt_reports.h"
#include "dataplane/core/inquiry.h"
#include "dataplane/policy/questions.h"

namespace fedge::core {

class InquiryDesk final : private policy::QuestionCarrier {
  public:
    static constexpr uint32_t kOnTheWay = 256;     // questions at a time
    static constexpr uint32_t kNewsOnTheWay = 16;  // from management to each core at a time
    static constexpr uint32_t kBoxSize = 512;      // holds all of them
    static constexpr uint32_t kPerTurn = 8;        // answers that are taken in a turn of the loop

    // `outbox`: to management; it has room for what all cores can have on the way. Heap here only. Throws
    // std::runtime_error when there is not enough memory.
    InquiryDesk(uint16_t core, int socket, InquiryBox& outbox, Counters counters, Random& random);

    policy::Questions& questions() { return questions_; }
    // To management.
    AttemptRing& attempts() { return attempts_; }
    // From management.
    InquiryBox& inbox() { return inbox_; }

    // Takes answers and ends questions whose time is over. Returns how much there was to do.
    uint32_t turn(Instant now);

  private:
    bool carry(uint64_t key, const policy::RouteQuestion& question, Duration wait) override;

    uint16_t core_;
    InquiryBox& outbox_;
    InquiryBox inbox_;
    std::vector<Inquiry> inquiries_;
    std::vector<Inquiry*> free_;
    policy::Questions questions_;
    AttemptRing attempts_;
};

}  // namespace fedge::core
