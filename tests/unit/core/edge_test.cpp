// Packets from end to end through media cores: frames in, frames out.
#include <gtest/gtest.h>

#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/icmp.h"
#include "tests/support/edge_box.h"
#include "tests/support/stun_client.h"

namespace fedge::core {
namespace {

using test::EdgeBox;
using test::EdgeBoxPlan;
using test::Frame;
using test::StunAttempt;
using wire::StunAttribute;
using wire::StunMethod;

Endpoint at(const char* text) {
    return Endpoint::parse(text).value();
}

// A frame that came out, taken apart and checked: addresses, lengths, checksums.
struct Datagram {
    Endpoint source, destination;
    std::vector<uint8_t> payload;
};

std::optional<Datagram> open(const Frame& frame) {
    wire::Packet packet;
    if (wire::parse(frame, false, packet) || !packet.is_udp()) return std::nullopt;
    Bytes segment = Bytes{frame}.subspan(packet.l4_offset, wire::kUdpHeader + packet.payload_length);
    EXPECT_TRUE(wire::transport_checksum_ok(packet.source, packet.destination, 17, segment));
    Bytes payload = Bytes{frame}.subspan(packet.payload_offset, packet.payload_length);
    return Datagram{{packet.source, packet.source_port},
                    {packet.destination, packet.destination_port},
                    {payload.begin(), payload.end()}};
}

class Edge : public testing::Test {
  protected:
    void start(uint16_t cores = 1, uint32_t mbufs = EdgeBoxPlan{}.mbufs) {
        EdgeBoxPlan plan;
        plan.cores = cores;
        plan.mbufs = mbufs;
        box_ = std::make_unique<EdgeBox>(plan);
        box_->publish(EdgeBox::snapshot());
        box_->learn_gateways();
        // Announcements and learning may have taken buffers that wait in receive queues only.
        baseline_ = box_->mbufs_in_use();
    }
    void TearDown() override {
        if (box_) {
            EXPECT_EQ(box_->mbufs_in_use(), baseline_) << "packet buffers leaked";
        }
    }

    // Sends one datagram into a queue and returns what came out after every core had its turns.
    std::vector<Datagram> exchange(const Endpoint& from, const Endpoint& to, Bytes payload, uint16_t queue = 0) {
        EXPECT_TRUE(box_->send(test::udp_frame(box_->mac(), from, to, payload), queue));
        for (int i = 0; i < 3; i++) box_->turn();
        std::vector<Datagram> out;
        for (const Frame& frame : box_->receive())
            if (auto datagram = open(frame)) out.push_back(*datagram);
        return out;
    }

    wire::StunMessage ask(const Endpoint& client, const Endpoint& server, const StunAttempt& attempt,
                          uint16_t queue = 0) {
        auto out = exchange(client, server, attempt.write(), queue);
        EXPECT_EQ(out.size(), 1u);
        if (out.empty()) throw std::runtime_error("no answer");
        EXPECT_EQ(out[0].source, server);
        EXPECT_EQ(out[0].destination, client);
        last_ = out[0].payload;
        return wire::StunMessage::parse(last_).value();
    }

    // Challenge, then the request with credentials.
    wire::StunMessage ask_logged_in(const Endpoint& client, const Endpoint& server, StunAttempt attempt,
                                    uint16_t queue = 0) {
        StunAttempt bare;
        auto challenge = ask(client, server, bare, queue);
        attempt.log_in("alice", "example.org", "secret");
        attempt.nonce = std::string(challenge.text(StunAttribute::nonce));
        return ask(client, server, attempt, queue);
    }

    Endpoint allocate(const Endpoint& client, const Endpoint& server, uint16_t queue = 0,
                      std::optional<Family> family = std::nullopt) {
        StunAttempt attempt;
        if (family) attempt.family = *family == Family::ipv4 ? 1 : 2;
        auto reply = ask_logged_in(client, server, attempt, queue);
        EXPECT_EQ(reply.klass(), wire::StunClass::success);
        EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), client);
        return reply.address(StunAttribute::xor_relayed_address).value();
    }

