// What the proxy asks of those who know about partners: where they are, and whether a discovered one may send one more
// message. It tells them what came of connecting there. core/ answers from the tables of its core.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/policy/decision.h"
#include "dataplane/signal/sip/held_messages.h"
#include "dataplane/signal/sip/hop_failure.h"

namespace fedge::signal {

// One server of a route; views are good until the core's tables change, which is never within a call of the proxy.
struct FoundTarget {
    std::string_view host;
    uint16_t port = 0;
    std::span<const IpAddress> addresses;
};

struct FoundRoute {
    contract::Finding finding = contract::Finding::failed;
    uint16_t code = 0;                     // ms-diagnostics; 0: none
    uint64_t version = 0;                  // another one when anything of it has changed; never 0
    std::span<const FoundTarget> targets;  // in the order in which they are to be tried
};

class PartnerFinder {
  public:
    virtual ~PartnerFinder() = default;

    enum class Answer : uint8_t {
        known,    // `route` says it
        pending,  // SipProxy::on_route(key) will be called when it is known
        full,     // too much is being asked already
    };
    // Where `domain`, or the server ask.via, is.
    virtual Answer find(std::string_view domain, const policy::Ask& ask, FoundRoute& route, uint64_t& key) = 0;
    // Counts one message of a discovered partner to this user of ours.
    virtual policy::Admission admit(std::string_view domain, std::string_view user, std::string_view user_domain) = 0;
    // A final response went to this domain. Of those who are no discovered partners nothing is kept.
    virtual void on_final(std::string_view domain, uint16_t status) = 0;
    // What came of connecting to a server of a route: one that answers, or none.
    // `failure`: why there is none; null: it was good.
    virtual void on_attempt(std::string_view host, const Endpoint& endpoint, const HopFailure* failure) = 0;
};

}  // namespace fedge::signal
