#include "control/settings/table.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "control/problem.h"
#include "control/settings/discovery.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxValues = 1024;

std::vector<Definition> own_definitions() {
    using enum ValueType;
    return {
        {"interface.NAME.role",
         choice,
         false,
         "external",
         "Side of the edge that the interface faces.",
         "interface.outside.role external",
         0,
         0,
         {"external", "internal"}},
        {"interface.NAME.port", name, false, "",
         "Port of the boot configuration ([port.NAME]) that carries the interface. Required.",
         "interface.outside.port wan"},
        {"interface.NAME.vlan", integer, false, "0", "VLAN tag; 0 means untagged.", "interface.outside.vlan 120", 0,
         4094},
        {"interface.NAME.mtu", integer, false, "1500", "Largest IP packet in bytes.", "interface.outside.mtu 1500",
         1280, 9216},
        {"interface.NAME.address", cidr, true, "", "Addresses of the edge with the length of their subnet. Required.",
         "interface.outside.address 192.0.2.10/26 2001:db8:0:1::10/64"},
        {"interface.NAME.gateway", address, true, "",
         "Default gateway, one per address family, within a subnet of the interface.",
         "interface.outside.gateway 192.0.2.1 2001:db8:0:1::1"},
        {"route.PREFIX", address, false, "", "Gateway to a network; it must be within a subnet of an interface.",
         "route.198.51.100.0/24 192.0.2.140"},
        {"access.NAME.role",
         choice,
         false,
         "external",
         "Interfaces that the rule is for.",
         "access.lab.role internal",
         0,
         0,
         {"external", "internal"}},
        {"access.NAME.source", prefix, true, "", "Source networks that the rule is for. Required.",
         "access.lab.source 198.51.100.0/24"},
        {"access.NAME.action",
         choice,
         false,
         "deny",
         "What happens to a packet that the rule is for.",
         "access.lab.action deny",
         0,
         0,
         {"allow", "deny"}},
        {"access.NAME.order", integer, false, "100",
         "Rules are tried from the lowest order up, then by name; the first that matches decides. No match: allowed.",
         "access.lab.order 10", 0, 65535},
        {"turn.listen", endpoint, true, "",
         "Where STUN and TURN over UDP are served. Default: port 3478 on the first address per family of each "
         "interface.",
         "turn.listen 192.0.2.10:3478 [2001:db8:0:1::10]:3478"},
        {"turn.listen-tcp", endpoint, true, "", "Where STUN and TURN over TCP are served. Default: nowhere.",
         "turn.listen-tcp 192.0.2.10:3478 [2001:db8:0:1::10]:3478"},
        {"turn.listen-tls", endpoint, true, "",
         "Where STUN and TURN over TLS are served; needs a certificate (`fedge cert import`). Default: nowhere.",
         "turn.listen-tls 192.0.2.10:5349 [2001:db8:0:1::10]:5349"},
        {"turn.realm", realm, false, "fedge",
         "Realm of the credentials. Keys of static users depend on it, so it cannot change while there are users.",
         "turn.realm example.org"},
        {"turn.relay-address", addresses, true, "",
         "Addresses on which allocations live, within a subnet of an interface; the network and broadcast address of "
         "an IPv4 "
         "subnet are left out of pools. Default: the first address per family of each external interface.",
         "turn.relay-address 192.0.2.11 192.0.2.32-192.0.2.40"},
        {"turn.advertise.ADDRESS", address, false, "",
         "Address that clients are told for a relay address that stands behind 1:1 NAT.",
         "turn.advertise.192.0.2.11 203.0.113.11"},
        {"turn.port-first", integer, false, "50000", "First relay port.", "turn.port-first 50000", 1024, 65534},
        {"turn.port-last", integer, false, "59999", "Last relay port.", "turn.port-last 59999", 1025, 65535},
        {"turn.port-quarantine", integer, false, "60", "Seconds before a released relay port is used again.",
         "turn.port-quarantine 60", 0, 3600},
        {"turn.lifetime-default", integer, false, "600",
         "Seconds that an allocation lives when the client asks for less or nothing.", "turn.lifetime-default 600", 60,
         86400},
        {"turn.lifetime-max", integer, false, "3600", "Seconds that an allocation lives at most without a refresh.",
         "turn.lifetime-max 3600", 60, 86400},
        {"turn.permission-lifetime", integer, false, "300",
         "Seconds that a permission lives (RFC 8656 section 9: 300).", "turn.permission-lifetime 300", 30, 3600},
        {"turn.channel-lifetime", integer, false, "600",
         "Seconds that a channel binding lives (RFC 8656 section 12: 600).", "turn.channel-lifetime 600", 30, 3600},
        {"turn.max-permissions", integer, false, "64", "Permissions per allocation.", "turn.max-permissions 64", 1,
         256},
        {"turn.max-channels", integer, false, "64", "Channels per allocation.", "turn.max-channels 64", 1, 256},
        {"turn.quota-user", integer, false, "100", "Allocations per user; 0 means no limit.", "turn.quota-user 100", 0,
         10000000},
        {"turn.quota-total", integer, false, "0", "Allocations in total; 0 means as many as the pools hold.",
         "turn.quota-total 5000", 0, 10000000},
        {"turn.bandwidth-allocation-kbps", integer, false, "3000",
         "kbit/s per allocation and direction; 0 means no limit.", "turn.bandwidth-allocation-kbps 3000", 0, 10000000},
        {"turn.bandwidth-user-kbps", integer, false, "10000",
         "kbit/s of all allocations of a user per direction; 0 means no limit.", "turn.bandwidth-user-kbps 10000", 0,
         100000000},
        {"turn.password-algorithms", boolean, false, "on", "Offer SHA-256 to clients (RFC 8489 section 9.2).",
         "turn.password-algorithms on"},
        {"turn.nonce-lifetime", integer, false, "3600", "Seconds that a nonce is good for.", "turn.nonce-lifetime 3600",
         60, 3600},
        {"turn.unauthenticated-rate", integer, false, "4096",
         "Response bytes per second that a source network gets, beyond what it sent, without credentials.",
         "turn.unauthenticated-rate 4096", 0, 10000000},
        {"turn.unauthenticated-burst", integer, false, "16384",
         "Response bytes that a source network may get at once without credentials.",
         "turn.unauthenticated-burst 16384", 256, 10000000},
        {"turn.peer-allow", prefix, true, "",
         "Peer networks that are allowed although turn.peer-deny or the built-in list denies them.",
         "turn.peer-allow 10.20.0.0/16"},
        {"turn.peer-deny", prefix, true, "",
         "Peer networks that are denied on top of the built-in list (loopback, link-local, private, multicast, own "
         "addresses, ...).",
         "turn.peer-deny 203.0.113.0/28"},
        {"turn.measure", boolean, false, "on",
         "Measure what is relayed for `fedge show streams`; off saves its share of each packet's cycles.",
         "turn.measure off"},
        {"shared.listen", endpoint, true, "",
         "Where TURN over TLS, SIP over TLS and plain STUN share one TCP port, told apart by ALPN, server name and "
         "first bytes; needs a certificate. Default: nowhere.",
         "shared.listen 192.0.2.10:443 [2001:db8:0:1::10]:443"},
        {"shared.turn-name", host, true, "", "Server names (SNI) that mean TURN on the shared port.",
         "shared.turn-name turn.example.org"},
        {"shared.sip-name", host, true, "", "Server names (SNI) that mean SIP on the shared port.",
         "shared.sip-name sip.example.org access.example.org"},
        {"tls.min-version",
         choice,
         false,
         "1.2",
         "Oldest version of TLS that is spoken.",
         "tls.min-version 1.2",
         0,
         0,
         {"1.2", "1.3"}},
        {"tls.peer-purpose",
         choice,
         false,
         "server-or-client",
         "Extended key usage that partners' certificates must have: serverAuth or clientAuth, or none named at all, or "
         "what the partner's own setting demands (server-or-client); clientAuth of those that connect to us, which "
         "public authorities stopped issuing in 2026 "
         "(client-strict); id-kp-sipDomain of RFC 5924 (sip-domain).",
         "tls.peer-purpose server-or-client",
         0,
         0,
         {"server-or-client", "client-strict", "sip-domain"}},
        {"tls.trust",
         choice,
         false,
         "system",
         "Authorities that partners' certificates are checked against: those of the system and of `fedge cert trust "
         "add` (system), or the latter only (own).",
         "tls.trust own",
         0,
         0,
         {"system", "own"}},
        {"tls.handshake-timeout", integer, false, "60", "Seconds within which a handshake must be finished.",
         "tls.handshake-timeout 60", 1, 600},
        {"tls.handshakes-per-core", integer, false, "2048", "Handshakes in progress on a core; more are refused.",
         "tls.handshakes-per-core 2048", 1, 1000000},
        {"tls.handshakes-per-source", integer, false, "64",
         "Handshakes in progress from one IPv4 address or IPv6 /64, per core; more are refused.",
         "tls.handshakes-per-source 64", 1, 1000000},
        {"tls.handshakes-per-turn", integer, false, "4",
         "Steps with public-key work that a core does before it looks at its packets again.",
         "tls.handshakes-per-turn 4", 1, 64},
        {"tls.idle-timeout", integer, false, "1800",
         "Seconds after which a connection on which nothing comes is closed.", "tls.idle-timeout 1800", 30, 86400},
        {"tls.tickets", boolean, false, "on",
         "Issue session tickets, so that clients come back without public-key work.", "tls.tickets on"},
        {"tls.ticket-lifetime", integer, false, "7200",
         "Seconds that a ticket is good for; its key is turned over as often and kept once more as long.",
         "tls.ticket-lifetime 7200", 600, 86400},
        {"icmp.rate", integer, false, "100", "ICMP errors and echo replies per second and core.", "icmp.rate 100", 0,
         1000000},
        {"icmp.echo", boolean, false, "on", "Answer echo requests.", "icmp.echo on"},
    };
}

