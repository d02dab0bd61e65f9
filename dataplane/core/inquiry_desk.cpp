#include "dataplane/core/inquiry_desk.h"

#include <array>

namespace fedge::core {

InquiryDesk::InquiryDesk(uint16_t core, int socket, InquiryBox& outbox, Counters counters, Random& random)
    : core_(core),
      outbox_(outbox),
      inbox_("answers-" + std::to_string(core), kBoxSize, socket),
      inquiries_(kOnTheWay),
      questions_({}, *this, counters, HashKey::random(random)) {
    for (Inquiry& inquiry : inquiries_) free_.push_back(&inquiry);
}

uint32_t InquiryDesk::turn(Instant now) {
    uint32_t taken = 0;
    if (!inbox_.empty()) {
        std::array<Inquiry*, kPerTurn> answers;
        taken = inbox_.receive(answers);
        for (uint32_t i = 0; i < taken; i++) {
            Inquiry* inquiry = answers[i];
            switch (inquiry->kind) {
                case Inquiry::Kind::question:
                    questions_.answer(inquiry->key, inquiry->route, inquiry->keep, now);
                    [[fallthrough]];
                case Inquiry::Kind::unanswered: free_.push_back(inquiry); break;
                case Inquiry::Kind::news:
                    questions_.news(inquiry->domain.view(), inquiry->service, now);
                    outbox_.send(inquiry);  // there is room for all that exist
                    break;
            }
        }
    }
    questions_.advance(now);
    return taken;
}

bool InquiryDesk::carry(uint64_t key, const policy::RouteQuestion& question, Duration wait) {
    if (free_.empty()) return false;
    Inquiry* inquiry = free_.back();
    inquiry->kind = Inquiry::Kind::question;
    inquiry->core = core_;
    inquiry->key = key;
    inquiry->domain = question.domain;
    inquiry->via = question.via;
    inquiry->service = question.service;
    inquiry->srv_mode = question.srv_mode;
    inquiry->namespace_rule = question.namespace_rule;
    inquiry->wait = wait;
    if (!outbox_.send(inquiry)) return false;
    free_.pop_back();
    return true;
}

}  // namespace fedge::core
