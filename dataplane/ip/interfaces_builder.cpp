#include "dataplane/ip/interfaces_builder.h"

#include <algorithm>
#include <bit>
#include <map>
#include <stdexcept>

namespace fedge::ip {
namespace {

constexpr uint16_t kMinimumMtuIpv4 = 576;   // what every host takes (RFC 791)
constexpr uint16_t kMinimumMtuIpv6 = 1280;  // RFC 8200 section 5
constexpr uint16_t kLastVlan = 4094;

[[noreturn]] void refuse(const std::string& text) {
    throw std::invalid_argument(text);
}

IpAddress address_of(const contract::Ip& ip) {
    return IpAddress::v6_bytes(ip.octets()->data());
}
Prefix prefix_of(const contract::Prefix& p) {
    return {address_of(p.address()), p.length()};
}

bool whole(const Prefix& p) {
    return p.length <= 128 && (!p.address.is_v4() || p.length >= 96);
}

bool overlap(const Prefix& a, const Prefix& b) {
    return a.address.family() == b.address.family() &&
           (a.length < b.length ? a.contains(b.address) : b.contains(a.address));
}

// Modified EUI-64 (RFC 4291 appendix A) behind fe80::/64.
IpAddress link_local_of(const MacAddress& mac) {
    const auto& m = mac.octets;
    uint8_t b[16] = {0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<uint8_t>(m[0] ^ 2),
                     m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
    return IpAddress::v6_bytes(b);
}

}  // namespace

InterfacesBuilder::InterfacesBuilder(const contract::Snapshot& snapshot, std::span<const PortFacts> ports,
                                     const Interfaces* previous)
    : snapshot_(snapshot), ports_(ports), previous_(previous), out_(new Interfaces) {
    std::fill(std::begin(out_->untagged_), std::end(out_->untagged_), kNoInterface);
}

std::unique_ptr<const Interfaces> InterfacesBuilder::build() {
    for (const auto* i : *snapshot_.interfaces()) add_interface(*i);
    for (uint16_t id = 0; id < out_->count(); id++) add_gateways(*snapshot_.interfaces()->Get(id), id);
    if (snapshot_.routes())
        for (const auto* r : *snapshot_.routes()) add_route(*r);
    for (auto& levels : out_->levels_)
        for (auto& level : levels)
            std::stable_sort(level.entries.begin(), level.entries.end(),
                             [](const auto& a, const auto& b) { return a.network < b.network; });
    add_relay_addresses();
    find_foreign_prefixes();
    find_plain_ports();
    compile_locals();
    compare_with_previous();
    return std::move(out_);
}

void InterfacesBuilder::add_interface(const contract::Interface& from) {
    Interface to;
    to.name = from.name()->str();
    std::string what = "interface " + to.name + ": ";
    for (const Interface& i : out_->interfaces_)
        if (i.name == to.name) refuse(what + "the name is used twice; rename one of them");

    auto port =
        std::find_if(ports_.begin(), ports_.end(), [&](const PortFacts& p) { return p.name == from.port()->str(); });
    if (port == ports_.end()) {
        std::string names;
        for (const PortFacts& p : ports_) names += (names.empty() ? "" : ", ") + p.name;
        refuse(what + "no port " + from.port()->str() +
               " in the boot configuration; there are: " + (names.empty() ? "none" : names));
    }
    to.role = from.role();
    to.port = port->id;
    to.vlan = from.vlan();
    to.mtu = from.mtu();
    to.mac = port->mac;
    std::array<uint8_t, 8> padded{};
    std::copy(to.mac.octets.begin(), to.mac.octets.end(), padded.begin());
    to.mac_bits = load_be64(padded.data());
    to.tx_ipv4_checksum = port->tx_ipv4_checksum;
    to.tx_udp_checksum = port->tx_udp_checksum;
    to.tx_tcp_checksum = port->tx_tcp_checksum;
    if (to.vlan > kLastVlan) refuse(what + "VLAN " + std::to_string(to.vlan) + "; use 1 to 4094, or 0 for untagged");
    if (uint16_t other = out_->find(to.port, to.vlan); other != kNoInterface)
        refuse(what + "has the port and VLAN of interface " + out_->interfaces_[other].name +
               "; give one of them a VLAN");
    if (to.mtu > port->mtu)
        refuse(what + "MTU " + std::to_string(to.mtu) + " is more than the " + std::to_string(port->mtu) + " of port " +
               port->name + "; lower it, or raise port." + port->name + ".mtu");
    if (to.mtu < kMinimumMtuIpv4) refuse(what + "MTU " + std::to_string(to.mtu) + "; the least is 576");

    auto id = out_->count();
    out_->interfaces_.push_back(std::move(to));
    if (from.vlan() == 0) {
        out_->untagged_[port->id] = id;
    } else {
        out_->tagged_.push_back({port->id, from.vlan(), id});
    }
    for (const auto* p : *from.addresses()) add_address(out_->interfaces_[id], prefix_of(*p));
}

void InterfacesBuilder::add_address(Interface& interface, const Prefix& address) {
    const IpAddress& a = address.address;
    auto id = static_cast<uint16_t>(&interface - out_->interfaces_.data());
    std::string what = "interface " + interface.name + ": address " + address.text();
    if (!whole(address)) refuse(what + ": prefix length out of range");
    if (a.is_unspecified() || a.is_multicast() || a.is_loopback() || (a.is_v4() && a.v4_host_order() >= 0xe0000000))
        refuse(what + ": not an address that a host can have");
    if (!a.is_v4()) {
        if (a.is_link_local()) refuse(what + ": link-local addresses are made from the MAC address; remove it");
        if (interface.mtu < kMinimumMtuIpv6)
            refuse(what + ": IPv6 needs an MTU of 1280 or more, the interface has " + std::to_string(interface.mtu));
        interface.link_local = link_local_of(interface.mac);
    }
    add_local(a, id, what);
    interface.addresses.push_back(address);
    if (address.length < 128) add_entry(address, id, nullptr, what);
}

void InterfacesBuilder::add_local(const IpAddress& address, uint16_t interface, const std::string& what) {
    for (const auto& l : locals_)
        if (l.address == address)
            refuse(what + ": interface " + out_->interfaces_[l.interface].name +
                   " has it already; an address has one place");
    locals_.push_back({address, interface});
}

void InterfacesBuilder::add_entry(const Prefix& destination, uint16_t interface, const IpAddress* gateway,
                                  const std::string& what) {
    auto& levels = out_->levels_[static_cast<size_t>(destination.address.family())];
    auto level =
        std::find_if(levels.begin(), levels.end(), [&](const auto& l) { return l.length <= destination.length; });
    if (level == levels.end() || level->length != destination.length)
        level = levels.insert(level, {destination.length, {}});
    Interfaces::RouteEntry entry{network_of(destination.address, destination.length), interface, gateway == nullptr,
                                 gateway ? *gateway : IpAddress{}};
    for (const auto& e : level->entries) {
        if (e.network != entry.network || e.interface != interface) continue;
        if (e.on_link && entry.on_link) return;  // a second address of the same subnet
        refuse(what + ": there is a route to this prefix on interface " + out_->interfaces_[interface].name +
               " already; remove one of them");
    }
    level->entries.push_back(entry);
}

uint16_t InterfacesBuilder::interface_named(const std::string& name) const {
    const auto& all = out_->interfaces_;
    auto i = std::find_if(all.begin(), all.end(), [&](const Interface& candidate) { return candidate.name == name; });
    return i == all.end() ? kNoInterface : static_cast<uint16_t>(i - all.begin());
}

void InterfacesBuilder::check_gateway(const IpAddress& gateway, uint16_t interface, const std::string& what) const {
    std::string subject = what + ": gateway " + gateway.text();
    const Interface& i = out_->interfaces_[interface];
    bool without_ipv6 = !gateway.is_v4() && i.link_local.is_unspecified();
    if (!out_->on_link(interface, gateway) || without_ipv6)
        refuse(subject + " is not on-link of interface " + i.name +
               "; it must be inside the prefix of one of its addresses");
    if (gateway.is_unspecified() || gateway.is_multicast() || out_->is_own_link_local(interface, gateway) ||
        std::any_of(locals_.begin(), locals_.end(), [&](const auto& l) { return l.address == gateway; }))
        refuse(subject + " is not the address of another host");
}

void InterfacesBuilder::add_gateways(const contract::Interface& from, uint16_t id) {
    if (!from.gateways()) return;
    for (const auto* ip : *from.gateways()) {
        IpAddress gateway = address_of(*ip);
        std::string what = "interface " + from.name()->str();
        check_gateway(gateway, id, what);
        Prefix all{gateway.is_v4() ? IpAddress::v4(0) : IpAddress{}, static_cast<uint8_t>(gateway.is_v4() ? 96 : 0)};
        add_entry(all, id, &gateway, what);
    }
}

void InterfacesBuilder::add_route(const contract::Route& from) {
    Prefix destination = prefix_of(*from.destination());
    IpAddress gateway = address_of(*from.gateway());
    std::string what = "route " + destination.text();
    if (!whole(destination)) refuse(what + ": prefix length out of range");
    if (destination.address.family() != gateway.family())
        refuse(what + ": gateway " + gateway.text() + " is of the other address family");
    uint16_t id = interface_named(from.interface()->str());
    if (id == kNoInterface) refuse(what + ": no interface " + from.interface()->str());
    check_gateway(gateway, id, what);
    add_entry(destination, id, &gateway, what);
}

void InterfacesBuilder::add_relay_addresses() {
    std::map<IpAddress, uint16_t> known;
    for (const auto& l : locals_) known.emplace(l.address, l.interface);
    for (const auto* r : *snapshot_.turn()->relay_addresses()) {
        IpAddress address = address_of(*r->address());
        std::string what = "relay address " + address.text();
        if (address.is_unspecified() || address.is_multicast() || address.is_loopback() || address.is_link_local())
            refuse(what + ": not an address that a relay can have");
        if (known.contains(address)) continue;
        auto next = out_->route(address, kNoInterface);
        if (!next)
            refuse(
                what +
                ": on-link of no interface, and no route leads out of one; add it to an interface, or add a gateway");
        known.emplace(address, next->interface);
        locals_.push_back({address, next->interface});
    }
}

void InterfacesBuilder::find_foreign_prefixes() {
    for (Interface& here : out_->interfaces_) {
        for (const Interface& there : out_->interfaces_) {
            if (&here == &there) continue;
            for (const Prefix& p : there.addresses) {
                Prefix network{network_of(p.address, p.length), p.length};
                bool here_too = std::any_of(here.addresses.begin(), here.addresses.end(),
                                            [&](const Prefix& own) { return overlap(own, network); });
                bool known = std::find(here.foreign.begin(), here.foreign.end(), network) != here.foreign.end();
                if (p.length < 128 && !here_too && !known) here.foreign.push_back(network);
            }
        }
    }
}

void InterfacesBuilder::compile_locals() {
    auto buckets = std::bit_ceil(std::max<size_t>(16, 4 * locals_.size()));
    out_->locals_.resize(buckets);
    out_->mask_ = buckets - 1;
    out_->shift_ = 64 - std::countr_zero(buckets);
    for (const auto& l : locals_) {
        uint64_t i = l.address.hash() >> out_->shift_;
        while (out_->locals_[i].interface != kNoInterface) i = (i + 1) & out_->mask_;
        out_->locals_[i] = l;
    }
    out_->ipv4_locals_.resize(buckets);
    out_->ipv4_mask_ = static_cast<uint32_t>(buckets - 1);
    out_->ipv4_shift_ = 32 - std::countr_zero(buckets);
    for (const auto& l : locals_) {
        if (!l.address.is_v4() || l.address.is_unspecified()) continue;
        uint32_t wire = l.address.v4_wire_order();
        uint32_t i = out_->ipv4_place(wire);
        while (out_->ipv4_locals_[i].address != 0) i = (i + 1) & out_->ipv4_mask_;
        out_->ipv4_locals_[i] = {wire, l.interface};
    }
}

void InterfacesBuilder::find_plain_ports() {
    for (uint16_t port = 0; port < kMaxPorts; port++) {
        uint16_t id = out_->find(port, 0);
        if (id == kNoInterface || !out_->interfaces_[id].foreign.empty()) continue;
        out_->plain_ports_[port] = {out_->interfaces_[id].mac_bits, id};
    }
}

void InterfacesBuilder::compare_with_previous() {
    if (previous_) {
        for (const Interface& before : previous_->interfaces_) {
            uint16_t id = out_->find(before.port, before.vlan);
            bool same = id != kNoInterface && out_->interfaces_[id].mac == before.mac;
            out_->renumber_.push_back(same ? id : kNoInterface);
        }
    }
    auto is_new = [&](const IpAddress& address, uint16_t id, bool link_local) {
        if (!previous_) return true;
        for (uint16_t before = 0; before < previous_->count(); before++)
            if (out_->renumber(before) == id)
                return link_local ? !previous_->is_own_link_local(before, address)
                                  : previous_->owner(address) != before;
        return true;
    };
    for (const auto& l : locals_)
        if (is_new(l.address, l.interface, false)) out_->announcements_.push_back({l.address, l.interface});
    for (uint16_t id = 0; id < out_->count(); id++) {
        const IpAddress& a = out_->interfaces_[id].link_local;
        if (!a.is_unspecified() && is_new(a, id, true)) out_->announcements_.push_back({a, id});
    }
}

}  // namespace fedge::ip
