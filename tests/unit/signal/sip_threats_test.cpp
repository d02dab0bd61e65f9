// The rows "SIP parsing and framing", "SIP federation policy" and "Scanners" of the threat list as far as the proxy
// meets them: what the sender gets, that nothing goes on inside, what is counted, and what memory is kept.
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

// From somebody else's user, as it would be smuggled in behind another message.
std::string forged(const std::string& from = "ceo@contoso.com") {
    return message_in("forged").set("From", "<sip:" + from + ">;tag=1").text();
}

class SipThreats : public testing::Test {
  protected:
    SipThreats() : SipThreats(SipWorld::Plan{}) {}
    explicit SipThreats(const SipWorld::Plan& plan) : world_(plan) {
        world_.know("partner.example", "sip.partner.example", {"203.0.113.5"});
        inside_ = &world_.inside();
        partner_ = &world_.partner();
    }
    void TearDown() override { EXPECT_EQ(world_.proxy().connections().gathered(), 0U) << "nothing is kept"; }

    // Nothing has come out inside.
    void nothing_inside() {
        SipText got = world_.next_request(*inside_);
        EXPECT_EQ(got.start, "") << got.text();
    }
    std::string valid(const std::string& field = {}) {
        std::string text = message_in().text();
        return field.empty() ? text : text.insert(text.find("Content-Type"), field);
    }

    SipWorld world_;
    FakeStream* inside_ = nullptr;
    FakeStream* partner_ = nullptr;
};

// --- smuggling

struct Smuggled {
    const char* row;
    std::string lengths;  // in place of Content-Length
    int status;           // 0: closed without a word
};

TEST_F(SipThreats, SmugglingByContentLength) {
    const Smuggled rows[] = {
        {"(a) two different lengths", "Content-Length: 10\r\nContent-Length: 200\r\n", 400},
        {"(b) a long and a compact one", "Content-Length: 10\r\nl: 200\r\n", 400},
        {"(c) space before the colon", "Content-Length : 5\r\n", 400},
        {"(c) +5", "Content-Length:+5\r\n", 400},
        {"(c) 0x5", "Content-Length: 0x5\r\n", 400},
        {"(c) 5 5", "Content-Length: 5 5\r\n", 400},
        {"(c) -1", "Content-Length: -1\r\n", 400},
        {"(c) 2^32+5", "Content-Length: 4294967301\r\n", 400},
        {"(c) 20 digits", "Content-Length: 10000000000000000000\r\n", 400},
        {"(d) none", "", 400},
        {"(f) folded", "Content-Length:\r\n 5\r\n", 400},
        {"(g) bare LF", "Content-Length: 10\nl: 0\r\n", 0},
        {"(g) bare CR", "X: y\rContent-Length: 10\r\n", 0},
        {"(h) NUL", std::string("X: y\0z\r\nContent-Length: 10\r\n", 27), 0},
    };
    uint64_t closed = 0;
    for (const Smuggled& row : rows) {
        FakeStream& sender = world_.partner("sip.partner.example", "203.0.113.5:40001");
        std::string text = message_in().text();
        size_t at = text.find("Content-Length: 10\r\n");
        text.replace(at, 20, row.lengths);
        world_.send(sender, text + forged() + forged("alice@partner.example"));
        SipText answer = world_.next(sender);
        EXPECT_EQ(answer.status(), row.status) << row.row;
        EXPECT_EQ(world_.next(sender).start, "") << row.row << ": the tail is never answered, as it is never read";
        EXPECT_TRUE(sender.over()) << row.row;
        if (row.status) EXPECT_TRUE(sender.lingers) << "a reset would overtake the answer";
        EXPECT_EQ(world_.count(Counter::sip_framing), ++closed) << row.row;
        nothing_inside();
    }
    EXPECT_EQ(world_.count(Counter::sip_requests_relayed), 0U);
}

