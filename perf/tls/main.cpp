// TLS of one core, everything in memory: handshakes, bulk and the memory of idle connections, beside OpenSSL alone with
// the same parameters in the same run.
//
//   perf-tls handshakes COUNT   full and resumed, TLS 1.3, P-256 certificate: CPU time of the server alone
//   perf-tls bulk MEGABYTES     sending and receiving records of 16 KiB; against AES-128-GCM by itself
//   perf-tls idle CONNECTIONS   heap behind them once their handshakes are over
//
// prints one JSON object per line. The client is OpenSSL, on the same thread; its time is not counted.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <stdexcept>

#include "dataplane/port/eal.h"
#include "dataplane/tls/engine.h"
#include "perf/tls/pipe_stream.h"
#include "tests/support/openssl_peer.h"
#include "tests/support/tls_world.h"

namespace {

using namespace fedge;
using perf::PipeStream;

constexpr int kRounds = 5;  // of which the median counts
constexpr size_t kRecord = 16 * 1024;

void must(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string(what) + ": " + tls::last_openssl_error());
}

// Of this thread, so that what else the machine does is not counted.
struct Timer {
    double spent = 0;
    template <typename Work>
    void operator()(Work&& work) {
        double begin = now();
        work();
        spent += now() - begin;
    }
    double seconds() const { return spent; }
    static double now() {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
    }
};

struct User final : tcp::StreamHandler {
    tcp::Stream* stream = nullptr;
    uint64_t bytes = 0;
    void on_readable() override {
        for (Bytes next; !(next = stream->peek()).empty(); stream->consume(next.size())) bytes += next.size();
    }
    void on_writable() override {}
    void on_closed(tcp::CloseReason) override { throw std::runtime_error("a session broke"); }
};
struct Users final : tcp::Acceptor {
    std::deque<User> all;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        all.emplace_back().stream = &stream;
        return &all.back();
    }
};
struct Silent final : tls::Observer {
    void on_session_end(const tls::Session& session, tcp::CloseReason) override {
        if (!session.negotiated().error.empty()) throw std::runtime_error(session.negotiated().error);
    }
};

// Our engine as one core has it.
class Ours {
  public:
    explicit Ours(uint32_t sessions)
        : engine({.sessions = sessions, .handshakes = 64}, Counters{block_}, random_, observer_, now_,
                 test::kTestTime) {
        auto settings = test::tls_settings({{"server", &test::TlsPeople::get().server}});
        settings.handshakes_per_prefix = 64;
        engine.adopt(test::tls_context(std::make_shared<tls::Library>(), settings));
    }
    tcp::StreamHandler* accept(PipeStream& stream) {
        tcp::StreamHandler* session = engine.accept(stream, options_, users);
        must(session, "accept");
        return session;
    }
    void turn() { engine.turn(now_ += 1us, test::kTestTime); }
    void end(User& user) {
        user.stream->abort();
        users.all.pop_back();
        turn();
    }

    Users users;

  private:
    contract::CounterBlock block_{};
    SystemRandom random_;
    Silent observer_;
    tls::ServerOptions options_;
    Instant now_{1s};

  public:
    tls::Engine engine;
};

// A client of OpenSSL over memory.
struct Client {
    tls::SslPointer ssl;
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    explicit Client(SSL_CTX* context, SSL_SESSION* session = nullptr) : ssl(SSL_new(context)) {
        SSL_set_bio(ssl.get(), in, out);
        SSL_set_connect_state(ssl.get());
        if (session) SSL_set_session(ssl.get(), session);
    }
    // One step; what it says.
    std::vector<uint8_t> step(Bytes heard) {
        if (!heard.empty()) BIO_write(in, heard.data(), static_cast<int>(heard.size()));
        SSL_do_handshake(ssl.get());
        return said();
    }
    std::vector<uint8_t> said() {
        std::vector<uint8_t> bytes(BIO_ctrl_pending(out));
        if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }
    // Takes what comes behind the handshake: tickets.
    void drain(Bytes heard) {
        if (!heard.empty()) BIO_write(in, heard.data(), static_cast<int>(heard.size()));
        char byte;
        SSL_peek(ssl.get(), &byte, 1);
    }
};

