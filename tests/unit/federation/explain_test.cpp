// Explanations on real settings and entries, with answers of DNS put in their place.
#include "control/federation/explain.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "control/federation/explain_json.h"

namespace fedge::control {
namespace {

Entry domain(const char* name, bool blocked = false, const char* via = "") {
    Entry entry;
    entry.name = name;
    entry.blocked = blocked;
    entry.verification = Verification::always_verifiable;
    entry.via = via;
    return entry;
}

class Explain : public testing::Test {
  protected:
    Explain() {
        federation.enabled = true;
        federation.domains = {"local.example"};
        federation.access_names = {"sip.local.example"};
        federation.global_access = 1;  // federation
    }

    api::Json explained(bool inbound, const char* from, const char* to, std::initializer_list<const char*> cert = {}) {
        ExplainQuery query;
        query.inbound = inbound;
        query.from_user = "alice";
        query.from_domain = from;
        query.to_user = "bob";
        query.to_domain = to;
        for (const char* name : cert) query.names.push_back({tls::NameKind::dns, name});
        api::Json out;
        explain(
            std::make_shared<ExplainBasis>(federation, patterns, entries), query,
            [this](const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
                questions.push_back(question);
                done(dns[question.via.empty() ? question.domain : question.via]);
            },
            [&](const Explanation& explanation) {
                calls++;
                out = explanation_json(query, explanation, "sip.local.example");
            });
        return out;
    }

    static std::vector<std::string> column(const api::Json& explanation, const char* field) {
        std::vector<std::string> out;
        for (const auto& step : explanation["steps"])
            out.push_back(step[field].is_string() ? step[field].get<std::string>() : step[field].dump());
        return out;
    }