    void bind(const Endpoint& client, const Endpoint& server, const Endpoint& peer, uint16_t channel,
              uint16_t queue = 0) {
        StunAttempt attempt;
        attempt.method = StunMethod::channel_bind;
        attempt.channel = channel;
        attempt.peer = peer;
        EXPECT_EQ(ask_logged_in(client, server, attempt, queue).klass(), wire::StunClass::success);
    }

    wire::StunClass permit(const Endpoint& client, const Endpoint& server, const Endpoint& peer, uint16_t queue = 0) {
        StunAttempt attempt;
        attempt.method = StunMethod::create_permission;
        attempt.peer = peer;
        return ask_logged_in(client, server, attempt, queue).klass();
    }

    static std::vector<uint8_t> send_indication(const Endpoint& peer, const std::vector<uint8_t>& data) {
        StunAttempt send;
        send.indication = true;
        send.method = StunMethod::send;
        send.peer = peer;
        send.data = data;
        return send.write();
    }

    static std::vector<uint8_t> channel_data(uint16_t channel, Bytes data) {
        std::vector<uint8_t> out(wire::kChannelHeader + data.size());
        store_be16(out.data(), channel);
        store_be16(out.data() + 2, static_cast<uint16_t>(data.size()));
        std::copy(data.begin(), data.end(), out.begin() + wire::kChannelHeader);
        return out;
    }

    std::unique_ptr<EdgeBox> box_;
    uint32_t baseline_ = 0;
    std::vector<uint8_t> last_;
};

const Endpoint kClient = at("198.51.100.2:40000");
const Endpoint kClient6 = at("[2001:db8:2::2]:40000");
const Endpoint kServer = at("192.0.2.10:3478");
const Endpoint kServer6 = at("[2001:db8:1::10]:3478");
const Endpoint kClientB = at("198.51.100.77:41000");
const Endpoint kClientB6 = at("[2001:db8:2::77]:41000");
const Endpoint kPeer = at("203.0.113.2:5000");

TEST_F(Edge, AnswersBinding) {
    start();
    for (auto [client, server] : {std::pair{kClient, kServer}, {kClient6, kServer6}}) {
        StunAttempt binding;
        binding.method = StunMethod::binding;
        auto reply = ask(client, server, binding);
        EXPECT_EQ(reply.klass(), wire::StunClass::success);
        EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), client);
    }
}

TEST_F(Edge, RelaysBothWaysOnOneCore) {
    start();
    Endpoint relay = allocate(kClient, kServer);
    bind(kClient, kServer, kPeer, 0x4001);
    for (size_t size : {0, 1, 2, 3, 4, 172, 1200}) {
        std::vector<uint8_t> data(size, 0x5a);
        auto out = exchange(kClient, kServer, channel_data(0x4001, data));
        ASSERT_EQ(out.size(), 1u) << size;
        EXPECT_EQ(out[0].source, relay);
        EXPECT_EQ(out[0].destination, kPeer);
        EXPECT_EQ(out[0].payload, data);
        out = exchange(kPeer, relay, data);
        ASSERT_EQ(out.size(), 1u) << size;
        EXPECT_EQ(out[0].source, kServer);
        EXPECT_EQ(out[0].destination, kClient);
        EXPECT_EQ(out[0].payload, channel_data(0x4001, data));
    }
}

TEST_F(Edge, CountsEachFrameOnce) {
    start();
    uint64_t received = box_->total(Counter::rx_packets), sent = box_->total(Counter::tx_packets);
    StunAttempt binding;
    binding.method = StunMethod::binding;
    for (int i = 0; i < 5; i++) EXPECT_EQ(exchange(kClient, kServer, binding.write()).size(), 1u);
    EXPECT_EQ(box_->total(Counter::rx_packets), received + 5);
    EXPECT_EQ(box_->total(Counter::tx_packets), sent + 5);
}

TEST_F(Edge, ChannelDataPaddingIsNotRelayed) {
    start();
    allocate(kClient, kServer);
    bind(kClient, kServer, kPeer, 0x4001);
    std::vector<uint8_t> data{1, 2, 3}, padded = channel_data(0x4001, data);
    padded.push_back(0xee);
    auto out = exchange(kClient, kServer, padded);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].payload, data);
}

