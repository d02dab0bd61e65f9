#include "control/federation/access.h"

#include <algorithm>

namespace fedge::control {

Side side_of(const Config& config, const ListenerConfig& listener) {
    for (const InterfaceConfig& one : config.interfaces)
        if (one.name == listener.interface) return one.role;
    return Side::external;
}

std::vector<Endpoint> sip_endpoints(const Config& config, Side side) {
    std::vector<Endpoint> out;
    auto add = [&](const Endpoint& endpoint) {
        if (std::ranges::find(out, endpoint) == out.end()) out.push_back(endpoint);
    };
    for (const ListenerConfig& listener : config.listeners)
        if (listener.service == Service::sip_tls && side_of(config, listener) == side) add(listener.endpoint);
    if (!out.empty()) return out;
    for (const ListenerConfig& listener : config.listeners)
        if (side == Side::external && speaks_tls(listener.service) && side_of(config, listener) == side)
            add({listener.endpoint.address, kSipPort});
    if (!out.empty()) return out;
    for (const InterfaceConfig& one : config.interfaces)
        if (one.role == side)
            for (const Prefix& prefix : one.addresses) add({prefix.address, kSipPort});
    return out;
}

}  // namespace fedge::control