tls::SslContextPointer client_context() {
    auto context = test::openssl_context(false);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set1_groups_list(context.get(), "X25519");
    SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256");
    return context;
}

// OpenSSL alone: the fastest way that it offers, without our limits, names or streams.
class Bare {
  public:
    Bare() : context(test::openssl_context(true, {}, &test::TlsPeople::get().server)) {
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context.get(), SSL_OP_NO_ANTI_REPLAY);
        SSL_CTX_set_num_tickets(context.get(), 1);
        SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const uint8_t*>("bare"), 4);
    }
    tls::SslContextPointer context;
};

SSL_SESSION* bare_handshake(Bare& bare, SSL_CTX* client_side, SSL_SESSION* session, Timer& timer) {
    Client client(client_side, session);
    std::vector<uint8_t> to_server = client.step({});
    tls::SslPointer server;
    BIO* in = nullptr;
    BIO* out = nullptr;
    timer([&] {
        server.reset(SSL_new(bare.context.get()));
        in = BIO_new(BIO_s_mem());
        out = BIO_new(BIO_s_mem());
        SSL_set_bio(server.get(), in, out);
        SSL_set_accept_state(server.get());
    });
    for (int turns = 0; turns < 4 && !SSL_is_init_finished(server.get()); turns++) {
        std::vector<uint8_t> said;
        timer([&] {
            BIO_write(in, to_server.data(), static_cast<int>(to_server.size()));
            SSL_do_handshake(server.get());
            said.resize(BIO_ctrl_pending(out));
            if (!said.empty()) BIO_read(out, said.data(), static_cast<int>(said.size()));
        });
        if (SSL_is_init_finished(client.ssl.get())) {
            client.drain(said);
        } else {
            to_server = client.step(said);
        }
    }
    must(SSL_is_init_finished(server.get()), "handshake of OpenSSL alone");
    must(!session || SSL_session_reused(server.get()), "OpenSSL alone resumes");
    SSL_SESSION* kept = SSL_SESSION_dup(SSL_get0_session(client.ssl.get()));  // freeing the client spoils its own
    timer([&] { server.reset(); });
    return kept;
}

SSL_SESSION* our_handshake(Ours& ours, SSL_CTX* client_side, SSL_SESSION* session, Timer& timer) {
    Client client(client_side, session);
    std::vector<uint8_t> to_server = client.step({});
    PipeStream stream;
    tcp::StreamHandler* handler = nullptr;
    size_t before = ours.users.all.size();
    timer([&] { handler = ours.accept(stream); });
    for (int turns = 0; turns < 4 && ours.users.all.size() == before; turns++) {
        timer([&] {
            stream.arrive(to_server);
            handler->on_readable();
            ours.turn();
        });
        std::vector<uint8_t> said = std::exchange(stream.out, {});
        if (SSL_is_init_finished(client.ssl.get())) {
            client.drain(said);
        } else {
            to_server = client.step(said);
        }
    }
    must(ours.users.all.size() == before + 1, "our handshake");
    User& user = ours.users.all.back();
    must(!session || static_cast<tls::Session*>(user.stream)->negotiated().resumed, "we resume");
    SSL_SESSION* kept = SSL_SESSION_dup(SSL_get0_session(client.ssl.get()));  // freeing the client spoils its own
    timer([&] { ours.end(user); });
    return kept;
}

void print(const char* metric, double value, const char* unit, const char* against, double ratio) {
    std::printf("{\"metric\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"against\":\"%s\",\"ratio\":%.3f}\n", metric, value,
                unit, against, ratio);
}

// Both kinds turn by turn, so that what else the machine does hits both; the median of the rounds' ratios.
struct Compared {
    double ours_per_second = 0;
    double ratio = 0;
};
template <typename OurWork, typename BareWork>
Compared compare(uint64_t count, OurWork&& our_work, BareWork&& bare_work) {
    std::array<Compared, kRounds> rounds;
    for (Compared& round : rounds) {
        Timer our_timer, bare_timer;
        for (uint64_t i = 0; i < count / kRounds; i++) {
            our_work(our_timer);
            bare_work(bare_timer);
        }
        round.ours_per_second = static_cast<double>(count / kRounds) / our_timer.seconds();
        round.ratio = bare_timer.seconds() / our_timer.seconds();
    }
    std::sort(rounds.begin(), rounds.end(), [](const Compared& a, const Compared& b) { return a.ratio < b.ratio; });
    return rounds[kRounds / 2];
}

