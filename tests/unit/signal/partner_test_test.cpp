// The test of a partner: each step with what came of it.
#include "dataplane/signal/sip/partner_test.h"

#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

class PartnerTestTest : public testing::Test, private SipConnector {
  protected:
    void SetUp() override {
        config_.outside = "access.contoso.com";
        info_.server = false;
        info_.version = "TLS 1.3";
        info_.cipher = "TLS_AES_128_GCM_SHA256";
        info_.certificate = "sip";
    }
    void start(std::vector<HopTarget> targets) {
        test_.start({"partner.example", "bob@contoso.com", std::move(targets), terms_, 20s}, &config_, now_);
    }
    void pass(Duration time) {
        now_ += time;
        over_ = over_ || test_.turn(now_);
    }
    void show(std::vector<std::string> names) {
        auto notes = std::make_unique<tls::PeerNotes>();
        for (std::string& name : names) notes->names.push_back({tls::NameKind::dns, std::move(name)});
        notes->chain = {"'CN = x'"};
        info_.peer_names = notes->names;
        info_.peer_notes = std::move(notes);
    }
    SipText asked() {
        auto bytes = streams_.back().take();
        std::string text(bytes.begin(), bytes.end());
        return SipText::take(text);
    }
    std::string steps() {
        std::string out;
        for (const auto& step : test_.report().steps) out += std::string(step.name) + (step.good ? "+ " : "- ");
        return out;
    }
    std::string last() { return test_.report().steps.back().text; }

    tcp::Stream* connect(contract::Role side, const Endpoint& remote, const tls::ClientOptions& options,
                         tcp::StreamHandler& handler) override {
        EXPECT_EQ(side, contract::Role::external);
        options_ = options;
        if (nowhere_) return nullptr;
        FakeStream& stream = streams_.emplace_back(endpoint("192.0.2.10:50000"), remote);
        stream.handler = &handler;
        return &stream;
    }
    const tls::SessionInfo* tls(const tcp::Stream&) override { return &info_; }

    contract::CounterBlock block_{};
    SeededRandom random_{3};
    Instant now_ = Instant{} + 1000s;
    SipConfig config_;
    tls::SessionInfo info_;
    std::deque<FakeStream> streams_;
    HopTerms terms_{"partner.example", tls::Purpose::server_or_client};
    tls::ClientOptions options_;
    bool nowhere_ = false;
    bool over_ = false;
    PartnerTest test_{*this, Counters{block_}, random_};
    const HopTarget first_{"sip.partner.example", endpoint("203.0.113.5:5061")};
    const HopTarget second_{"sip2.partner.example", endpoint("203.0.113.6:5061")};
};

