// What comes on a TURN connection, cut at any boundary and lying in memory in any pieces: the verdicts, the answers and
// the data that goes on are those of the same bytes in one piece. Clients of a script connect, allocate (datagrams and
// connections), bind and end; what must not be lost comes back.
//
// First byte of the input: how the bytes are cut. The rest is a script, whose steps add messages to one of two streams
// of bytes, each sent by a client with an allocation, and raw bytes behind them.
#include <rte_eal.h>

#include <cstdlib>
#include <deque>
#include <string>

#include "tests/fuzz/expect.h"
#include "tests/support/stream_edge.h"

namespace fedge {
namespace {

using fuzz::expect;
using namespace test;  // NOLINT(google-build-using-namespace)

void start_eal() {
    static const int started = [] {
        const char* arguments[] = {"fuzz",           "--no-huge",   "-m", "512", "--no-pci",
                                   "--no-telemetry", "--no-shconf", "-l", "0",   "--log-level=error"};
        return rte_eal_init(static_cast<int>(std::size(arguments)), const_cast<char**>(arguments));
    }();
    expect(started >= 0, "the EAL starts");
}

EdgeSettings settings() {
    EdgeSettings s = stream_settings();
    s.port_last = 50031;
    s.quarantine_s = 5;
    return s;
}

relay::StreamLimits limits() {
    return {.sessions = 8, .unproven = 8, .tcp_allocations = 2, .peers = 4, .peers_per_allocation = 3};
}

// One edge with three clients: one relays datagrams, one connections, and one is there for ConnectionBind. All that can
// be seen of it goes into `seen`. The edge lives on from run to run: what one leaves behind, the next will find.
class World {
  public:
    World() : edge_(transport_, settings(), limits(), pools()) {}

    void start() {
        seen.clear();
        transport_.streams.clear();
        connected_ = 0;
        visits_ = 100;
        id_ = 0;
        edge_.reseed(1);
        clients_.emplace_back(edge_, "198.51.100.7:4000");
        clients_.emplace_back(edge_, "198.51.100.7:4001", "bob");
        clients_.emplace_back(edge_, "198.51.100.7:4002", "bob");
        expect(clients_[0].allocate().success(), "an allocation");
        expect(clients_[0].bind(0x4000, at("203.0.113.1:1")).success(), "a channel");
        expect(clients_[1].allocate_tcp().success(), "an allocation of TCP");
        expect(clients_[1].permit({at("203.0.113.1:1")}).success(), "a permission");
        expect(clients_[2].bind_connection(1).code() == 400, "no such connection yet");
        edge_.turn();
        edge_.take();
    }
    StreamClient& client(size_t which) { return clients_[(which & 3) % 3]; }
    uint32_t id() const { return id_; }

    void send(size_t which, Bytes bytes, size_t piece, size_t together) {
        FakeStream& stream = client(which).stream;
        stream.together = together;
        for (size_t i = 0; i < bytes.size() && !stream.over(); i += piece)
            stream.send(bytes.subspan(i, std::min(piece, bytes.size() - i)));
        // What was put off for lack of time in one turn.
        for (int i = 0; i < 64 && stream.unread() && !stream.over(); i++) edge_.turn();
        note();
    }
    // Connections with peers that were asked for come about or not, and tell something; one peer calls.
    void peers() {
        for (size_t i = connected_; i < transport_.streams.size(); i++) {
            FakeStream& stream = transport_.streams[i];
            if (stream.over()) continue;
            if (i % 3 == 2) {
                stream.reset(tcp::CloseReason::refused);
                continue;
            }
            stream.handler->on_open();
            if (!stream.over()) stream.send(bytes_of("to the client"));
        }
        if (!transport_.listeners.empty()) {
            Endpoint from{addr("203.0.113.1"), ++visits_};
            expect(transport_.visit(transport_.listeners[0].first, from), "who listens is found");
        }
        connected_ = transport_.streams.size();
        note();
    }
    // One side of what is bound ends, or both.
    void end(uint8_t how) {
        if (how & 1) clients_[2].stream.end();
        for (FakeStream& stream : transport_.streams)
            if (how & 2 && stream.handler && !stream.over()) stream.end();
        if (how & 4) clients_[2].stream.reset();
        note();
    }

    void finish() {
        clients_.clear();
        expect(edge_.clients.sessions() == 0, "no session stays");
        expect(edge_.clients.peers() == 0, "no connection with a peer stays");
        expect(edge_.clients.unproven() == 0, "nobody is counted twice");
        expect(transport_.listeners.empty(), "nobody listens");
        for (const FakeStream& stream : transport_.streams)
            expect(stream.over() || !stream.handler, "every stream has ended");
        edge_.pass(10s);
        expect(edge_.edge.turn.allocations() == 0, "every allocation ends");
        expect(edge_.edge.quota.total() == 0, "every quota is given back");
        expect(edge_.edge.free_ports() == 64, "every port comes back");
    }
    std::string seen;

