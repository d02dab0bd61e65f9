#include "control/publish/questions.h"

#include <algorithm>
#include <chrono>

#include "control/publish/discovery_words.h"
#include "message_generated.h"

namespace fedge::control {
namespace {

using discovery::Query;
using discovery::Route;

// A message must fit into the channel's; see contract/channel.h. More targets than these are never tried anyway.
constexpr size_t kMaxTargets = 16;
constexpr size_t kMaxAddresses = 16;
constexpr size_t kMaxReason = 512;

Query query_of(const contract::Question& question) {
    Query query;
    query.domain = question.domain()->str();
    query.service =
        question.service() == contract::Discoverable::xmpp ? discovery::Service::xmpp : discovery::Service::sip;
    if (query.service == discovery::Service::sip) {
        query.mode = mode_of(question.srv_mode());
        query.namespace_rule = question.namespace_rule();
    }
    if (question.via()) query.via = question.via()->str();
    return query;
}

uint32_t seconds_left(Clock::time_point end, Clock::time_point now) {
    auto left = std::chrono::ceil<std::chrono::seconds>(end - now).count();
    return static_cast<uint32_t>(std::clamp<int64_t>(left, 1, UINT32_MAX));
}

using Targets = std::vector<flatbuffers::Offset<contract::Target>>;

Targets targets_of(flatbuffers::FlatBufferBuilder& builder, const Route& route) {
    Targets out;
    for (const auto& target : route.targets) {
        if (out.size() == kMaxTargets) break;
        std::vector<contract::Ip> addresses;
        for (const auto& address : target.addresses) {
            if (addresses.size() < kMaxAddresses)
                addresses.emplace_back(flatbuffers::span<const uint8_t, 16>(address.octets().data(), 16));
        }
        auto host = builder.CreateString(target.host);
        auto list = builder.CreateVectorOfStructs(addresses);
        out.push_back(contract::CreateTarget(builder, host, target.port, target.priority, target.weight,
                                             target.direct_tls, list));
    }
    return out;
}

}  // namespace

Questions::Questions(Dataplane& dataplane, discovery::Discovery& discovery)
    : dataplane_(dataplane), discovery_(discovery) {
    dataplane_.on_question(
        [this](const contract::Question& question, Clock::time_point now) { on_question(question, now); });
    dataplane_.on_target_reports(
        [this](const contract::TargetReports& reports, Clock::time_point now) { on_attempts(reports, now); });
    discovery_.on_change([this](const Query& query, const Route&, const Route& after, Clock::time_point now) {
        bool asked_by_cores = query.service == discovery::Service::sip || query.service == discovery::Service::xmpp;
        if (asked_by_cores) send(0, query, after, now);
    });
}

void Questions::on_question(const contract::Question& question, Clock::time_point now) {
    const Query query = query_of(question);
    const uint32_t id = question.id();
    if (open_ >= kMaxOpen) {
        refused_++;
        Route route;
        route.code = discovery::kNoSrv;
        route.reason = "too many questions are open";
        route.expires = now + std::chrono::seconds(1);
        return send(id, query, route, now);
    }
    auto wait = std::min<Clock::duration>(std::chrono::milliseconds(question.wait_ms()), kMaxWait);
    open_++;
    discovery_.find(query, now, now + std::max<Clock::duration>(wait - kMargin, wait / 2),
                    [this, id, query](const Route& route, Clock::time_point at) {
                        open_--;
                        answered_++;
                        send(id, query, route, at);
                    });
}

void Questions::on_attempts(const contract::TargetReports& reports, Clock::time_point now) {
    if (!reports.rows()) return;
    std::vector<discovery::Attempts> attempts;
    for (const auto* row : *reports.rows()) {
        if (!row->address()) continue;
        attempts.push_back({{IpAddress::v6_bytes(row->address()->octets()->data()), row->port()},
                            row->good(),
                            row->failed(),
                            {row->code(), row->error() ? row->error()->str() : std::string()}});
    }
    discovery_.report(attempts, now);
}

void Questions::send(uint32_t id, const Query& query, const Route& route, Clock::time_point now) {
    flatbuffers::FlatBufferBuilder builder;
    auto domain = builder.CreateString(query.domain);
    auto via = query.via.empty() ? 0 : builder.CreateString(query.via);
    auto reason = builder.CreateString(route.reason.substr(0, kMaxReason));
    auto targets = builder.CreateVector(targets_of(builder, route));
    auto service =
        query.service == discovery::Service::xmpp ? contract::Discoverable::xmpp : contract::Discoverable::sip;
    auto answer = contract::CreateAnswer(builder, id, domain, service, via, finding_of(route.outcome), route.code,
                                         reason, seconds_left(route.expires, now), route.secure, route.stale, targets);
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, contract::Body::Answer, answer.Union()));
    if (!dataplane_.tell({builder.GetBufferPointer(), builder.GetSize()})) undelivered_++;
}

}  // namespace fedge::control
