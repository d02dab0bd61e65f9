// Load for SIP proxies: a partner that sends requests and the front end that answers them, over mutual TLS and the
// kernel's TCP, in one thread, so that they keep to one CPU.
//
//   perf-sip-load message|invite COUNT WINDOW   as many MESSAGEs, or calls (INVITE, 180, 200, ACK, BYE, 200), of which
//                                               WINDOW are under way at a time
//   perf-sip-load cold|cold-outward COUNT EXPECTED SECONDS
//                                               COUNT MESSAGEs at once from the partner to the front end, or the other
//                                               way, while the next hop has not taken any connection, and takes none
//                                               before EXPECTED of them are refused; first the proxy has SECONDS to
//                                               connect, if it does so before there is a request
//   perf-sip-load crowd PARTNERS USERS MESSAGES 0|1
//                                               as many connections of partners and of remote users; MESSAGES pass
//                                               through some of them, to a front end that is here (1) or in another
//                                               process (0): a process may not have as many sockets as a crowd needs
//
// The places come from the environment: PROXY and PROXY_INSIDE (address:port of the proxy), FRONT_END and
// PARTNER_SERVER (address:port to listen on), SNI, CHAIN, KEY, TRUST (PEM files); for a crowd also PROXY_USERS
// (address:port), and SOURCE and SOURCES (the first address to connect from, and how many). Prints "ready" when its
// connections stand, waits for a line on standard input, and prints one JSON object; a crowd stays until one more line.
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "perf/sip/crowd.h"
#include "perf/sip/sip_peer.h"
#include "perf/sip/sockets.h"
#include "perf/sip/traffic.h"

namespace fedge::perf {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 30s;      // without any progress
constexpr auto kColdAccept = 300ms;  // that requests wait for its handshake at least

class Load {
  public:
    Load() : tls_(mutual_tls(environment("CHAIN"), environment("KEY"), environment("TRUST"))) {}

    void send(bool calls, uint64_t count, uint64_t window) {
        int listener = listen_on(environment("FRONT_END"));
        Caller* caller = nullptr;
        SipPeer partner(connect_to(address_of(environment("PROXY"))), tls_.get(), environment("SNI"),
                        [&](std::string& out, std::string_view header) { caller->on_response(out, header); });
        turn_until([&] { return partner.open(); }, partner, -1);
        warm_up(partner, caller, listener);
        ready();
        Caller measured(run_, kInward, calls, count, window);
        caller = &measured;
        run(measured, partner, [&](auto) { return listener; });
        ::close(listener);
    }

    void cold(bool outward, uint64_t count, uint64_t expected, uint64_t seconds) {
        int listener = listen_on(environment(outward ? "PARTNER_SERVER" : "FRONT_END"));
        Caller measured(run_, outward ? kOutward : kInward, false, count, count);
        SipPeer sender(connect_to(address_of(environment(outward ? "PROXY_INSIDE" : "PROXY"))), tls_.get(),
                       environment("SNI"), [&](std::string& out, std::string_view header) {
                           if (header.starts_with("SIP/2.0")) return measured.on_response(out, header);
                           answer(out, header);  // a probe of the proxy
                       });
        turn_until([&] { return sender.open(); }, sender, -1);
        // A connection that is there by then waits for its TLS handshake.
        pollfd pending{listener, POLLIN, 0};
        poll(&pending, 1, static_cast<int>(seconds) * 1000);
        ready();
        run(measured, sender, [&](Clock::time_point begin) {
            bool still = Clock::now() - begin < kColdAccept || measured.unavailable() < expected;
            return still ? -1 : listener;
        });
        ::close(listener);
    }

    void crowd(uint64_t partners, uint64_t users, uint64_t messages, bool front_end) {
        Crowd crowd(tls_.get(), {environment("PROXY"), environment("PROXY_USERS"),
                                 front_end ? environment("FRONT_END") : "", environment("SNI"), environment("SOURCE"),
                                 static_cast<uint32_t>(std::stoul(environment("SOURCES")))});
        crowd.gather(partners, users);
        say("ready");
        crowd.stay();
        Crowd::Sent sent = crowd.send(messages);
        std::printf("{\"messages\": %lu, \"failed\": %lu, \"slowest_ms\": %.3f}\n", sent.messages, sent.failed,
                    sent.slowest_ms);
        std::fflush(stdout);
        crowd.stay();
    }

  private:
    // Until one message gets through: the proxy may have given the front end up while nobody listened.
    void warm_up(SipPeer& partner, Caller*& caller, int listener) {
        int round = 0;
        for (auto end = Clock::now() + kPatience;;) {
            Caller one("w" + std::to_string(round++) + run_, kInward, false, 1, 1);
            caller = &one;
            one.start(partner.out());
            turn_until([&] { return one.over(); }, partner, listener);
            if (one.failed() == 0) return;
            if (Clock::now() > end) throw std::runtime_error("no message gets through");
            std::this_thread::sleep_for(100ms);
        }
    }
    // `listener`: what it gets is when this began; -1: nobody is taken now.
    template <typename Listener>
    void run(Caller& measured, SipPeer& sender, Listener listener) {
        auto begin = Clock::now(), progress = begin;
        measured.start(sender.out());
        for (uint64_t seen = 0; !measured.over() && Clock::now() - progress < kPatience; seen = measured.done()) {
            turn(sender, listener(begin));
            if (measured.done() != seen) progress = Clock::now();
        }
        double seconds = std::chrono::duration<double>(progress - begin).count();
        std::printf("{\"done\": %lu, \"failed\": %lu, \"unavailable\": %lu, \"seconds\": %.6f}\n", measured.done(),
                    measured.failed(), measured.unavailable(), seconds);
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
        if (int socket = listener >= 0 ? accept_from(listener) : -1; socket >= 0)
            front_ends_.push_back(std::make_unique<SipPeer>(socket, tls_.get(), "", answer));
        partner.run();
        for (const auto& one : front_ends_) one->run();
    }
    static void say(const char* line) {
        std::puts(line);
        std::fflush(stdout);
    }
    static void ready() {
        say("ready");
        if (std::getchar() == EOF) throw std::runtime_error("nobody says go");
    }

    std::unique_ptr<SSL_CTX, SslFree> tls_;
    std::string run_ = "r" + std::to_string(getpid());
    std::vector<std::unique_ptr<SipPeer>> front_ends_;
};

int run(int argc, char** argv) {
    std::string what = argc > 1 ? argv[1] : "";
    std::vector<uint64_t> numbers;
    for (int i = 2; i < argc; i++) numbers.push_back(std::strtoull(argv[i], nullptr, 10));
    size_t wanted = what == "crowd" ? 4 : what.starts_with("cold") ? 3 : 2;
    if (numbers.size() == wanted && numbers[0] > 0) {
        Load load;
        if (what == "message" || what == "invite") return load.send(what == "invite", numbers[0], numbers[1]), 0;
        if (what == "cold" || what == "cold-outward")
            return load.cold(what == "cold-outward", numbers[0], numbers[1], numbers[2]), 0;
        if (what == "crowd") return load.crowd(numbers[0], numbers[1], numbers[2], numbers[3] != 0), 0;
    }
    std::fputs(
        "usage: perf-sip-load message|invite COUNT WINDOW | cold|cold-outward COUNT EXPECTED SECONDS |\n"
        "       crowd PARTNERS USERS MESSAGES 0|1\n",
        stderr);
    return 2;
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
