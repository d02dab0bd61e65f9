// Settings compiled into what they mean, with every rule that spans several keys checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/problem.h"
#include "control/settings/federation.h"
#include "control/settings/settings.h"
#include "control/settings/sip.h"
#include "control/settings/values.h"
#include "dataplane/base/address.h"

namespace fedge::control {

enum class Side : uint8_t { external, internal };

struct InterfaceConfig {
    std::string name;
    Side role = Side::external;
    std::string port;
    uint16_t vlan = 0;
    uint16_t mtu = 1500;
    std::vector<Prefix> addresses;
    std::vector<IpAddress> gateways;
};

struct RouteConfig {
    Prefix destination;
    IpAddress gateway;
    std::string interface;
};

enum class Service : uint8_t {
    turn_udp,
    turn_tcp,
    turn_tls,
    shared_tls,  // SIP and TURN over TLS, and plain STUN, on one port
    sip_tls,     // SIP over mutual TLS: partners outside, front ends inside
};
const char* setting_of(Service service);  // the key that lists its endpoints
constexpr bool speaks_tls(Service service) {
    return service == Service::turn_tls || service == Service::shared_tls || service == Service::sip_tls;
}

struct ListenerConfig {
    std::string interface;
    Endpoint endpoint;
    Service service = Service::turn_udp;
};

struct RelayAddressConfig {
    IpAddress address;
    IpAddress advertised;
};

struct AccessConfig {
    std::string name;
    Side role = Side::external;
    Prefix source;
    bool allow = false;
};

struct TurnConfig {
    std::string realm;
    std::vector<RelayAddressConfig> relay_addresses;
    uint16_t port_first = 0;
    uint16_t port_last = 0;
    uint32_t port_quarantine_s = 0;
    uint32_t default_lifetime_s = 0;
    uint32_t max_lifetime_s = 0;
    uint32_t permission_lifetime_s = 0;
    uint32_t channel_lifetime_s = 0;
    uint16_t max_permissions = 0;
    uint16_t max_channels = 0;
    uint32_t user_quota = 0;
    uint32_t total_quota = 0;
    uint32_t allocation_kbps = 0;
    uint32_t user_kbps = 0;
    bool password_algorithms = true;
    uint32_t nonce_lifetime_s = 0;
    uint32_t unauthenticated_rate = 0;
    uint32_t unauthenticated_burst = 0;
    std::vector<Prefix> peer_allow;
    std::vector<Prefix> peer_deny;
    bool measure = true;
};

enum class TlsVersion : uint8_t { tls_1_2, tls_1_3 };

struct TlsConfig {
    TlsVersion min_version = TlsVersion::tls_1_2;
    Purpose purpose = Purpose::server_or_client;
    bool system_trust = true;  // the authorities of the system besides our own
    uint32_t handshake_timeout_s = 0;
    uint32_t handshakes_per_core = 0;
    uint32_t handshakes_per_source = 0;
    uint32_t handshakes_per_turn = 0;
    uint32_t idle_timeout_s = 0;
    bool tickets = true;
    uint32_t ticket_lifetime_s = 0;
    std::vector<std::string> turn_names;
    std::vector<std::string> sip_names;
};

enum class Dnssec : uint8_t { off, on, required };
enum class SipMode : uint8_t { microsoft_then_sips, microsoft, sips };
const char* name_of(SipMode mode);

struct DnsConfig {
    std::vector<Endpoint> servers;           // empty: those of /etc/resolv.conf
    std::vector<std::string> trust_anchors;  // records or files; empty: the system's root key
    Dnssec dnssec = Dnssec::on;
    uint32_t timeout_s = 0;
    uint32_t ttl_min_s = 0;
    uint32_t ttl_max_s = 0;
    uint32_t negative_ttl_s = 0;
    uint32_t stale_s = 0;
    uint32_t cache_size = 0;

    friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

struct DiscoveryConfig {
    uint32_t per_second = 0;
    uint32_t concurrent = 0;
    uint32_t queue = 0;
    SipMode sip_records = SipMode::microsoft_then_sips;
    std::vector<Prefix> allow;
    std::vector<Prefix> deny;

    friend bool operator==(const DiscoveryConfig&, const DiscoveryConfig&) = default;
};

struct Config {
    std::vector<InterfaceConfig> interfaces;
    std::vector<RouteConfig> routes;
    std::vector<ListenerConfig> listeners;
    std::vector<AccessConfig> access;  // in the order in which they are tried
    TurnConfig turn;
    TlsConfig tls;
    DnsConfig dns;
    DiscoveryConfig discovery;
    SipConfig sip;
    FederationConfig federation;
    uint32_t icmp_rate = 0;
    bool icmp_echo = true;
};

// A listener of TLS that faces the internet, or any listener of TLS; nullptr if none.
const ListenerConfig* external_tls_listener(const Config& config);
const ListenerConfig* tls_listener(const Config& config);

struct Compiled {
    Config config;
    std::vector<Problem> errors;    // any: the settings must not come into force
    std::vector<Problem> warnings;  // valid, but probably not what is wanted
};

// `settings` hold canonical keys and values (find_setting, checked_values).
Compiled compile(const Settings& settings);

}  // namespace fedge::control
