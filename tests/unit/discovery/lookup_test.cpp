// One look-up against a table of zones: every rule about records and targets.
#include "control/discovery/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control::discovery {
namespace {

using namespace test;

const std::string kD = "contoso.example";
const std::string kMicrosoft = "_sipfederationtls._tcp." + kD;
const std::string kSips = "_sips._tcp." + kD;
const std::string kXmpp = "_xmpp-server._tcp." + kD;
const std::string kXmpps = "_xmpps-server._tcp." + kD;

class LookupTest : public testing::Test {
  protected:
    void srv_at(const std::string& name, std::vector<std::vector<uint8_t>> records, bool secure = false) {
        dns_.set(name, RecordType::srv, data(std::move(records), secure));
    }
    void a(const std::string& host, std::initializer_list<const char*> addresses, bool secure = false) {
        std::vector<std::vector<uint8_t>> four, six;
        for (const char* text : addresses) (IpAddress::parse(text)->is_v4() ? four : six).push_back(address(text));
        dns_.set(host, RecordType::a, four.empty() ? no_data() : data(four, secure));
        dns_.set(host, RecordType::aaaa, six.empty() ? no_data() : data(six, secure));
    }
    Found run(Query query, bool secure_only = false, bool ipv6 = true) {
        std::vector<IpAddress> own{*IpAddress::parse("192.0.2.10")};
        auto rules =
            std::make_shared<const LookupRules>(LookupRules{AddressRules({}, {}, own, true, ipv6), secure_only});
        Lookup lookup(std::move(query), rules);
        dns_.asked.clear();
        ask(lookup, lookup.start());
        EXPECT_TRUE(lookup.over());
        return lookup.take();
    }
    Found run(SipMode mode = SipMode::microsoft_then_sips) { return run(query(mode)); }
    static Query query(SipMode mode = SipMode::microsoft_then_sips) {
        Query q;
        q.domain = kD;
        q.mode = mode;
        return q;
    }
    static Query xmpp() {
        Query q;
        q.domain = kD;
        q.service = Service::xmpp;
        return q;
    }
    bool asked(const std::string& question) const {
        return std::ranges::find(dns_.asked, question) != dns_.asked.end();
    }
    void ask(Lookup& lookup, const std::vector<Question>& questions) {
        for (const auto& q : questions) {
            dns_.ask(q.name, q.type, [&lookup, this, id = q.id](const DnsAnswer& answer, Time) {
                ask(lookup, lookup.on_answer(id, answer));
            });
        }
        dns_.answer_all({});
    }
    FakeResolver dns_;
};

TEST_F(LookupTest, RecordsForRemoteUsersAreTheirOwnService) {
    srv_at("_sip._tls." + kD, {srv(0, 0, 443, "access.elsewhere.example")});
    a("access.elsewhere.example", {"198.51.100.1"});
    Query q;
    q.domain = kD;
    q.service = Service::sip_clients;
    Route route = run(q).route;
    EXPECT_EQ(route.outcome, Outcome::found) << route.reason << ": the namespace rule is for partners";
    EXPECT_EQ(route.targets.at(0).port, 443);
    EXPECT_FALSE(asked(kMicrosoft + " SRV"));
    EXPECT_FALSE(asked(kSips + " SRV"));
}

TEST_F(LookupTest, TheMicrosoftRecordIsTakenFirst) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
    srv_at(kSips, {srv(0, 0, 5061, "other.contoso.example")});
    a("sip.contoso.example", {"198.51.100.7", "2001:db8::7"});
    Route route = run().route;
    ASSERT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.code, 0);
    ASSERT_EQ(route.targets.size(), 1U);
    EXPECT_EQ(route.targets[0].host, "sip.contoso.example");
    EXPECT_EQ(route.targets[0].port, 5061);
    EXPECT_EQ(route.targets[0].addresses.size(), 2U);
    EXPECT_FALSE(asked(kSips + " SRV"));
    ASSERT_EQ(route.steps.size(), 3U);
    EXPECT_EQ(route.steps[0].name, kMicrosoft);
    EXPECT_EQ(route.steps[0].records, (std::vector<std::string>{"0 0 5061 sip.contoso.example"}));
}

