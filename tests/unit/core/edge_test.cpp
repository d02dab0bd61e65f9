// Packets from end to end through media cores: frames in, frames out.
#include <gtest/gtest.h>

#include "dataplane/wire/icmp.h"
#include "tests/unit/core/edge_fixture.h"

namespace fedge::core {
namespace {

using namespace test_edge;  // NOLINT(google-build-using-namespace)

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

// Padding behind ChannelData is no plain case, and nothing of it is sent on.
TEST_F(Edge, ThePlainWaySendsWhatTheGeneralWaySends) {
    start();
    allocate(kClient, kServer);
    bind(kClient, kServer, kPeer, 0x4001);
    SeededRandom random(5);
    for (int i = 0; i < 100; i++) {  // stays within the burst of the allocation's bandwidth
        std::vector<uint8_t> data(random.below(300));
        random.fill(data);
        std::vector<uint8_t> plain = channel_data(0x4001, data), padded = plain;
        padded.resize(plain.size() + 1 + random.below(3));
        std::array<Frame, 2> sent;
        for (auto [payload, frame] : {std::pair{&plain, &sent[0]}, {&padded, &sent[1]}}) {
            ASSERT_TRUE(box_->send(test::udp_frame(box_->mac(), kClient, kServer, *payload)));
            box_->turn();
            auto out = box_->receive();
            ASSERT_EQ(out.size(), 1u) << "step " << i << ", " << box_->drops();
            ASSERT_TRUE(open(out[0]));
            *frame = out[0];
            for (size_t differs : {18, 19, 24, 25}) (*frame)[differs] = 0;  // identification, header checksum
        }
        ASSERT_EQ(sent[0], sent[1]) << data.size();
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
        Frame frame = test::icmp_error_frame(box_->mac(), kPeer.address, 3, 3, quoted);
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
    start(2, {.mbufs = 16383});
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