void run_handshakes(uint64_t count) {
    Ours ours(16);
    Bare bare;
    auto context = client_context();
    Timer warm;
    for (int i = 0; i < 50; i++) {
        SSL_SESSION_free(our_handshake(ours, context.get(), nullptr, warm));
        SSL_SESSION_free(bare_handshake(bare, context.get(), nullptr, warm));
    }
    Compared full = compare(
        count, [&](Timer& t) { SSL_SESSION_free(our_handshake(ours, context.get(), nullptr, t)); },
        [&](Timer& t) { SSL_SESSION_free(bare_handshake(bare, context.get(), nullptr, t)); });
    print("handshakes", full.ours_per_second, "1/s", "OpenSSL alone in memory, goal 0.85", full.ratio);

    SSL_SESSION* our_session = our_handshake(ours, context.get(), nullptr, warm);
    SSL_SESSION* bare_session = bare_handshake(bare, context.get(), nullptr, warm);
    auto once_more = [](SSL_SESSION* kept) {  // OpenSSL uses each session but once
        SSL_SESSION* copy = SSL_SESSION_dup(kept);
        return copy;
    };
    Compared resumed = compare(
        count,
        [&](Timer& t) {
            SSL_SESSION* copy = once_more(our_session);
            SSL_SESSION_free(our_handshake(ours, context.get(), copy, t));
            SSL_SESSION_free(copy);
        },
        [&](Timer& t) {
            SSL_SESSION* copy = once_more(bare_session);
            SSL_SESSION_free(bare_handshake(bare, context.get(), copy, t));
            SSL_SESSION_free(copy);
        });
    print("resumed", resumed.ours_per_second, "1/s", "OpenSSL alone in memory, goal 0.85", resumed.ratio);
}

// AES-128-GCM by itself over blocks of 16 KiB, as openssl speed -evp does it.
double aes_gcm_seconds(uint64_t bytes, bool encrypt) {
    std::vector<uint8_t> block(kRecord), out(kRecord + 16);
    const uint8_t key[16] = {1}, iv[12] = {2};
    EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
    EVP_CipherInit_ex(cipher, EVP_aes_128_gcm(), nullptr, key, iv, encrypt);
    Timer timer;
    timer([&] {
        for (uint64_t done = 0; done < bytes; done += kRecord) {
            int n = 0;
            EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, iv, -1);
            EVP_CipherUpdate(cipher, out.data(), &n, block.data(), static_cast<int>(kRecord));
            if (encrypt) EVP_CipherFinal_ex(cipher, out.data(), &n);
        }
    });
    EVP_CIPHER_CTX_free(cipher);
    return timer.seconds();
}

