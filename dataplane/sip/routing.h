// Where a message goes: the proxy of RFC 3261 sections 16.3 to 16.7 and 16.11 without state, as far as the message
// itself and what this edge signed into it decide. What policy, discovery and connections decide comes behind: see
// Action. Pure functions; nothing is changed, and views point into the message.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/sip/flow_token.h"
#include "dataplane/sip/message.h"

namespace fedge::sip {

// Which SIP domains are ours.
class Domains {
  public:
    virtual bool is_internal(std::string_view host) const = 0;

  protected:
    ~Domains() = default;
};

// Who this edge is. Views belong to the configuration.
struct Site {
    struct Names {
        std::span<const std::string_view> hosts;  // names and addresses; the first stands in Via and Record-Route
        uint16_t port = 5061;
        uint16_t other_port = 0;  // that means us as well; 0: none
    };
    std::array<Names, 2> sides;                            // by Side
    const Domains* domains = nullptr;                      // never null in use
    std::span<const std::string_view> proxy_extensions{};  // option tags for Proxy-Require
    bool transit = false;  // what comes from outside may leave outside: this edge is a clearing house

    const Names& names(Side side) const { return sides[static_cast<size_t>(side)]; }
    // It names this edge, on whichever side. Port 0 stands for the one that is listened on.
    bool is_own(std::string_view host, uint16_t port) const;
};

enum class RouteFault : uint8_t {
    none,
    unsupported_scheme,  // of the Request-URI
    too_many_hops,       // Max-Forwards is used up
    looped,              // RFC 5393
    too_broad,           // Max-Breadth is used up
    bad_breadth,
    bad_extension,        // Proxy-Require
    forged_record_route,  // from outside, with our name and without our signature
    invalid_route,        // a Route of ours that is not, or no longer, signed for this dialog
    foreign_route,        // from outside, to somewhere else
    foreign_target,       // from outside, to a domain that is not ours
    internal_target,      // from inside, to a domain of ours
    own_target,           // to this edge itself
    // of responses
    foreign_via,  // the topmost Via is not ours
    invalid_via,  // ... or not, or no longer, signed for this transaction
    wrong_side,   // from outside, to a request from outside
};
std::string_view name(RouteFault fault);
// The response that tells it; 0: of responses. And the code for ms-diagnostics-public; 0: none.
uint16_t status(RouteFault fault);
uint32_t diagnostics(RouteFault fault);

enum class Action : uint8_t {
    answer,   // with status()
    discard,  // with a fault that cannot be answered: ACK, BENOTIFY, responses
    flow,     // on this connection, or one to the same peer; if there is none: to `hop`, or as `inside`
    inside,   // to one of the front ends
    domain,   // to a partner, as policy and discovery say for `domain`; `hop` is what the route set names. From
              // outside: only within a dialog between two partners of a clearing house
    local,    // a response to a request of our own
};

struct NextHop {
    std::string_view host;  // empty: none named
    uint16_t port = 0;      // 0: none named
    bool secure = false;    // sips
};

struct RequestRoute {
    Action action = Action::answer;
    RouteFault fault = RouteFault::none;
    uint16_t status = 0;     // answer: 200 (OPTIONS to this edge) or that of the fault
    Flow flow;               // action flow
    bool in_dialog = false;  // our signature shows that the dialog began here and was let through
    NextHop hop;
    std::string_view domain;  // of the target, as policy sees it
    // What changes in the message.
    uint8_t own_routes = 0;        // values to take off the top of Route
    bool restores_target = false;  // the last Route becomes the Request-URI: a strict router was before us
    bool strict_next = false;      // the Request-URI becomes the last Route: a strict router comes behind us
    std::string_view request_uri;  // empty: as it is
    std::string_view target;       // strict_next: what goes to the end of Route
    uint8_t max_forwards = 70;
    bool adds_breadth = false;  // RFC 5393 section 5.3.3: Max-Breadth was absent
    bool record_route = false;
};

// `from`: the connection that it came on.
RequestRoute route_request(const Message& request, const Flow& from, const Site& site, const FlowTokens& tokens,
                           uint64_t unix_now);

struct ResponseRoute {
    Action action = Action::discard;  // flow, local, discard
    RouteFault fault = RouteFault::none;
    Flow flow;
};

ResponseRoute route_response(const Message& response, const Flow& from, const Site& site, const FlowTokens& tokens,
                             uint64_t unix_now);

// The name of our Via parameter that holds the flow of arrival.
inline constexpr std::string_view kFlowParameter = "f";
// ... and of the one that says that names in the message were changed, and by what they are changed back.
inline constexpr std::string_view kNamesParameter = "n";

// The option tags of Proxy-Require that are not known here, for Unsupported (RFC 3261 section 16.3 step 5). 0 if it
// does not fit.
size_t write_unsupported(const Message& request, const Site& site, MutableBytes out);

}  // namespace fedge::sip
