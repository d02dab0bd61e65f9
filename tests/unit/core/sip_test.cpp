// A SIP message and a dialog through a whole core: frames in, TCP, mutual TLS, policy, TLS, frames out; a partner
// outside and a front end inside, over our TCP and over the kernel's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/sip_edge.h"
#include "tests/support/sip_world.h"
#include "tests/support/stream_client.h"
#include "tests/support/tls_world.h"
#include "tests/unit/core/edge_fixture.h"

namespace fedge::core {
namespace {

using namespace test_edge;
using test::kSipAccess;
using test::kSipFrontEnd;
using test::kSipPartner;
using test::SipText;
using test::StreamHost;
using test::StreamUser;

const Endpoint kShared = at("192.0.2.10:443");
const test::SipEdgeNames kNames{"access.contoso.com", "edge.contoso.local",  "contoso.com",
                                "partner.exampl?",    "sip.partner.example", "fe1.contoso.com"};

struct Certificates : test::SipAuthority {
    test::TestCertificate edge = issue({kNames.outside, kNames.inside});
    test::TestCertificate front_end = issue({kNames.front_end, "fe2.contoso.com", "fe3.contoso.com"});
    test::TestCertificate partner = issue({kNames.partner_server});
    test::TestCertificate stranger = issue({"sip.stranger.example"});
};

contract::SnapshotT sip_snapshot(const Certificates& certificates) {
    auto snapshot = test::sip_edge_snapshot(kNames, certificates.settings(certificates.edge));
    test::add_listener(snapshot, contract::Service::shared_tls, kShared);
    return snapshot;
}

struct Layout {
    const char* name;
    uint16_t cores;
    uint16_t media;
    uint16_t signalling_from;
    bool kernel;
};

class Sip : public Edge, public testing::WithParamInterface<Layout> {
  protected:
    void SetUp() override {
        if (GetParam().kernel && geteuid() != 0) GTEST_SKIP() << "a network namespace needs root";
        EdgeBoxPlan plan;
        if (GetParam().kernel) plan.signalling.kernel_ports = {443, 5061};
        plan.media = GetParam().media;
        plan.signalling_from = GetParam().signalling_from;
        plan.signalling.connections = 64;
        plan.signalling.tcp_memory_mb = 4;
        start(GetParam().cores, plan);
        box_->publish(sip_snapshot(certificates_));
        host_ = std::make_unique<StreamHost>(*box_);
        host_->vlan_of = test::sip_vlan_of;
        Instant now{std::chrono::steady_clock::now().time_since_epoch()};
        outside_ = std::make_unique<test::TlsSide>(host_->tcp(), 1, now);
        inside_ = std::make_unique<test::TlsSide>(host_->tcp(), 2, now);
        outside_->adopt(certificates_.settings(certificates_.partner));
        inside_->adopt(certificates_.settings(certificates_.front_end));
        inside_->server_options.peer = tls::PeerMode::required;
        ASSERT_TRUE(inside_->listen(kSipFrontEnd, {}, front_end_));
        outside_->client_options.sni = "access.contoso.com";
        outside_->client_options.expected = {"access.contoso.com"};
    }
    void TearDown() override {
        host_.reset();  // first: its connections know the sessions above them
        outside_.reset();
        inside_.reset();
    }

    bool until(const std::function<bool()>& done, Duration limit = 5s) {
        return host_->until(
            [&] {
                Instant now{std::chrono::steady_clock::now().time_since_epoch()};
                if (outside_) outside_->engine().turn(now, test::kTestTime);
                if (inside_) inside_->engine().turn(now, test::kTestTime);
                return done();
            },
            limit);
    }
    bool connect(StreamUser& user, const Endpoint& to) {
        user.stream = outside_->connect({kSipPartner, 0}, to, {}, user);
        return user.stream && until([&] { return user.open || user.closed; }) && user.open;
    }
    SipText next(StreamUser& user) {
        for (;;) {
            SipText message;
            until([&] {
                std::string text(user.received.begin(), user.received.end());
                message = SipText::take(text);
                if (!message.start.empty()) user.received.assign(text.begin(), text.end());
                return !message.start.empty();
            });
            bool probe = message.method() == "OPTIONS" && message.get("Via").find("probe") != std::string::npos;
            if (!probe) return message;
            send(user, test::response_to(message, 200));
        }
    }
    void send(StreamUser& user, const SipText& message) { user.stream->write(bytes_of(message.text())); }
    std::string_view transport() const { return GetParam().kernel ? "kernel" : "own"; }
    // Why connections to this server ended.
    std::vector<std::string> ends(const Endpoint& server) {
        std::vector<std::string> all;
        for (uint16_t core = 0; core < GetParam().cores; core++)
            for (const auto& row : box_->connections(core, true))
                if (row.remote == server && row.transport == transport()) all.emplace_back(row.why.view());
        return all;
    }

