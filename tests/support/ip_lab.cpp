#include "tests/support/ip_lab.h"

#include <array>
#include <cstring>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"

namespace fedge::test {
namespace {

contract::Ip wire_ip(const IpAddress& a) {
    return contract::Ip(flatbuffers::span<const uint8_t, 16>(a.octets()));
}

contract::Prefix wire_prefix(const char* text) {
    Prefix p = Prefix::parse(text).value();
    return contract::Prefix(wire_ip(p.address), p.length);
}

Frame with_header(const L2& l2, uint16_t ether_type, size_t payload) {
    Frame frame(18 + payload);
    frame.resize(wire::write_ethernet(frame.data(), l2.destination, l2.source, l2.vlan, ether_type));
    return frame;
}

void put(Frame& frame, Bytes bytes) {
    frame.insert(frame.end(), bytes.begin(), bytes.end());
}

}  // namespace

flatbuffers::DetachedBuffer snapshot_bytes(const SnapshotText& text) {
    flatbuffers::FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::Interface>> interfaces;
    for (const auto& i : text.interfaces) {
        std::vector<contract::Prefix> addresses;
        std::vector<contract::Ip> gateways;
        for (const char* a : i.addresses) addresses.push_back(wire_prefix(a));
        for (const char* g : i.gateways) gateways.push_back(wire_ip(ip(g)));
        interfaces.push_back(contract::CreateInterfaceDirect(b, i.name, contract::Role::external, i.port, i.vlan, i.mtu,
                                                             &addresses, &gateways));
    }
    std::vector<flatbuffers::Offset<contract::Route>> routes;
    for (const auto& r : text.routes) {
        auto destination = wire_prefix(r.destination);
        auto gateway = wire_ip(ip(r.gateway));
        routes.push_back(contract::CreateRouteDirect(b, &destination, &gateway, r.interface));
    }
    std::vector<flatbuffers::Offset<contract::RelayAddress>> relays;
    for (const char* r : text.relays) {
        auto relay = wire_ip(ip(r));
        relays.push_back(contract::CreateRelayAddress(b, &relay, &relay));
    }
    auto realm = b.CreateString("example.org");
    auto relay_vector = b.CreateVector(relays);
    auto keys = b.CreateVector(std::vector<uint8_t>(16));
    contract::TurnBuilder turn(b);
    turn.add_realm(realm);
    turn.add_relay_addresses(relay_vector);
    turn.add_nonce_keys(keys);
    auto turn_offset = turn.Finish();
    auto interface_vector = b.CreateVector(interfaces);
    auto route_vector = b.CreateVector(routes);
    contract::SnapshotBuilder snapshot(b);
    snapshot.add_interfaces(interface_vector);
    snapshot.add_routes(route_vector);
    snapshot.add_turn(turn_offset);
    contract::FinishSnapshotBuffer(b, snapshot.Finish());
    return b.Release();
}

std::span<const ip::PortFacts> two_ports() {
    static const std::array<ip::PortFacts, 2> ports{ip::PortFacts{.name = "wan", .id = 0, .mac = mac(0xa0)},
                                                    ip::PortFacts{.name = "lan", .id = 1, .mac = mac(0xa1)}};
    return ports;
}

std::unique_ptr<const ip::Interfaces> compile(const SnapshotText& text, const ip::Interfaces* previous) {
    auto bytes = snapshot_bytes(text);
    return ip::Interfaces::build(*contract::GetSnapshot(bytes.data()), two_ports(), previous);
}

uint16_t Wire::transmit(uint16_t port, std::span<rte_mbuf*> frames) {
    uint16_t taken = 0;
    for (rte_mbuf* m : frames) {
        if (taken == room) break;
        const auto* bytes = rte_pktmbuf_mtod(m, const uint8_t*);
        sent.push_back({port, Frame(bytes, bytes + rte_pktmbuf_data_len(m)), m->ol_flags});
        rte_pktmbuf_free(m);
        taken++;
    }
    return taken;
}

Frame arp_frame(const L2& l2, uint16_t operation, MacAddress sender_mac, const IpAddress& sender, MacAddress target_mac,
                const IpAddress& target) {
    Frame frame = with_header(l2, wire::kEtherTypeArp, 0);
    std::array<uint8_t, wire::kArpLength> arp;
    wire::Arp{static_cast<wire::ArpOperation>(operation), sender_mac, sender, target_mac, target}.write(arp);
    put(frame, arp);
    return frame;
}

Frame ip_frame(const L2& l2, const IpAddress& source, const IpAddress& destination, uint8_t protocol, uint8_t ttl,
               Bytes payload) {
    Frame frame = with_header(l2, wire::ether_type(source.family()), 0);
    std::array<uint8_t, wire::kIpv6Header> header;
    wire::IpFields fields{.protocol = protocol, .ttl = ttl, .payload_length = static_cast<uint16_t>(payload.size())};
    put(frame, Bytes(header).first(wire::write_ip(header.data(), source, destination, fields)));
    put(frame, payload);
    return frame;
}

Frame udp_frame(const L2& l2, const Endpoint& source, const Endpoint& destination, Bytes payload) {
    Frame datagram(wire::kUdpHeader);
    wire::write_udp(datagram.data(), source.port, destination.port, static_cast<uint16_t>(payload.size()), 0);
    put(datagram, payload);
    uint16_t checksum = wire::transport_checksum(source.address, destination.address, 17, datagram);
    store_be16(datagram.data() + 6, checksum ? checksum : 0xffff);
    return ip_frame(l2, source.address, destination.address, 17, 64, datagram);
}

Frame echo_request(const L2& l2, const IpAddress& source, const IpAddress& destination, Bytes data) {
    bool v4 = source.is_v4();
    Frame message{static_cast<uint8_t>(v4 ? 8 : 128), 0, 0, 0, 0x12, 0x34, 0, 1};
    put(message, data);
    store_be16(message.data() + 2,
               v4 ? wire::checksum(message) : wire::transport_checksum(source, destination, 58, message));
    return ip_frame(l2, source, destination, v4 ? 1 : 58, 64, message);
}

Frame solicitation(const L2& l2, const IpAddress& source, const IpAddress& target,
                   std::optional<MacAddress> source_mac) {
    IpAddress destination = wire::solicited_node_multicast(target);
    Frame message(wire::kNdpLength);
    wire::write_neighbor_solicitation(std::span<uint8_t, wire::kNdpLength>(message.data(), wire::kNdpLength), source,
                                      destination, target, source_mac.value_or(MacAddress{}));
    if (!source_mac) {
        message.resize(24);
        store_be16(message.data() + 2, 0);
        store_be16(message.data() + 2, wire::transport_checksum(source, destination, 58, message));
    }
    return ip_frame({wire::multicast_mac(destination), l2.source, l2.vlan}, source, destination, 58, 255, message);
}

Frame advertisement(const L2& l2, const IpAddress& target, const IpAddress& destination, MacAddress target_mac,
                    bool solicited, bool override_cached) {
    Frame message(wire::kNdpLength);
    wire::write_neighbor_advertisement(std::span<uint8_t, wire::kNdpLength>(message.data(), wire::kNdpLength), target,
                                       destination, target, target_mac, solicited);
    message[4] = static_cast<uint8_t>((message[4] & ~0x60) | (solicited ? 0x40 : 0) | (override_cached ? 0x20 : 0));
    store_be16(message.data() + 2, 0);
    store_be16(message.data() + 2, wire::transport_checksum(target, destination, 58, message));
    return ip_frame(l2, target, destination, 58, 255, message);
}

std::optional<wire::Packet> parsed(Bytes frame) {
    wire::Packet packet;
    if (wire::parse(frame, false, packet)) return std::nullopt;
    return packet;
}

rte_mbuf* to_mbuf(rte_mempool* pool, Bytes bytes) {
    rte_mbuf* m = rte_pktmbuf_alloc(pool);
    if (!m) return nullptr;
    char* room = rte_pktmbuf_append(m, static_cast<uint16_t>(bytes.size()));
    if (!room) {
        rte_pktmbuf_free(m);
        return nullptr;
    }
    if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
    return m;
}

}  // namespace fedge::test
