// What is known of a partner's domain, wherever it was said.
#pragma once

#include <string_view>

#include "dataplane/policy/config.h"

namespace fedge::policy {

struct Partner {
    contract::DomainVerdict verdict;
    bool by_pattern = false;

    bool allowed() const { return verdict.rule == contract::Rule::allowed; }
    bool blocked() const { return verdict.rule == contract::Rule::blocked; }
};

// Entries by name come first, then patterns, then what is remembered of discovered partners. `domain` in lower case.
Partner look_up(const View& view, std::string_view domain);

}  // namespace fedge::policy
