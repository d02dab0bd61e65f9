#include "control/discovery/route.h"

#include <algorithm>

namespace fedge::control::discovery {
namespace {

auto sorted(std::vector<Target> targets) {
    for (auto& target : targets) std::ranges::sort(target.addresses);
    std::ranges::sort(targets, {}, [](const Target& t) { return std::tie(t.host, t.port, t.direct_tls, t.addresses); });
    return targets;
}

}  // namespace

const char* name_of(Service service) {
    switch (service) {
        case Service::sip: return "sip";
        case Service::sip_clients: return "sip-clients";
        case Service::xmpp: return "xmpp";
        case Service::tlsa: return "tlsa";
    }
    return "";
}

const char* name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::found: return "found";
        case Outcome::not_found: return "not-found";
        case Outcome::refused: return "refused";
        case Outcome::failed: return "failed";
    }
    return "";
}

bool same_targets(const Route& a, const Route& b) {
    return sorted(a.targets) == sorted(b.targets) && a.tlsa == b.tlsa;
}

}  // namespace fedge::control::discovery
