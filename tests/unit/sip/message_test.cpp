#include "dataplane/sip/message.h"

#include <gtest/gtest.h>

#include <memory>

namespace fedge::sip {
namespace {

const std::string kVia = "Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n";
const std::string kRest =
    "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: x@y\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n";

std::string request(const std::string& fields) {
    return "MESSAGE sip:b@b.example SIP/2.0\r\n" + fields + "\r\n";
}

// A message of its own size on the heap, so that a look beyond it is seen.
MessageFault parse(const std::string& text) {
    auto m = std::make_unique<Message>();
    return m->parse(std::string(text));
}

struct Row {
    const char* name;
    std::string text;
    MessageFault fault;
};

TEST(SipMessage, Faults) {
    using enum MessageFault;
    auto with = [](const std::string& field) { return request(kVia + kRest + field); };
    auto start = [](const std::string& line) { return line + "\r\n" + kVia + kRest + "\r\n"; };
    const Row rows[] = {
        {"sound", with(""), none},
        {"no end", "MESSAGE sip:b@b SIP/2.0\r\n" + kVia + kRest, bad_line},
        {"bytes behind the end", with("") + "x", bad_line},
        {"nothing", "", bad_line},
        {"empty line only", "\r\n", bad_line},
        {"NUL", with(std::string("X: a\0b\r\n", 8)), control_character},
        {"NUL escaped without quotes", with(std::string("X: a\\\0b\r\n", 9)), control_character},
        {"NUL escaped in quotes", with(std::string("X: \"\\\0\"\r\n", 9)), none},
        {"NUL escaped behind quotes", with(std::string("X: \"a\"\\\0\r\n", 10)), control_character},
        {"NUL escaped behind a fold without quotes", with(std::string("X: a\r\n \\\0\r\n", 11)), control_character},
        {"bare LF", with("X: a\nY: b\r\n"), control_character},
        {"bare CR", with("X: a\rY: b\r\n"), control_character},
        {"escaped LF", with("X: \"\\\n\"\r\n"), control_character},
        {"control character in the start line", start("MESSAGE sip:b@b\\\x01 SIP/2.0"), control_character},
        {"no name", with(": x\r\n"), bad_line},
        {"fold first", request(" x\r\n" + kVia + kRest), bad_line},
        {"blank fold", with("X: a\r\n \r\n"), bad_line},
        {"no version", start("MESSAGE sip:b@b"), bad_start_line},
        {"HTTP", start("GET / HTTP/1.1"), bad_start_line},
        {"method is no token", start("MES(SAGE sip:b@b SIP/2.0"), bad_start_line},
        {"tab between", start("MESSAGE\tsip:b@b\tSIP/2.0"), bad_start_line},
        {"version 3", start("MESSAGE sip:b@b SIP/3.0"), version},
        {"version in lower case", start("MESSAGE sip:b@b sip/2.0"), none},
        {"response of version 3", start("SIP/3.0 200 OK"), version},
        {"two spaces", start("MESSAGE  sip:b@b SIP/2.0"), bad_request_uri},
        {"no scheme", start("MESSAGE b@b SIP/2.0"), bad_request_uri},
        {"headers in the Request-URI", start("MESSAGE sip:b@b?From=x SIP/2.0"), bad_request_uri},
        {"status 99", start("SIP/2.0 099 x"), bad_status},
        {"status 700", start("SIP/2.0 700 x"), bad_status},
        {"status of four digits", start("SIP/2.0 2000 x"), bad_status},
        {"no reason", start("SIP/2.0 200"), bad_start_line},
        {"no Via", request(kRest), missing_field},
        {"no Call-ID", request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCSeq: 1 MESSAGE\r\n"), missing_field},
        {"two From", with("f: <sip:boss@b.example>;tag=2\r\n"), several_fields},
        {"two To, one with an empty tag", with("To: <sip:x@x>;tag=\r\n"), several_fields},
        {"two Call-ID", with("i: other\r\n"), several_fields},
        {"two CSeq", with("CSEQ: 1 MESSAGE\r\n"), several_fields},
        {"two Max-Forwards", with("max-forwards: 70\r\n"), several_fields},
        {"two Content-Length", with("l: 0\r\nContent-Length: 0\r\n"), several_fields},
        {"two Content-Type", with("c: a/b\r\nContent-Type: c/d\r\n"), several_fields},
        {"two Via fields", with("v: SIP/2.0/TCP h\r\n"), none},
        {"bad second Via", with("v: SIP/2.0/TCP\r\n"), bad_via},
        {"empty Via value", request("Via: SIP/2.0/TLS h,\r\n" + kRest), bad_via},
        {"From without URI", request(kVia + "From: x\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"), bad_from},
        {"two From in one field",
         request(kVia + "From: <sip:a@a>, <sip:b@b>\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"), bad_from},
        {"empty To tag", request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>;tag=\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"),
         bad_to},
        {"Call-ID with a space",
         request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID: x y\r\nCSeq: 1 MESSAGE\r\n"), bad_call_id},
        {"empty Call-ID", request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID:\r\nCSeq: 1 MESSAGE\r\n"),
         bad_call_id},
        {"CSeq of another method",
         request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 message\r\n"), cseq_method},
        {"Max-Forwards 256",
         request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 256\r\n"),
         bad_max_forwards},
        {"Max-Forwards -1",
         request(kVia + "From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: -1\r\n"),
         bad_max_forwards},
        {"Route without brackets", with("Route: sip:a@b;lr\r\n"), bad_route},
        {"empty Route", with("Route:\r\n"), bad_route},
        {"bad second Route", with("Route: <sip:a;lr>\r\nRoute: <sip:b;lr>, <sip:\r\n"), bad_route},
        {"bad Record-Route", with("Record-Route: <a>\r\n"), bad_route},
        {"malformed Contact is not ours to judge", with("Contact: ,,;<\r\n"), none},
        {"Digest with an open quote", with("Authorization: Digest username=\"a\r\n"), bad_credentials},
        {"Digest without pairs", with("Authorization: Digest\r\n"), bad_credentials},
        {"Digest with a name alone", with("Proxy-Authorization: Digest username\r\n"), bad_credentials},
        {"Digest with an empty value", with("Authorization: Digest a=,b=c\r\n"), bad_credentials},
        {"Digest with text behind a quote", with("Authorization: Digest a=\"b\"c\r\n"), bad_credentials},
        {"no scheme", with("Authorization: =x\r\n"), bad_credentials},
        {"second of two", with("Authorization: Digest a=b\r\nAuthorization: Digest ,\r\n"), bad_credentials},
        {"sound Digest", with("Authorization: Digest username=\"a,b\", nc=00000001,\r\n uri=\"sip:x\"\r\n"), none},
        {"NTLM", with("Proxy-Authorization: NTLM qop=\"auth\", gssapi-data=\"TlRM\"\r\n"), none},
        {"token68", with("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), none},
    };
    for (const Row& row : rows) EXPECT_EQ(name(parse(row.text)), name(row.fault)) << row.name;
    EXPECT_EQ(status(version), 505);
    EXPECT_EQ(status(bad_via), 400);
    EXPECT_EQ(status(none), 0);
}

TEST(SipMessage, CountsAreBounded) {
    auto repeated = [](const std::string& field, size_t n) {
        std::string text;
        for (size_t i = 0; i < n; i++) text += field;
        return request(kVia + kRest + text);
    };
    EXPECT_EQ(parse(repeated("v: SIP/2.0/TCP h\r\n", 63)), MessageFault::none);
    EXPECT_EQ(parse(repeated("v: SIP/2.0/TCP h\r\n", 64)), MessageFault::too_many_vias);
    EXPECT_EQ(parse(repeated("Route: <sip:a;lr>, <sip:b;lr>\r\n", 16)), MessageFault::none);
    EXPECT_EQ(parse(repeated("Route: <sip:a;lr>, <sip:b;lr>\r\n", 17)), MessageFault::too_many_routes);
    EXPECT_EQ(parse(repeated("Y-Z: y\r\n", 250)), MessageFault::none);
    EXPECT_EQ(parse(repeated("Y-Z: y\r\n", 251)), MessageFault::too_many_fields);
    EXPECT_EQ(parse(repeated("Y-Z: y\r\n", 1000)), MessageFault::too_many_fields);
}

TEST(SipMessage, FieldsInOrderUnderAllTheirNames) {
    const std::string text = request("v: SIP/2.0/TLS a;branch=z9hG4bK1 ,\r\n SIP/2.0/TCP b\r\n" + kRest +
                                     "VIA : SIP/2.0/UDP c\r\nX-A: 1\r\nx-b:\r\nX-a: 2\r\n 3\r\n");
    Message m;
    ASSERT_EQ(m.parse(text), MessageFault::none);
    EXPECT_EQ(m.vias(), 3U);
    Values vias{m, HeaderId::via};
    EXPECT_EQ(vias.next(), "SIP/2.0/TLS a;branch=z9hG4bK1");
    EXPECT_EQ(vias.next(), "SIP/2.0/TCP b");
    EXPECT_EQ(vias.next(), "SIP/2.0/UDP c");
    EXPECT_FALSE(vias.next());
    EXPECT_TRUE(vias.ok());
    const Field* a = m.find("x-A");
    ASSERT_TRUE(a);
    EXPECT_EQ(m.value(*a), "1");
    EXPECT_EQ(m.line(*a), "X-A: 1\r\n");
    ASSERT_TRUE(m.find("X-B"));
    EXPECT_EQ(m.value(*m.find("X-B")), "");
    EXPECT_FALSE(m.find("X-C"));
    EXPECT_EQ(m.line(m.fields().back()), "X-a: 2\r\n 3\r\n");
    EXPECT_EQ(m.fields().size(), 10U);
    EXPECT_EQ(m.header().substr(0, m.start_line_size()), "MESSAGE sip:b@b.example SIP/2.0\r\n");
    size_t covered = m.start_line_size() + 2;
    for (const Field& f : m.fields()) covered += f.line_size;
    EXPECT_EQ(covered, text.size()) << "fields cover the section without gaps";
}

TEST(SipMessage, AnswerableWithATopmostVia) {
    Message m;
    m.parse("MESSAGE sip:b@b SIP/3.0\r\n" + kVia + kRest + "\r\n");
    EXPECT_TRUE(m.answerable());
    const std::string bad_uri = "MESSAGE <b> SIP/2.0\r\n" + kVia + kRest + "\r\n";
    EXPECT_EQ(m.parse(bad_uri), MessageFault::bad_request_uri);
    EXPECT_TRUE(m.answerable());
    const std::string no_via = request(kRest);
    m.parse(no_via);
    EXPECT_FALSE(m.answerable());
    const std::string bad_via = request("Via: SIP/2.0/UDP ;;\r\n" + kRest);
    m.parse(bad_via);
    EXPECT_FALSE(m.answerable());
    const std::string two_from = request(kVia + kRest + "From: <sip:x@x>\r\n");
    EXPECT_EQ(m.parse(two_from), MessageFault::several_fields);
    EXPECT_TRUE(m.answerable());
    const std::string only_via = request(kVia);
    EXPECT_EQ(m.parse(only_via), MessageFault::missing_field);
    EXPECT_TRUE(m.answerable());
    const std::string response = "SIP/2.0 200 OK\r\n" + kVia + kRest + "\r\n";
    m.parse(response);
    EXPECT_FALSE(m.answerable());
}

// Whatever is wrong below, it is a request, and of this method: an ACK is not answered.
TEST(SipMessage, TellsRequestsAndTheirMethodBesideAnyFault) {
    struct Case {
        const char* start;
        std::string rest;
        MessageFault fault;
        Method method;
    };
    const Case cases[] = {
        {"ACK sip:b@b SIP/2.0", kVia + "no header\r\n", MessageFault::bad_line, Method::ack},
        {"ACK sip:b@b SIP/3.0", kVia + kRest, MessageFault::version, Method::ack},
        {"ACK  sip:b@b SIP/2.0", kVia + kRest, MessageFault::bad_request_uri, Method::ack},
        {"ACK", kVia + kRest, MessageFault::bad_start_line, Method::ack},
        {"MESSAGE sip:b@b SIP/2.0", kVia + "Subject: a\tb\r\nX: \x01\r\n", MessageFault::control_character,
         Method::message},
    };
    for (const Case& one : cases) {
        const std::string text = one.start + ("\r\n" + one.rest) + "\r\n";
        Message m;
        EXPECT_EQ(m.parse(text), one.fault) << one.start;
        EXPECT_TRUE(m.answerable()) << one.start;
        EXPECT_EQ(m.method(), one.method) << one.start;
    }
}

// It would go back to the sender in a response.
TEST(SipMessage, ForgetsAFieldWithAControlCharacter) {
    for (const char* name : {"Call-ID", "From", "X-Other"}) {
        const std::string text = request(kVia + name + std::string(": a\\\x01\r\n"));
        Message m;
        EXPECT_EQ(m.parse(text), MessageFault::control_character) << name;
        EXPECT_TRUE(m.answerable()) << name;
        EXPECT_FALSE(m.find(name)) << name;
    }
    const std::string text = request(kVia + "X-A: 1\r\nX-B: 2\r\nx-a: 3\r\n \\\x01\r\n");
    Message m;
    EXPECT_EQ(m.parse(text), MessageFault::control_character);
    ASSERT_TRUE(m.find("X-A"));
    EXPECT_EQ(m.value(*m.find("X-A")), "1");
    EXPECT_TRUE(m.find("X-B"));
    EXPECT_EQ(m.fields().size(), 3U);
}

TEST(SipMessage, MethodsByTheirExactName) {
    EXPECT_EQ(method_id("INVITE"), Method::invite);
    EXPECT_EQ(method_id("REGISTER"), Method::register_);
    EXPECT_EQ(method_id("BENOTIFY"), Method::benotify);
    EXPECT_EQ(method_id("SERVICE"), Method::service);
    EXPECT_EQ(method_id("invite"), Method::other);
    EXPECT_EQ(method_id(""), Method::other);
}

}  // namespace
}  // namespace fedge::sip
