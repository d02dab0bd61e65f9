// A TURN server of one core with clients on streams, under virtual time.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/relay/stream_clients.h"
#include "tests/support/fake_stream.h"
#include "tests/support/turn_edge.h"

namespace fedge::test {

inline EdgeSettings stream_settings() {
    EdgeSettings settings;
    settings.stream_listeners = {"192.0.2.1:3478", "[2001:db8::1]:3478"};
    return settings;
}
// Behind the two of UDP.
inline constexpr uint16_t kStreamListener = 2;

// An Edge whose clients may come on streams, and what goes to peers by UDP.
class StreamEdge : public relay::PeerOutput {
  public:
    explicit StreamEdge(tcp::Transport& transport, const EdgeSettings& settings = stream_settings(),
                        relay::StreamLimits limits = {}, relay::TurnPools pools = small_pools())
        : edge(settings, pools), clients(limits, edge.now, edge.counters(), random_, edge.turn, *this, transport) {
        clients.set_time(edge.now, edge.unix_now());
    }

    void send(const relay::Forward& f, Bytes data, Instant) override {
        Sent one{f.source, f.destination, {data.begin(), data.end()}, f.dont_fragment, f.hairpin};
        if (!f.hairpin) return sent.push_back(std::move(one));
        // As the core does it.
        relay::Forward onward;
        relay::Handle found = relay::Turn::handle_in(
            edge.turn.relay_slot(edge.relay_index(one.destination.address), one.destination.port));
        if (edge.turn.from_relay(edge.now, found, one.source, data, onward) && onward.to_stream)
            clients.to_client(onward, data, edge.now);
    }
    std::vector<Sent> take() { return std::exchange(sent, {}); }

    // A datagram from a peer to a relay address.
    bool from_peer(const Endpoint& peer, const Endpoint& relay, std::string_view data) {
        relay::Forward forward;
        relay::Handle found = relay::Turn::handle_in(edge.turn.relay_slot(edge.relay_index(relay.address), relay.port));
        if (!edge.turn.from_peer(edge.now, found, peer, bytes_of(data), forward)) return false;
        expect_stream(forward);
        clients.to_client(forward, bytes_of(data), edge.now);
        return true;
    }
    void reload(const EdgeSettings& settings) {
        edge.reload(settings);
        clients.adopt(edge.now);
    }
    // One turn of the loop at a later time.
    void turn(Duration later = Duration{0}) {
        edge.now += later;
        edge.tick();
        clients.turn(edge.now, edge.unix_now());
    }
    void pass(Duration d) {
        for (Instant until = edge.now + d; edge.now < until;) turn(std::min<Duration>(100ms, until - edge.now));
    }
    void reseed(uint64_t seed) {
        edge.reseed(seed);
        random_ = SeededRandom(seed + 1);
    }
    template <typename What>
    uint64_t count(What what) {
        return edge.count(what);
    }

    std::vector<Sent> sent;

  private:
    static void expect_stream(const relay::Forward& forward) {
        if (!forward.to_stream) throw std::logic_error("data for a client on a stream does not say so");
    }
    SeededRandom random_{7};

  public:
    Edge edge;
    relay::StreamClients clients;
};

// The messages that lie in bytes one behind the other, by the rules of RFC 8656 section 12.5, written here once more.
inline std::vector<std::vector<uint8_t>> messages_in(Bytes bytes) {
    std::vector<std::vector<uint8_t>> messages;
    while (!bytes.empty()) {
        if (bytes.size() < 4) throw std::logic_error("half a message");
        size_t length = load_be16(bytes.data() + 2);
        size_t size = bytes[0] >= 0x40 ? 4 + length + (4 - length % 4) % 4 : 20 + length;
        if (size > bytes.size()) throw std::logic_error("half a message");
        messages.emplace_back(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
        bytes = bytes.subspan(size);
    }
    return messages;
}

inline std::vector<uint8_t> channel_data(uint16_t channel, std::string_view data, bool padded = true) {
    size_t size = 4 + data.size();
    std::vector<uint8_t> message(padded ? (size + 3) & ~size_t{3} : size);
    store_be16(message.data(), channel);
    store_be16(message.data() + 2, static_cast<uint16_t>(data.size()));
    std::copy(data.begin(), data.end(), message.data() + 4);
    return message;
}

// A client on a stream of the test's.
class StreamClient : public Client {
  public:
    StreamClient(StreamEdge& server_edge, const char* endpoint, const char* name = "alice",
                 uint16_t position = kStreamListener, bool tls = false)
        : Client(server_edge.edge, endpoint, name, position),
          server(server_edge),
          stream(test::at(position == kStreamListener ? "192.0.2.1:3478" : "[2001:db8::1]:3478"), self) {
        stream.handler = server.clients.accept(stream, position, tls);
    }

    ~StreamClient() override { stream.reset(); }

    Reply ask(Bytes message) override {
        stream.take();
        stream.send(message);
        return {stream.take()};
    }
    // --- RFC 6062
    Reply allocate_tcp(std::optional<uint8_t> family = std::nullopt) {
        return allocate_bare([&](StunWriter& w) {
            w.attribute_u32(StunAttribute::requested_transport, 6U << 24);
            if (family) w.attribute_u32(StunAttribute::requested_address_family, uint32_t{*family} << 24);
        });
    }
    // Empty while the edge is connecting.
    Reply connect(const Endpoint& peer) {
        return request(StunMethod::connect,
                       [&](StunWriter& w) { w.xor_address(StunAttribute::xor_peer_address, peer); });
    }
    Reply bind_connection(uint32_t id) {
        return request(StunMethod::connection_bind,
                       [&](StunWriter& w) { w.attribute_u32(StunAttribute::connection_id, id); });
    }
    static uint32_t connection_id(const Reply& reply) {
        auto message = reply.message();
        return message ? message->u32(StunAttribute::connection_id).value_or(0) : 0;
    }

    // The messages that the edge has written since.
    std::vector<std::vector<uint8_t>> received() { return messages_in(stream.take()); }

    StreamEdge& server;
    FakeStream stream;
};

}  // namespace fedge::test