// (e): the length says where the message ends. What stands behind it is one more of the same sender, and is judged so.
TEST_F(SipThreats, SmugglingByAShortLength) {
    std::string text = message_in().text();
    text.replace(text.find("Content-Length: 10"), 18, "Content-Length: 5");
    text.resize(text.size() - 5);
    world_.send(*partner_, text + forged() + forged("dave@direct.example"));
    EXPECT_EQ(world_.next_request(*inside_).body, "Hello");
    nothing_inside();
    EXPECT_EQ(world_.next(*partner_).status(), 403) << "our own domain";
    EXPECT_EQ(world_.next(*partner_).start, "") << "a domain that is not proved learns nothing";
    EXPECT_EQ(world_.count(Counter::policy_spoofed), 1U);
    EXPECT_EQ(world_.count(Counter::policy_certificate), 1U);
    EXPECT_EQ(world_.count(Counter::sip_requests_relayed), 1U);
}

// --- what parsers of others fell over

TEST_F(SipThreats, FaultsOfOtherParsers) {
    struct Row {
        const char* row;
        std::string from;  // replaced ...
        std::string to;    // ... by this
    };
    const std::string to = "To: <sip:bob@contoso.com>\r\n", via = "Via: SIP/2.0/TLS sip.partner.example:5061;";
    const Row rows[] = {
        {"CVE-2018-14767 second To with an empty tag", to, to + "To: <sip:bob@contoso.com>;tag=\r\n"},
        {"CVE-2018-14767 empty tag", to, "To: <sip:bob@contoso.com>;tag=\r\n"},
        {"CVE-2018-16657 Via without sent-by", via, "Via: SIP/2.0/TLS ;"},
        {"CVE-2018-16657 Via of commas", via, "Via: ,,,\r\n" + via},
        {"CVE-2018-16657 Via port", via, "Via: SIP/2.0/TLS a:99999;"},
        {"CVE-2018-16657 empty branch", via, via + "branch=;"},
        {"CVE-2020-27507 second From", "From:", "From: <sip:ceo@contoso.com>;tag=2\r\nFrom:"},
        {"CVE-2020-27507 second Call-ID", "Call-ID:", "i: other\r\nCall-ID:"},
        {"CVE-2018-8828 CSeq of another method", "1 MESSAGE", "1 REGISTER"},
        {"CVE-2023-28098 open quote", "Max-", "Authorization: Digest username=\"a\r\nMax-"},
        {"CVE-2023-28098 no value", "Max-", "Proxy-Authorization: Digest username=\r\nMax-"},
        {"CVE-2023-28098 name alone", "Max-", "Authorization: Digest username\r\nMax-"},
        {"negative CSeq", "1 MESSAGE", "-1 MESSAGE"},
        {"CSeq beyond 32 bits", "1 MESSAGE", "4294967296 MESSAGE"},
        {"Max-Forwards beyond a byte", "Max-Forwards: 70", "Max-Forwards: 256"},
        {"Route without URI", "Max-", "Route: <>\r\nMax-"},
    };
    uint64_t refused = 0;
    for (const Row& row : rows) {
        std::string text = valid();
        size_t at = text.find(row.from);
        ASSERT_NE(at, std::string::npos) << row.row;
        text.replace(at, row.from.size(), row.to);
        world_.send(*partner_, text);
        // Without a sound Via nobody knows for whom an answer would be.
        bool answered = row.from != via;
        EXPECT_EQ(world_.next(*partner_).status(), answered ? 400 : 0) << row.row;
        EXPECT_EQ(world_.count(Counter::sip_malformed), ++refused) << row.row;
        nothing_inside();
        EXPECT_FALSE(partner_->over()) << row.row << ": the stream itself is sound";
    }
    // Tags and branches of any length are no fault.
    world_.send(*partner_, message_in().set("From", "<sip:alice@partner.example>;tag=" + std::string(10000, 'x')));
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE");
}

