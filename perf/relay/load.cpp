#include "perf/relay/load.h"

#include <rte_cycles.h>

#include <stdexcept>
#include <string>

#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "tests/support/stun_client.h"

namespace fedge::perf {
namespace {

constexpr const char* kSecret = "benchmark secret";
constexpr const char* kRealm = "example.org";
constexpr uint16_t kChannel = 0x4001;
const Endpoint kServer{*IpAddress::parse("192.0.2.10"), 3478};

// RFC 2544's range: clients in 198.18/16, peers in 198.19/16.
Client make_client(uint32_t index) {
    uint32_t host = index & 0xffff;
    auto port = static_cast<uint16_t>(10000 + (index >> 16));
    return {{IpAddress::v4(0xc6120000 | host), port},
            {},
            {IpAddress::v4(0xc6130000 | host), static_cast<uint16_t>(port + 20000)}};
}

std::string user_name(uint32_t index) {
    return "4102444800:user" + std::to_string(index);
}

test::StunAttempt attempt(uint32_t index, wire::StunMethod method) {
    test::StunAttempt a;
    a.method = method;
    store_be32(a.transaction.data(), index);
    store_be32(a.transaction.data() + 4, static_cast<uint32_t>(method));
    return a;
}

Bytes udp_payload(const test::Frame& frame) {
    constexpr size_t kHeaders = wire::kEthernetHeader + wire::kIpv4Header + wire::kUdpHeader;
    if (frame.size() < kHeaders) throw std::runtime_error("the edge sent a short frame");
    return Bytes{frame}.subspan(kHeaders);
}

wire::StunMessage parse_reply(const test::Frame& frame) {
    auto message = wire::StunMessage::parse(udp_payload(frame));
    if (!message) throw std::runtime_error("the edge sent something that is not STUN");
    return *message;
}

std::string error_of(const wire::StunMessage& reply) {
    Bytes code = reply.value(wire::StunAttribute::error_code);
    return code.size() < 4 ? "no error code" : std::to_string(code[2] * 100 + code[3]);
}

}  // namespace

contract::SnapshotT Load::snapshot(uint32_t allocations) {
    contract::SnapshotT snapshot = test::EdgeBox::snapshot();
    contract::TurnT& turn = *snapshot.turn;
    turn.relay_addresses.clear();
    // The on-link prefix grows with the pool; 9,000 of each address's 10,000 ports are meant to be used.
    uint32_t addresses = allocations / 9000 + 1;
    snapshot.interfaces[0]->addresses[0] = test::wire_prefix(*Prefix::parse("192.0.2.10/16"));
    for (uint32_t i = 0; i < addresses; i++) {
        auto relay = std::make_unique<contract::RelayAddressT>();
        IpAddress address = IpAddress::v4(0xc0000300 + i);
        relay->address = std::make_unique<contract::Ip>(test::wire_ip(address));
        relay->advertised = std::make_unique<contract::Ip>(test::wire_ip(address));
        turn.relay_addresses.push_back(std::move(relay));
    }
    auto secret = std::make_unique<contract::TurnSecretT>();
    secret->id = 1;
    auto key = bytes_of(kSecret);
    secret->key.assign(key.begin(), key.end());
    turn.secrets.push_back(std::move(secret));
    turn.peer_allow.push_back(test::wire_prefix(*Prefix::parse("198.19.0.0/16")));
    turn.channel_lifetime_s = 3600;
    turn.default_lifetime_s = 3600;
    return snapshot;
}

Load::Load(test::EdgeBox& box, uint32_t count) : box_(box), rtp_(kRtpBytes) {
    rtp_[0] = 0x80;
    for (size_t i = 12; i < rtp_.size(); i++) rtp_[i] = static_cast<uint8_t>(i * 7);
    clients_.reserve(count);
    for (uint32_t i = 0; i < count; i++) clients_.push_back(make_client(i));
    constexpr uint32_t kBatch = 256;
    for (uint32_t first = 0; first < count; first += kBatch) {
        uint32_t n = std::min(kBatch, count - first);
        allocate(first, n);
        bind(first, n);
    }
}

uint64_t Load::run(const std::vector<test::Frame>& requests, std::vector<test::Frame>& replies) {
    for (const test::Frame& request : requests)
        if (!box_.send(request)) throw std::runtime_error("the benchmark's ring is full");
    uint64_t begin = rte_rdtsc();
    for (size_t i = 0; i < requests.size() / 32 + 2; i++) box_.turn();
    uint64_t cycles = rte_rdtsc() - begin;
    replies = box_.receive();
    // The edge also announces its addresses meanwhile, and asks whether its gateway is still there.
    std::erase_if(replies, [&](const test::Frame& f) {
        box_.answer_arp(f);
        return load_be16(f.data() + 12) != wire::kEtherTypeIpv4;
    });
    if (replies.size() != requests.size())
        throw std::runtime_error("the edge answered " + std::to_string(replies.size()) + " of " +
                                 std::to_string(requests.size()) + " requests; " + box_.drops());
    return cycles;
}

void Load::allocate(uint32_t first, uint32_t count) {
    std::vector<test::Frame> requests, challenges, replies;
    logged_in_.clear();
    for (uint32_t i = first; i < first + count; i++)
        requests.push_back(
            test::udp_frame(box_.mac(), clients_[i].client, kServer, attempt(i, wire::StunMethod::allocate).write()));
    cost_.allocate_cycles += run(requests, challenges);
    requests.clear();
    for (uint32_t i = first; i < first + count; i++) {
        auto challenge = parse_reply(challenges[i - first]);
        auto a = attempt(i, wire::StunMethod::allocate);
        a.log_in(user_name(i), kRealm, test::time_limited_password(kSecret, user_name(i)));
        a.nonce = std::string(challenge.text(wire::StunAttribute::nonce));
        requests.push_back(test::udp_frame(box_.mac(), clients_[i].client, kServer, a.write()));
        logged_in_.push_back(std::move(a));
    }
    cost_.allocate_cycles += run(requests, replies);
    for (uint32_t i = first; i < first + count; i++) {
        auto reply = parse_reply(replies[i - first]);
        auto relay = reply.address(wire::StunAttribute::xor_relayed_address);
        if (reply.klass() != wire::StunClass::success || !relay)
            throw std::runtime_error("allocation " + std::to_string(i) + " was refused: " + error_of(reply));
        clients_[i].relay = *relay;
    }
}

void Load::bind(uint32_t first, uint32_t count) {
    std::vector<test::Frame> requests, replies;
    for (uint32_t i = first; i < first + count; i++) {
        test::StunAttempt& a = logged_in_[i - first];
        a.method = wire::StunMethod::channel_bind;
        a.transaction = attempt(i, a.method).transaction;
        a.channel = kChannel;
        a.peer = clients_[i].peer;
        requests.push_back(test::udp_frame(box_.mac(), clients_[i].client, kServer, a.write()));
    }
    cost_.bind_cycles += run(requests, replies);
    for (const auto& reply : replies)
        if (parse_reply(reply).klass() != wire::StunClass::success)
            throw std::runtime_error("a ChannelBind was refused");
}

void Load::write(rte_mbuf* mbuf, const Endpoint& source, const Endpoint& destination, uint16_t sequence,
                 bool channel) const {
    size_t payload = kRtpBytes + (channel ? wire::kChannelHeader : 0);
    rte_pktmbuf_reset(mbuf);
    size_t length = wire::kEthernetHeader + wire::kIpv4Header + wire::kUdpHeader + payload;
    auto* frame = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(length)));
    uint8_t* at = frame + wire::write_ethernet(frame, box_.mac(), test::EdgeBox::kGatewayMac, 0, wire::kEtherTypeIpv4);
    wire::IpFields fields;
    fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload);
    at += wire::write_ipv4(at, source.address, destination.address, fields);
    uint8_t* udp = at;
    at += wire::write_udp(at, source.port, destination.port, static_cast<uint16_t>(payload), 0);
    if (channel) {
        store_be16(at, kChannel);
        store_be16(at + 2, kRtpBytes);
        at += wire::kChannelHeader;
    }
    std::memcpy(at, rtp_.data(), kRtpBytes);
    store_be16(at + 2, sequence);
    store_be32(at + 4, uint32_t{sequence} * 160);
    Bytes segment(udp, wire::kUdpHeader + payload);
    uint16_t sum = wire::transport_checksum(source.address, destination.address, 17, segment);
    store_be16(udp + 6, sum ? sum : 0xffff);
}

