// Many partners and remote users of a SIP proxy who stay connected and say next to nothing, and the front end behind
// it.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "perf/sip/sip_peer.h"
#include "perf/sip/traffic.h"

namespace fedge::perf {

class Crowd {
  public:
    struct Places {
        std::string partners, users;  // of the proxy: where the one and the other connect to
        std::string front_end;        // where the proxy finds it; empty: another crowd has it
        std::string server_name;      // of the proxy
        std::string source;           // the first address to connect from
        uint32_t sources = 1;         // how many from there on
    };
    // Throws std::runtime_error, as everything here does.
    Crowd(SSL_CTX* tls, Places places);
    ~Crowd();

    // Connects; returns when each has got the answer to a keepalive: who never says anything is closed.
    void gather(uint64_t partners, uint64_t users);

    struct Sent {
        uint64_t messages = 0;
        uint64_t failed = 0;
        double slowest_ms = 0;
    };
    // One message after the other, each from another of the partners or of the users, all through the crowd.
    Sent send(uint64_t messages);

    // Until there is a line on standard input.
    void stay();

  private:
    struct Member {
        std::unique_ptr<SipPeer> peer;
        bool greeted = false, settled = false;
    };
    static constexpr uint64_t kFrontEnds = uint64_t{1} << 32;  // numbers of events from here on
    static constexpr uint64_t kListener = kFrontEnds - 1, kInput = kFrontEnds - 2;

    void begin(const sockaddr_in& where);
    void turn();
    void run(Member& member);
    void watch(int descriptor, uint64_t number, uint32_t events);
    bool send_one(Member& member, const Parties& parties);

    SSL_CTX* tls_;
    Places places_;
    int events_, listener_;
    uint64_t partners_ = 0, settled_ = 0;
    uint64_t sent_ = 0;
    bool input_ = false;
    Caller* caller_ = nullptr;
    std::vector<Member> members_;  // partners, then users
    std::vector<std::unique_ptr<SipPeer>> front_ends_;
};

}  // namespace fedge::perf