TEST_F(Edge, SendAndDataIndications) {
    start();
    Endpoint relay = allocate(kClient, kServer);
    StunAttempt permission;
    permission.method = StunMethod::create_permission;
    permission.peer = kPeer;
    EXPECT_EQ(ask_logged_in(kClient, kServer, permission).klass(), wire::StunClass::success);
    for (size_t size : {1, 2, 3, 4, 5, 500}) {
        std::vector<uint8_t> data(size, 0x77);
        StunAttempt send;
        send.indication = true;
        send.method = StunMethod::send;
        send.peer = kPeer;
        send.data = data;
        auto out = exchange(kClient, kServer, send.write());
        ASSERT_EQ(out.size(), 1u);
        EXPECT_EQ(out[0].source, relay);
        EXPECT_EQ(out[0].payload, data);
        out = exchange(kPeer, relay, data);
        ASSERT_EQ(out.size(), 1u);
        auto indication = wire::StunMessage::parse(out[0].payload);
        ASSERT_TRUE(indication);
        EXPECT_TRUE(indication->is(StunMethod::data));
        EXPECT_EQ(indication->address(StunAttribute::xor_peer_address), kPeer);
        EXPECT_TRUE(std::ranges::equal(indication->value(StunAttribute::data), data));
    }
}

TEST_F(Edge, NothingFromPeersWithoutPermission) {
    start();
    Endpoint relay = allocate(kClient, kServer);
    EXPECT_TRUE(exchange(kPeer, relay, bytes_of("hello")).empty());
    EXPECT_EQ(box_->total(Drop::no_permission), 1u);
    Endpoint unused = relay;
    unused.port = relay.port == 55555 ? 55556 : 55555;
    EXPECT_TRUE(exchange(kPeer, unused, bytes_of("hello")).empty());
    EXPECT_EQ(box_->total(Drop::relay_port_unused), 1u);
}

TEST_F(Edge, RelaysAcrossCores) {
    start(3);
    // The client's flow lives on core 1; its relay port too. The peer's packets arrive on every queue in turn.
    Endpoint relay = allocate(kClient, kServer, 1);
    bind(kClient, kServer, kPeer, 0x4001, 1);
    std::vector<uint8_t> data(172, 0x5a);
    for (uint16_t queue = 0; queue < 3; queue++) {
        auto out = exchange(kPeer, relay, data, queue);
        ASSERT_EQ(out.size(), 1u) << queue;
        EXPECT_EQ(out[0].payload, channel_data(0x4001, data));
    }
    EXPECT_EQ(box_->total(Counter::handover_sent),
              2u + 2 * 2u);  // two packets of data, and two neighbour messages to two cores
    EXPECT_EQ(box_->total(Counter::handover_received), box_->total(Counter::handover_sent));
}

TEST_F(Edge, EveryCoreLearnsNeighbours) {
    start(3);
    for (uint16_t queue = 0; queue < 3; queue++) {
        StunAttempt binding;
        binding.method = StunMethod::binding;
        EXPECT_EQ(ask(kClient, kServer, binding, queue).klass(), wire::StunClass::success);
    }
    EXPECT_EQ(box_->total(Counter::arp_requests_sent), box_->counters(0).value(Counter::arp_requests_sent));
}