// --- what is answered: RFC 3261 sections 8.2.6 and 16.3, as far as the answer finds its way

TEST_F(SipThreats, FaultyRequestsAreAnsweredWhereAViaSaysWhereTo) {
    struct Row {
        const char* what;
        std::string from;  // replaced ...
        std::string to;    // ... by this
        int status;
    };
    const std::string fields =
        "From: <sip:alice@partner.example>;tag=a1\r\nTo: <sip:bob@contoso.com>\r\n"
        "Call-ID: call-1\r\nCSeq: 1 MESSAGE\r\n";
    const Row rows[] = {
        {"no From", "From: <sip:alice@partner.example>;tag=a1\r\n", "", 400},
        {"no To", "To: <sip:bob@contoso.com>\r\n", "", 400},
        {"no Call-ID", "Call-ID: call-1\r\n", "", 400},
        {"no CSeq", "CSeq: 1 MESSAGE\r\n", "", 400},
        {"none of them", fields, "", 400},
        {"a control character behind a backslash", "Call-ID: call-1", "Call-ID: call-1\\\x02", 400},
        {"another version", "SIP/2.0\r\n", "SIP/3.0\r\n", 505},
        {"no Via", "Via: SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-call-1\r\n", "", 0},
    };
    uint64_t refused = 0, unanswered = 0;
    for (const Row& row : rows) {
        std::string text = message_in().text();
        size_t at = text.find(row.from);
        ASSERT_NE(at, std::string::npos) << row.what;
        text.replace(at, row.from.size(), row.to);
        world_.send(*partner_, text);
        SipText answer = world_.next(*partner_);
        EXPECT_EQ(answer.status(), row.status) << row.what;
        if (row.status) {
            EXPECT_TRUE(answer.get("Via").starts_with("SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-call-1"))
                << row.what << answer.get("Via");
        }
        EXPECT_EQ(world_.count(Counter::sip_malformed), ++refused) << row.what;
        EXPECT_EQ(world_.count(Counter::sip_unanswered), unanswered += row.status == 0) << row.what;
        nothing_inside();
        EXPECT_FALSE(partner_->over()) << row.what;
    }
    EXPECT_EQ(world_.count(Counter::sip_responses), 0U) << "none of them was taken for a response";
}

TEST_F(SipThreats, AnAckIsNotAnsweredWhateverIsWrongWithIt) {
    for (const char* bad : {"Call-ID: other\r\n", "Max-Forwards: 256\r\n", "From: <sip:a@partner.example>\r\n"}) {
        std::string text = with_method(message_in(), "ACK").text();
        text.insert(text.find("From:"), bad);
        world_.send(*partner_, text);
        EXPECT_EQ(world_.next(*partner_).start, "") << bad;
    }
    EXPECT_EQ(world_.count(Counter::sip_malformed), 3U);
}

// --- sizes

