// Keys to structures. What the structures must fulfil together is in check.cpp.
#include <algorithm>
#include <map>

#include "control/settings/check.h"
#include "control/settings/config.h"
#include "control/settings/discovery.h"
#include "control/settings/federation_check.h"
#include "control/settings/reader.h"

namespace fedge::control {
namespace {

constexpr uint16_t kTurnPort = 3478;

std::vector<InterfaceConfig> read_interfaces(const Reader& reader) {
    std::vector<InterfaceConfig> out;
    for (const auto& name : reader.names("interface.")) {
        std::string key = "interface." + name + ".";
        out.push_back({name, reader.side(key + "role"), reader.text(key + "port"),
                       reader.number<uint16_t>(key + "vlan"), reader.number<uint16_t>(key + "mtu"),
                       reader.prefixes(key + "address"), reader.addresses(key + "gateway")});
    }
    return out;
}

std::vector<AccessConfig> read_access(const Reader& reader, std::vector<Problem>& errors) {
    std::multimap<uint32_t, AccessConfig> by_order;
    for (const auto& name : reader.names("access.")) {
        std::string key = "access." + name + ".";
        auto sources = reader.prefixes(key + "source");
        if (sources.empty()) {
            std::string fix = "set " + key;
            fix += "source to the networks that it is for, or unset access." + name;
            errors.push_back({key + "source", "access rule " + name + " has no source", fix});
        }
        for (const auto& source : sources) {
            by_order.emplace(
                reader.number<uint32_t>(key + "order"),
                AccessConfig{name, reader.side(key + "role"), source, reader.text(key + "action") == "allow"});
        }
    }
    std::vector<AccessConfig> out;
    for (auto& [order, rule] : by_order) out.push_back(std::move(rule));
    return out;
}

// The first address of each family.
std::vector<IpAddress> first_addresses(const InterfaceConfig& interface) {
    std::vector<IpAddress> out;
    for (Family family : {Family::ipv4, Family::ipv6}) {
        for (const auto& prefix : interface.addresses) {
            if (prefix.address.family() != family) continue;
            out.push_back(prefix.address);
            break;
        }
    }
    return out;
}

void read_listeners(const Reader& reader, Config& config, std::vector<Problem>& errors) {
    if (reader.endpoints(setting_of(Service::turn_udp)).empty()) {
        for (const auto& interface : config.interfaces) {
            for (const auto& address : first_addresses(interface)) {
                config.listeners.push_back({interface.name, {address, kTurnPort}, Service::turn_udp});
            }
        }
    }
    for (Service service :
         {Service::turn_udp, Service::turn_tcp, Service::turn_tls, Service::shared_tls, Service::sip_tls}) {
        for (const auto& endpoint : reader.endpoints(setting_of(service))) {
            const InterfaceConfig* owner = owner_of(config, endpoint.address);
            if (owner) {
                config.listeners.push_back({owner->name, endpoint, service});
            } else {
                errors.push_back({setting_of(service), endpoint.address.text() + " is no address of an interface",
                                  "add it to interface.NAME.address, or listen on an address that is there"});
            }
        }
    }
}

void read_relay_addresses(const Reader& reader, Config& config, std::vector<Problem>& errors) {
    auto& relay = config.turn.relay_addresses;
    Values values = reader.list("turn.relay-address");
    if (values.empty()) {
        for (const auto& interface : config.interfaces) {
            if (interface.role != Side::external) continue;
            for (const auto& address : first_addresses(interface)) relay.push_back({address, address});
        }
    }
    for (const auto& value : values) add_relay_pool(config, value, *parse_addresses(value), errors);
    for (const auto& name : reader.names("turn.advertise.")) {
        auto address = IpAddress::parse(name);
        auto found = std::find_if(relay.begin(), relay.end(), [&](const auto& r) { return r.address == *address; });
        std::string key = "turn.advertise." + name;
        if (found == relay.end()) {
            errors.push_back({key, name + " is no relay address", "add it to turn.relay-address, or unset " + key});
        } else {
            found->advertised = *IpAddress::parse(reader.text(key));
        }
    }
}

void read_routes(const Reader& reader, Config& config, std::vector<Problem>& errors) {
    for (const auto& name : reader.names("route.")) {
        std::string key = "route." + name;
        RouteConfig route{*Prefix::parse(name), *IpAddress::parse(reader.text(key)), {}};
        if (route.destination.address.is_v4() != route.gateway.is_v4()) {
            errors.push_back({key, "gateway " + route.gateway.text() + " is of another address family than " + name,
                              "give a gateway of the family of the network"});
        } else if (const InterfaceConfig* interface = on_link(config, route.gateway)) {
            route.interface = interface->name;
            config.routes.push_back(route);
        } else {
            errors.push_back({key, "gateway " + route.gateway.text() + " is in no subnet of an interface",
                              "give a gateway that an interface reaches directly, or correct interface.NAME.address"});
        }
    }
}

void read_turn(const Reader& reader, TurnConfig& turn) {
    turn.realm = reader.text("turn.realm");
    turn.port_first = reader.number<uint16_t>("turn.port-first");
    turn.port_last = reader.number<uint16_t>("turn.port-last");
    turn.port_quarantine_s = reader.number<uint32_t>("turn.port-quarantine");
    turn.default_lifetime_s = reader.number<uint32_t>("turn.lifetime-default");
    turn.max_lifetime_s = reader.number<uint32_t>("turn.lifetime-max");
    turn.permission_lifetime_s = reader.number<uint32_t>("turn.permission-lifetime");
    turn.channel_lifetime_s = reader.number<uint32_t>("turn.channel-lifetime");
    turn.max_permissions = reader.number<uint16_t>("turn.max-permissions");
    turn.max_channels = reader.number<uint16_t>("turn.max-channels");
    turn.user_quota = reader.number<uint32_t>("turn.quota-user");
    turn.total_quota = reader.number<uint32_t>("turn.quota-total");
    turn.allocation_kbps = reader.number<uint32_t>("turn.bandwidth-allocation-kbps");
    turn.user_kbps = reader.number<uint32_t>("turn.bandwidth-user-kbps");
    turn.password_algorithms = reader.flag("turn.password-algorithms");
    turn.nonce_lifetime_s = reader.number<uint32_t>("turn.nonce-lifetime");
    turn.unauthenticated_rate = reader.number<uint32_t>("turn.unauthenticated-rate");
    turn.unauthenticated_burst = reader.number<uint32_t>("turn.unauthenticated-burst");
    turn.peer_allow = reader.prefixes("turn.peer-allow");
    turn.peer_deny = reader.prefixes("turn.peer-deny");
    turn.measure = reader.flag("turn.measure");
}

void read_tls(const Reader& reader, TlsConfig& tls) {
    tls.min_version = reader.text("tls.min-version") == "1.3" ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
    tls.purpose = purpose_of(reader.text("tls.peer-purpose")).value_or(Purpose::server_or_client);
    tls.system_trust = reader.text("tls.trust") == "system";
    tls.handshake_timeout_s = reader.number<uint32_t>("tls.handshake-timeout");
    tls.handshakes_per_core = reader.number<uint32_t>("tls.handshakes-per-core");
    tls.handshakes_per_source = reader.number<uint32_t>("tls.handshakes-per-source");
    tls.handshakes_per_turn = reader.number<uint32_t>("tls.handshakes-per-turn");
    tls.idle_timeout_s = reader.number<uint32_t>("tls.idle-timeout");
    tls.tickets = reader.flag("tls.tickets");
    tls.ticket_lifetime_s = reader.number<uint32_t>("tls.ticket-lifetime");
    tls.turn_names = reader.list("shared.turn-name");
    tls.sip_names = reader.list("shared.sip-name");
}

const ListenerConfig* first_tls(const Config& config, bool external_only) {
    for (const auto& listener : config.listeners) {
        if (!speaks_tls(listener.service)) continue;
        auto ours = [&](const InterfaceConfig& i) { return i.name == listener.interface && i.role == Side::external; };
        if (!external_only || std::any_of(config.interfaces.begin(), config.interfaces.end(), ours)) return &listener;
    }
    return nullptr;
}

}  // namespace

const char* setting_of(Service service) {
    switch (service) {
        case Service::turn_udp: return "turn.listen";
        case Service::turn_tcp: return "turn.listen-tcp";
        case Service::turn_tls: return "turn.listen-tls";
        case Service::shared_tls: return "shared.listen";
        case Service::sip_tls: return "sip.listen";
    }
    return "";
}

const ListenerConfig* external_tls_listener(const Config& config) {
    return first_tls(config, true);
}

const ListenerConfig* tls_listener(const Config& config) {
    return first_tls(config, false);
}

Compiled compile(const Settings& settings) {
    Reader reader(settings);
    Compiled out;
    Config& config = out.config;
    config.interfaces = read_interfaces(reader);
    read_turn(reader, config.turn);
    read_tls(reader, config.tls);
    read_discovery(settings, config);
    config.federation = read_federation(reader);
    config.sip = read_sip(reader);
    check_interfaces(config, out.errors);
    read_listeners(reader, config, out.errors);
    read_relay_addresses(reader, config, out.errors);
    read_routes(reader, config, out.errors);
    config.access = read_access(reader, out.errors);
    config.icmp_rate = reader.number<uint32_t>("icmp.rate");
    config.icmp_echo = reader.flag("icmp.echo");
    check_listeners(config, out.errors);
    check_turn(config, out.errors);
    check_shared_names(config.tls, out.errors);
    check_discovery(config.dns, out.errors);
    check_federation(config.federation, out.errors);
    check_sip(config, out.errors);
    collect_warnings(config, out.warnings);
    collect_federation_warnings(config.federation, out.warnings);
    collect_sip_warnings(config, out.warnings);
    return out;
}

}  // namespace fedge::control
