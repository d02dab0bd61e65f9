// Verification levels: what the word of a partner about its senders is worth. They limit who may reach our users; they
// never limit whom our users may reach.
#pragma once

#include "dataplane/policy/peer.h"

namespace fedge::policy {

// What the message itself says of its sender (the trust header of the partner's edge).
enum class SourceMark : uint8_t { missing, verified, unverified };

enum class Verified : uint8_t { no, yes, rejected };

// A message that says nothing, where the message counts: refused from providers and partners whom the operator named,
// unverified from the default route and from discovered partners, of whom nobody said what they send.
Verified verify(contract::Verification level, PartnerType type, SourceMark mark);

std::string_view name(contract::Verification level);  // "always verifiable"

}  // namespace fedge::policy
