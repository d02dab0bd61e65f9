#include "dataplane/signal/sip/front_ends.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "dataplane/base/hash.h"
#include "dataplane/signal/sip/text_hash.h"

namespace fedge::signal {
namespace {

constexpr std::string_view kProbe = "z9hG4bKfedge-probe-";
constexpr Duration kAnswerWithin = 5s;

}  // namespace

void FrontEnds::adopt(const SipConfig& config, Instant now) {
    config_ = &config;
    members_.clear();
    for (const FrontEnd& one : config.front_ends) {
        NextHops::Number hop = hops_.get(PeerKind::front_end, one.host, now);
        if (hop == NextHops::kNone) continue;
        std::vector<HopTarget> targets;
        for (const Endpoint& address : one.addresses) targets.push_back({one.host, address});
        hops_.set_targets(hop, std::move(targets), 1);
        members_.push_back({one.host, std::max(static_cast<double>(one.weight), 1e-9), hop, text_hash(one.host)});
    }
    order_.reserve(members_.size());
}

// Highest score first. A weight of nothing comes behind all others.
void FrontEnds::order(uint64_t hash) {
    order_.clear();
    for (size_t i = 0; i < members_.size(); i++) {
        uint64_t mixed = fold_multiply(hash ^ members_[i].hash, members_[i].hash | 1);
        double uniform = (static_cast<double>(mixed >> 11) + 1) * 0x1p-53;
        order_.emplace_back(-members_[i].weight / std::log(uniform), i);
    }
    std::sort(order_.begin(), order_.end(), std::greater<>());
}

void FrontEnds::turn(Instant now) {
    for (Member& member : members_) {
        bool late = member.asked.index != UINT32_MAX && now - member.asked_at > kAnswerWithin;
        if (late) {
            SipConnection* silent = connections_.find(member.asked);
            member.asked = {};
            if (silent) {
                hops_.set_down(member.hop, now);
                silent->close("the front end does not answer OPTIONS");
            }
        }
        if (now < member.next_look) continue;
        member.next_look = now + 1s;
        SipConnection* connection = hops_.open_one(member.hop, 0);
        if (!connection) {
            hops_.keep_open(member.hop, now);
        } else if (member.asked.index == UINT32_MAX && now - member.asked_at >= config_->options_interval) {
            ask(member, *connection, now);
        }
    }
}

void FrontEnds::ask(Member& member, SipConnection& connection, Instant now) {
    questions_++;
    std::array<char, 1536> text;
    int size = std::snprintf(text.data(), text.size(),
                             "OPTIONS sip:%s SIP/2.0\r\n"
                             "Via: SIP/2.0/TLS %s:%u;branch=%.*s%u\r\n"
                             "Max-Forwards: 0\r\n"
                             "From: <sip:%s>;tag=fedge%u\r\n"
                             "To: <sip:%s>\r\n"
                             "Call-ID: probe-%u-%llu@%s\r\n"
                             "CSeq: 1 OPTIONS\r\n"
                             "Content-Length: 0\r\n\r\n",
                             member.host.c_str(), config_->inside.c_str(), config_->inside_port,
                             static_cast<int>(kProbe.size()), kProbe.data(), questions_, config_->inside.c_str(),
                             questions_, member.host.c_str(), questions_,
                             static_cast<unsigned long long>(now.time_since_epoch().count()), config_->inside.c_str());
    if (size <= 0 || static_cast<size_t>(size) >= text.size()) return;
    member.asked_at = now;
    if (connection.send({bytes_of(std::string_view(text.data(), static_cast<size_t>(size)))}))
        member.asked = connection.id();
}

uint32_t FrontEnds::weight(NextHops::Number hop) const {
    auto member = std::ranges::find(members_, hop, &Member::hop);
    return member == members_.end() ? 0 : static_cast<uint32_t>(member->weight);
}

// Whatever it says, the server lives; unless it says that it does not serve now (RFC 3261 section 21.5.4).
void FrontEnds::on_response(SipConnection& connection, std::string_view branch, uint16_t status) {
    if (!branch.starts_with(kProbe) || status < 200) return;
    for (Member& member : members_) {
        if (member.asked != connection.id()) continue;
        member.asked = {};
        if (status != 503) return;
        hops_.set_down(member.hop, connections_.now());
        return connection.close("the front end says that it does not serve now");
    }
}

}  // namespace fedge::signal