TEST_F(LookupTest, ModesAskForTheirRecords) {
    struct Case {
        SipMode mode;
        bool microsoft, sips;
    };
    for (const auto& c : {Case{SipMode::microsoft_then_sips, true, true}, Case{SipMode::microsoft, true, false},
                          Case{SipMode::sips, false, true}}) {
        Route route = run(c.mode).route;
        EXPECT_EQ(route.outcome, Outcome::not_found);
        EXPECT_EQ(route.code, kNoSrv);
        EXPECT_EQ(asked(kMicrosoft + " SRV"), c.microsoft);
        EXPECT_EQ(asked(kSips + " SRV"), c.sips);
        EXPECT_EQ(route.reason.find(kMicrosoft) != std::string::npos, c.microsoft) << route.reason;
        EXPECT_EQ(route.reason.find(kSips) != std::string::npos, c.sips) << route.reason;
    }
}

TEST_F(LookupTest, OnlyAnAbsenceLeadsToTheNextRecord) {
    struct Case {
        const char* what;
        DnsAnswer answer;
        Outcome outcome;
        bool next;
    };
    srv_at(kSips, {srv(0, 0, 5061, "sip.contoso.example")});
    a("sip.contoso.example", {"198.51.100.7"});
    DnsAnswer late;
    late.status = DnsAnswer::Status::timed_out;
    const Case cases[] = {
        {"NXDOMAIN", no_domain(), Outcome::found, true},
        {"no data", no_data(), Outcome::found, true},
        {"SERVFAIL", servfail(), Outcome::failed, false},
        {"bogus", bogus(), Outcome::failed, false},
        {"no answer", late, Outcome::failed, false},
        {"not offered", data({srv(0, 0, 0, "")}), Outcome::not_found, false},
        {"malformed", data({{1, 2, 3}}), Outcome::refused, false},
    };
    for (const auto& c : cases) {
        dns_.set(kMicrosoft, RecordType::srv, c.answer);
        Route route = run().route;
        EXPECT_EQ(route.outcome, c.outcome) << c.what;
        EXPECT_EQ(asked(kSips + " SRV"), c.next) << c.what;
        if (c.outcome != Outcome::found) {
            EXPECT_EQ(route.code, kNoSrv) << c.what;
            EXPECT_FALSE(route.reason.empty()) << c.what;
            EXPECT_TRUE(route.targets.empty()) << c.what;
        }
    }
}

TEST_F(LookupTest, TargetsOutsideOfTheNamespaceAreRefused) {
    struct Case {
        const char* host;
        bool used;
    };
    for (const auto& c :
         {Case{"contoso.example", true}, Case{"sip.contoso.example", true}, Case{"a.sip.contoso.example", false},
          Case{"sip.fabrikam.example", false}, Case{"notcontoso.example", false}}) {
        srv_at(kMicrosoft, {srv(0, 0, 5061, c.host)});
        a(c.host, {"198.51.100.7"});
        Route route = run().route;
        EXPECT_EQ(route.outcome, c.used ? Outcome::found : Outcome::refused) << c.host;
        EXPECT_EQ(route.code, c.used ? 0 : kConflict) << c.host;
        EXPECT_EQ(asked(std::string(c.host) + " A"), c.used) << "a refused target is not even resolved: " << c.host;
        Query q = query();
        q.namespace_rule = false;
        EXPECT_EQ(run(q).route.outcome, Outcome::found) << "rule off: " << c.host;
    }
}

TEST_F(LookupTest, OneGoodTargetIsEnough) {
    srv_at(kMicrosoft, {srv(1, 0, 5061, "sip.fabrikam.example"), srv(2, 0, 5060, "plain.contoso.example"),
                        srv(3, 0, 22, "ssh.contoso.example"), srv(4, 0, 5061, "inside.contoso.example"),
                        srv(5, 0, 5061, "gone.contoso.example"), srv(6, 0, 443, "good.contoso.example"),
                        srv(6, 0, 443, "good.contoso.example")});
    a("inside.contoso.example", {"10.0.0.7"});
    a("good.contoso.example", {"198.51.100.7"});
    Route route = run().route;
    ASSERT_EQ(route.outcome, Outcome::found);
    ASSERT_EQ(route.targets.size(), 1U) << "equal records are one";
    EXPECT_EQ(route.targets[0].host, "good.contoso.example");
    ASSERT_EQ(route.refused.size(), 5U);
    EXPECT_EQ(route.refused[0].code, kConflict);
    EXPECT_EQ(route.refused[1].why, "port 5060 is SIP without TLS");
    EXPECT_EQ(route.refused[3].address, "10.0.0.7");
    EXPECT_EQ(route.refused[3].code, kNoAddress);
}

