// An edge in one process, a client, another one and a peer: what tests of the packet path share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "tests/support/edge_box.h"
#include "tests/support/stun_client.h"

namespace fedge::core::test_edge {

using test::EdgeBox;
using test::EdgeBoxPlan;
using test::Frame;
using test::StunAttempt;
using wire::StunAttribute;
using wire::StunMethod;

inline Endpoint at(const char* text) {
    return Endpoint::parse(text).value();
}

// A frame that came out, taken apart and checked: addresses, lengths, checksums.
struct Datagram {
    Endpoint source, destination;
    std::vector<uint8_t> payload;
};

inline std::optional<Datagram> open(const Frame& frame) {
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
    void start(uint16_t cores = 1, EdgeBoxPlan plan = {}) {
        plan.cores = cores;
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

inline const Endpoint kClient = at("198.51.100.2:40000");
inline const Endpoint kClient6 = at("[2001:db8:2::2]:40000");
inline const Endpoint kServer = at("192.0.2.10:3478");
inline const Endpoint kServer6 = at("[2001:db8:1::10]:3478");
inline const Endpoint kClientB = at("198.51.100.77:41000");
inline const Endpoint kClientB6 = at("[2001:db8:2::77]:41000");
inline const Endpoint kPeer = at("203.0.113.2:5000");

}  // namespace fedge::core::test_edge