TEST_F(PartnerTestTest, AllIsWell) {
    start({first_, second_});
    EXPECT_EQ(options_.sni, "sip.partner.example");
    EXPECT_TRUE(options_.note_peer);
    info_.reached = true;
    pass(20ms);
    show({"sip.partner.example"});
    streams_[0].handler->on_open();
    SipText options = asked();
    EXPECT_EQ(options.start, "OPTIONS sip:partner.example SIP/2.0");
    EXPECT_TRUE(options.get("From").starts_with("<sip:bob@contoso.com>;tag="));
    pass(30ms);
    // What does not answer is passed over.
    streams_[0].send(bytes_of(response_to(message_in(), 200).text()));
    streams_[0].send(bytes_of(message_in().text()));
    streams_[0].send(bytes_of(response_to(options, 100).text()));
    EXPECT_FALSE(over_);
    streams_[0].send(bytes_of(response_to(options, 200).add("Server", "Kamailio").text()));
    pass(10ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect+ tls+ certificate+ options+ ");
    EXPECT_EQ(test_.report().steps[0].took, 20ms);
    EXPECT_EQ(test_.report().steps[0].target, "sip.partner.example 203.0.113.5:5061");
    EXPECT_EQ(test_.report().steps[1].text, "TLS 1.3, TLS_AES_128_GCM_SHA256; we showed the certificate sip");
    EXPECT_EQ(last(), "200 Whatever; Server: Kamailio");
    EXPECT_EQ(test_.report().peer_names, (std::vector<std::string>{"dns:sip.partner.example"}));
    EXPECT_EQ(streams_.size(), 1U) << "the second server is not needed";
    EXPECT_TRUE(streams_[0].over());
    EXPECT_EQ(Counters{block_}.value(Counter::sip_tests), 1U);
}

TEST_F(PartnerTestTest, TheNextServerIsTriedAfterOneThatFails) {
    start({first_, second_});
    streams_[0].reset(tcp::CloseReason::refused);
    pass(10ms);
    ASSERT_EQ(streams_.size(), 2U);
    info_.reached = true;
    info_.error = "TLS handshake with server failed: the peer sent the alert protocol version";
    info_.fault = tls::Fault::negotiation;
    streams_[1].reset(tcp::CloseReason::broken);
    pass(10ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect- connect+ tls- ");
    EXPECT_EQ(test_.report().steps[0].text,
              "the connection was refused: nothing listens there, or a firewall says so; senders are told 504, "
              "ms-diagnostics 1046");
    EXPECT_EQ(last(), info_.error + "; senders are told 504, ms-diagnostics 1047");
}

TEST_F(PartnerTestTest, TheSameIsDemandedAsOfMessages) {
    struct Case {
        HopTerms terms;
        std::vector<std::string> expected;
        std::optional<tls::Purpose> purpose;
    };
    const Case kCases[] = {
        {{"partner.example", tls::Purpose::sip_domain},
         {"sip.partner.example", "partner.example"},
         tls::Purpose::sip_domain},
        {{"", tls::Purpose::client_strict}, {"sip.partner.example"}, tls::Purpose::client_strict},
        {{"sip.partner.example", {}}, {"sip.partner.example"}, {}},
    };
    for (const Case& one : kCases) {
        terms_ = one.terms;
        start({first_});
        EXPECT_EQ(options_.expected, one.expected);
        EXPECT_EQ(options_.purpose, one.purpose);
        EXPECT_EQ(options_.matching, tls::Matching::sip);
    }
}

TEST_F(PartnerTestTest, ACertificateThatIsRefused) {
    start({first_});
    info_.reached = true;
    show({"www.other.example"});
    info_.fault = tls::Fault::peer_certificate;
    info_.error = "TLS handshake with server failed: its certificate was refused: it proves another";
    streams_[0].reset(tcp::CloseReason::broken);
    pass(10ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect+ certificate- ");
    EXPECT_EQ(last(), info_.error + "; senders are told 504, ms-diagnostics 1010");
    EXPECT_EQ(test_.report().peer_names, (std::vector<std::string>{"dns:www.other.example"}));
    EXPECT_TRUE(streams_[0].take().empty()) << "nothing is said to it";
}

TEST_F(PartnerTestTest, OurCertificateIsNotTrustedWhichTls13TellsLate) {
    start({first_});
    show({"partner.example"});
    streams_[0].handler->on_open();
    info_.error = "the peer sent the alert unknown ca";
    info_.fault = tls::Fault::own_certificate;
    streams_[0].reset(tcp::CloseReason::broken);
    pass(10ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect+ tls+ certificate+ tls- ");
    EXPECT_EQ(last(), info_.error + "; senders are told 504, ms-diagnostics 1010");
}

TEST_F(PartnerTestTest, SilenceEndsEachStepInTime) {
    start({first_, second_});
    pass(PartnerTest::kStepTime + 1ms);
    ASSERT_EQ(streams_.size(), 2U) << "the next one";
    info_.reached = true;
    show({"partner.example"});
    streams_[1].handler->on_open();
    pass(PartnerTest::kStepTime + 1ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect- connect+ tls+ certificate+ options- ");
    EXPECT_EQ(last(), "no answer came in time");
}

TEST_F(PartnerTestTest, ARefusalIsNoGoodAnswer) {
    start({first_});
    show({"partner.example"});
    streams_[0].handler->on_open();
    SipText refusal = response_to(asked(), 403).add("ms-diagnostics-public", "1010;reason=\"x\"");
    streams_[0].send(bytes_of(refusal.text()));
    pass(1ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect+ tls+ certificate+ options- ");
    EXPECT_EQ(last(), "403 Whatever; ms-diagnostics-public: 1010;reason=\"x\"");
}

TEST_F(PartnerTestTest, NowhereToConnectFrom) {
    nowhere_ = true;
    start({first_});
    pass(1ms);
    EXPECT_TRUE(over_);
    EXPECT_EQ(steps(), "connect- ");
    test_.start({"partner.example", "bob@contoso.com", {first_}, {}, 20s}, nullptr, now_);
    EXPECT_TRUE(test_.turn(now_));
    EXPECT_EQ(test_.report().error, "SIP is not configured");
}

}  // namespace
}  // namespace fedge::signal