  private:
    static relay::TurnPools pools() {
        relay::TurnPools pools = small_pools(8);
        pools.reservations = 2;
        pools.streams = 8;
        return pools;
    }
    void note() {
        for (const Sent& sent : edge_.take())
            seen += "sent " + sent.destination.text() + " " + std::string(text_of(sent.payload)) + "\n";
        for (size_t i = 0; i < 2; i++) {
            std::vector<uint8_t> written = clients_[i].stream.take();
            for (const auto& bytes : messages_in(written)) {  // whole messages only
                auto message = wire::StunMessage::parse(bytes);
                if (message && message->has(StunAttribute::connection_id))
                    id_ = *message->u32(StunAttribute::connection_id);
            }
            note(clients_[i].stream, written);
        }
        note(clients_[2].stream, clients_[2].stream.take());
        for (FakeStream& stream : transport_.streams) note(stream, stream.take());
        seen += std::to_string(edge_.clients.sessions()) + " " + std::to_string(edge_.clients.peers()) + "\n";
    }
    void note(const FakeStream& stream, Bytes written) {
        seen += "written " + std::string(text_of(written)) + (stream.shut ? " shut" : "");
        seen += stream.aborted ? " aborted\n" : stream.closed ? " closed\n" : "\n";
    }

    FakeTransport transport_;
    StreamEdge edge_;
    std::deque<StreamClient> clients_;
    size_t connected_ = 0;
    uint16_t visits_ = 0;
    uint32_t id_ = 0;  // the last CONNECTION-ID that a client was told
};

// The bytes of one step, the same for every world: clients differ in nothing.
std::vector<uint8_t> bytes_of_step(ByteReader& in, World& world, size_t which) {
    StreamClient& client = world.client(which);
    std::vector<uint8_t> all;
    auto add = [&](const std::vector<uint8_t>& more) { all.insert(all.end(), more.begin(), more.end()); };
    uint8_t messages = in.u8() % 8;
    for (uint8_t i = 0; i < messages && in.remaining(); i++) {
        uint8_t what = in.u8();
        Endpoint peer{addr(what & 0x80 ? "127.0.0.1" : "203.0.113.1"), static_cast<uint16_t>(what >> 4 & 7)};
        auto with_peer = [&](StunWriter& w) { w.xor_address(StunAttribute::xor_peer_address, peer); };
        switch (what & 15) {
            case 0: add(channel_data(0x4000, text_of(in.bytes(std::min<size_t>(in.u8(), in.remaining()))))); break;
            case 1: add(channel_data(0x4000, std::string(in.u16() % 5000, 'x'))); break;
            case 2:
                add(client.build(
                    StunClass::request, StunMethod::binding, [](StunWriter&) {}, false));
                break;
            case 3: add(client.build(StunClass::request, StunMethod::create_permission, with_peer)); break;
            case 4: add(client.build(StunClass::request, StunMethod::connect, with_peer)); break;
            case 5:
                add(client.build(StunClass::request, StunMethod::connection_bind, [&](StunWriter& w) {
                    w.attribute_u32(StunAttribute::connection_id, what & 0x40 ? in.u32() : world.id());
                }));
                break;
            case 6:
                add(client.build(
                    StunClass::indication, StunMethod::send,
                    [&](StunWriter& w) {
                        with_peer(w);
                        w.attribute(StunAttribute::data, in.bytes(std::min<size_t>(in.u8(), in.remaining())));
                    },
                    false));
                break;
            case 7:
                add(client.build(StunClass::request, StunMethod::refresh, [&](StunWriter& w) {
                    w.attribute_u32(StunAttribute::lifetime, what & 0x40 ? 0 : 600);
                }));
                break;
            case 8:
                add(client.build(StunClass::request, StunMethod::allocate, [&](StunWriter& w) {
                    w.attribute_u32(StunAttribute::requested_transport, (what & 0x40 ? 6U : 17U) << 24);
                }));
                break;
            default: {  // as they are
                Bytes raw = in.bytes(std::min<size_t>(in.u8() % 64, in.remaining()));
                all.insert(all.end(), raw.begin(), raw.end());
            }
        }
    }
    return all;
}

void run(Bytes script) {
    if (script.empty()) return;
    static constexpr size_t kPieces[] = {1, 2, 3, 4, 5, 7, 19, 20, 21, 100, 1448, 2047};
    size_t piece = kPieces[script[0] % std::size(kPieces)];
    size_t together = script[0] & 0x80 ? kPieces[script[0] / 16 % 8] : SIZE_MAX;
    static World whole, cut;
    whole.start();
    cut.start();
    ByteReader in{script.subspan(1)};
    for (int step = 0; step < 8 && in.remaining(); step++) {
        uint8_t op = in.u8();
        ByteReader same = in;
        std::vector<uint8_t> bytes = bytes_of_step(in, whole, op);
        expect(bytes == bytes_of_step(same, cut, op), "both worlds are sent the same");
        whole.send(op, bytes, std::max<size_t>(bytes.size(), 1), SIZE_MAX);
        cut.send(op, bytes, piece, together);
        for (World* world : {&whole, &cut}) {
            if (op & 0x40) world->peers();
            if ((op & 0x30) == 0x30) world->end(op >> 2 & 7);
        }
        expect(whole.seen == cut.seen, "the same comes of it, however it is cut");
    }
    whole.finish();
    cut.finish();
}

}  // namespace
}  // namespace fedge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fedge::start_eal();
    fedge::run({data, size});
    return 0;
}