TEST_F(LookupTest, AddressesThatNoPartnerHasAreRefused) {
    for (const char* text : {"127.0.0.1", "10.1.1.1", "172.16.9.9", "192.168.1.1", "169.254.1.1", "192.0.2.10", "::1",
                             "fe80::1", "fc00::1", "0.0.0.0", "224.0.0.1", "64:ff9b::a00:1"}) {
        srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
        a("sip.contoso.example", {text});
        Route route = run().route;
        EXPECT_EQ(route.outcome, Outcome::refused) << text;
        EXPECT_EQ(route.code, kNoAddress) << text;
        EXPECT_TRUE(route.targets.empty());
        EXPECT_NE(route.reason.find(IpAddress::parse(text)->text()), std::string::npos) << route.reason;
    }
    a("sip.contoso.example", {"10.1.1.1", "198.51.100.7"});
    Route route = run().route;
    ASSERT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.targets[0].addresses, std::vector<IpAddress>{*IpAddress::parse("198.51.100.7")});
    EXPECT_EQ(route.refused.size(), 1U);
}

TEST_F(LookupTest, AnAliasDoesNotLeadOutOfTheNamespace) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
    dns_.set("sip.contoso.example", RecordType::a, alias(data({address("198.51.100.7")}), "edge.fabrikam.example"));
    dns_.set("sip.contoso.example", RecordType::aaaa, alias(no_data(), "edge.fabrikam.example"));
    Route route = run().route;
    EXPECT_EQ(route.outcome, Outcome::refused);
    EXPECT_EQ(route.code, kConflict);
    EXPECT_NE(route.reason.find("edge.fabrikam.example"), std::string::npos);
    dns_.set("sip.contoso.example", RecordType::a, alias(data({address("198.51.100.7")}), "edge.contoso.example"));
    EXPECT_EQ(run().route.outcome, Outcome::found);
}

TEST_F(LookupTest, SixtyFourRecordsAreBounded) {
    std::vector<std::vector<uint8_t>> records;
    for (uint16_t i = 0; i < 64; i++) {
        std::string host = "h" + std::to_string(i) + ".contoso.example";
        records.push_back(srv(static_cast<uint16_t>(63 - i), 0, 5061, host));
        a(host, {"198.51.100.7"});
    }
    srv_at(kMicrosoft, records);
    Route route = run().route;
    ASSERT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.targets.size(), Lookup::kMaxTargets);
    EXPECT_EQ(route.targets[0].host, "h63.contoso.example") << "the most wanted are kept";
    EXPECT_EQ(dns_.asked.size(), 1 + 2 * Lookup::kMaxTargets);
    EXPECT_EQ(route.refused.size(), 64 - Lookup::kMaxTargets);
    std::ranges::reverse(records);
    srv_at(kMicrosoft, records);
    EXPECT_TRUE(same_targets(run().route, route)) << "whatever the order of the answer";
}

TEST_F(LookupTest, AddressesAreBounded) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
    std::vector<std::vector<uint8_t>> many;
    for (int i = 1; i <= 100; i++) many.push_back(address("198.51.100." + std::to_string(i)));
    dns_.set("sip.contoso.example", RecordType::a, data(many));
    EXPECT_EQ(run().route.targets.at(0).addresses.size(), Lookup::kMaxAddresses);
}

TEST_F(LookupTest, AHostOfSeveralRecordsIsAskedForOnce) {
    srv_at(kMicrosoft, {srv(1, 0, 5061, "sip.contoso.example"), srv(2, 0, 443, "sip.contoso.example")});
    a("sip.contoso.example", {"198.51.100.7"});
    EXPECT_EQ(run().route.targets.size(), 2U);
    EXPECT_EQ(dns_.asked.size(), 3U);
}

