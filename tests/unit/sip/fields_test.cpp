#include "dataplane/sip/fields.h"

#include <gtest/gtest.h>

#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

TEST(SipAddress, Forms) {
    auto a = Address::parse("  \"A. \\\"Bell\" \r\n <sip:a@b;x=1>  ; tag = 12 ;\r\n y");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->display, "\"A. \\\"Bell\"");
    EXPECT_EQ(a->uri.text, "sip:a@b;x=1");
    EXPECT_EQ(a->tag, "12");
    EXPECT_TRUE(a->bracketed);

    a = Address::parse("sip:a@b;tag=7");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->uri.text, "sip:a@b");
    EXPECT_EQ(a->uri.params, "") << "parameters without brackets are the field's";
    EXPECT_EQ(a->tag, "7");

    a = Address::parse("caller<sip:c@d>;TAG=x");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->display, "caller");
    EXPECT_EQ(a->tag, "x");

    a = Address::parse("<sip:c@d?x=y>");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->tag, "");
}

TEST(SipAddress, Refused) {
    for (const char* text : {"",
                             "<>",
                             "<sip:a@b",
                             "sip:a@b>",
                             "\"x <sip:a@b>",
                             "\"x\" sip:a@b",
                             "Bell, A <sip:a@b>",
                             "< sip:a@b>",
                             "<sip:a@b >",
                             "<sip:a@b>x",
                             "<sip:a@b>;",
                             "<sip:a@b>;;x",
                             "<sip:a@b>;tag",
                             "<sip:a@b>;tag=",
                             "<sip:a@b>;tag=1;tag=2",
                             "<sip:a@b>;tag=\"1\"",
                             "sip:a@b?x=y",
                             "sip:a,b@c",
                             "<sip:a@b>, <sip:c@d>",
                             "<sip:a@b>;x=\"1",
                             "a<b<sip:a@b>>",
                             "sip:a@b;tag=1, sip:c@d"})
        EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(SipVia, Parts) {
    auto v =
        Via::parse("SIP  / 2.0 /\r\n TLS   host.example : 5061 ;branch=z9hG4bKx; received=192.0.2.1 ;rport=7;alias");
    ASSERT_TRUE(v);
    EXPECT_EQ(v->transport, "TLS");
    EXPECT_EQ(v->host, "host.example");
    EXPECT_EQ(v->port, 5061);
    EXPECT_EQ(v->branch, "z9hG4bKx");
    EXPECT_EQ(v->received, "192.0.2.1");
    EXPECT_TRUE(v->has_rport && v->alias && v->has_cookie());
    EXPECT_EQ(v->rport, 7);
    EXPECT_EQ(v->param("alias"), "");
    EXPECT_FALSE(v->param("ttl"));

    v = Via::parse("SIP/2.0/UDP [2001:db8::9]:5060;rport;branch=z9hG4bK;received=[2001:db8::1]");
    ASSERT_TRUE(v);
    EXPECT_EQ(v->host, "[2001:db8::9]");
    EXPECT_TRUE(v->has_rport);
    EXPECT_EQ(v->rport, 0);
    EXPECT_FALSE(v->has_cookie()) << "the cookie alone is no branch";
    EXPECT_TRUE(Via::parse("SIP/2.0/TCP host"));
}

TEST(SipVia, Refused) {
    for (const char* text : {"",
                             "SIP/2.0",
                             "SIP/2.0/UDP",
                             "SIP/2.0/UDP ",
                             "SIP/2.0/ host",
                             "SIP//UDP host",
                             "XIP/2.0/UDP host",
                             "SIP/2.0/UDPhost;x",
                             "SIP/2.0/UDP host;;,;,,",
                             "SIP/2.0/UDP host;",
                             "SIP/2.0/UDP host x",
                             "SIP/2.0/UDP host:0",
                             "SIP/2.0/UDP host:99999",
                             "SIP/2.0/UDP :5060",
                             "SIP/2.0/UDP [::1",
                             "SIP/2.0/UDP h;branch",
                             "SIP/2.0/UDP h;branch=",
                             "SIP/2.0/UDP h;branch=a;branch=b",
                             "SIP/2.0/UDP h;branch=\"a\"",
                             "SIP/2.0/UDP h;received=x.example",
                             "SIP/2.0/UDP h;rport=0",
                             "SIP/2.0/UDP h;rport=70000",
                             "SIP/2.0/UDP h;rport;rport",
                             "SIP/2.0/UDP h;received=1.2.3.4;received=1.2.3.5"})
        EXPECT_FALSE(Via::parse(text)) << text;
}

TEST(SipCSeq, NumberAndMethod) {
    auto c = CSeq::parse(" 0009\r\n  INVITE ");
    ASSERT_TRUE(c);
    EXPECT_EQ(c->number, 9U);
    EXPECT_EQ(c->method, "INVITE");
    EXPECT_EQ(CSeq::parse("2147483647 X")->number, 2147483647U);
    for (const char* text :
         {"", "1", "INVITE", "1INVITE", "-1 X", "2147483648 X", "36893488147419103232 X", "1 X Y", "1 <"})
        EXPECT_FALSE(CSeq::parse(text)) << text;
}

TEST(SipValues, CommasInQuotesAndBracketsDivideNothing) {
    ValueCursor values{" \"a,\\\"b\" <sip:x,y@z> , c ,<d>;e=\",\""};
    EXPECT_EQ(values.next(), "\"a,\\\"b\" <sip:x,y@z>");
    EXPECT_EQ(values.next(), "c");
    EXPECT_EQ(values.next(), "<d>;e=\",\"");
    EXPECT_FALSE(values.next());
    EXPECT_TRUE(values.ok());
    for (const char* text : {"", " ", "a,", ",a", "a,,b", "a,\"b", "<a"}) {
        ValueCursor bad{text};
        while (bad.next()) {
        }
        EXPECT_FALSE(bad.ok()) << text;
    }
}

TEST(SipText, ControlsAreFoundAtEveryPlace) {
    for (size_t size = 1; size < 70; size++)
        for (size_t at = 0; at < size; at++)
            for (char c : {'\0', '\r', '\n', '\x1f', '\x7f'}) {
                std::string text(size, '\t');
                text[at] = c;
                if (at + 1 < size) text[at + 1] = '\xff';
                EXPECT_EQ(find_control(text, 0), at);
                EXPECT_EQ(find_control(text, at + 1), size);
            }
}

}  // namespace
}  // namespace fedge::sip
