#include "dataplane/relay/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "dataplane/classify/peer_policy.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/relay/credentials.h"

namespace fedge::relay {
namespace {

// A walk over an allocation's bindings must stay short: see bindings.h.
constexpr uint16_t kMaxPerAllocation = 256;

IpAddress address(const contract::Ip& ip) {
    return IpAddress::v6_bytes(ip.octets()->data());
}

Prefix prefix(const contract::Prefix& p) {
    return {address(p.address()), p.length()};
}

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument(why);
}

void check_unicast(const IpAddress& a, const std::string& setting) {
    if (a.is_unspecified() || a.is_multicast()) refuse(setting + ": " + a.text() + " is not the address of a host");
}

void add_listeners(const contract::Snapshot& snapshot, const TableLimits& limits, Config& config) {
    if (!snapshot.listeners()) return;
    std::set<std::pair<Endpoint, bool>> seen;
    for (const auto* listener : *snapshot.listeners()) {
        Endpoint endpoint{address(*listener->address()), listener->port()};
        check_unicast(endpoint.address, "listener");
        if (endpoint.port == 0) refuse("listener " + endpoint.address.text() + ": port is 0");
        bool stream = listener->service() != contract::Service::turn_udp;
        if (!seen.emplace(endpoint, stream).second) refuse("listener " + endpoint.text() + " is there twice");
        config.listeners.push_back({endpoint, listener->service(), stream});
    }
    if (config.listeners.size() > limits.listeners)
        refuse("more than " + std::to_string(limits.listeners) + " listeners");
}

void add_relays(const contract::Turn& turn, const TableLimits& limits, Config& config) {
    std::set<IpAddress> seen;
    std::map<IpAddress, IpAddress> advertised;
    for (const auto* relay : *turn.relay_addresses()) {
        RelayAddress r{address(*relay->address()), address(*relay->advertised())};
        check_unicast(r.address, "turn.relay_addresses");
        check_unicast(r.advertised, "turn.relay_addresses: advertised");
        if (r.address.family() != r.advertised.family())
            refuse("turn.relay_addresses: " + r.address.text() + " is advertised as " + r.advertised.text() +
                   ", of another family");
        if (!seen.insert(r.address).second) refuse("turn.relay_addresses: " + r.address.text() + " is there twice");
        if (auto [other, added] = advertised.emplace(r.advertised, r.address); !added)
            refuse("turn.relay_addresses: " + r.advertised.text() + " is advertised for both " + other->second.text() +
                   " and " + r.address.text());
        config.relay_addresses.push_back(r);
    }
    if (config.relay_addresses.empty()) refuse("turn.relay_addresses: none");
    if (config.relay_addresses.size() > limits.relay_addresses)
        refuse("turn.relay_addresses: more than the " + std::to_string(limits.relay_addresses) +
               " that the dataplane was started for");
}

void copy_limits(const contract::Turn& turn, Config& config) {
    config.port_first = turn.port_first();
    config.port_last = turn.port_last();
    // RFC 8656 section 7.2: never the well-known ports.
    if (config.port_first < 1024) refuse("turn.port_first: " + std::to_string(config.port_first) + " is below 1024");
    if (config.port_last < config.port_first) refuse("turn.port_last is below turn.port_first");
    config.port_quarantine = std::chrono::seconds{turn.port_quarantine_s()};

    config.default_lifetime_s = turn.default_lifetime_s();
    config.max_lifetime_s = turn.max_lifetime_s();
    if (config.default_lifetime_s == 0) refuse("turn.default_lifetime_s: 0");
    if (config.max_lifetime_s < config.default_lifetime_s)
        refuse("turn.max_lifetime_s is below turn.default_lifetime_s");
    if (config.max_lifetime_s > 86400) refuse("turn.max_lifetime_s: more than a day");
    config.permission_lifetime = std::chrono::seconds{turn.permission_lifetime_s()};
    config.channel_lifetime = std::chrono::seconds{turn.channel_lifetime_s()};
    if (turn.permission_lifetime_s() == 0) refuse("turn.permission_lifetime_s: 0");
    if (turn.channel_lifetime_s() == 0) refuse("turn.channel_lifetime_s: 0");
    if (turn.permission_lifetime_s() > 86400) refuse("turn.permission_lifetime_s: more than a day");
    if (turn.channel_lifetime_s() > 86400) refuse("turn.channel_lifetime_s: more than a day");

    config.max_permissions = turn.max_permissions();
    config.max_channels = turn.max_channels();
    if (config.max_permissions == 0 || config.max_permissions > kMaxPerAllocation)
        refuse("turn.max_permissions: not between 1 and 256");
    if (config.max_channels > kMaxPerAllocation) refuse("turn.max_channels: more than 256");

    config.user_quota = turn.user_quota();
    config.total_quota = turn.total_quota();
    config.allocation_kbps = turn.allocation_kbps();
    config.user_kbps = turn.user_kbps();
    config.unauthenticated_rate = turn.unauthenticated_rate();
    config.unauthenticated_burst = turn.unauthenticated_burst();
    config.measure = turn.measure();
}

std::shared_ptr<const classify::PeerPolicy> make_peer_policy(const contract::Snapshot& snapshot, const Config& config) {
    std::vector<Prefix> allow;
    std::vector<Prefix> deny;
    std::vector<IpAddress> own;
    if (const auto* prefixes = snapshot.turn()->peer_allow())
        for (const auto* p : *prefixes) allow.push_back(prefix(*p));
    if (const auto* prefixes = snapshot.turn()->peer_deny())
        for (const auto* p : *prefixes) deny.push_back(prefix(*p));
    // A relay that can be told to talk to our own services is a way to what is closed outside. Relay addresses are
    // open, on relay ports only (TurnState::peer_mark): what is behind those is another client.
    std::vector<IpAddress> relays;
    for (const auto* interface : *snapshot.interfaces())
        for (const auto* p : *interface->addresses()) own.push_back(address(p->address()));
    for (const Listener& listener : config.listeners) own.push_back(listener.endpoint.address);
    for (const RelayAddress& relay : config.relay_addresses) {
        relays.push_back(relay.address);
        relays.push_back(relay.advertised);
    }
    return std::make_shared<classify::PeerPolicy>(allow, deny, own, relays);
}

}  // namespace

Config::Config() = default;
Config::~Config() = default;

std::shared_ptr<const Config> Config::build(const contract::Snapshot& snapshot, const TableLimits& limits,
                                            const UserHashKey& hash_key, Digest& digest, std::string& error) {
    try {
        auto config = std::make_shared<Config>();
        config->revision = snapshot.revision();
        config->drain = snapshot.drain();
        add_listeners(snapshot, limits, *config);
        add_relays(*snapshot.turn(), limits, *config);
        copy_limits(*snapshot.turn(), *config);
        config->credentials = std::make_shared<Credentials>(*snapshot.turn(), hash_key, digest);
        config->peer_policy = make_peer_policy(snapshot, *config);
        return config;
    } catch (const std::invalid_argument& e) {
        error = e.what();
        return nullptr;
    }
}

}  // namespace fedge::relay