TEST_F(LookupTest, AddressesThatCannotBeResolved) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
    Route route = run().route;
    EXPECT_EQ(route.outcome, Outcome::not_found) << "NXDOMAIN";
    EXPECT_EQ(route.code, kNoAddress);
    dns_.set("sip.contoso.example", RecordType::a, servfail());
    route = run().route;
    EXPECT_EQ(route.outcome, Outcome::failed);
    EXPECT_EQ(route.code, kNoAddress);
    dns_.set("sip.contoso.example", RecordType::aaaa, data({address("2001:db8::7")}));
    Found found = run();
    EXPECT_EQ(found.route.outcome, Outcome::found) << "one family is enough";
    EXPECT_TRUE(found.partial) << "but not for long";
    dns_.set("sip.contoso.example", RecordType::a, bogus());
    EXPECT_EQ(run().route.outcome, Outcome::found);
    dns_.set("sip.contoso.example", RecordType::aaaa, no_data());
    EXPECT_EQ(run().route.outcome, Outcome::failed);
}

TEST_F(LookupTest, OnlyFamiliesThatTheEdgeHasAreAskedFor) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")});
    a("sip.contoso.example", {"2001:db8::7"});
    Route route = run(query(), false, false).route;
    EXPECT_FALSE(asked("sip.contoso.example AAAA"));
    EXPECT_EQ(route.outcome, Outcome::not_found);
    EXPECT_EQ(route.code, kNoAddress);
}

TEST_F(LookupTest, ADirectPartnerNeedsNoSrv) {
    Query q = query();
    q.via = "edge.hoster.example";
    a("edge.hoster.example", {"198.51.100.7"});
    Route route = run(q).route;
    ASSERT_EQ(route.outcome, Outcome::found) << "no namespace rule either";
    EXPECT_EQ(route.targets[0].port, 5061);
    EXPECT_EQ(dns_.asked.size(), 2U);
    q.port = 5063;
    EXPECT_EQ(run(q).route.targets[0].port, 5063);
    q.service = Service::xmpp;
    q.port = 0;
    EXPECT_EQ(run(q).route.targets[0].port, 5269);
    a("edge.hoster.example", {"10.0.0.1"});
    EXPECT_EQ(run(q).route.outcome, Outcome::refused) << "addresses are judged all the same";
    dns_.zone.clear();
    route = run(q).route;
    EXPECT_EQ(route.outcome, Outcome::not_found);
    EXPECT_EQ(route.code, kNoAddress);
}

TEST_F(LookupTest, XmppRecordsAreOneList) {
    srv_at(kXmpp, {srv(10, 0, 5269, "starttls.contoso.example")});
    srv_at(kXmpps, {srv(5, 0, 5270, "direct.hoster.example")});
    a("starttls.contoso.example", {"198.51.100.7"});
    a("direct.hoster.example", {"198.51.100.8"});
    Route route = run(xmpp()).route;
    ASSERT_EQ(route.outcome, Outcome::found);
    ASSERT_EQ(route.targets.size(), 2U) << "there is no namespace rule for XMPP";
    EXPECT_EQ(route.targets[0].host, "direct.hoster.example");
    EXPECT_TRUE(route.targets[0].direct_tls);
    EXPECT_FALSE(route.targets[1].direct_tls);
}

TEST_F(LookupTest, XmppWithoutRecordsIsTheDomainItself) {
    a(kD, {"198.51.100.7"});
    Route route = run(xmpp()).route;
    ASSERT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.targets[0].host, kD);
    EXPECT_EQ(route.targets[0].port, 5269);
}

TEST_F(LookupTest, XmppNotOffered) {
    a(kD, {"198.51.100.7"});
    a("starttls.contoso.example", {"198.51.100.8"});
    srv_at(kXmpps, {srv(0, 0, 0, "")});
    EXPECT_EQ(run(xmpp()).route.outcome, Outcome::not_found) << "no direct TLS, and no address instead (XEP-0368)";
    EXPECT_FALSE(asked(kD + " A"));
    srv_at(kXmpp, {srv(0, 0, 5269, "starttls.contoso.example")});
    Route route = run(xmpp()).route;
    ASSERT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.targets.size(), 1U);
    srv_at(kXmpp, {srv(0, 0, 0, "")});
    EXPECT_EQ(run(xmpp()).route.outcome, Outcome::not_found);
}