    FederationConfig federation;
    std::vector<Entry> patterns, entries;
    std::map<std::string, RouteAnswer> dns;
    std::vector<RouteQuestion> questions;
    int calls = 0;
};

RouteAnswer found(const char* host) {
    return {contract::Finding::found, 0, "", {std::string(host) + ":5061 (192.0.2.7)"}, {host}, true, false};
}

TEST_F(Explain, InboundFromAnAllowedDomain) {
    entries = {domain("partner.example")};
    dns["partner.example"] = found("sip.partner.example");
    api::Json out = explained(true, "partner.example", "local.example", {"sip.partner.example"});
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(out["allowed"].get<bool>());
    EXPECT_EQ(out["verdict"], "deliver");
    EXPECT_EQ(out["rule"], "allow domain partner.example");
    EXPECT_EQ(out["partner"], "allowed partner domain");
    EXPECT_EQ(out["trust"], "AutoFed");
    EXPECT_EQ(out["header"],
              "ms-edge-proxy-message-trust: ms-source-type=AutoFederation;ms-ep-fqdn=sip.local.example;"
              "ms-source-verified-user=verified;ms-source-network=federation");
    EXPECT_FALSE(out.contains("wire"));
    EXPECT_EQ(column(out, "step"),
              (std::vector<std::string>{"2", "3", "4", "5", "6", "7", "8", "8", "8", "9", "10", "11", "12", "13"}));
    EXPECT_EQ(column(out, "result")[6], "asked");
    EXPECT_EQ(column(out, "why")[7], "DNS says: sip.partner.example:5061 (192.0.2.7) (validated by DNSSEC)");
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_TRUE(questions[0].namespace_rule);
}

TEST_F(Explain, InboundFromABlockedDomainIsDroppedAndNobodyIsAsked) {
    entries = {domain("partner.example", true)};
    api::Json out = explained(true, "it.partner.example", "local.example", {"sip.it.partner.example"});
    EXPECT_FALSE(out["allowed"].get<bool>());
    EXPECT_EQ(out["verdict"], "drop");
    EXPECT_EQ(out["step"], 7);
    EXPECT_EQ(out["rule"], "block domain partner.example");
    EXPECT_EQ(out["wire"]["sent"], false);
    EXPECT_EQ(out["wire"]["status"], 403);
    EXPECT_EQ(out["wire"]["code"], 1002);
    EXPECT_TRUE(questions.empty());
}

TEST_F(Explain, DiscoveredPartnersAreTakenToBeWithinTheirLimits) {
    federation.discovery = true;
    dns["stranger.example"] = found("sip.stranger.example");
    api::Json out = explained(true, "stranger.example", "local.example", {"sip.stranger.example"});
    EXPECT_EQ(out["verdict"], "deliver to contacts");
    EXPECT_EQ(out["partner"], "discovered partner");
}

TEST_F(Explain, OutboundToANamedServer) {
    entries = {domain("direct.example", false, "edge.hoster.example")};
    dns["edge.hoster.example"] = found("edge.hoster.example");
    api::Json out = explained(false, "local.example", "direct.example");
    EXPECT_TRUE(out["allowed"].get<bool>());
    EXPECT_EQ(out["next_hop"]["kind"], "configured server");
    EXPECT_EQ(out["next_hop"]["host"], "edge.hoster.example");
    EXPECT_EQ(out["next_hop"]["targets"], api::Json({"edge.hoster.example:5061 (192.0.2.7)"}));
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_EQ(questions[0].via, "edge.hoster.example");
}

TEST_F(Explain, OutboundIntoAnotherNamespaceSaysWhatThePeerIsTold) {
    entries = {domain("partner.example")};
    dns["partner.example"] = {
        contract::Finding::refused, 1009, "sip.other.example is not in partner.example", {}, {}, false, false};
    api::Json out = explained(false, "local.example", "partner.example");
    EXPECT_EQ(out["verdict"], "refuse");
    EXPECT_EQ(out["wire"]["status"], 504);
    EXPECT_EQ(out["wire"]["header"], "1009;reason=\"SRV and host domains conflict\";source=\"sip.local.example\"");
    EXPECT_EQ(column(out, "why")[column(out, "why").size() - 2],
              "DNS says: sip.other.example is not in partner.example");
}

TEST_F(Explain, OutboundAsksTwiceWhereAProviderMayStandBehindTheDomain) {
    ProviderConfig provider;
    provider.name = "hoster";
    provider.proxy = "sipfed.hoster.example";
    provider.enabled = true;
    federation.providers = {provider};
    entries = {domain("customer.example")};
    int asked = 0;
    ExplainQuery query{false, "alice", "local.example", "bob", "customer.example"};
    explain(
        std::make_shared<ExplainBasis>(federation, patterns, entries), query,
        [&](const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
            asked++;
            if (question.namespace_rule)
                return done({contract::Finding::refused, 1009, "outside", {}, {}, false, false});
            done(found("sipfed.hoster.example"));
        },
        [&](const Explanation& explanation) {
            EXPECT_EQ(explanation.decision.type, policy::PartnerType::hosting_provider);
            EXPECT_TRUE(explanation.decision.accepted());
        });
    EXPECT_EQ(asked, 2);
}

// Of a public provider that decorates addresses.
class ExplainMessenger : public Explain {
  protected:
    ExplainMessenger() {
        ProviderConfig provider;
        provider.name = "messenger";
        provider.proxy = "federation.messenger.example";
        provider.enabled = provider.public_im = true;
        provider.capabilities = 1;  // im
        provider.decoration_routing_domain = "msn.example";
        provider.decoration_excluded = {"msn.example", "outlook.example"};
        federation.providers = {provider};
        federation.global_access = 1 | 4;  // public IM
        for (const char* name : {"federation.messenger.example", "outlook.example", "msn.example"})
            dns[name] = found("federation.messenger.example");
    }

