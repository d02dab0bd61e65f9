// The internal servers: which one a dialog goes to, and whether they live.
//
// By rendezvous hashing with weights over the Call-ID (Thaler and Ravishankar 1998): all that belongs to a call goes to
// the same server, on every core and node, and when one is lost only its calls move. Each is kept connected and asked
// by OPTIONS; one that does not answer is connected to anew and used again when it has answered.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/next_hops.h"

namespace fedge::signal {

class FrontEnds {
  public:
    FrontEnds(NextHops& hops, SipConnections& connections, Counters counters)
        : hops_(hops), connections_(connections), counters_(counters) {}

    void adopt(const SipConfig& config, Instant now);
    struct Choice {
        NextHops::Number hop = NextHops::kNone;
        NextHops::Pick pick;
    };
    // For what has this hash, the best server that is not down. `waiting(hop)`: how many messages wait for it.
    template <typename Waiting>
    Choice pick(uint64_t hash, Waiting&& waiting, Instant now);
    bool empty() const { return members_.empty(); }
    uint32_t weight(NextHops::Number hop) const;

    // Keeps connections, sends questions, notices what is not answered.
    void turn(Instant now);
    // A response to a request of our own: to a question, by the branch of its Via.
    void on_response(SipConnection& connection, std::string_view branch, uint16_t status);

  private:
    struct Member {
        std::string host;
        double weight;
        NextHops::Number hop;
        uint64_t hash;
        Instant next_look{};
        FlowId asked{};  // on this connection, and no answer yet
        Instant asked_at{};
    };
    void order(uint64_t hash);
    void ask(Member& member, SipConnection& connection, Instant now);

    NextHops& hops_;
    SipConnections& connections_;
    Counters counters_;
    const SipConfig* config_ = nullptr;
    std::vector<Member> members_;
    std::vector<std::pair<double, size_t>> order_;  // of the last pick
    uint32_t questions_ = 0;
};

template <typename Waiting>
FrontEnds::Choice FrontEnds::pick(uint64_t hash, Waiting&& waiting, Instant now) {
    order(hash);
    for (bool even_down : {false, true}) {
        for (const auto& [score, index] : order_) {
            NextHops::Number hop = members_[index].hop;
            NextHops::Pick pick = hops_.pick(hop, hash, waiting(hop), now, even_down);
            if (pick.connection || pick.state == NextHops::State::connecting) return {hop, pick};
        }
    }
    return {};
}

}  // namespace fedge::signal
