// A question of a core where a partner is, on its way to management and back. The object belongs to the core, travels
// by mailbox, and comes back by mailbox with the answer in it; news travel the same way in objects of management.
#pragma once

#include <cstdint>

#include "dataplane/base/mailbox.h"
#include "dataplane/policy/questions.h"

namespace fedge::core {

struct Inquiry {
    enum class Kind : uint8_t {
        question,    // of a core; on the way back with an answer
        unanswered,  // of a core; on the way back without one
        news,        // of management: something has changed about the domain
    };

    Kind kind = Kind::question;
    uint16_t core = 0;
    uint64_t key = 0;  // of the core's Questions
    FixedText<policy::kMaxName> domain;
    FixedText<policy::kMaxName> via;
    contract::Discoverable service{};
    contract::SrvMode srv_mode{};
    bool namespace_rule = false;
    Duration wait{};
    // Out.
    policy::Route route;
    Duration keep{};
};

using InquiryBox = Mailbox<Inquiry>;

}  // namespace fedge::core
