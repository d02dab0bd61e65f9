#include "dataplane/sip/response.h"

#include <gtest/gtest.h>

#include "tests/unit/sip/requests.h"

namespace fedge::sip {
namespace {

std::string written(const Message& request, const ResponseSpec& spec, size_t room = 4096) {
    std::string out(room, '?');
    out.resize(write_response(request, spec, {reinterpret_cast<uint8_t*>(out.data()), out.size()}));
    return out;
}

TEST(SipResponse, CopiesWhatSection826Says) {
    RequestText text;
    text.more =
        "v: SIP/2.0/TCP p;branch=z9hG4bKp\r\nTimestamp: 54\r\nContact: <sip:a@a>\r\nRecord-Route: <sip:p;lr>\r\n";
    Parsed m{text};
    const ExtraHeader extra[] = {{"ms-diagnostics-public", "1009;reason=\"x\""}, {"Retry-After", "5"}};
    EXPECT_EQ(written(*m, {.status = 504, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = extra}),
              "SIP/2.0 504 Server Time-out\r\n"
              "Via: SIP/2.0/TLS a.example;branch=z9hG4bKone\r\nv: SIP/2.0/TCP p;branch=z9hG4bKp\r\n"
              "From: <sip:alice@a.example>;tag=f1\r\nTo: <sip:bob@b.example>;tag=t1\r\nCall-ID: call-1\r\n"
              "CSeq: 7 MESSAGE\r\nms-diagnostics-public: 1009;reason=\"x\"\r\nRetry-After: 5\r\n"
              "Content-Length: 0\r\n\r\n");
    std::string trying = written(*m, {.status = 100, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = {}});
    EXPECT_NE(trying.find("Timestamp: 54\r\n"), std::string::npos);
    EXPECT_NE(trying.find("To: <sip:bob@b.example>\r\n"), std::string::npos) << "100 has no tag";
}

TEST(SipResponse, ATagThatIsThereStays) {
    RequestText text;
    text.to = "\"B\" <sip:bob@b.example> ; tag = mine";
    Parsed m{text};
    std::string out = written(*m, {.status = 481, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = {}});
    EXPECT_NE(out.find("To: \"B\" <sip:bob@b.example> ; tag = mine\r\n"), std::string::npos);
    EXPECT_EQ(out.find("t1"), std::string::npos);
}

TEST(SipResponse, ToFaultyRequests) {
    RequestText text;
    text.to = "\"Watson, Thomas\" < sip:t.watson@example.org >";
    const std::string raw = text.text();
    Message m;
    ASSERT_EQ(m.parse(raw), MessageFault::bad_to);
    ASSERT_TRUE(m.answerable());
    std::string out = written(m, {.status = 400, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = {}});
    EXPECT_TRUE(out.starts_with("SIP/2.0 400 Bad Request\r\n"));
    EXPECT_NE(out.find("To: " + text.to + "\r\n"), std::string::npos);
}

TEST(SipResponse, ToRequestsInWhichMuchIsMissing) {
    Message m;
    const std::string only_via = "MESSAGE sip:b@b SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n\r\n";
    m.parse(only_via);
    EXPECT_EQ(written(m, {.status = 400, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = {}}),
              "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n");
    const std::string no_from =
        only_via.substr(0, only_via.size() - 2) + "To: <sip:b@b>\r\nCSeq: 1 MESSAGE\r\nTimestamp: 5\r\n\r\n";
    m.parse(no_from);
    EXPECT_EQ(written(m, {.status = 400, .reason = {}, .to_tag = "t1", .top_via = {}, .extra = {}}),
              "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nTo: <sip:b@b>;tag=t1\r\n"
              "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n");
}

TEST(SipResponse, TopViaOnly) {
    RequestText text;
    text.via = "SIP/2.0/TLS a.example;branch=z9hG4bKone, SIP/2.0/TCP p";
    Parsed m{text};
    std::string out =
        written(*m, {.status = 200, .reason = "Fine", .to_tag = {}, .top_via = "SIP/2.0/TLS z", .extra = {}});
    EXPECT_TRUE(out.starts_with("SIP/2.0 200 Fine\r\nVia: SIP/2.0/TLS z, SIP/2.0/TCP p\r\n"));
}

TEST(SipResponse, NothingBreaksOut) {
    Parsed m{RequestText{}};
    const ExtraHeader bad[] = {{"X", "a\r\nVia: y"}};
    EXPECT_EQ(written(*m, {.status = 200, .reason = {}, .to_tag = {}, .top_via = {}, .extra = bad}), "");
    EXPECT_EQ(written(*m, {.status = 200, .reason = "a\r\nb", .to_tag = {}, .top_via = {}, .extra = {}}), "");
    EXPECT_EQ(written(*m, {.status = 200, .reason = {}, .to_tag = {}, .top_via = {}, .extra = {}}, 100), "");
}

std::string received(const std::string& via, const char* source) {
    auto parsed = Via::parse(via);
    std::string memory(256, '?');
    auto out = received_via(*parsed, *Endpoint::parse(source), {reinterpret_cast<uint8_t*>(memory.data()), 256});
    return out ? std::string{*out} : "unchanged";
}

TEST(SipResponse, ReceivedAndRport) {
    EXPECT_EQ(received("SIP/2.0/TLS 192.0.2.1:5061;branch=b", "192.0.2.1:40000"), "unchanged");
    EXPECT_EQ(received("SIP/2.0/TLS a.example", "192.0.2.1:40000"), "SIP/2.0/TLS a.example;received=192.0.2.1");
    EXPECT_EQ(received("SIP/2.0/TLS 192.0.2.2;branch=b", "192.0.2.1:40000"),
              "SIP/2.0/TLS 192.0.2.2;branch=b;received=192.0.2.1");
    EXPECT_EQ(received("SIP/2.0/TLS 192.0.2.1;rport;branch=b", "192.0.2.1:40000"),
              "SIP/2.0/TLS 192.0.2.1;branch=b;received=192.0.2.1;rport=40000");
    EXPECT_EQ(received("SIP/2.0/TLS a;received=198.51.100.1 ;rport=1; x = \"q;\";alias", "[2001:db8::1]:7"),
              "SIP/2.0/TLS a;x=\"q;\";alias;received=2001:db8::1;rport=7");
    EXPECT_EQ(received("SIP/2.0/TLS 192.0.2.1;received=10.0.0.1", "192.0.2.1:1"), "SIP/2.0/TLS 192.0.2.1")
        << "a claim is left out even where there is nothing to say instead";
    EXPECT_EQ(received("SIP/2.0/TLS [2001:db8::1];branch=b", "[2001:db8::1]:9"), "unchanged");
}

TEST(SipResponse, Diagnostics) {
    std::string out(200, '?');
    MutableBytes room{reinterpret_cast<uint8_t*>(out.data()), out.size()};
    out.resize(write_diagnostics(1009, "SRV and \"host\" \\ conflict", "edge.example", room));
    EXPECT_EQ(out, "1009;reason=\"SRV and \\\"host\\\" \\\\ conflict\";source=\"edge.example\"");
    EXPECT_EQ(write_diagnostics(1, "x", "y", room.first(10)), 0U);
}

TEST(SipResponse, Phrases) {
    EXPECT_EQ(reason_phrase(403), "Forbidden");
    EXPECT_EQ(reason_phrase(499), "Client Error");
    EXPECT_EQ(reason_phrase(699), "Failure");
}

}  // namespace
}  // namespace fedge::sip