    api::Json explained(ExplainQuery query) {
        if (query.inbound) query.names = {{tls::NameKind::dns, "federation.messenger.example"}};
        api::Json out;
        explain(
            std::make_shared<ExplainBasis>(federation, patterns, entries), query,
            [&](const RouteQuestion& question, std::function<void(RouteAnswer)> done) {
                done(dns[question.via.empty() ? question.domain : question.via]);
            },
            [&](const Explanation& explanation) { out = explanation_json(query, explanation, "sip.local.example"); });
        return out;
    }
    using Explain::explained;
};

TEST_F(ExplainMessenger, AddressesAreDecorated) {
    entries = {domain("hosted.example", false, "federation.messenger.example")};
    api::Json out = explained(false, "local.example", "hosted.example");
    EXPECT_EQ(out["allowed"], true) << out.dump();
    EXPECT_EQ(out["provider"], "messenger");
    EXPECT_EQ(out["decorated"], "bob(hosted.example)@msn.example");
    EXPECT_FALSE(explained(false, "local.example", "outlook.example").contains("decorated")) << "is its own";

    api::Json inbound = explained({true, "alice(hosted.example)", "msn.example", "bob", "local.example"});
    EXPECT_EQ(inbound["allowed"], true) << inbound.dump();
    EXPECT_EQ(inbound["decorated"], "alice@hosted.example");
    EXPECT_FALSE(
        explained({true, "alice(elsewhere.example)", "msn.example", "bob", "local.example"}).contains("decorated"))
        << "nobody has said that this domain is there";
}

TEST_F(ExplainMessenger, BlockedDomainsStayBlockedUnderDecoratedNames) {
    entries = {domain("blocked.example", true)};
    api::Json in = explained({true, "eve(it.blocked.example)", "msn.example", "bob", "local.example"});
    EXPECT_EQ(in["verdict"], "drop");
    EXPECT_EQ(in["rule"], "block domain blocked.example");
    EXPECT_EQ(column(in, "why").back(),
              "eve(it.blocked.example) stands for an account of it.blocked.example, which is covered by block domain "
              "blocked.example");
    api::Json out = explained({false, "alice", "local.example", "eve(blocked.example)", "msn.example"});
    EXPECT_EQ(out["verdict"], "refuse");
    EXPECT_EQ(out["rule"], "block domain blocked.example");
    EXPECT_EQ(explained({false, "alice", "local.example", "eve(other.example)", "msn.example"})["allowed"], true);
}

TEST_F(Explain, PatternsAndPoliciesOfUsersCount) {
    Entry pattern = domain("*.partners.example");
    pattern.kind = EntryKind::pattern;
    patterns = {pattern};
    Entry user;
    user.kind = EntryKind::user;
    user.name = "alice@local.example";
    user.access = 0;
    dns["a.partners.example"] = found("a.partners.example");
    EXPECT_EQ(explained(false, "local.example", "a.partners.example")["rule"], "pattern *.partners.example");
    entries = {user};
    api::Json out = explained(false, "local.example", "a.partners.example");
    EXPECT_EQ(out["reason"], "out_no_access");
    EXPECT_EQ(out["rule"], "the policy of the user");
}

TEST_F(Explain, AnswersMayComeLate) {
    entries = {domain("partner.example")};
    std::function<void(RouteAnswer)> later;
    ExplainQuery query{false, "alice", "local.example", "bob", "partner.example"};
    explain(
        std::make_shared<ExplainBasis>(federation, patterns, entries), query,
        [&](const RouteQuestion&, std::function<void(RouteAnswer)> done) { later = std::move(done); },
        [&](const Explanation&) { calls++; });
    EXPECT_EQ(calls, 0);
    auto done = std::move(later);
    done(found("sip.partner.example"));
    EXPECT_EQ(calls, 1);
}

TEST(ExplainNames, WithParents) {
    EXPECT_EQ(with_parents("a.b.example"), (std::vector<std::string>{"a.b.example", "b.example", "example"}));
    EXPECT_EQ(with_parents("example"), (std::vector<std::string>{"example"}));
}

}  // namespace
}  // namespace fedge::control
