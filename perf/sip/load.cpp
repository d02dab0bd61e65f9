// Load for SIP proxies: a partner that sends requests and the front end that answers them, over mutual TLS and the
// kernel's TCP, in one thread, so that they keep to one CPU.
//
//   perf-sip-load message|invite COUNT WINDOW   as many MESSAGEs, or calls (INVITE, 180, 200, ACK, BYE, 200), of which
//                                               WINDOW are under way at a time
//   perf-sip-load cold COUNT                    COUNT MESSAGEs at once, while the front end has not taken any
//   connection perf-sip-load idle COUNT                    as many remote users who connect and say nothing
//
// The places come from the environment: PROXY (address:port of the proxy), FRONT_END (address:port to listen on), SNI,
// CHAIN, KEY, TRUST (PEM files). Prints "ready" when its connections stand, waits for a line on standard input, and
// prints one JSON object at the end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "perf/sip/sip_peer.h"
#include "perf/sip/traffic.h"

namespace fedge::perf {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 30s;      // without any progress
constexpr auto kColdConnect = 6s;    // that a proxy has to connect before the requests come
constexpr auto kColdAccept = 300ms;  // that they wait for its handshake

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value) throw std::runtime_error(std::string("environment variable ") + name + " is missing");
    return value;
}

sockaddr_in address_of(const std::string& text) {
    sockaddr_in out{};
    size_t colon = text.rfind(':');
    out.sin_family = AF_INET;
    if (colon == std::string::npos || inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1)
        throw std::runtime_error("not an address and port: " + text);
    out.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(colon + 1))));
    return out;
}

int must(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": errno " + std::to_string(errno));
    return result;
}

void make_fast(int socket) {
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    must(fcntl(socket, F_SETFL, O_NONBLOCK), "fcntl");
}

int connect_to(const std::string& where) {
    sockaddr_in to = address_of(where);
    int socket = must(::socket(AF_INET, SOCK_STREAM, 0), "socket");
    must(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), "connect");
    make_fast(socket);
    return socket;
}

int listen_on(const std::string& where) {
    sockaddr_in at = address_of(where);
    int socket = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    must(::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof(at)), "bind");
    must(::listen(socket, 64), "listen");
    return socket;
}

class Load {
  public:
    Load() : tls_(mutual_tls(environment("CHAIN"), environment("KEY"), environment("TRUST"))) {}

    void send(bool calls, uint64_t count, uint64_t window, bool cold) {
        int listener = listen_on(environment("FRONT_END"));
        Caller* caller = nullptr;
        SipPeer partner(connect_to(environment("PROXY")), tls_.get(), environment("SNI"),
                        [&](std::string& out, std::string_view header) { caller->on_response(out, header); });
        turn_until([&] { return partner.open(); }, partner, -1);
        if (cold) {
            // Some proxies connect before there is a request; what they wait for then is the TLS handshake.
            pollfd pending{listener, POLLIN, 0};
            poll(&pending, 1, int(kColdConnect / 1ms));
        } else {
            warm_up(partner, caller, listener);
        }
        ready();
        Caller measured(run_, calls, count, window);
        caller = &measured;
        auto begin = Clock::now(), progress = begin;
        measured.start(partner.out());
        for (uint64_t seen = 0; !measured.over() && Clock::now() - progress < kPatience; seen = measured.done()) {
            turn(partner, !cold || Clock::now() - begin > kColdAccept ? listener : -1);
            if (measured.done() != seen) progress = Clock::now();
        }
        double seconds = std::chrono::duration<double>(progress - begin).count();
        std::printf("{\"done\": %lu, \"failed\": %lu, \"seconds\": %.6f}\n", measured.done(), measured.failed(),
                    seconds);
        ::close(listener);
    }

    void idle(uint64_t count) {
        std::vector<std::unique_ptr<SipPeer>> users;
        for (uint64_t i = 0; i < count; i++) {
            auto& user = *users.emplace_back(
                std::make_unique<SipPeer>(connect_to(environment("PROXY")), tls_.get(), environment("SNI"), answer));
            turn_until([&] { return user.open(); }, user, -1);
            user.out() += "\r\n\r\n";  // a keepalive: who never says anything is closed
            user.run();
        }
        ready();
        std::printf("{\"connections\": %zu}\n", users.size());
    }

  private:
    // Until one message gets through: the proxy may have given the front end up while nobody listened.
    void warm_up(SipPeer& partner, Caller*& caller, int listener) {
        int round = 0;
        for (auto end = Clock::now() + kPatience;;) {
            Caller one("w" + std::to_string(round++) + run_, false, 1, 1);
            caller = &one;
            one.start(partner.out());
            turn_until([&] { return one.over(); }, partner, listener);
            if (one.failed() == 0) return;
            if (Clock::now() > end) throw std::runtime_error("no message gets through");
            std::this_thread::sleep_for(100ms);
        }
    }
    template <typename Done>
    void turn_until(Done done, SipPeer& partner, int listener) {
        for (auto end = Clock::now() + kPatience; !done(); turn(partner, listener))
            if (Clock::now() > end) throw std::runtime_error("connections do not come about");
    }
    void turn(SipPeer& partner, int listener) {
        std::vector<pollfd> watched;
        auto watch = [&](const SipPeer& peer) {
            watched.push_back({peer.socket(), static_cast<short>(POLLIN | (peer.wants_write() ? POLLOUT : 0)), 0});
        };
        watch(partner);
        for (const auto& one : front_ends_) watch(*one);
        if (listener >= 0) watched.push_back({listener, POLLIN, 0});
        poll(watched.data(), watched.size(), 20);
        if (int socket = listener >= 0 ? accept(listener, nullptr, nullptr) : -1; socket >= 0) {
            make_fast(socket);
            front_ends_.push_back(std::make_unique<SipPeer>(socket, tls_.get(), "", answer));
        }
        partner.run();
        for (const auto& one : front_ends_) one->run();
    }
    static void ready() {
        std::puts("ready");
        std::fflush(stdout);
        if (std::getchar() == EOF) throw std::runtime_error("nobody says go");
    }

    std::unique_ptr<SSL_CTX, SslFree> tls_;
    std::string run_ = "r" + std::to_string(getpid());
    std::vector<std::unique_ptr<SipPeer>> front_ends_;
};

int run(int argc, char** argv) {
    std::string what = argc > 2 ? argv[1] : "";
    uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
    bool rate = (what == "message" || what == "invite") && argc == 4;
    if (count == 0 || (!rate && !((what == "cold" || what == "idle") && argc == 3))) {
        std::fputs("usage: perf-sip-load message|invite COUNT WINDOW | cold COUNT | idle COUNT\n", stderr);
        return 2;
    }
    Load load;
    if (what == "idle")
        load.idle(count);
    else
        load.send(what == "invite", count, rate ? std::strtoull(argv[3], nullptr, 10) : count, what == "cold");
    return 0;
}

}  // namespace
}  // namespace fedge::perf

int main(int argc, char** argv) {
    try {
        return fedge::perf::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-sip-load: %s\n", error.what());
        return 1;
    }
}
