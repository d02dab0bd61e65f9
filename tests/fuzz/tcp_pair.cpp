// Two stacks, and traffic between them that the input delays, drops, repeats, swaps and changes. As long as nothing was
// changed, whatever arrives must be what was written; changed or not, everything comes back in the end.
#include <algorithm>
#include <deque>

#include "tests/fuzz/tcp_lab.h"
#include "tests/sim/content.h"

namespace fedge {
namespace {

using fuzz::expect;

constexpr uint16_t kPort = 5061;
const IpAddress kClient = IpAddress::words(0x20010db8'00000000, 1);
const IpAddress kServer = IpAddress::words(0x20010db8'00000000, 2);

const sim::Content kContent{0};

bool changed = false;  // the input has changed a segment of this run: content is anybody's

void check_content(Bytes bytes, uint64_t offset) {
    expect(changed || kContent.matches(offset, bytes), "bytes arrive as they were written");
}

struct Side {
    fuzz::FuzzHost host;
    std::deque<test::SentSegment> towards;  // on their way to this host
    uint64_t written = 0;
};

class Script {
  public:
    Script(Side& client, Side& server, Instant& now, Bytes script)
        : client_(client), server_(server), now_(now), in_(script) {}

    void run() {
        client_.written = server_.written = 0;
        client_.host.connect({kServer, kPort});
        settle(client_);
        for (int step = 0; step < 60 && in_.remaining(); step++) {
            act(in_.u8());
            client_.host.check_books();
            server_.host.check_books();
        }
        if (!changed) finish();
        client_.towards.clear();
        server_.towards.clear();
        client_.host.clean_up(now_);
        server_.host.clean_up(now_);
    }

  private:
    // What a host has to say goes onto the wire.
    void settle(Side& side) {
        side.host.tcp.flush(now_);
        Side& other = &side == &client_ ? server_ : client_;
        for (test::SentSegment& segment : side.host.output.take()) {
            wire::TcpSegment s;
            expect(wire::parse_tcp(segment.bytes, s), "what is sent is well formed");
            if (other.towards.size() < 100) other.towards.push_back(std::move(segment));
        }
    }
    void deliver(Side& side, size_t index) {
        if (index >= side.towards.size()) return;
        test::SentSegment segment = std::move(side.towards[index]);
        side.towards.erase(side.towards.begin() + static_cast<std::ptrdiff_t>(index));
        segment.bytes.shrink_to_fit();
        tcp::Arrival arrival = segment.arrival();
        side.host.tcp.receive({&arrival, 1}, now_);
        settle(side);
    }
    void advance(Duration by) {
        now_ += by;
        for (Side* side : {&client_, &server_}) {
            side->host.tcp.advance(now_);
            settle(*side);
        }
    }
    static fuzz::FuzzUser* user(Side& side) {
        for (const auto& user : side.host.users)
            if (user->stream) return user.get();
        return nullptr;
    }

    void write(Side& side, size_t n) {
        fuzz::FuzzUser* u = user(side);
        if (!u || !u->open) return;
        side.written += u->stream->write(kContent.at(side.written, n));
        settle(side);
    }

    void act(uint8_t op) {
        Side& side = op & 1 ? client_ : server_;
        switch (op >> 1 & 15) {
            case 0:
            case 1:
            case 2: deliver(side, 0); return;
            case 3: deliver(side, in_.u8() % 8); return;
            case 4:
                for (int i = 0; i < 20 && !side.towards.empty(); i++) deliver(side, 0);
                return;
            case 5:
                if (!side.towards.empty()) side.towards.pop_front();
                return;
            case 6:
                if (!side.towards.empty()) side.towards.push_back(side.towards.front());
                return;
            case 7: change(side); return;
            case 8: write(side, 1 + in_.u8() * 16U); return;
            case 9: write(side, in_.u8()); return;
            case 10: advance(std::chrono::milliseconds{1 + (op >> 5) * 7}); return;
            case 11: advance(std::chrono::milliseconds{50 + (op >> 5) * 100}); return;
            case 12: use(side, op >> 5); return;
            case 13: icmp(side); return;
            case 14: advance(std::chrono::seconds{1 + (op >> 6)}); return;
            default: deliver(side, side.towards.empty() ? 0 : side.towards.size() - 1); return;
        }
    }

    void change(Side& side) {
        if (side.towards.empty()) return;
        changed = true;
        std::vector<uint8_t>& bytes = side.towards[in_.u8() % side.towards.size()].bytes;
        uint8_t how = in_.u8();
        uint8_t value = in_.u8();
        // Ports stay: a segment of nobody is not of interest.
        if (how & 128) {
            bytes.resize(std::max<size_t>(20, bytes.size() - std::min<size_t>(bytes.size(), value)));
        } else {
            bytes[4 + how % (std::min<size_t>(bytes.size(), 60) - 4)] ^= value;
        }
    }

    void use(Side& side, uint8_t how) {
        fuzz::FuzzUser* u = user(side);
        if (!u) {
            if (&side == &client_ && client_.host.users.size() < 4) {
                client_.host.connect({kServer, kPort});
                changed = true;  // what was written counts from the first connection on
            }
            return settle(client_);
        }
        tcp::Stream* stream = u->stream;
        switch (how) {
            case 0:
            case 1: stream->shutdown(); break;
            case 2:
                u->stream = nullptr;
                stream->close();
                changed = true;  // an end before everything is no fault
                break;
            case 3:
                u->stream = nullptr;
                stream->abort();
                changed = true;
                break;
            case 4: u->reads = false; break;
            default:
                u->reads = true;
                if (u->open) u->read_all();
                break;
        }
        settle(side);
    }

    void icmp(Side& side) {
        if (side.host.users.empty() || !user(side)) return;
        tcp::Stream* stream = user(side)->stream;
        tcp::IcmpError error;
        uint8_t how = in_.u8();
        error.kind = how & 1 ? tcp::IcmpError::Kind::too_big : tcp::IcmpError::Kind::unreachable_soft;
        error.local = stream->local();
        error.remote = stream->remote();
        Side& other = &side == &client_ ? server_ : client_;
        error.seq = other.towards.empty() ? in_.u32() : load_be32(other.towards.front().bytes.data() + 4);
        error.mtu = in_.u16();
        side.host.tcp.receive(error, now_);
        settle(side);
    }

    // From here on the wire is good: what was written must arrive, unless time has ended the connection.
    void finish() {
        if (client_.host.users.size() != 1) return;
        for (int i = 0; i < 400; i++) {
            for (Side* side : {&client_, &server_})
                if (fuzz::FuzzUser* u = user(*side)) {
                    u->reads = true;
                    if (u->open) u->read_all();
                    settle(*side);
                }
            while (!client_.towards.empty() || !server_.towards.empty()) {
                deliver(client_, 0);
                deliver(server_, 0);
            }
            if (!user(client_) || !user(server_) || done()) break;
            advance(50ms);
        }
        if (user(client_) && user(server_)) expect(done(), "on a good wire everything arrives");
    }
    bool done() {
        return !server_.host.users.empty() && server_.host.users[0]->received == client_.written &&
               client_.host.users[0]->received == server_.written;
    }

    Side& client_;
    Side& server_;
    Instant& now_;
    ByteReader in_;
};

}  // namespace
}  // namespace fedge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace fedge;  // NOLINT(google-build-using-namespace)
    sim::start_eal(128);
    static Instant now{std::chrono::hours{1}};
    static Side client{{1, true, kClient, now}, {}};
    static Side server{{2, false, kServer, now}, {}};
    static const bool listening = server.host.tcp.listen({kServer, kPort}, fuzz::small_options(), server.host);
    fuzz::expect(listening, "the listener is there");
    client.host.check = server.host.check = check_content;
    changed = false;
    Script{client, server, now, {data, size}}.run();
    return 0;
}
