#include "control/settings/check.h"

#include <algorithm>
#include <map>
#include <set>

namespace fedge::control {
namespace {

// Each relay address costs the dataplane a table of its ports.
constexpr uint64_t kMaxRelayAddresses = 1024;

bool unusable(const IpAddress& a) {
    return a.is_unspecified() || a.is_multicast() || a.is_loopback();
}

bool overlap(const Prefix& a, const Prefix& b) {
    return a.address.is_v4() == b.address.is_v4() &&
           (a.length <= b.length ? a.contains(b.address) : b.contains(a.address));
}

void check_addresses(const InterfaceConfig& interface, std::vector<Problem>& errors) {
    std::string key = "interface." + interface.name + ".address";
    if (interface.addresses.empty()) {
        errors.push_back({key, "interface " + interface.name + " has no address", "set " + key + " ADDRESS/LENGTH"});
    }
    for (const auto& prefix : interface.addresses) {
        if (unusable(prefix.address)) {
            errors.push_back(
                {key, prefix.address.text() + " cannot be the address of an interface", "give a unicast address"});
        }
        if (prefix.length < (prefix.address.is_v4() ? 97 : 1)) {
            errors.push_back(
                {key, prefix.text() + " makes every address on-link", "give the length of the real subnet"});
        }
        AddressRange subnet = range_of(prefix);
        if (prefix.address.is_v4() && prefix.length < 127 &&
            (prefix.address == subnet.first || prefix.address == subnet.last)) {
            errors.push_back(
                {key, prefix.text() + " is the network or broadcast address of its subnet", "give a host address"});
        }
    }
}

void check_gateways(const InterfaceConfig& interface, std::vector<Problem>& errors) {
    std::string key = "interface." + interface.name + ".gateway";
    std::set<Family> families;
    for (const auto& gateway : interface.gateways) {
        if (!families.insert(gateway.family()).second) {
            errors.push_back({key, "interface " + interface.name + " has two gateways of one address family",
                              "give one IPv4 and one IPv6 gateway at most"});
        }
        bool link_local = !gateway.is_v4() && gateway.is_link_local();
        bool reached = std::any_of(interface.addresses.begin(), interface.addresses.end(), [&](const Prefix& p) {
            return p.address.is_v4() == gateway.is_v4() && p.contains(gateway) && p.address != gateway;
        });
        if (!reached && !link_local) {
            errors.push_back({key, "gateway " + gateway.text() + " is in no subnet of interface " + interface.name,
                              "give a gateway within interface." + interface.name + ".address"});
        }
    }
}

void check_pairs(const InterfaceConfig& a, const InterfaceConfig& b, std::vector<Problem>& errors) {
    if (!a.port.empty() && a.port == b.port && a.vlan == b.vlan) {
        errors.push_back({"interface." + b.name + ".vlan",
                          "interfaces " + a.name + " and " + b.name + " are both VLAN " + std::to_string(a.vlan) +
                              " of port " + a.port,
                          "give one of them another vlan or another port"});
    }
    for (const auto& p : a.addresses) {
        for (const auto& q : b.addresses) {
            if (!overlap(p, q)) continue;
            errors.push_back(
                {"interface." + b.name + ".address",
                 "subnets " + p.text() + " of " + a.name + " and " + q.text() + " of " + b.name + " overlap",
                 "give each interface subnets of its own"});
        }
    }
}

}  // namespace

const InterfaceConfig* owner_of(const Config& config, const IpAddress& address) {
    for (const auto& interface : config.interfaces) {
        for (const auto& prefix : interface.addresses) {
            if (prefix.address == address) return &interface;
        }
    }
    return nullptr;
}

const InterfaceConfig* on_link(const Config& config, const IpAddress& address) {
    const InterfaceConfig* best = nullptr;
    uint8_t longest = 0;
    for (const auto& interface : config.interfaces) {
        for (const auto& prefix : interface.addresses) {
            if (prefix.address.is_v4() != address.is_v4() || !prefix.contains(address)) continue;
            if (best && prefix.length <= longest) continue;
            best = &interface;
            longest = prefix.length;
        }
    }
    return best;
}

void check_interfaces(const Config& config, std::vector<Problem>& errors) {
    for (size_t i = 0; i < config.interfaces.size(); i++) {
        const InterfaceConfig& interface = config.interfaces[i];
        if (interface.port.empty()) {
            std::string key = "interface." + interface.name + ".port";
            errors.push_back({key, "interface " + interface.name + " has no port",
                              "set " + key +
                                  " to the NAME of a [port.NAME] in the boot configuration, or unset interface." +
                                  interface.name});
        }
        check_addresses(interface, errors);
        check_gateways(interface, errors);
        for (size_t j = 0; j < i; j++) check_pairs(config.interfaces[j], interface, errors);
    }
}

void add_relay_pool(Config& config, const std::string& value, const AddressRange& range, std::vector<Problem>& errors) {
    auto refuse = [&](const std::string& what, const std::string& fix) {
        errors.push_back({"turn.relay-address", what, fix});
    };
    auto& relay = config.turn.relay_addresses;
    if (range.size() + relay.size() > kMaxRelayAddresses) {
        return refuse(value + " makes more than " + std::to_string(kMaxRelayAddresses) + " relay addresses",
                      "give smaller pools");
    }
    bool pool = range.size() > 1;
    for (uint64_t i = 0; i < range.size(); i++) {
        IpAddress address = advance(range.first, i);
        const InterfaceConfig* interface = on_link(config, address);
        if (unusable(address) || !interface) {
            return refuse("relay address " + address.text() + " is in no subnet of an interface",
                          "give addresses within interface.NAME.address, or widen the subnet there");
        }
        auto edge_of_subnet = [&](const Prefix& p) {
            return address.is_v4() && p.address.is_v4() && p.length < 127 &&
                   (range_of(p).first == address || range_of(p).last == address);
        };
        if (std::any_of(interface->addresses.begin(), interface->addresses.end(), edge_of_subnet)) {
            if (pool) continue;
            return refuse(address.text() + " is the network or broadcast address of its subnet", "give a host address");
        }
        const auto& gateways = interface->gateways;
        if (std::find(gateways.begin(), gateways.end(), address) != gateways.end()) {
            return refuse("relay address " + address.text() + " is the gateway of interface " + interface->name,
                          "leave it out, for example with two FIRST-LAST ranges");
        }
        auto same = [&](const RelayAddressConfig& r) { return r.address == address; };
        if (std::any_of(relay.begin(), relay.end(), same)) {
            return refuse("relay address " + address.text() + " is there twice", "give pools that do not overlap");
        }
        relay.push_back({address, address});
    }
}

void check_listeners(const Config& config, std::vector<Problem>& errors) {
    const TurnConfig& turn = config.turn;
    std::map<std::string, Service> streams;
    for (const auto& listener : config.listeners) {
        const std::string key = setting_of(listener.service);
        const std::string endpoint = listener.endpoint.text();
        if (listener.service != Service::turn_udp) {
            if (auto [other, added] = streams.emplace(endpoint, listener.service); !added) {
                errors.push_back({key, endpoint + " is in " + setting_of(other->second) + " too",
                                  "one TCP port has one service: take it out of one of them; shared.listen serves TURN "
                                  "over TLS and SIP on one port"});
            }
        }
        auto same = [&](const RelayAddressConfig& r) { return r.address == listener.endpoint.address; };
        if (listener.endpoint.port < turn.port_first || listener.endpoint.port > turn.port_last) continue;
        if (std::none_of(turn.relay_addresses.begin(), turn.relay_addresses.end(), same)) continue;
        errors.push_back({key, endpoint + " lies within the relay ports of a relay address",
                          "listen on a port outside " + std::to_string(turn.port_first) + "-" +
                              std::to_string(turn.port_last) + ", or on an address that is no relay address"});
    }
}

void check_shared_names(const TlsConfig& tls, std::vector<Problem>& errors) {
    for (const auto& name : tls.sip_names) {
        if (std::find(tls.turn_names.begin(), tls.turn_names.end(), name) == tls.turn_names.end()) continue;
        errors.push_back({"shared.sip-name", name + " is in shared.turn-name too",
                          "a name means one service: take it out of one of them"});
    }
}

void check_turn(const Config& config, std::vector<Problem>& errors) {
    const TurnConfig& turn = config.turn;
    if (turn.relay_addresses.empty() && !config.interfaces.empty()) {
        errors.push_back({"turn.relay-address", "there is no relay address",
                          "set turn.relay-address, or give an external interface an address"});
    }
    if (turn.port_first >= turn.port_last) {
        errors.push_back({"turn.port-first",
                          "the relay ports " + std::to_string(turn.port_first) + " to " +
                              std::to_string(turn.port_last) + " are no range",
                          "set turn.port-first below turn.port-last"});
    }
    if (turn.default_lifetime_s > turn.max_lifetime_s) {
        errors.push_back({"turn.lifetime-default", "turn.lifetime-default is longer than turn.lifetime-max",
                          "lower turn.lifetime-default or raise turn.lifetime-max"});
    }
    std::map<IpAddress, IpAddress> advertised;
    for (const auto& relay : turn.relay_addresses) {
        std::string key = "turn.advertise." + relay.address.text();
        if (relay.address.is_v4() != relay.advertised.is_v4() || unusable(relay.advertised)) {
            errors.push_back({key, relay.advertised.text() + " cannot be advertised for " + relay.address.text(),
                              "give a unicast address of the same address family"});
        }
        if (auto [other, added] = advertised.emplace(relay.advertised, relay.address); !added) {
            errors.push_back({key,
                              "relay addresses " + other->second.text() + " and " + relay.address.text() +
                                  " would both be advertised as " + relay.advertised.text(),
                              "give them different addresses with turn.advertise." + other->second.text() + " and " +
                                  key + "; without a setting a relay address is advertised as itself"});
        }
    }
}

void collect_warnings(const Config& config, std::vector<Problem>& warnings) {
    if (config.interfaces.empty()) {
        warnings.push_back({"interface.NAME.port", "no interface is configured, so nothing is served",
                            "set interface.NAME.port and interface.NAME.address, then commit"});
        return;
    }
    if (std::none_of(config.interfaces.begin(), config.interfaces.end(),
                     [](const auto& i) { return !i.gateways.empty(); }) &&
        config.routes.empty()) {
        warnings.push_back({"interface.NAME.gateway",
                            "there is neither a gateway nor a route, so only the subnets of the interfaces are reached",
                            "set interface.NAME.gateway"});
    }
}

}  // namespace fedge::control