std::vector<Definition> make_definitions() {
    std::vector<Definition> all = own_definitions();
    for (auto& definition : discovery_definitions()) all.push_back(std::move(definition));
    return all;
}

struct Placeholder {
    const char* text;
    ValueType type;
};
constexpr Placeholder kPlaceholders[] = {
    {"NAME", ValueType::name}, {"PREFIX", ValueType::prefix}, {"ADDRESS", ValueType::address}};

std::optional<Setting> match(const Definition& definition, std::string_view key) {
    const std::string& pattern = definition.pattern;
    for (const auto& placeholder : kPlaceholders) {
        size_t at = pattern.find(placeholder.text);
        if (at == std::string::npos) continue;
        std::string_view head = std::string_view(pattern).substr(0, at);
        std::string_view tail = std::string_view(pattern).substr(at + std::string_view(placeholder.text).size());
        if (key.size() <= head.size() + tail.size() || !key.starts_with(head) || !key.ends_with(tail))
            return std::nullopt;
        auto name = canonical(placeholder.type, key.substr(at, key.size() - head.size() - tail.size()), 0, 0, {});
        if (!name) return std::nullopt;
        return Setting{&definition, std::string(head) + *name + std::string(tail), *name};
    }
    return key == pattern ? std::optional(Setting{&definition, pattern, {}}) : std::nullopt;
}

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); j++) {
            size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row.back();
}

