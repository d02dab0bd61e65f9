#include "dataplane/policy/verification.h"

namespace fedge::policy {

Verified verify(contract::Verification level, PartnerType type, SourceMark mark) {
    switch (level) {
        case contract::Verification::always_verifiable: return Verified::yes;
        case contract::Verification::always_unverifiable: return Verified::no;
        case contract::Verification::use_source: break;
    }
    if (mark == SourceMark::verified) return Verified::yes;
    if (mark == SourceMark::unverified) return Verified::no;
    bool nobody_said = type == PartnerType::default_route || type == PartnerType::discovered;
    return nobody_said ? Verified::no : Verified::rejected;
}

std::string_view name(contract::Verification level) {
    switch (level) {
        case contract::Verification::always_verifiable: return "always verifiable";
        case contract::Verification::always_unverifiable: return "always unverifiable";
        case contract::Verification::use_source: return "as the message says";
    }
    return "";
}

}  // namespace fedge::policy
