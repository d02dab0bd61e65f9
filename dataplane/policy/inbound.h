// May this message from outside come in? The steps of inbound evaluation in their order, as one pure function: used by
// cores for every message and by control to explain, on the same data.
//
// Constant time for a given number of names in the certificate; no heap, no clock. With a Trace it makes texts.
#pragma once

#include "dataplane/policy/decision.h"

namespace fedge::policy {

// `route`: what was found about the source domain; null while nobody has asked. `admission`: of the source domain.
// Outcome ask names what is missing; call again when it is known. If the peer came with a Config that is no longer
// view's, it is judged anew by its names.
//
// When outcome is deliver, deliver_to_contacts or forward, the caller keeps Decision::trust() in Peer::fixed if nothing
// is there yet.
Decision inbound(const View& view, const Peer& peer, const Request& request, const RouteFacts* route = nullptr,
                 Admission admission = Admission::not_asked, Trace* trace = nullptr);

}  // namespace fedge::policy