TEST_F(Edge, ReportsIcmpErrorsToTheClientOnWhateverCoreTheyArrive) {
    start(2);
    Endpoint relay = allocate(kClient, kServer, 1);
    bind(kClient, kServer, kPeer, 0x4001, 1);
    auto sent = exchange(kClient, kServer, channel_data(0x4001, bytes_of("are you there")), 1);
    ASSERT_EQ(sent.size(), 1u);
    for (uint16_t queue : {0, 1}) {
        // Port unreachable, quoting the relayed datagram.
        Frame quoted = test::udp_frame(box_->mac(), relay, kPeer, sent[0].payload);
        Bytes quote = Bytes{quoted}.subspan(wire::kEthernetHeader);
        Frame frame(wire::kEthernetHeader + wire::kIpv4Header + 8 + quote.size());
        wire::write_ethernet(frame.data(), box_->mac(), EdgeBox::kGatewayMac, 0, wire::kEtherTypeIpv4);
        wire::IpFields fields;
        fields.protocol = 1;
        fields.payload_length = static_cast<uint16_t>(8 + quote.size());
        wire::write_ipv4(frame.data() + wire::kEthernetHeader, kPeer.address, relay.address, fields);
        uint8_t* icmp = frame.data() + wire::kEthernetHeader + wire::kIpv4Header;
        icmp[0] = 3;
        icmp[1] = 3;
        std::copy(quote.begin(), quote.end(), icmp + 8);
        store_be16(icmp + 2, wire::checksum({icmp, 8 + quote.size()}));
        ASSERT_TRUE(box_->send(frame, queue));
        for (int i = 0; i < 3; i++) box_->turn();
        auto frames = box_->receive();
        ASSERT_EQ(frames.size(), 1u) << "queue " << queue;
        auto datagram = open(frames[0]);
        ASSERT_TRUE(datagram);
        EXPECT_EQ(datagram->destination, kClient);
        auto indication = wire::StunMessage::parse(datagram->payload);
        ASSERT_TRUE(indication);
        EXPECT_EQ(indication->address(StunAttribute::xor_peer_address), kPeer);
        Bytes value = indication->value(StunAttribute::icmp);
        ASSERT_EQ(value.size(), 8u);
        EXPECT_EQ(load_be16(value.data() + 2) >> 9, 3);     // type: 7 bits (RFC 8656 section 18.13)
        EXPECT_EQ(load_be16(value.data() + 2) & 0x1ff, 3);  // code: 9 bits
    }
}

// Two clients of the edge who know nothing of each other but relayed addresses, on the same core and on two.
struct RelayToRelay {
    const char* name;
    uint16_t cores;
    uint16_t queue[2];
    Endpoint client[2];
    Endpoint server[2];
    Family family;
    const char* advertised;  // by a 1:1 NAT; nullptr: none
};

const RelayToRelay kRelayToRelay[] = {
    {"one core", 1, {0, 0}, {kClient, kClientB}, {kServer, kServer}, Family::ipv4, nullptr},
    {"one core, IPv6", 1, {0, 0}, {kClient6, kClientB6}, {kServer6, kServer6}, Family::ipv6, nullptr},
    {"two of three cores", 3, {0, 1}, {kClient, kClientB}, {kServer, kServer}, Family::ipv4, nullptr},
    {"two of three cores, IPv6", 3, {2, 1}, {kClient6, kClientB6}, {kServer6, kServer6}, Family::ipv6, nullptr},
    {"the same of three cores", 3, {1, 1}, {kClient, kClientB}, {kServer, kServer}, Family::ipv4, nullptr},
    {"IPv6 and IPv4 clients", 3, {0, 2}, {kClient6, kClientB}, {kServer6, kServer}, Family::ipv4, nullptr},
    {"IPv4 clients, IPv6 relays", 1, {0, 0}, {kClient, kClientB}, {kServer, kServer}, Family::ipv6, nullptr},
    {"behind NAT", 1, {0, 0}, {kClient, kClientB}, {kServer, kServer}, Family::ipv4, "203.0.113.20"},
    {"behind NAT, two cores", 2, {0, 1}, {kClient, kClientB}, {kServer, kServer}, Family::ipv4, "203.0.113.20"},
    {"IPv6 behind NAT", 2, {1, 0}, {kClient6, kClientB}, {kServer6, kServer}, Family::ipv6, "2001:db8:9::20"},
};