void Load::write_to_peer(uint32_t index, rte_mbuf* mbuf) {
    Client& c = clients_[index];
    write(mbuf, c.client, kServer, c.to_peer_sequence++, true);
}

void Load::write_to_client(uint32_t index, rte_mbuf* mbuf) {
    Client& c = clients_[index];
    write(mbuf, c.peer, c.relay, c.to_client_sequence++, false);
}

bool Load::right(Bytes frame, const Endpoint& source, const Endpoint& destination, bool channel) const {
    wire::Packet packet;
    if (wire::parse(frame, false, packet) || !packet.is_udp()) return false;
    if (packet.source != source.address || packet.source_port != source.port) return false;
    if (packet.destination != destination.address || packet.destination_port != destination.port) return false;
    Bytes segment = frame.subspan(packet.l4_offset, wire::kUdpHeader + packet.payload_length);
    if (!wire::transport_checksum_ok(source.address, destination.address, 17, segment)) return false;
    Bytes data = frame.subspan(packet.payload_offset, packet.payload_length);
    if (channel) {
        auto header = wire::ChannelData::parse(data);
        if (!header || header->channel != kChannel || header->length != kRtpBytes) return false;
        data = data.subspan(wire::kChannelHeader, header->length);
    }
    constexpr size_t kVaries = 8;  // sequence number and timestamp
    return data.size() == rtp_.size() && std::equal(data.begin() + kVaries, data.end(), rtp_.begin() + kVaries);
}

bool Load::right_to_peer(uint32_t index, Bytes frame) const {
    return right(frame, clients_[index].relay, clients_[index].peer, false);
}

bool Load::right_to_client(uint32_t index, Bytes frame) const {
    return right(frame, kServer, clients_[index].client, true);
}

}  // namespace fedge::perf
