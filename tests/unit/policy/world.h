// A configuration of federation with its verdict table, and messages to put before it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/verdict_builder.h"
#include "dataplane/policy/inbound.h"
#include "dataplane/policy/outbound.h"

namespace fedge::policy::test {

using contract::Access;
using contract::Capability;
using contract::Finding;
using contract::Purpose;
using contract::Rule;
using contract::SrvMode;
using contract::Verification;
using tls::NameKind;

inline tls::PeerNames dns(std::initializer_list<const char*> hosts) {
    tls::PeerNames names;
    for (const char* host : hosts) names.push_back({NameKind::dns, host});
    return names;
}

// What DNS would say of a domain.
struct Found {
    Finding finding = Finding::not_found;
    std::vector<std::string> hosts;
    uint16_t code = 0;
};

// Tells what was said at each step.
class Listener : public Trace {
  public:
    void on_step(Step step, Mark mark, const std::string& words) override { steps.push_back({step, mark, words}); }
    struct Line {
        Step step;
        Mark mark;
        std::string words;
    };
    std::vector<Line> steps;
};

class World {
  public:
    contract::FederationT federation;
    std::map<std::string, Found> dns;  // SRV by domain, or addresses by server
    Admission admission = Admission::admitted;

    // Ours: local.example (users may do everything but public audio and video) and site.example of the site "sea",
    // where nothing is allowed. Federation is on, discovery off.
    World() {
        federation.enabled = true;
        federation.access_names = {"sip.local.example"};
        federation.access = Access::NONE;
        add_domain("local.example", "", Access::federation | Access::xmpp | Access::public_im);
        add_domain("site.example", "sea", Access::NONE);
    }

    void add_domain(const char* name, const char* site, Access access) {
        auto& domain = federation.domains.emplace_back(std::make_unique<contract::InternalDomainT>());
        domain->name = name;
        domain->site = site;
        domain->access = access;
    }
    contract::ProviderT& add_provider(const char* name, const char* proxy) {
        auto& provider = *federation.providers.emplace_back(std::make_unique<contract::ProviderT>());
        provider.name = name;
        provider.proxy = proxy;
        return provider;
    }
    void add_pattern(const char* text, bool blocked, const char* via = "") {
        auto& pattern = *federation.patterns.emplace_back(std::make_unique<contract::DomainPatternT>());
        pattern.text = text;
        pattern.expression = expression_of(text);
        pattern.blocked = blocked;
        pattern.via = via;
        pattern.verification = Verification::always_verifiable;
    }
    void allow(const char* name, const char* via = "", Verification verification = Verification::always_verifiable,
               Purpose purpose = Purpose::server_or_client) {
        entries.push_back(
            {kept(name), Rule::allowed, verification, purpose, SrvMode::microsoft_then_sips, false, false, kept(via)});
    }
    void block(const char* name) { entries.push_back({kept(name), Rule::blocked}); }
    void user(const char* address, Access access) { users[address] = access; }
    void found(const char* domain, std::vector<std::string> hosts) { dns[domain] = {Finding::found, std::move(hosts)}; }

    // After the last change.
    const View& view();

    // Until nothing is asked any more; the questions go to `dns` and `admission`.
    Decision in(const tls::PeerNames& names, const Request& request, TrustClass fixed = TrustClass::none,
                Usages usages = {}, Trace* trace = nullptr);
    Decision out(const Request& request, bool transit = false, Trace* trace = nullptr);

    std::vector<contract::DomainEntry> entries;
    std::map<std::string, Access> users;
    std::vector<std::string> asked;  // names put to `dns`, in order

  private:
    class Answer;

    std::string_view kept(const char* text) { return texts_.emplace_back(text); }

    std::deque<std::string> texts_;  // of the entries

    std::unique_ptr<Config> config_;
    Scratch scratch_;
    std::vector<uint8_t> table_bytes_;
    std::optional<contract::VerdictTable> table_;
    std::optional<View> view_;
};

// alice@FROM writes to bob@TO.
inline Request message(const char* from, const char* to, Content content = Content::im,
                       SourceMark mark = SourceMark::missing, Protocol protocol = Protocol::sip) {
    return {protocol, {"alice", from}, {"bob", to}, content, mark};
}

}  // namespace fedge::policy::test
