// May this message leave, and where does it go? The steps of outbound evaluation in their order, as one pure function:
// user policy, blocked list, server named by the operator, SRV of an allowed domain, SRV by discovery, error. If an SRV
// target is the server of an enabled provider, the provider's rules apply.
#pragma once

#include "dataplane/policy/decision.h"

namespace fedge::policy {

// `transit`: the message came in by inbound() with outcome forward, and its sender is no user of ours.
// `route`: what was found about what was asked for; null while nobody has asked.
Decision outbound(const View& view, const Request& request, const RouteFacts* route = nullptr, bool transit = false,
                  Trace* trace = nullptr);

}  // namespace fedge::policy
