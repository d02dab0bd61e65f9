// A TLS session on a stream that gives and takes bytes in pieces as the input says: the plaintext is the same at any
// cut, in both directions. One bit of the input damages a byte on the way: then what arrives is at most a beginning.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/tls/engine.h"
#include "tests/fuzz/expect.h"
#include "tests/sim/eal.h"
#include "tests/support/fake_stream.h"
#include "tests/support/openssl_peer.h"
#include "tests/support/tls_world.h"

using namespace fedge;

namespace {

struct User final : tcp::StreamHandler, tcp::Acceptor {
    tcp::Stream* stream = nullptr;
    std::string received;
    size_t most = SIZE_MAX;  // read at once
    bool closed = false;

    tcp::StreamHandler* on_accept(tcp::Stream& accepted) override {
        stream = &accepted;
        return this;
    }
    void on_readable() override {
        for (Bytes next; !(next = stream->peek()).empty();) {
            size_t n = std::min(next.size(), most);
            received += text_of(next.first(n));
            stream->consume(n);
        }
    }
    void on_writable() override {}
    void on_closed(tcp::CloseReason) override {
        closed = true;
        stream = nullptr;
    }
};

struct Silent final : tls::Observer {
    void on_session_end(const tls::Session&, tcp::CloseReason) override {}
};

// What does not depend on the input.
struct Lab {
    contract::CounterBlock block{};
    SeededRandom random{1};
    Silent observer;
    std::shared_ptr<const tls::Context> context = test::tls_context(
        std::make_shared<tls::Library>(), test::tls_settings({{"server", &test::TlsPeople::get().server}}));
    tls::SslContextPointer openssl = test::openssl_context(false);
    Instant now{1s};
    tls::Engine engine{{.sessions = 4, .handshakes = 4}, Counters{block}, random, observer, now, test::kTestTime};
};

std::string text(size_t size, char first) {
    std::string out(size, first);
    for (size_t i = 0; i < size; i++) out[i] = static_cast<char>(out[i] + i % 61);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool started = (sim::start_eal(), true);
    fuzz::expect(started, "the EAL runs");
    static Lab lab;
    tls::Engine& engine = lab.engine;
    engine.adopt(lab.context);
    ByteReader in({data, size});
    test::FakeStream stream({IpAddress::v4(1), 443}, {IpAddress::v4(2), 50000});
    User user;
    tls::ServerOptions options;
    stream.handler = engine.accept(stream, options, user);
    fuzz::expect(stream.handler != nullptr, "an empty engine takes a session");

    uint8_t how = in.u8();
    stream.together = 1 + in.u8();
    stream.room = how & 1 ? 64 * 1024 : 600 + in.u8() * 8;
    user.most = how & 2 ? SIZE_MAX : 1 + in.u8();
    int64_t damage_at = how & 4 ? in.u16() : -1;
    std::string there = text(in.u16() % 40000, 'A');
    std::string back = text(in.u16() % 40000, 'a');

    // OpenSSL on the far end, in memory.
    test::OpenSslPeer client(lab.openssl.get());
    std::string to_us;
    test::FakeStream far({IpAddress::v4(2), 50000}, {IpAddress::v4(1), 443});
    client.begin(&far);
    client.send = [&](Bytes bytes) { to_us += text_of(bytes); };
    client.pump();
    size_t sent = 0, there_sent = 0, back_sent = 0;
    for (int turns = 0; turns < 4000; turns++) {
        // A piece arrives; the input says how long, and 0 means: as much as there is.
        size_t piece = in.remaining() ? in.u8() : 0;
        size_t n = std::min(piece ? piece : SIZE_MAX, to_us.size());
        std::string bytes = to_us.substr(0, n);
        to_us.erase(0, n);
        if (damage_at >= 0 && static_cast<size_t>(damage_at) < sent + n && static_cast<size_t>(damage_at) >= sent)
            bytes[static_cast<size_t>(damage_at) - sent] ^= 1;
        sent += n;
        if (n > 0) stream.send(bytes_of(bytes));
        engine.turn(lab.now += 1ms, test::kTestTime);
        if (user.stream && back_sent < back.size())
            back_sent += user.stream->write(bytes_of(std::string_view(back).substr(back_sent)));
        far.arrive(stream.written);
        stream.drain();
        client.pump();
        if (client.established && !client.failed && there_sent < there.size()) {
            size_t part = std::min<size_t>(there.size() - there_sent, 5000);
            client.write(std::string_view(there).substr(there_sent, part));
            there_sent += part;
        }
        if (stream.over()) break;
        if (user.received.size() == there.size() && client.received.size() == back.size() && to_us.empty()) break;
    }
    fuzz::expect(there.starts_with(user.received), "what arrives is a beginning of what was sent");
    fuzz::expect(back.starts_with(client.received), "what arrives back is a beginning of what was sent");
    if (damage_at < 0) {
        fuzz::expect(user.received == there, "everything arrives");
        fuzz::expect(client.received == back, "everything arrives back");
    }
    if (user.stream) user.stream->abort();
    if (engine.sessions() > 0 && stream.handler && !stream.over()) stream.reset();
    engine.turn(lab.now += 1ms, test::kTestTime);
    fuzz::expect(engine.sessions() == 0 && engine.handshakes() == 0, "nothing stays behind");
    return 0;
}
