#include "dataplane/core/partner_desk.h"

namespace fedge::core {

signal::PartnerFinder::Answer PartnerDesk::find(std::string_view domain, const policy::Ask& ask,
                                                signal::FoundRoute& route, uint64_t& key) {
    policy::RouteQuestion question;
    question.domain = domain;
    question.srv_mode = ask.srv_mode;
    question.via = ask.via;
    question.namespace_rule = ask.namespace_rule;
    policy::Questions::Found found = questions_.find(question, now_);
    key = found.key;
    if (found.state == policy::Questions::Found::State::pending) return Answer::pending;
    if (found.state == policy::Questions::Found::State::full) return Answer::full;
    size_t count = 0;
    for (const policy::RouteTarget& target : found.route->targets())
        targets_[count++] = {target.host.view(), target.port, target.addresses()};
    route = {found.route->finding, found.route->code, found.route->version, {targets_.data(), count}};
    return Answer::known;
}

policy::Admission PartnerDesk::admit(std::string_view domain, std::string_view user, std::string_view user_domain) {
    bool was_suspicious = config_->verdicts.view().domain(domain).suspicious;
    return partners_.admit(domain, user, user_domain, was_suspicious, config_->partner_limits, now_);
}

void PartnerDesk::on_final(std::string_view domain, uint16_t status) {
    partners_.on_final(domain, status, config_->partner_limits, now_);
}

}  // namespace fedge::core
