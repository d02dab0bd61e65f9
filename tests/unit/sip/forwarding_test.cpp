// Whole ways of messages through the edge: a dialog from its INVITE to its BYE, as the peers see and answer it.
#include "dataplane/sip/forwarding.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/sip/requests.h"
#include "tests/unit/sip/site.h"

namespace fedge::sip {
namespace {

const FlowTokens kTokens = test_tokens();
const Site kSite = test_site();
const Endpoint kPartnerAddress = *Endpoint::parse("198.51.100.7:40000");
const Endpoint kFrontEndAddress = *Endpoint::parse("10.0.0.7:5061");

std::string bytes_to_string(const std::vector<uint8_t>& memory, size_t size) {
    return {memory.begin(), memory.begin() + static_cast<long>(size)};
}

// What leaves for a request that came on `in`; `out` is the connection that was chosen.
std::string pass_request(const std::string& text, const Flow& in, const Flow& out, RequestRoute* decision = nullptr) {
    Parsed m{text};
    RequestRoute route = route_request(*m, in, kSite, kTokens, kSiteNow);
    if (decision) *decision = route;
    EXPECT_EQ(name(route.fault), "none");
    Edit edit{*m, 0};
    auto texts = std::make_unique<ForwardingTexts>();
    const Endpoint& source = in.side == Side::outside ? kPartnerAddress : kFrontEndAddress;
    EXPECT_TRUE(forward_request(edit, {*m, route, in, out, source, false}, kSite, kTokens, kSiteNow, *texts));
    std::vector<uint8_t> memory(65536);
    return bytes_to_string(memory, edit.write(memory));
}

std::string pass_response(const std::string& text, const Flow& in, const Flow& expected) {
    Parsed m{text};
    ResponseRoute route = route_response(*m, in, kSite, kTokens, kSiteNow);
    EXPECT_EQ(route.action, Action::flow);
    EXPECT_EQ(route.flow, expected);
    Edit edit{*m, 0};
    forward_response(edit, in.side);
    std::vector<uint8_t> memory(65536);
    return bytes_to_string(memory, edit.write(memory));
}

// A user agent's response to a request, with its Record-Routes.
std::string answer(const std::string& request_text, const std::string& status_line) {
    Parsed m{request_text};
    std::string text = status_line + "\r\n";
    for (const Field& f : m->fields())
        if (f.id == HeaderId::via || f.id == HeaderId::record_route || f.id == HeaderId::from ||
            f.id == HeaderId::call_id || f.id == HeaderId::cseq)
            text += m->line(f);
    return text + "To: " + std::string{m->to().text} + (m->to().tag.empty() ? ";tag=callee" : "") + "\r\n\r\n";
}

std::vector<std::string> values(const std::string& text, HeaderId id) {
    Parsed m{text};
    std::vector<std::string> out;
    Values v{*m, id};
    while (auto value = v.next()) out.emplace_back(*value);
    return out;
}

std::string route_lines(const std::vector<std::string>& routes) {
    std::string text;
    for (const std::string& r : routes) text += "Route: " + r + "\r\n";
    return text;
}

class SipDialog : public testing::Test {
  protected:
    RequestText invite_{.method = "INVITE",
                        .via = "SIP/2.0/TLS proxy.a.example:5061;branch=z9hG4bKp;rport, SIP/2.0/TLS ua;branch=z9hG4bKu",
                        .more = "Record-Route: <sip:proxy.a.example;lr>\r\nContact: <sip:alice@203.0.113.9>\r\n"};
};

TEST_F(SipDialog, InviteComesInAndTheAnswerGoesBack) {
    const std::string inner = pass_request(invite_.text(), kPartner, kFrontEnd);
    Parsed m{inner};
    EXPECT_EQ(m->vias(), 3U);
    EXPECT_EQ(m->via().host, "edge.inside.b.example");
    EXPECT_EQ(m->via().port, 5061);
    EXPECT_EQ(m->max_forwards(), 69);
    EXPECT_EQ(m->value(HeaderId::max_breadth), "60");
    EXPECT_EQ(values(inner, HeaderId::via)[1],
              "SIP/2.0/TLS proxy.a.example:5061;branch=z9hG4bKp;received=198.51.100.7;rport=40000");
    auto recorded = values(inner, HeaderId::record_route);
    ASSERT_EQ(recorded.size(), 3U);
    EXPECT_NE(recorded[0].find("@edge.inside.b.example:5061;transport=tls;lr>"), std::string::npos);
    EXPECT_NE(recorded[1].find("@edge.b.example:5061;transport=tls;lr>"), std::string::npos);
    EXPECT_EQ(recorded[2], "<sip:proxy.a.example;lr>");

    const std::string outer = pass_response(answer(inner, "SIP/2.0 200 OK"), kFrontEnd, kPartner);
    Parsed r{outer};
    EXPECT_EQ(r->vias(), 2U);
    EXPECT_EQ(r->via().host, "proxy.a.example");
    // Forked replies find the same way.
    pass_response(answer(inner, "SIP/2.0 180 Ringing"), kFrontEnd, kPartner);
}

TEST_F(SipDialog, RequestsWithinItFindBothWays) {
    const std::string inner = pass_request(invite_.text(), kPartner, kFrontEnd);
    auto recorded = values(inner, HeaderId::record_route);

    // The callee hangs up: its route set is as recorded.
    RequestText bye{.method = "BYE",
                    .uri = "sip:alice@203.0.113.9",
                    .from = "<sip:bob@b.example>;tag=callee",
                    .to = "<sip:alice@a.example>;tag=f1",
                    .more = route_lines(recorded)};
    RequestRoute route;
    std::string out = pass_request(bye.text(), kFrontEnd, kPartner, &route);
    EXPECT_EQ(route.action, Action::flow);
    EXPECT_EQ(route.flow, kPartner);
    EXPECT_EQ(values(out, HeaderId::route), std::vector<std::string>{"<sip:proxy.a.example;lr>"});
    EXPECT_TRUE(values(out, HeaderId::record_route).empty());
    EXPECT_TRUE(out.starts_with("BYE sip:alice@203.0.113.9 SIP/2.0\r\nVia: SIP/2.0/TLS edge.b.example:5061;"));
    pass_response(answer(out, "SIP/2.0 200 OK"), kPartner, kFrontEnd);

    // The caller hangs up: its route set is the reverse; its own proxy has taken itself off.
    RequestText other{.method = "BYE",
                      .uri = "sip:bob@10.0.0.7;gr=1",
                      .to = "<sip:bob@b.example>;tag=callee",
                      .more = route_lines({recorded[1], recorded[0]})};
    out = pass_request(other.text(), kPartner, kFrontEnd, &route);
    EXPECT_EQ(route.action, Action::flow);
    EXPECT_EQ(route.flow, kFrontEnd);
    EXPECT_TRUE(values(out, HeaderId::route).empty());
    // The ACK of the 200 goes the same way.
    other.method = "ACK";
    pass_request(other.text(), kPartner, kFrontEnd, &route);
    EXPECT_EQ(route.flow, kFrontEnd);
}

TEST_F(SipDialog, CancelAndAckMatchTheInviteForTheNextHop) {
    const std::string invite = pass_request(invite_.text(), kPartner, kFrontEnd);
    auto identity = [](const std::string& text) {
        Parsed m{text};
        return std::string{m->via().host} + " " + std::string{m->via().branch};  // section 17.2.3
    };
    // On another connection of the same partner, after a reconnect.
    Flow again = kPartner;
    again.connection = 34;
    for (const char* method : {"CANCEL", "ACK"}) {
        RequestText text = invite_;
        text.method = method;
        if (text.method == "ACK") text.to += ";tag=busy";
        EXPECT_EQ(identity(pass_request(text.text(), again, kFrontEnd)), identity(invite)) << method;
    }
    RequestText next = invite_;
    next.via = "SIP/2.0/TLS proxy.a.example:5061;branch=z9hG4bKq";
    EXPECT_NE(identity(pass_request(next.text(), kPartner, kFrontEnd)), identity(invite));
}

TEST_F(SipDialog, TrustDoesNotComeIn) {
    invite_.more = "ms-edge-proxy-message-trust: x\r\nP-Asserted-Identity: <sip:boss@b.example>\r\n";
    std::string inner = pass_request(invite_.text(), kPartner, kFrontEnd);
    EXPECT_EQ(inner.find("trust"), std::string::npos);
    EXPECT_EQ(inner.find("boss"), std::string::npos);
    std::string response = answer(inner, "SIP/2.0 403 No");
    response.insert(response.size() - 2, "ms-diagnostics: 1;reason=\"x\"\r\nms-diagnostics-public: 2\r\n");
    EXPECT_NE(pass_response(response, kFrontEnd, kPartner).find("ms-diagnostics: 1"), std::string::npos)
        << "what inside says of itself is for policy to keep back";
    invite_.uri = "sip:x@c.example";
    invite_.to = "<sip:x@c.example>";
    std::string outer = pass_request(invite_.text(), kFrontEnd, kPartner);
    EXPECT_NE(outer.find("boss"), std::string::npos);
    response = answer(outer, "SIP/2.0 403 No");
    response.insert(response.size() - 2, "ms-diagnostics: 1;reason=\"x\"\r\nms-diagnostics-public: 2\r\n");
    std::string back = pass_response(response, kPartner, kFrontEnd);
    EXPECT_EQ(back.find("ms-diagnostics:"), std::string::npos);
    EXPECT_NE(back.find("ms-diagnostics-public: 2"), std::string::npos);
}

TEST_F(SipDialog, StrictRoutersGetWhatTheyExpect) {
    RequestText text{.uri = "sip:x@c.example",
                     .more = "Route: <sip:edge.inside.b.example;lr>, <sip:old.c.example>\r\n"};
    std::string out = pass_request(text.text(), kFrontEnd, kPartner);
    EXPECT_TRUE(out.starts_with("MESSAGE sip:old.c.example SIP/2.0\r\n"));
    EXPECT_EQ(values(out, HeaderId::route), std::vector<std::string>{"<sip:x@c.example>"});

    const std::string inner = own_route(kTokens, kPartner, "edge.inside.b.example");
    RequestText bye{.method = "BYE",
                    .uri = inner.substr(1, inner.size() - 2),
                    .to = "<sip:alice@a.example>;tag=t",
                    .more = "Route: <sip:proxy.a.example;lr>, <sip:alice@203.0.113.9>\r\n"};
    out = pass_request(bye.text(), kFrontEnd, kPartner);
    EXPECT_TRUE(out.starts_with("BYE sip:alice@203.0.113.9 SIP/2.0\r\n"));
    EXPECT_EQ(values(out, HeaderId::route), std::vector<std::string>{"<sip:proxy.a.example;lr>"});
}

TEST_F(SipDialog, SipsIsKept) {
    invite_.uri = "sips:bob@b.example";
    for (const std::string& r : values(pass_request(invite_.text(), kPartner, kFrontEnd), HeaderId::record_route)) {
        if (r.find("edge") != std::string::npos) EXPECT_TRUE(r.starts_with("<sips:")) << r;
    }
}

TEST_F(SipDialog, WhatComesRoundIsRefused) {
    // Something inside sent it out again to where it came from.
    RequestText text{.method = "MESSAGE", .more = ""};
    const std::string inner = pass_request(text.text(), kPartner, kFrontEnd);
    Parsed back{inner};
    RequestRoute route = route_request(*back, kPartner, kSite, kTokens, kSiteNow);
    EXPECT_EQ(route.fault, RouteFault::looped);
}

TEST_F(SipDialog, TextsThatDoNotFitAreRefused) {
    invite_.via = "SIP/2.0/TLS proxy.a.example;branch=z9hG4bK" + std::string(2048, 'x');
    Parsed m{invite_};
    RequestRoute route = route_request(*m, kPartner, kSite, kTokens, kSiteNow);
    Edit edit{*m, 0};
    auto texts = std::make_unique<ForwardingTexts>();
    EXPECT_FALSE(forward_request(edit, {*m, route, kPartner, kFrontEnd, kPartnerAddress, false}, kSite, kTokens,
                                 kSiteNow, *texts));
}

}  // namespace
}  // namespace fedge::sip