void run_bulk(uint64_t megabytes) {
    Ours ours(16);
    auto context = client_context();
    Client client(context.get());
    PipeStream stream;
    tcp::StreamHandler* handler = ours.accept(stream);
    std::vector<uint8_t> to_server = client.step({});
    while (ours.users.all.empty()) {
        stream.arrive(to_server);
        handler->on_readable();
        ours.turn();
        to_server = client.step(std::exchange(stream.out, {}));
    }
    User& user = ours.users.all.back();
    std::vector<uint8_t> data(4 * kRecord, 'x');
    stream.keeps = false;
    uint64_t round_bytes = megabytes * 1'000'000 / kRounds;
    std::array<double, kRounds> send, receive;
    std::array<double, kRounds> send_gbit, receive_gbit;
    for (int round = 0; round < kRounds; round++) {
        Timer sending;
        uint64_t sent = 0;
        while (sent < round_bytes) sending([&] { sent += user.stream->write(data); });
        double alone = aes_gcm_seconds(sent, true);
        send[static_cast<size_t>(round)] = alone / sending.seconds();
        send_gbit[static_cast<size_t>(round)] = static_cast<double>(sent) * 8 / sending.seconds() / 1e9;

        Timer receiving;
        user.bytes = 0;
        while (user.bytes < round_bytes) {
            for (int i = 0; i < 4; i++) SSL_write(client.ssl.get(), data.data(), static_cast<int>(kRecord));
            std::vector<uint8_t> arriving = client.said();
            stream.arrive(arriving);  // TCP has already copied it when TLS comes in
            receiving([&] {
                handler->on_readable();
                ours.turn();
            });
        }
        alone = aes_gcm_seconds(user.bytes, false);
        receive[static_cast<size_t>(round)] = alone / receiving.seconds();
        receive_gbit[static_cast<size_t>(round)] = static_cast<double>(user.bytes) * 8 / receiving.seconds() / 1e9;
    }
    // What OpenSSL leaves of it when it writes to memory, without us.
    std::array<double, kRounds> bare;
    for (double& one : bare) {
        Timer writing;
        uint64_t written = 0;
        for (; written < round_bytes; written += kRecord) {
            writing([&] { SSL_write(client.ssl.get(), data.data(), static_cast<int>(kRecord)); });
            BIO_reset(client.out);
        }
        one = aes_gcm_seconds(written, true) / writing.seconds();
    }
    std::sort(bare.begin(), bare.end());
    print("bulk_send_openssl", bare[kRounds / 2], "of AES-GCM", "AES-128-GCM alone", bare[kRounds / 2]);
    for (auto* all : {&send, &receive, &send_gbit, &receive_gbit}) std::sort(all->begin(), all->end());
    print("bulk_send", send_gbit[kRounds / 2], "Gbit/s", "AES-128-GCM alone, goal 0.8", send[kRounds / 2]);
    print("bulk_receive", receive_gbit[kRounds / 2], "Gbit/s", "AES-128-GCM alone, goal 0.8", receive[kRounds / 2]);
    ours.end(user);
}

void run_idle(uint32_t connections) {
    Ours ours(connections);
    auto context = client_context();
    std::deque<PipeStream> streams(connections);  // the transport's memory is none of ours
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (PipeStream& stream : streams) {
        Client client(context.get());
        tcp::StreamHandler* handler = ours.accept(stream);
        std::vector<uint8_t> to_server = client.step({});
        size_t open = ours.users.all.size();
        for (int turns = 0; turns < 4 && ours.users.all.size() == open; turns++) {
            stream.arrive(to_server);
            handler->on_readable();
            ours.turn();
            to_server = client.step(std::exchange(stream.out, {}));
        }
        must(ours.users.all.size() == open + 1, "idle connection");
        // A request and its answer, as after a real beginning.
        SSL_write(client.ssl.get(), "OPTIONS", 7);
        stream.arrive(client.said());
        handler->on_readable();
        ours.users.all.back().stream->write(bytes_of("200 OK"));
        ours.turn();
        stream.release();
    }
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    double each = static_cast<double>(after - before) / connections;
    print("bytes_per_idle_connection", each, "bytes", "limit 20480", each / 20480);
    for (User& user : ours.users.all) user.stream->abort();
    ours.turn();
}

}  // namespace

int main(int argc, char** argv) {
    std::string mode = argc == 3 ? argv[1] : "";
    uint64_t count = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
    if ((mode != "handshakes" && mode != "bulk" && mode != "idle") || count == 0) {
        std::fputs("usage: perf-tls handshakes COUNT | bulk MEGABYTES | idle CONNECTIONS\n", stderr);
        return 2;
    }
    try {
        port::EalConfig config;
        config.huge = false;
        config.memory_mb = 256;
        config.cpus = {0};
        config.file_prefix = "fedge-perf-tls";
        config.extra = {"--log-level=error"};
        port::Eal eal(config, 1);
        if (mode == "handshakes") run_handshakes(count);
        if (mode == "bulk") run_bulk(count);
        if (mode == "idle") run_idle(static_cast<uint32_t>(count));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "perf-tls: %s\n", e.what());
        return 1;
    }
    return 0;
}
