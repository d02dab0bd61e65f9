#include "perf/sip/crowd.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "perf/sip/sockets.h"

namespace fedge::perf {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 30s;       // without any progress
constexpr auto kNextTry = 100ms;      // of a first message
constexpr uint64_t kConnecting = 64;  // at a time

}  // namespace

Crowd::Crowd(SSL_CTX* tls, Places places)
    : tls_(tls),
      places_(std::move(places)),
      events_(must(epoll_create1(0), "epoll_create1")),
      listener_(places_.front_end.empty() ? -1 : listen_on(places_.front_end)) {
    if (listener_ >= 0) watch(listener_, kListener, EPOLLIN);
    watch(STDIN_FILENO, kInput, EPOLLIN);
}

Crowd::~Crowd() {
    if (listener_ >= 0) ::close(listener_);
    ::close(events_);
}

void Crowd::watch(int descriptor, uint64_t number, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    must(epoll_ctl(events_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

void Crowd::begin(const sockaddr_in& where) {
    uint64_t number = members_.size();
    in_addr_t first = ntohl(address_of(places_.source + ":0").sin_addr.s_addr);
    in_addr_t source = htonl(first + static_cast<in_addr_t>(number % places_.sources));
    members_.push_back({std::make_unique<SipPeer>(connect_to(where, source), tls_, places_.server_name,
                                                  [this](std::string& out, std::string_view header) {
                                                      if (caller_) caller_->on_response(out, header);
                                                  })});
    watch(members_.back().peer->socket(), number, EPOLLIN | EPOLLOUT | EPOLLET);
}

void Crowd::gather(uint64_t partners, uint64_t users) {
    partners_ = partners;
    sockaddr_in partners_at = address_of(places_.partners), users_at = address_of(places_.users);
    auto progress = Clock::now();
    while (settled_ < partners + users) {
        uint64_t before = settled_;
        while (members_.size() < partners + users && members_.size() - settled_ < kConnecting)
            begin(members_.size() < partners ? partners_at : users_at);
        turn();
        if (settled_ != before) progress = Clock::now();
        if (Clock::now() - progress > kPatience)
            throw std::runtime_error("no more than " + std::to_string(settled_) + " connections come about");
    }
}

void Crowd::run(Member& member) {
    SipPeer& peer = *member.peer;
    peer.run();
    if (peer.open() && !std::exchange(member.greeted, true)) {
        peer.out() += "\r\n\r\n";
        peer.run();
    }
    if (peer.heard() && !std::exchange(member.settled, true)) settled_++;
}

void Crowd::turn() {
    std::array<epoll_event, 256> ready;
    int n = epoll_wait(events_, ready.data(), ready.size(), 20);
    for (int i = 0; i < n; i++) {
        uint64_t number = ready[static_cast<size_t>(i)].data.u64;
        if (number == kInput) {
            input_ = true;
        } else if (number == kListener) {
            int socket = accept_from(listener_);
            if (socket < 0) continue;
            watch(socket, kFrontEnds + front_ends_.size(), EPOLLIN | EPOLLOUT | EPOLLET);
            front_ends_.push_back(std::make_unique<SipPeer>(socket, tls_, "", answer));
        } else if (number >= kFrontEnds) {
            front_ends_[number - kFrontEnds]->run();
        } else {
            run(members_[number]);
        }
    }
}

void Crowd::stay() {
    while (!input_) turn();
    std::string line(256, '\0');
    must(static_cast<int>(::read(STDIN_FILENO, line.data(), line.size())), "standard input");
    input_ = false;
}

bool Crowd::send_one(Member& member, const Parties& parties) {
    Caller one("c" + std::to_string(sent_++) + "r" + std::to_string(getpid()), parties, false, 1, 1);
    caller_ = &one;
    one.start(member.peer->out());
    run(member);
    for (auto end = Clock::now() + kPatience; !one.over() && Clock::now() < end;) turn();
    caller_ = nullptr;
    return one.over() && one.failed() == 0;
}

Crowd::Sent Crowd::send(uint64_t messages) {
    // The proxy may have given the front end up while nobody listened.
    for (auto end = Clock::now() + kPatience; !send_one(members_.front(), kInward);) {
        if (Clock::now() > end) throw std::runtime_error("no message gets through");
        for (auto next = Clock::now() + kNextTry; Clock::now() < next;) turn();
    }
    Sent sent;
    for (uint64_t i = 0; i < messages; i++) {
        size_t number = members_.size() * i / messages;
        auto begin = Clock::now();
        if (!send_one(members_[number], number < partners_ ? kInward : kFromUser)) sent.failed++;
        std::chrono::duration<double, std::milli> took = Clock::now() - begin;
        sent.slowest_ms = std::max(sent.slowest_ms, took.count());
        sent.messages++;
    }
    return sent;
}

}  // namespace fedge::perf
