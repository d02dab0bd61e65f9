// One connection, brought into each state by a peer that behaves, then fed segments whose fields are near those that
// would be right: numbers by small or large steps from the edges of windows, flags and options by choice.
#include "tests/fuzz/tcp_lab.h"

namespace fedge {
namespace {

using fuzz::expect;
using wire::TcpSegment;

constexpr uint16_t kPort = 5061;

const IpAddress kUs = IpAddress::v4(0xc0000202);
const IpAddress kPeer = IpAddress::v4(0xc6336401);

// Segments out for one segment in: the window at most, all at once.
constexpr size_t kMostAnswers = 80;

class Script {
  public:
    Script(fuzz::FuzzHost& host, Instant& now, Bytes script) : host_(host), now_(now), in_(script) {}

    void run() {
        uint8_t start = in_.u8();
        timestamps_ = start & 0x10;
        sack_ = start & 0x20;
        scale_ = start & 0x40;
        reach(start % 12);
        for (int step = 0; step < 60 && in_.remaining(); step++) {
            act(in_.u8());
            host_.check_books();
        }
        host_.clean_up(now_);
    }

  private:
    // The peer that behaves.
    TcpSegment segment(uint8_t flags) {
        TcpSegment s;
        s.source_port = port_;
        s.destination_port = kPort;
        s.seq = snd_nxt_;
        s.ack = rcv_nxt_;
        s.flags = flags;
        s.window = 8192;
        if (timestamps_) {
            s.options.has_timestamps = true;
            s.options.timestamps = {ts_, ts_echo_};
        }
        if (flags & wire::kSyn) {
            s.options.mss = 1460;
            s.options.sack_permitted = sack_;
            s.options.has_window_scale = scale_;
            s.options.window_scale = 2;
        }
        return s;
    }
    void put(const TcpSegment& s) {
        std::vector<uint8_t> bytes(wire::kMaxTcpHeader);
        bytes.resize(wire::write_tcp(bytes.data(), s));
        bytes.insert(bytes.end(), s.payload.begin(), s.payload.end());
        put_bytes(std::move(bytes));
    }
    void put_bytes(std::vector<uint8_t> bytes) {
        bytes.shrink_to_fit();  // so that a read of even one byte too many is seen
        tcp::Arrival arrival{kPeer, kUs, bytes};
        host_.tcp.receive({&arrival, 1}, now_);
        host_.tcp.flush(now_);
        listen();
    }
    // What our side says moves what is "right".
    void listen() {
        auto sent = host_.output.take();
        expect(sent.size() <= kMostAnswers, "few segments for one");
        for (const test::SentSegment& out : sent) {
            TcpSegment s;
            expect(wire::parse_tcp(out.bytes, s), "what is sent is well formed");
            if (s.has(wire::kRst)) continue;
            if (s.has(wire::kSyn)) rcv_nxt_ = s.seq;
            uint32_t end = s.seq + s.length();
            if (static_cast<int32_t>(end - rcv_nxt_) > 0) latest_ = end;
            if (s.options.has_timestamps) ts_echo_ = s.options.timestamps.value;
            if (s.has(wire::kAck)) acknowledged_ = s.ack;
            port_ = s.destination_port;
        }
    }
    void advance(Duration by) {
        now_ += by;
        host_.tcp.advance(now_);
        host_.tcp.flush(now_);
        listen();
    }
    fuzz::FuzzUser* user() {
        for (const auto& user : host_.users)
            if (user->stream) return user.get();
        return nullptr;
    }

    void handshake() {
        put(segment(wire::kSyn));
        snd_nxt_++;
        rcv_nxt_ = latest_;
        put(segment(wire::kAck));
    }
    void data(size_t n) {
        static const std::array<uint8_t, 1000> kText{};
        TcpSegment s = segment(wire::kAck | wire::kPsh);
        s.payload = Bytes{kText}.first(n);
        put(s);
        snd_nxt_ += static_cast<uint32_t>(n);
    }
    void write(size_t n) {
        static const std::array<uint8_t, 16384> kText{};
        if (fuzz::FuzzUser* u = user()) u->stream->write(Bytes{kText}.first(n));
        host_.tcp.flush(now_);
        listen();
    }
    void shut() {
        if (fuzz::FuzzUser* u = user()) u->stream->shutdown();
        host_.tcp.flush(now_);
        listen();
    }
    void fin() {
        put(segment(wire::kFin | wire::kAck));
        snd_nxt_++;
    }
    void acknowledge() {
        rcv_nxt_ = latest_;
        put(segment(wire::kAck));
    }

    void reach(uint8_t state) {
        switch (state) {
            case 0: return;  // LISTEN
            case 1:
                put(segment(wire::kSyn));
                snd_nxt_++;
                rcv_nxt_ = latest_;
                return;  // SYN-RECEIVED
            case 2:      // SYN-SENT
                host_.connect({kPeer, 80});
                host_.tcp.flush(now_);
                listen();
                return;
            default: handshake();
        }
        switch (state) {
            case 3: return;  // ESTABLISHED
            case 4:
                data(500);
                write(9000);
                return;  // with data in flight
            case 5:
                write(9000);
                acknowledge();
                advance(300ms);
                return;              // after a timeout
            case 6: shut(); return;  // FIN-WAIT-1
            case 7:
                shut();
                acknowledge();
                return;             // FIN-WAIT-2
            case 8: fin(); return;  // CLOSE-WAIT
            case 9:
                shut();
                fin();
                return;  // CLOSING
            case 10:
                fin();
                shut();
                return;  // LAST-ACK
            default:
                shut();
                acknowledge();
                fin();
                return;  // TIME-WAIT
        }
    }

