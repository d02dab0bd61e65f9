#include "dataplane/policy/partner.h"

namespace fedge::policy {

Partner look_up(const View& view, std::string_view domain) {
    Partner partner{view.verdicts.domain(domain), false};
    if (partner.allowed() || partner.blocked()) return partner;
    contract::DomainVerdict pattern = view.config.pattern(domain, view.scratch);
    if (pattern.rule == contract::Rule::none) return partner;
    return {pattern, true};
}

}  // namespace fedge::policy
