#include "tests/unit/policy/world.h"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>

namespace fedge::policy::test {

// An answer of `dns` as decisions see it.
class World::Answer {
  public:
    Answer(const Found& found, bool namespace_rule) : hosts_(found.hosts.begin(), found.hosts.end()) {
        facts = {found.finding, found.code, namespace_rule, hosts_};
    }
    RouteFacts facts;

  private:
    std::vector<std::string_view> hosts_;
};

const View& World::view() {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(contract::Federation::Pack(builder, &federation));
    config_ = std::make_unique<Config>(flatbuffers::GetRoot<contract::Federation>(builder.GetBufferPointer()));
    scratch_ = config_->make_scratch();
    contract::VerdictBuilder verdicts({1, 2, 3});
    for (const auto& entry : entries) verdicts.add(entry);
    for (const auto& [address, access] : users) verdicts.add_user(address, access);
    std::vector<uint8_t> bytes = verdicts.build();
    table_bytes_.assign(bytes.size() + 64, 0);
    uint8_t* begin = table_bytes_.data() + (64 - reinterpret_cast<uintptr_t>(table_bytes_.data()) % 64) % 64;
    std::memcpy(begin, bytes.data(), bytes.size());
    std::string error;
    table_ = contract::VerdictTable::open({begin, bytes.size()}, error);
    if (!table_) throw std::runtime_error(error);
    view_.emplace(View{*config_, contract::Verdicts(&*table_, nullptr), scratch_.get()});
    return *view_;
}

Decision World::in(const tls::PeerNames& names, const Request& request, TrustClass fixed, Usages usages, Trace* trace) {
    const View& now = view();
    Peer peer(now.config, names, usages);
    peer.fixed = fixed;
    Admission admitted = Admission::not_asked;
    std::optional<Answer> answer;
    for (int questions = 0; questions < 3; questions++) {
        Decision decision = inbound(now, peer, request, answer ? &answer->facts : nullptr, admitted, trace);
        if (decision.outcome != Outcome::ask) return decision;
        if (decision.ask.what == Question::admission) {
            admitted = admission;
            continue;
        }
        asked.emplace_back(decision.source.view());
        answer.emplace(dns[asked.back()], decision.ask.namespace_rule);
    }
    ADD_FAILURE() << "asks for ever";
    return {};
}

Decision World::out(const Request& request, bool transit, Trace* trace) {
    const View& now = view();
    std::optional<Answer> answer;
    for (int questions = 0; questions < 4; questions++) {
        Decision decision = outbound(now, request, answer ? &answer->facts : nullptr, transit, trace);
        if (decision.outcome != Outcome::ask) return decision;
        asked.emplace_back(decision.ask.via.empty() ? decision.target.view() : decision.ask.via);
        const Found& found = dns[asked.back()];
        bool inside = std::any_of(found.hosts.begin(), found.hosts.end(),
                                  [&](const std::string& host) { return in_namespace(host, asked.back()); });
        // As discovery applies the rule.
        if (decision.ask.namespace_rule && found.finding == Finding::found && !inside)
            answer.emplace(Found{Finding::refused, {}, 1009}, true);
        else
            answer.emplace(found, decision.ask.namespace_rule);
    }
    ADD_FAILURE() << "asks for ever";
    return {};
}

}  // namespace fedge::policy::test