    uint32_t step() {
        static constexpr uint32_t kSteps[] = {0,     1,     2,     10,      500,        1448,       8191,    8192,
                                              16384, 32768, 65535, 0x10000, 0x7fffffff, 0x80000000, 100'000, 1'000'000};
        uint8_t choice = in_.u8();
        uint32_t by = kSteps[choice & 15];
        return choice & 16 ? 0 - by : by;
    }

    void act(uint8_t op) {
        switch (op >> 4) {
            case 0: advance(std::chrono::milliseconds{1 + (op & 15) * 40}); return;
            case 1: advance(std::chrono::seconds{1 + (op & 15)}); return;
            case 2: write(1 + in_.u8() * 64U); return;
            case 3: use(op); return;
            case 4: data(1 + in_.u8() * 3U); return;
            case 5: acknowledge(); return;
            case 6: icmp(op); return;
            case 7: {
                // Bytes as they come, behind our ports.
                std::vector<uint8_t> bytes(4);
                store_be16(bytes.data(), port_);
                store_be16(bytes.data() + 2, kPort);
                Bytes rest = in_.bytes(std::min<size_t>(in_.remaining(), 16 + (op & 15) * 4U));
                bytes.insert(bytes.end(), rest.begin(), rest.end());
                put_bytes(std::move(bytes));
                return;
            }
            default: mutated(op);
        }
    }

    void use(uint8_t op) {
        fuzz::FuzzUser* u = user();
        if (!u) {
            if (op & 8) host_.refuses = !host_.refuses;
            return;
        }
        tcp::Stream* stream = u->stream;
        switch (op & 7) {
            case 0: stream->shutdown(); break;
            case 1:
                u->stream = nullptr;
                stream->close();
                break;
            case 2:
                u->stream = nullptr;
                stream->abort();
                break;
            case 3: u->reads = false; break;
            case 4:
                u->reads = true;
                u->read_all();
                break;
            case 5: stream->consume(stream->peek().size() / 2); break;
            default: expect(stream->writable() <= 16 * 1024, "room within the send buffer"); break;
        }
        host_.tcp.flush(now_);
        listen();
    }

    void icmp(uint8_t op) {
        tcp::IcmpError error;
        error.kind = static_cast<tcp::IcmpError::Kind>(op % 3);
        error.local = {kUs, kPort};
        error.remote = {kPeer, port_};
        error.seq = rcv_nxt_ + step();
        error.mtu = in_.u16();
        host_.tcp.receive(error, now_);
        host_.tcp.flush(now_);
        listen();
    }

    // A segment that would be right, with some of it changed.
    void mutated(uint8_t op) {
        static constexpr uint8_t kFlags[] = {wire::kAck,
                                             wire::kAck | wire::kPsh,
                                             wire::kAck | wire::kFin,
                                             wire::kRst,
                                             wire::kRst | wire::kAck,
                                             wire::kSyn,
                                             wire::kSyn | wire::kAck,
                                             wire::kFin,
                                             0,
                                             wire::kAck | wire::kUrg,
                                             wire::kSyn | wire::kFin,
                                             0xff};
        uint8_t change = in_.u8();
        TcpSegment s = segment(kFlags[(op & 15) % std::size(kFlags)]);
        if (change & 1) s.seq = acknowledged_ + step();
        if (change & 2) s.ack = latest_ - step();
        if (change & 4) s.window = in_.u16();
        if (change & 8) s.payload = in_.bytes(std::min<size_t>(in_.remaining(), in_.u8()));
        if (change & 16) {
            s.options.has_timestamps = true;
            s.options.timestamps = {ts_ + step(), ts_echo_ - step()};
        }
        if (change & 32) {
            s.options.sack_count = static_cast<uint8_t>(1 + in_.u8() % 4);
            for (uint8_t i = 0; i < s.options.sack_count; i++) {
                uint32_t left = rcv_nxt_ + step();
                s.options.sacks[i] = {left, left + step()};
            }
        }
        if (change & 64) {
            s.options.mss = in_.u16();
            s.options.has_window_scale = true;
            s.options.window_scale = in_.u8();
        }
        if (change & 128) s.source_port = in_.u16();
        put(s);
    }

    fuzz::FuzzHost& host_;
    Instant& now_;
    ByteReader in_;
    bool timestamps_ = false;
    bool sack_ = false;
    bool scale_ = false;
    uint16_t port_ = 40'000;
    uint32_t snd_nxt_ = 1'000'000;
    uint32_t rcv_nxt_ = 0;
    uint32_t latest_ = 0;  // behind what our side has sent
    uint32_t acknowledged_ = 1'000'000;
    uint32_t ts_ = 10'000;
    uint32_t ts_echo_ = 0;
};

}  // namespace
}  // namespace fedge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace fedge;  // NOLINT(google-build-using-namespace)
    sim::start_eal(128);
    static Instant now{std::chrono::hours{1}};
    static fuzz::FuzzHost host{1, false, kUs, now};
    static const bool listening = host.tcp.listen({kUs, kPort}, fuzz::small_options(), host);
    fuzz::expect(listening, "the listener is there");
    host.refuses = false;
    Script{host, now, {data, size}}.run();
    return 0;
}