TEST_F(LookupTest, HalfOfXmppIsNotForLong) {
    srv_at(kXmpp, {srv(0, 0, 5269, "x.contoso.example")});
    dns_.set(kXmpps, RecordType::srv, servfail());
    a("x.contoso.example", {"198.51.100.8"});
    Found found = run(xmpp());
    EXPECT_EQ(found.route.outcome, Outcome::found);
    EXPECT_TRUE(found.partial);
    dns_.set(kXmpp, RecordType::srv, no_domain());
    EXPECT_EQ(run(xmpp()).route.outcome, Outcome::failed) << "an absence and a failure are no absence of both";
}

TEST_F(LookupTest, SecureIsWhatIsSecureAllTheWay) {
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example"), srv(1, 0, 5061, "plain.contoso.example")}, true);
    a("sip.contoso.example", {"198.51.100.7"}, true);
    a("plain.contoso.example", {"198.51.100.8"}, false);
    Route route = run().route;
    ASSERT_EQ(route.targets.size(), 2U);
    EXPECT_TRUE(route.targets[0].secure);
    EXPECT_FALSE(route.targets[1].secure);
    EXPECT_FALSE(route.secure);
    route = run(query(), true).route;
    ASSERT_EQ(route.targets.size(), 1U) << "dns.dnssec required";
    EXPECT_EQ(route.targets[0].host, "sip.contoso.example");
    EXPECT_TRUE(route.secure);
    srv_at(kMicrosoft, {srv(0, 0, 5061, "sip.contoso.example")}, false);
    EXPECT_EQ(run(query(), true).route.outcome, Outcome::refused);
}

TEST_F(LookupTest, TheShortestTimeToLiveCounts) {
    dns_.set(kMicrosoft, RecordType::srv, data({srv(0, 0, 5061, "sip.contoso.example")}, false, 500));
    dns_.set("sip.contoso.example", RecordType::a, data({address("198.51.100.7")}, false, 40));
    dns_.set("sip.contoso.example", RecordType::aaaa, no_data(7));
    EXPECT_EQ(run().ttl, 40U);
    dns_.set("sip.contoso.example", RecordType::a, no_data(90));
    EXPECT_EQ(run().ttl, 7U) << "of what is not found, the absences count";
}

TEST_F(LookupTest, Tlsa) {
    Query q;
    q.service = Service::tlsa;
    q.via = "xmpp.contoso.example";
    q.port = 5269;
    const std::string name = "_5269._tcp.xmpp.contoso.example";
    EXPECT_EQ(run(q).route.outcome, Outcome::not_found);
    dns_.set(name, RecordType::tlsa, data({{3, 1, 1, 0xab}, {3}}, true));
    Route route = run(q).route;
    ASSERT_EQ(route.outcome, Outcome::found);
    ASSERT_EQ(route.tlsa.size(), 1U);
    EXPECT_TRUE(route.secure);
    dns_.set(name, RecordType::tlsa, data({{3, 1, 1, 0xab}}, false));
    EXPECT_EQ(run(q).route.outcome, Outcome::refused) << "without DNSSEC they mean nothing";
    dns_.set(name, RecordType::tlsa, data({{3}}, true));
    EXPECT_EQ(run(q).route.outcome, Outcome::refused);
    dns_.set(name, RecordType::tlsa, bogus());
    EXPECT_EQ(run(q).route.outcome, Outcome::failed);
}

TEST_F(LookupTest, NamesThatAreTooLongAreNotAskedFor) {
    Query q = query();
    q.domain.clear();
    while (q.domain.size() < 240) q.domain += std::string(q.domain.empty() ? "" : ".") + std::string(30, 'a');
    Route route = run(q).route;
    EXPECT_EQ(route.outcome, Outcome::not_found);
    EXPECT_TRUE(dns_.asked.empty());
}

TEST_F(LookupTest, AnswersThatNobodyAskedForAreIgnored) {
    auto rules = std::make_shared<const LookupRules>(LookupRules{AddressRules({}, {}, {}, true, true), false});
    Lookup lookup(query(), rules);
    auto questions = lookup.start();
    ASSERT_EQ(questions.size(), 1U);
    EXPECT_TRUE(lookup.on_answer(questions[0].id + 1, servfail()).empty());
    EXPECT_FALSE(lookup.over());
    EXPECT_EQ(lookup.on_answer(questions[0].id, no_domain()).size(), 1U);
    EXPECT_TRUE(lookup.on_answer(questions[0].id, servfail()).empty()) << "a second answer to the same question";
    EXPECT_FALSE(lookup.over());
}

}  // namespace
}  // namespace fedge::control::discovery