TEST_F(SipThreats, SizesBeyondTheLimits) {
    auto lengthy = [](size_t body) {
        std::string text = message_in().text();
        return text.replace(text.find("Content-Length: 10"), 18, "Content-Length: " + std::to_string(body));
    };
    std::string vias, fields, lines;
    for (int i = 0; i < 70; i++) vias += "Via: SIP/2.0/TLS h" + std::to_string(i) + ".example;branch=z9hG4bK\r\n";
    for (int i = 0; i < 1000; i++) fields += "X-" + std::to_string(i) + ": y\r\n";
    for (int i = 0; i < 100'000; i++) lines += "\r\n";
    std::string uri = message_in().text();
    uri.replace(8, 19, "sip:" + std::string(65536, 'b') + "@contoso.com");
    struct Row {
        const char* row;
        std::string text;
        int status;
        bool closed;
        Counter counter;
    };
    const Row rows[] = {
        {"5001 KB body", lengthy(5001 * 1024), 513, true, Counter::sip_framing},
        {"70 Vias", valid(vias), 513, false, Counter::sip_malformed},
        {"1000 headers", valid(fields), 0, true, Counter::sip_framing},
        {"64 KB URI", uri, 0, true, Counter::sip_framing},
        {"10^5 empty lines", lines + valid(), 0, true, Counter::sip_framing},
    };
    for (const Row& row : rows) {
        FakeStream& sender = world_.partner("sip.partner.example", "203.0.113.5:40001");
        sender.together = 16 * 1024;  // as TLS records are
        uint64_t before = world_.count(row.counter);
        for (size_t at = 0; at < row.text.size() && !sender.over(); at += 16 * 1024) {
            world_.send(sender, row.text.substr(at, 16 * 1024));
            EXPECT_LE(world_.proxy().connections().gathered(), 81 * 1024U) << row.row;
        }
        SipText answer = world_.next(sender);
        while (answer.start.empty() && !sender.written.empty()) answer = world_.next(sender);
        EXPECT_EQ(answer.status(), row.status) << row.row;
        EXPECT_EQ(sender.over(), row.closed) << row.row;
        EXPECT_EQ(world_.count(row.counter), before + 1) << row.row;
        nothing_inside();
        EXPECT_EQ(world_.proxy().connections().gathered(), 0U) << row.row;
    }
}

// What lies in pieces is bounded for all connections of a core together, and given back.
TEST(SipThreatsMemory, MessagesThatNeverEnd) {
    SipWorld::Plan plan;
    plan.connections = 64;
    plan.gathered_bytes = 1 << 20;
    SipWorld world(plan);
    std::string begun = message_in().text();
    begun.replace(begun.find("Content-Length: 10"), 18, "Content-Length: 1000000");
    begun += std::string(100'000, 'x');
    std::vector<FakeStream*> senders;
    for (int i = 0; i < 30; i++) {
        FakeStream& sender = world.partner("sip.partner.example", ("203.0.113.5:" + std::to_string(40000 + i)).c_str());
        world.send(sender, begun);
        senders.push_back(&sender);
        EXPECT_LE(world.proxy().connections().gathered(), plan.gathered_bytes);
    }
    EXPECT_EQ(world.count(Counter::sip_overload), 21U) << "those for whom there was no room";
    SipText refused = world.next(*senders.back());
    EXPECT_EQ(refused.status(), 503);
    EXPECT_EQ(refused.get("Retry-After"), "5");
    // Who sends little at a time is not among them.
    FakeStream& inside = world.inside();
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    FakeStream& small = world.partner("sip.partner.example", "203.0.113.5:41000");
    std::string text = message_in("small").text();
    world.send(small, text.substr(0, text.size() - 5));
    EXPECT_LE(world.proxy().connections().gathered(), plan.gathered_bytes);
    world.send(small, text.substr(text.size() - 5));
    EXPECT_EQ(world.next_request(inside).get("Call-ID"), "small");
    for (FakeStream* sender : senders)
        if (!sender->over()) sender->reset();
    EXPECT_EQ(world.proxy().connections().gathered(), 0U);
}

// --- loops

// RFC 5393 section 3: a partner that sends what it gets back to us twice, at another address of ours each time.
TEST_F(SipThreats, ForkingLoopsEnd) {
    std::vector<SipText> going{message_in("fork").set("Max-Breadth", "60")};
    size_t passed = 0, looped = 0;
    while (!going.empty() && passed < 1000) {
        SipText request = going.back();
        going.pop_back();
        world_.send(*partner_, request);
        SipText got = world_.next_request(*inside_);
        if (got.start.empty()) {
            SipText answer = world_.next(*partner_);
            EXPECT_TRUE(answer.status() == 482 || answer.status() == 440) << answer.start;
            looped++;
            continue;
        }
        passed++;
        int breadth = std::stoi(got.get("Max-Breadth"));
        for (int half = 0; half < 2; half++) {
            SipText again = got;
            again.start = half ? "MESSAGE sip:a@contoso.com SIP/2.0" : "MESSAGE sip:b@contoso.com SIP/2.0";
            again.set("Max-Breadth", std::to_string(half ? breadth - breadth / 2 : breadth / 2));
            again.headers.insert(again.headers.begin(), {"Via", "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK" +
                                                                    std::to_string(passed) + (half ? "a" : "b")});
            again.remove("ms-edge-proxy-message-trust");
            going.push_back(again);
        }
    }
    EXPECT_LE(passed, 7U) << "three targets, each once on a way";
    EXPECT_EQ(looped, passed + 1) << "each leaf of the tree is told";
    EXPECT_EQ(world_.count(Counter::sip_loops), looped);
}

// --- trust

TEST_F(SipThreats, TrustInResponsesFromOutside) {
    world_.send(*inside_, message_out());
    FakeStream& partner = world_.begun(1, {"sip.partner.example"});
    SipText got = world_.next(partner);
    EXPECT_EQ(got.all("P-Asserted-Identity").size(), 0U);
    world_.send(partner, response_to(got, 200)
                             .add("ms-edge-proxy-message-trust", "ms-source-verified-user=verified")
                             .add("MS-Edge-Proxy-MESSAGE-Trust", "ms-source-verified-user=verified")
                             .add("P-Asserted-Identity", "<sip:ceo@contoso.com>")
                             .add("p-preferred-identity", "<sip:ceo@contoso.com>")
                             .add("ms-diagnostics", "1;reason=\"x\"")
                             .add("ms-diagnostics-public", "1003;reason=\"for the sender\""));
    SipText answer = world_.next_request(*inside_);
    ASSERT_EQ(answer.status(), 200);
    for (const auto& [name, value] : answer.headers) {
        std::string lower = name;
        std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
        EXPECT_FALSE(lower == "ms-edge-proxy-message-trust" || lower == "p-asserted-identity" ||
                     lower == "ms-diagnostics" || lower == "p-preferred-identity")
            << name << ": " << value;
    }
    EXPECT_NE(answer.get("ms-diagnostics-public"), "") << "is meant to cross";
}

TEST_F(SipThreats, TrustHoweverItIsSpelled) {
    for (const std::string field :
         {"ms-edge-proxy-message-trust: ms-source-verified-user=verified\r\n",
          "MS-EDGE-PROXY-MESSAGE-TRUST : ms-source-verified-user=verified\r\n",
          "Ms-Edge-Proxy-Message-Trust\t:\r\n ms-source-verified-user=verified\r\n",
          "P-Asserted-Identity:\r\n\t<sip:ceo@contoso.com>\r\n", "p-asserted-IDENTITY  : <sip:ceo@contoso.com>\r\n"}) {
        world_.send(*partner_, valid(field));
        SipText got = world_.next_request(*inside_);
        ASSERT_EQ(got.method(), "MESSAGE") << field;
        std::string text = got.text();
        EXPECT_EQ(text.find("ceo"), std::string::npos) << text;
        size_t first = text.find("ms-source-verified-user");
        EXPECT_EQ(text.find("ms-source-verified-user", first + 1), std::string::npos) << text;
    }
}

// --- policy on the wire

SipWorld::Plan with_everything() {
    SipWorld::Plan plan;
    plan.discovery = plan.provider = true;
    return plan;
}
class PolicyThreatsOnTheWire : public SipThreats {
  protected:
    PolicyThreatsOnTheWire() : SipThreats(with_everything()) {
        world_.know("customer.example", "federation.messenger.example", {"203.0.113.60"});
        world_.know("victim.example", "sip.victim.example", {"203.0.113.61"});
        world_.know("found.example", "sip.found.example", {"203.0.113.62"});
        world_.know("far.example", "sip.elsewhere.example", {"203.0.113.63"});
    }
    // Of the first answer; 0: there is none.
    int status(FakeStream& sender, const std::string& from) {
        world_.send(sender, message_in(from).set("From", "<sip:user@" + from + ">;tag=1"));
        return world_.next(sender).status();
    }
};

TEST_F(PolicyThreatsOnTheWire, ProviderWithADomainWhoseRecordsPointElsewhere) {
    FakeStream& provider = world_.partner("federation.messenger.example", "203.0.113.60:40000");
    EXPECT_EQ(status(provider, "victim.example"), 0);
    EXPECT_EQ(world_.count(Counter::policy_provider_domain), 1U);
    nothing_inside();
    EXPECT_EQ(status(provider, "customer.example"), 0);
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE");
}

TEST_F(PolicyThreatsOnTheWire, TypeChangeOnOneConnection) {
    FakeStream& both =
        world_.come(PeerKind::partner, "203.0.113.60:40000", {"federation.messenger.example", "edge.direct.example"});
    EXPECT_EQ(status(both, "customer.example"), 0);
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE");
    EXPECT_EQ(status(both, "direct.example"), 0);
    nothing_inside();
    EXPECT_EQ(world_.count(Counter::policy_type_changed), 1U);
    // On a connection of its own it may.
    FakeStream& direct = world_.partner("edge.direct.example", "203.0.113.9:40000");
    EXPECT_EQ(status(direct, "direct.example"), 0);
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE");
}

TEST_F(PolicyThreatsOnTheWire, DirectPartnerUsingASecondDomain) {
    FakeStream& direct = world_.partner("edge.direct.example", "203.0.113.9:40000");
    EXPECT_EQ(status(direct, "found.example"), 0);
    EXPECT_EQ(world_.count(Counter::policy_certificate), 1U);
    nothing_inside();
}

TEST_F(PolicyThreatsOnTheWire, SrvTargetInAnotherNamespace) {
    FakeStream& far = world_.partner("sip.elsewhere.example", "203.0.113.63:40000");
    world_.send(far, message_in().set("From", "<sip:user@far.example>;tag=1"));
    SipText answer = world_.next(far);
    EXPECT_TRUE(answer.start.empty() || answer.get("ms-diagnostics-public").starts_with("1009;")) << answer.start;
    nothing_inside();
    world_.send(*inside_, message_out("far.example"));
    answer = world_.next_request(*inside_);
    EXPECT_EQ(answer.status(), 504);
    EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("1009;")) << answer.get("ms-diagnostics-public");
    EXPECT_EQ(world_.begun(), 1U) << "nobody is connected to";
}

TEST_F(PolicyThreatsOnTheWire, LimitsOfDiscoveredPartners) {
    FakeStream& found = world_.partner("sip.found.example", "203.0.113.62:40000");
    struct Row {
        policy::Admission admission;
        int status;
        Counter counter;
    };
    for (const Row& row : {Row{policy::Admission::contacts, 403, Counter::policy_contacts},
                           Row{policy::Admission::rate, 504, Counter::policy_rate}}) {
        world_.admission = row.admission;
        EXPECT_EQ(status(found, "found.example"), row.status);
        EXPECT_EQ(world_.count(row.counter), 1U);
        nothing_inside();
    }
    world_.admission = policy::Admission::admitted;
    EXPECT_EQ(status(found, "found.example"), 0);
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE") << "others go on";
}

// --- each step of federation policy, on the wire

struct Step {
    const char* step;
    std::function<void(SipWorld::Plan&)> plan;
    const char* from;
    const char* to;
    const char* method;
    int status;        // 0: dropped without a word
    const char* code;  // of ms-diagnostics-public
    Counter counter;
};

// What the sender gets of a request from outside, or from inside.
void refused_by(const Step& step, bool inbound) {
    SipWorld::Plan plan;
    if (step.plan) step.plan(plan);
    SipWorld world(plan);
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    world.know("far.example", "sip.elsewhere.example", {"203.0.113.63"});
    world.dns["broken.example"].finding = contract::Finding::failed;
    FakeStream& inside = world.inside();
    FakeStream& partner = world.come(PeerKind::partner, "203.0.113.5:40000", {"sip.partner.example"});
    SipText request = with_method(inbound ? message_in() : message_out(), step.method);
    request.start = std::string(step.method) + " sip:somebody@" + step.to + " SIP/2.0";
    request.set("From", std::string("<sip:sender@") + step.from + ">;tag=1");
    request.set("To", std::string("<sip:somebody@") + step.to + ">");
    FakeStream& sender = inbound ? partner : inside;
    world.send(sender, request);
    SipText answer = world.next_request(sender);
    EXPECT_EQ(answer.status(), step.status) << step.step;
    std::string diagnostics = answer.get("ms-diagnostics-public");
    EXPECT_EQ(diagnostics.substr(0, diagnostics.find(';')), step.code) << step.step;
    EXPECT_EQ(world.count(step.counter), 1U) << step.step;
    EXPECT_EQ(world.next_request(inbound ? inside : partner).start, "") << step.step << ": nothing goes on";
    EXPECT_EQ(world.begun(), 1U) << step.step << ": nobody is connected to";
}

TEST(PolicyStepsOnTheWire, Inbound) {
    auto discovery = [](SipWorld::Plan& plan) { plan.discovery = true; };
    const Step steps[] = {
        {"3 type of request", {}, "partner.example", "contoso.com", "SERVICE", 403, "1027", Counter::policy_other},
        {"4 federation off", [](SipWorld::Plan& plan) { plan.enabled = false; }, "partner.example", "contoso.com",
         "MESSAGE", 403, "1002", Counter::policy_federation_off},
        {"5 not our domain",
         {},
         "partner.example",
         "other.example",
         "MESSAGE",
         404,
         "1005",
         Counter::policy_not_our_domain},
        {"6 our own domain", {}, "contoso.com", "contoso.com", "MESSAGE", 403, "1002", Counter::policy_spoofed},
        {"7 blocked", {}, "blocked.example", "contoso.com", "MESSAGE", 0, "", Counter::policy_blocked},
        {"8 direct partner's server is another",
         {},
         "direct.example",
         "contoso.com",
         "MESSAGE",
         0,
         "",
         Counter::policy_certificate},
        {"8 no SRV records", discovery, "nothing.example", "contoso.com", "MESSAGE", 0, "",
         Counter::policy_not_allowed},
        {"8 SRV records name another namespace", discovery, "far.example", "contoso.com", "MESSAGE", 504, "1009",
         Counter::policy_not_allowed},
        {"8 DNS fails", discovery, "broken.example", "contoso.com", "MESSAGE", 504, "1007",
         Counter::policy_not_allowed},
        {"10 discovery is off", {}, "nothing.example", "contoso.com", "MESSAGE", 0, "", Counter::policy_not_allowed},
        {"11 not verified", [](SipWorld::Plan& plan) { plan.verification = contract::Verification::use_source; },
         "partner.example", "contoso.com", "MESSAGE", 403, "1002", Counter::policy_unverified},
        {"12 policy of the user", [](SipWorld::Plan& plan) { plan.access = false; }, "partner.example", "contoso.com",
         "MESSAGE", 404, "1003", Counter::policy_user},
    };
    for (const Step& step : steps) refused_by(step, true);
}

TEST(PolicyStepsOnTheWire, Outbound) {
    auto discovery = [](SipWorld::Plan& plan) { plan.discovery = true; };
    const Step steps[] = {
        {"type of request", {}, "contoso.com", "partner.example", "PUBLISH", 403, "1027", Counter::policy_other},
        {"federation off", [](SipWorld::Plan& plan) { plan.enabled = false; }, "contoso.com", "partner.example",
         "MESSAGE", 403, "1002", Counter::policy_federation_off},
        {"not our user",
         {},
         "other.example",
         "partner.example",
         "MESSAGE",
         403,
         "1012",
         Counter::policy_not_our_domain},
        {"1 policy of the user", [](SipWorld::Plan& plan) { plan.access = false; }, "contoso.com", "partner.example",
         "MESSAGE", 403, "1002", Counter::policy_user},
        {"2 blocked", {}, "contoso.com", "it.blocked.example", "MESSAGE", 404, "1005", Counter::policy_blocked},
        {"3 server without address",
         {},
         "contoso.com",
         "direct.example",
         "MESSAGE",
         504,
         "1014",
         Counter::policy_other},
        {"5 no SRV records", discovery, "contoso.com", "nothing.example", "MESSAGE", 504, "1008",
         Counter::policy_not_allowed},
        {"5 SRV records name another namespace", discovery, "contoso.com", "far.example", "MESSAGE", 504, "1009",
         Counter::policy_not_allowed},
        {"5 DNS fails", discovery, "contoso.com", "broken.example", "MESSAGE", 504, "1007",
         Counter::policy_not_allowed},
        {"6 unknown", {}, "contoso.com", "nothing.example", "MESSAGE", 404, "1005", Counter::policy_not_allowed},
    };
    for (const Step& step : steps) refused_by(step, false);
}

// --- other protocols, and who says nothing

TEST_F(SipThreats, OtherProtocols) {
    uint64_t closed = 0;
    for (const std::string& text :
         {std::string("GET / HTTP/1.1\r\nHost: access.contoso.com\r\n\r\n"),
          std::string("<?xml version='1.0'?><stream:stream to='contoso.com' xmlns='jabber:server'>"),
          std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string("\0\1\0\0\x21\x12\xa4\x42", 8),
          std::string("EHLO a\r\n"), std::string("\x80\x2e\x01\x03\x01", 5)}) {
        FakeStream& sender = world_.partner("sip.partner.example", "203.0.113.5:40001");
        world_.send(sender, text);
        EXPECT_TRUE(sender.over()) << text;
        EXPECT_TRUE(sender.written.empty()) << text;
        EXPECT_EQ(world_.count(Counter::sip_framing), ++closed) << text;
    }
}

// Connections without a byte, which real edges see held for five minutes.
TEST_F(SipThreats, ZeroByteConnectionsAreClosedInAMinuteAndOthersAreServed) {
    std::vector<FakeStream*> silent;
    for (int i = 0; i < 40; i++)
        silent.push_back(
            &world_.partner("sip.stranger.example", ("198.51.100.9:" + std::to_string(20000 + i)).c_str()));
    world_.send(*partner_, valid());
    EXPECT_EQ(world_.next_request(*inside_).method(), "MESSAGE");
    for (int second = 0; second < 62; second++) {
        world_.pass(1s);
        world_.next_request(*inside_);
    }
    for (FakeStream* one : silent) EXPECT_TRUE(one->over());
    EXPECT_EQ(world_.count(Counter::sip_closed_idle), 40U);
    EXPECT_FALSE(partner_->over()) << "who has spoken may be silent";
}

TEST_F(SipThreats, OptionsSweepsLearnNothing) {
    FakeStream& stranger = world_.partner("sip.stranger.example", "198.51.100.9:20000");
    for (int extension = 100; extension < 300; extension++) {
        SipText sweep = with_method(message_in(std::to_string(extension)), "OPTIONS");
        sweep.start = "OPTIONS sip:" + std::to_string(extension) + "@contoso.com SIP/2.0";
        world_.send(stranger, sweep.set("From", "<sip:" + std::to_string(extension) + "@stranger.example>;tag=1"));
        EXPECT_EQ(world_.next(stranger).start, "") << extension;
        if (stranger.over()) break;
    }
    nothing_inside();
    EXPECT_EQ(world_.count(Counter::sip_requests_relayed), 0U);
    EXPECT_EQ(world_.count(Counter::policy_not_allowed), 200U);
}

}  // namespace
}  // namespace fedge::signal