class EdgeRelayToRelay : public Edge, public testing::WithParamInterface<RelayToRelay> {
  protected:
    void begin() {
        const RelayToRelay& row = GetParam();
        start(row.cores);
        contract::SnapshotT snapshot = EdgeBox::snapshot();
        if (row.advertised) {
            auto& relay = snapshot.turn->relay_addresses[row.family == Family::ipv4 ? 0 : 1];
            relay->advertised = std::make_unique<contract::Ip>(test::wire_ip(IpAddress::parse(row.advertised).value()));
            snapshot.revision = 2;
            box_->publish(snapshot);
        }
        for (int i : {0, 1}) relay_[i] = allocate(row.client[i], row.server[i], row.queue[i], row.family);
    }
    std::vector<Datagram> from(int side, Bytes payload) {
        return exchange(GetParam().client[side], GetParam().server[side], payload, GetParam().queue[side]);
    }
    void expect_at(int side, const std::vector<Datagram>& out) {
        ASSERT_EQ(out.size(), 1u);
        EXPECT_EQ(out[0].source, GetParam().server[side]);
        EXPECT_EQ(out[0].destination, GetParam().client[side]);
    }
    Endpoint relay_[2];
};

INSTANTIATE_TEST_SUITE_P(Ways, EdgeRelayToRelay, testing::ValuesIn(kRelayToRelay),
                         [](const auto& row) { return std::to_string(row.index); });

TEST_P(EdgeRelayToRelay, ChannelsBothWays) {
    SCOPED_TRACE(GetParam().name);
    begin();
    for (int i : {0, 1})
        bind(GetParam().client[i], GetParam().server[i], relay_[1 - i], static_cast<uint16_t>(0x4001 + i),
             GetParam().queue[i]);
    for (size_t size : {0, 1, 2, 3, 4, 172, 1200}) {
        std::vector<uint8_t> data(size, 0x5a);
        for (int i : {0, 1}) {
            auto out = from(i, channel_data(static_cast<uint16_t>(0x4001 + i), data));
            ASSERT_NO_FATAL_FAILURE(expect_at(1 - i, out));
            EXPECT_EQ(out[0].payload, channel_data(static_cast<uint16_t>(0x4002 - i), data));
        }
    }
    EXPECT_EQ(box_->total(Counter::relay_hairpin_packets), 14u);
    EXPECT_EQ(box_->total(Counter::relay_to_peer_packets), 14u);
    EXPECT_EQ(box_->total(Counter::relay_to_client_packets), 14u);
}

TEST_P(EdgeRelayToRelay, IndicationsNeedPermissionsOnBothSides) {
    SCOPED_TRACE(GetParam().name);
    const RelayToRelay& row = GetParam();
    begin();
    std::vector<uint8_t> data(173, 0x5a);
    EXPECT_TRUE(from(0, send_indication(relay_[1], data)).empty());
    EXPECT_EQ(box_->total(Drop::no_permission), 1u);
    EXPECT_EQ(permit(row.client[0], row.server[0], relay_[1], row.queue[0]), wire::StunClass::success);
    EXPECT_TRUE(from(0, send_indication(relay_[1], data)).empty());
    EXPECT_EQ(box_->total(Drop::no_permission), 2u);
    EXPECT_EQ(permit(row.client[1], row.server[1], relay_[0], row.queue[1]), wire::StunClass::success);
    for (int i : {0, 1}) {
        auto out = from(i, send_indication(relay_[1 - i], data));
        ASSERT_NO_FATAL_FAILURE(expect_at(1 - i, out));
        auto indication = wire::StunMessage::parse(out[0].payload);
        ASSERT_TRUE(indication);
        EXPECT_EQ(indication->address(StunAttribute::xor_peer_address), relay_[i]);
        EXPECT_TRUE(std::ranges::equal(indication->value(StunAttribute::data), data));
    }
    // The same from the network is a forgery, whatever the permissions say.
    Endpoint inside = relay_[1];
    if (row.advertised) inside.address = EdgeBox::relay_address(row.family);
    for (uint16_t queue = 0; queue < row.cores; queue++)
        EXPECT_TRUE(exchange(relay_[0], inside, bytes_of("forged"), queue).empty());
    EXPECT_EQ(box_->total(Drop::spoofed_own_source), row.cores);
}