std::string nearest(std::string_view key) {
    const Definition* best = nullptr;
    size_t distance = 0;
    for (const auto& definition : definitions()) {
        size_t d = edit_distance(key.substr(0, 128), definition.pattern);
        if (!best || d < distance) best = &definition, distance = d;
    }
    return best->pattern;
}

}  // namespace

const std::vector<Definition>& definitions() {
    static const std::vector<Definition> table = [] {
        auto all = make_definitions();
        for (auto& definition : federation_definitions()) all.push_back(std::move(definition));
        for (auto& definition : sip_definitions()) all.push_back(std::move(definition));
        for (auto& definition : sip_filter_definitions()) all.push_back(std::move(definition));
        return all;
    }();
    return table;
}

Setting find_setting(std::string_view key) {
    for (const auto& definition : definitions()) {
        if (auto setting = match(definition, key)) return *setting;
    }
    std::string shown(key.substr(0, 128));
    throw Refusal(RefusalKind::invalid, {shown, "there is no setting " + shown,
                                         "did you mean " + nearest(key) + "? `fedge help settings` lists all"});
}

Values checked_values(const Setting& setting, const Values& values) {
    const Definition& d = *setting.definition;
    auto refuse = [&](const std::string& what, const std::string& fix) {
        throw Refusal(RefusalKind::invalid, {setting.key, what, fix});
    };
    std::string want = wanted(d.type, d.minimum, d.maximum, d.choices);
    if (values.empty()) refuse(setting.key + " needs a value", "give " + want + ", or unset the key");
    if (!d.list && values.size() > 1) refuse(setting.key + " takes one value", "give " + want);
    if (values.size() > kMaxValues)
        refuse(setting.key + " has too many values", "give " + std::to_string(kMaxValues) + " at most");
    Values out;
    std::set<std::string> seen;
    for (const auto& value : values) {
        auto form = canonical(d.type, value, d.minimum, d.maximum, d.choices);
        if (!form)
            refuse(setting.key + " cannot be \"" + value.substr(0, 128) + "\"",
                   "give " + want + ", as in: " + d.example);
        if (!seen.insert(*form).second) refuse(setting.key + " has " + *form + " twice", "give each value once");
        out.push_back(*form);
    }
    return out;
}

std::vector<std::string> keys_to_unset(std::string_view key, const Settings& settings) {
    std::vector<std::string> keys;
    std::string below = std::string(key) + ".";
    for (const auto& [name, values] : settings) {
        if (name.starts_with(below)) keys.push_back(name);
    }
    if (keys.empty()) keys.push_back(find_setting(key).key);
    return keys;
}

}  // namespace fedge::control