    Certificates certificates_;
    std::unique_ptr<StreamHost> host_;
    std::unique_ptr<test::TlsSide> outside_, inside_;
    test::Taker<StreamUser> front_end_;
};

TEST_P(Sip, MessageAndAnswerBetweenAPartnerAndAFrontEnd) {
    ASSERT_TRUE(until([&] { return front_end_.user.open; })) << box_->drops();
    StreamUser partner;
    ASSERT_TRUE(connect(partner, kSipAccess)) << box_->drops();
    send(partner, test::message_in());
    SipText got = next(front_end_.user);
    ASSERT_EQ(got.start, "MESSAGE sip:bob@contoso.com SIP/2.0") << box_->total(Counter::sip_requests);
    EXPECT_EQ(got.body, "Hello, Bob");
    EXPECT_TRUE(got.get("ms-edge-proxy-message-trust").starts_with("ms-source-type=DirectPartner;"))
        << got.get("ms-edge-proxy-message-trust");
    send(front_end_.user, test::response_to(got, 200));
    SipText answer = next(partner);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.all("Via").size(), 1U);
    std::vector<std::string> seen;
    for (uint16_t core = 0; core < GetParam().cores; core++)
        for (const auto& row : box_->connections(core))
            seen.push_back(std::string(row.service.view()) + " " + std::string(row.peer_names[0].view()) + " " +
                           std::string(row.transport));
    std::string by(transport());
    EXPECT_THAT(seen, testing::UnorderedElementsAre("sip-front-end fe1.contoso.com " + by,
                                                    "sip-partner sip.partner.example " + by));
}

TEST_P(Sip, AFrontEndThatRefusesIsTriedAgain) {
    inside_->unlisten(kSipFrontEnd);
    ASSERT_TRUE(until([&] { return !ends(kSipFrontEnd).empty(); })) << box_->drops();
    EXPECT_EQ(ends(kSipFrontEnd)[0], "refused by peer");
    ASSERT_TRUE(inside_->listen(kSipFrontEnd, {}, front_end_));
    EXPECT_TRUE(until([&] { return front_end_.user.open; })) << box_->drops();
}

TEST_P(Sip, AFrontEndBehindAFirewallThatSaysSoIsUnreachable) {
    std::optional<Frame> syn;
    host_->loses = [&](const Frame& frame) {
        if (!syn) syn = frame;
        return true;
    };
    ASSERT_TRUE(until([&] { return syn.has_value(); }));
    // The quote without the tag that the frame had, and a tag on what comes back.
    constexpr uint8_t kTag[] = {0x81, 0, 0, test::kSipInsideVlan};
    syn->erase(syn->begin() + 12, syn->begin() + 16);
    Frame error = test::icmp_error_frame(box_->mac(), IpAddress::parse("10.0.0.1").value(), 3, 13, *syn);
    error.insert(error.begin() + 12, std::begin(kTag), std::end(kTag));
    ASSERT_TRUE(box_->send(error));
    ASSERT_TRUE(until([&] { return !ends(kSipFrontEnd).empty(); })) << box_->drops();
    EXPECT_EQ(ends(kSipFrontEnd)[0], "unreachable");
}

TEST_P(Sip, LargeBodiesPassWhole) {
    ASSERT_TRUE(until([&] { return front_end_.user.open; }));
    StreamUser partner;
    ASSERT_TRUE(connect(partner, kSipAccess));
    SipText large = test::message_in();
    for (int i = 0; i < 50000; i++) large.body += static_cast<char>('a' + i % 26);
    std::string text = large.text();
    size_t sent = 0;
    SipText got;
    until([&] {
        if (sent < text.size()) sent += partner.stream->write(bytes_of(std::string_view(text).substr(sent)));
        return sent == text.size();
    });
    got = next(front_end_.user);
    EXPECT_EQ(got.body.size(), large.body.size());
    EXPECT_EQ(got.body, large.body);
}

TEST_P(Sip, InviteIsAnsweredAndByeFollowsTheRecordRoute) {
    ASSERT_TRUE(until([&] { return front_end_.user.open; }));
    StreamUser partner;
    ASSERT_TRUE(connect(partner, kSipAccess));
    SipText invite = test::with_method(test::message_in("call"), "INVITE").add("Contact", "<sip:alice@198.51.100.5>");
    send(partner, invite);
    SipText got = next(front_end_.user);
    ASSERT_EQ(got.method(), "INVITE");
    send(front_end_.user, test::response_to(got, 200).add("Contact", "<sip:bob@10.0.0.77>"));
    SipText ok = next(partner);
    ASSERT_EQ(ok.status(), 200);
    auto records = ok.all("Record-Route");
    ASSERT_EQ(records.size(), 2U);
    SipText bye = test::with_method(invite, "BYE");
    bye.start = "BYE sip:bob@10.0.0.77 SIP/2.0";
    bye.set("To", ok.get("To")).set("Via", "SIP/2.0/TLS sip.partner.example;branch=z9hG4bKbye").set("CSeq", "2 BYE");
    bye.add("Route", records[1]).add("Route", records[0]);
    send(partner, bye);
    SipText byed = next(front_end_.user);
    EXPECT_EQ(byed.start, "BYE sip:bob@10.0.0.77 SIP/2.0");
    send(front_end_.user, test::response_to(byed, 200));
    EXPECT_EQ(next(partner).status(), 200);
}

TEST_P(Sip, WithoutAClientCertificateNobodyIsAPartner) {
    outside_->adopt([&] {
        contract::TlsT bare;
        bare.trust = certificates_.authority.pem();
        return bare;
    }());
    StreamUser nobody;
    bool open = connect(nobody, kSipAccess);
    until([&] { return nobody.closed.has_value(); });
    EXPECT_TRUE(!open || nobody.closed) << "TLS 1.3 tells the client after the fact";
    EXPECT_EQ(box_->total(Counter::sip_accepted), 0U);
}

TEST_P(Sip, AnotherCertificateDoesNotSpeakForTheDomain) {
    ASSERT_TRUE(until([&] { return front_end_.user.open; }));
    outside_->adopt(certificates_.settings(certificates_.stranger));
    StreamUser stranger;
    ASSERT_TRUE(connect(stranger, kSipAccess));
    send(stranger, test::message_in());
    EXPECT_TRUE(until([&] { return box_->total(Counter::policy_certificate) == 1; }));
    EXPECT_EQ(box_->total(Counter::sip_requests_relayed), 0U);
}

TEST_P(Sip, RemoteUserOnTheSharedPort) {
    ASSERT_TRUE(until([&] { return front_end_.user.open; }));
    outside_->client_options.alpn = {"sip/2"};
    StreamUser user;
    ASSERT_TRUE(connect(user, kShared));
    SipText registration = test::with_method(test::message_in("reg"), "REGISTER");
    registration.start = "REGISTER sip:contoso.com SIP/2.0";
    registration.set("From", "<sip:bob@contoso.com>;tag=r");
    send(user, registration);
    SipText got = next(front_end_.user);
    EXPECT_EQ(got.method(), "REGISTER");
    EXPECT_NE(got.get("Path"), "");
    send(front_end_.user, test::response_to(got, 401));
    EXPECT_EQ(next(user).status(), 401);
    EXPECT_EQ(box_->total(Counter::shared_sip), 1U);
}

// Each core connects for itself, from a port whose flow comes back to it, whichever queue its frames are in.
class SipCores : public Sip {};

TEST_P(SipCores, EveryCoreIsConnectedToEveryFrontEnd) {
    const Endpoint all[] = {kSipFrontEnd, at("10.0.0.21:5061"), at("10.0.0.22:5061")};
    auto snapshot = sip_snapshot(certificates_);
    snapshot.revision = 2;
    test::add_front_end(snapshot, "fe2.contoso.com", all[1]);
    test::add_front_end(snapshot, "fe3.contoso.com", all[2]);
    ASSERT_TRUE(inside_->listen(all[1], {}, front_end_));
    ASSERT_TRUE(inside_->listen(all[2], {}, front_end_));
    box_->publish(snapshot);
    auto connected = [&](uint16_t core, const Endpoint& to) {
        auto rows = box_->connections(core);
        return std::ranges::any_of(rows, [&](const auto& row) {
            return row.remote == to && row.transport == transport() && !row.tls_version.view().empty();
        });
    };
    for (uint16_t core = 0; core < GetParam().cores; core++)
        for (const Endpoint& to : all)
            EXPECT_TRUE(until([&] { return connected(core, to); })) << core << to.text() << box_->drops();
}

const Layout kLayouts[] = {{"one_core_for_all", 1, 1, 0, false},
                           {"beside_media", 2, 1, 1, false},
                           {"kernel_on_one_core", 1, 1, 0, true},
                           {"kernel_beside_media", 2, 1, 1, true}};
const Layout kManyCores[] = {{"three_cores", 3, 3, 0, false}, {"kernel_on_three_cores", 3, 3, 0, true}};

std::string name_of(const testing::TestParamInfo<Layout>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(On, Sip, testing::ValuesIn(kLayouts), name_of);
INSTANTIATE_TEST_SUITE_P(On, SipCores, testing::ValuesIn(kManyCores), name_of);

}  // namespace
}  // namespace fedge::core