TEST_F(Edge, RelayToRelayWithoutUdpChecksum) {
    start(2);
    Endpoint relay = allocate(kClient, kServer, 0, Family::ipv6);
    Endpoint relay_b = allocate(kClientB6, kServer6, 1, Family::ipv6);
    bind(kClient, kServer, relay_b, 0x4001);
    bind(kClientB6, kServer6, relay, 0x4001, 1);
    std::vector<uint8_t> data(172, 0x5a);
    Frame frame = test::udp_frame(box_->mac(), kClient, kServer, channel_data(0x4001, data));
    store_be16(frame.data() + wire::kEthernetHeader + wire::kIpv4Header + 6, 0);
    ASSERT_TRUE(box_->send(frame));
    for (int i = 0; i < 3; i++) box_->turn();
    auto frames = box_->receive();
    ASSERT_EQ(frames.size(), 1u);
    auto datagram = open(frames[0]);  // IPv6: with a checksum, and a right one
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->destination, kClientB6);
    EXPECT_EQ(datagram->payload, channel_data(0x4001, data));
}

TEST_F(Edge, RelayToRelayNeverReachesTheServer) {
    start();
    contract::SnapshotT snapshot = EdgeBox::snapshot();
    snapshot.revision = 2;
    auto& relay = snapshot.turn->relay_addresses[0];  // the listener's address is the relay address
    *relay->address = *relay->advertised = test::wire_ip(kServer.address);
    box_->publish(snapshot);
    Endpoint relay_a = allocate(kClient, kServer);
    Endpoint relay_b = allocate(kClientB, kServer);
    EXPECT_EQ(relay_a.address, kServer.address);
    StunAttempt to_server;
    to_server.method = StunMethod::channel_bind;
    to_server.channel = 0x4005;
    to_server.peer = kServer;
    EXPECT_EQ(ask_logged_in(kClient, kServer, to_server).klass(), wire::StunClass::error);
    EXPECT_EQ(box_->total(Counter::turn_forbidden_peer), 1u);
    EXPECT_EQ(permit(kClient, kServer, kServer), wire::StunClass::success);  // for the ports that are relay ports
    StunAttempt binding;
    binding.method = StunMethod::binding;
    EXPECT_TRUE(exchange(kClient, kServer, send_indication(kServer, binding.write())).empty());
    EXPECT_EQ(box_->total(Drop::peer_denied), 1u);
    EXPECT_EQ(box_->total(Counter::stun_binding), 0u);
    bind(kClient, kServer, relay_b, 0x4001);
    bind(kClientB, kServer, relay_a, 0x4001);
    auto out = exchange(kClient, kServer, channel_data(0x4001, bytes_of("x")));
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].destination, kClientB);
}

TEST_F(Edge, RelayToRelayIsBounded) {
    constexpr uint32_t kMailbox = 4095;
    constexpr uint32_t kSent = kMailbox + 65;
    start(2, 16383);
    Endpoint relay = allocate(kClient, kServer, 0);
    Endpoint relay_b = allocate(kClientB, kServer, 1);
    bind(kClient, kServer, relay_b, 0x4001, 0);
    bind(kClientB, kServer, relay, 0x4001, 1);
    Frame frame = test::udp_frame(box_->mac(), kClient, kServer, channel_data(0x4001, bytes_of("x")));
    for (uint32_t i = 0; i < kSent; i++) {
        ASSERT_TRUE(box_->send(frame));
        box_->core(0).iterate();  // and core 1 does not come round
    }
    EXPECT_EQ(box_->total(Drop::handover_full), kSent - kMailbox);
    size_t arrived = 0;
    for (uint32_t i = 0; i < kMailbox / 32 + 1; i++) {
        box_->core(1).iterate();
        arrived += box_->receive().size();
    }
    EXPECT_EQ(arrived, kMailbox);
}

TEST_F(Edge, ReconfigurationKeepsAllocations) {
    start();
    Endpoint relay = allocate(kClient, kServer);
    bind(kClient, kServer, kPeer, 0x4001);
    contract::SnapshotT next = EdgeBox::snapshot();
    next.revision = 2;
    next.turn->user_quota = 5;
    box_->publish(next);
    std::vector<uint8_t> data(172, 0x5a);
    auto out = exchange(kClient, kServer, channel_data(0x4001, data));
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].source, relay);
    EXPECT_EQ(box_->core(0).stats().revision.load(), 2u);
}

TEST_F(Edge, DrainRefusesNewAndKeepsOld) {
    start();
    allocate(kClient, kServer);
    bind(kClient, kServer, kPeer, 0x4001);
    contract::SnapshotT next = EdgeBox::snapshot();
    next.revision = 2;
    next.drain = true;
    box_->publish(next);
    EXPECT_EQ(exchange(kClient, kServer, channel_data(0x4001, bytes_of("x"))).size(), 1u);
    EXPECT_EQ(ask_logged_in(at("198.51.100.3:40000"), kServer, StunAttempt{}).klass(), wire::StunClass::error);
    EXPECT_EQ(box_->total(Counter::turn_draining), 1u);
}

TEST_F(Edge, AccessRulesApplyBeforeAnythingAnswers) {
    start();
    contract::SnapshotT next = EdgeBox::snapshot();
    auto rule = std::make_unique<contract::AccessRuleT>();
    rule->source = std::make_unique<contract::Prefix>(test::wire_prefix(*Prefix::parse("198.51.100.0/24")));
    rule->allow = false;
    next.access.push_back(std::move(rule));
    box_->publish(next);
    StunAttempt binding;
    binding.method = StunMethod::binding;
    EXPECT_TRUE(exchange(kClient, kServer, binding.write()).empty());
    EXPECT_EQ(box_->total(Drop::access_denied), 1u);
    EXPECT_EQ(exchange(kPeer, kServer, binding.write()).size(), 1u);
}

TEST_F(Edge, EveryDropHasItsName) {
    start();
    auto broken = [&](const Endpoint& from, const Endpoint& to, auto change) {
        Frame frame = test::udp_frame(box_->mac(), from, to, bytes_of("0123456789"));
        change(frame);
        box_->send(frame);
        box_->turn();
        box_->receive();
    };
    struct Row {
        Drop drop;
        Endpoint from, to;
        void (*change)(Frame&);
    };
    auto keep = [](Frame&) {};
    const Row rows[] = {
        {Drop::ether_short, kClient, kServer, [](Frame& f) { f.resize(10); }},
        {Drop::ether_type, kClient, kServer, [](Frame& f) { store_be16(f.data() + 12, 0x88cc); }},
        {Drop::ipv4_checksum, kClient, kServer, [](Frame& f) { f[24] ^= 0xff; }},
        {Drop::ipv4_malformed, kClient, kServer, [](Frame& f) { f[14] = 0x41; }},
        {Drop::not_for_us, kClient, at("192.0.2.99:3478"), keep},
        {Drop::spoofed_own_source, kServer, kServer, keep},
        {Drop::martian_source, at("127.0.0.1:99"), kServer, keep},
        {Drop::port_closed, kClient, at("192.0.2.10:5060"), keep},
        {Drop::turn_not_turn, kClient, kServer, keep},
        {Drop::turn_no_allocation, kClient, kServer,
         [](Frame& f) {
             f[42] = 0x40;
             f[43] = 0x01;
             f[44] = 0;
             f[45] = 2;
         }},
    };
    for (const Row& row : rows) {
        uint64_t before = box_->total(row.drop);
        broken(row.from, row.to, row.change);
        EXPECT_EQ(box_->total(row.drop), before + 1) << contract::kDrops[static_cast<size_t>(row.drop)].name;
    }
}

TEST_F(Edge, WithoutSnapshotEverythingIsCounted) {
    EdgeBoxPlan plan;
    box_ = std::make_unique<EdgeBox>(plan);
    baseline_ = box_->mbufs_in_use();
    StunAttempt binding;
    binding.method = StunMethod::binding;
    EXPECT_TRUE(exchange(kClient, kServer, binding.write()).empty());
    EXPECT_EQ(box_->total(Drop::no_snapshot), 1u);
}

}  // namespace
}  // namespace fedge::core
