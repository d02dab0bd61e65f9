#include "dataplane/sip/uri.h"

#include <gtest/gtest.h>

namespace fedge::sip {
namespace {

TEST(SipUri, Parts) {
    auto uri = Uri::parse("sips:alice:secret@atlanta.example:5081;transport=tls;lr;x=%61?subject=a%20b&to=c");
    ASSERT_TRUE(uri);
    EXPECT_EQ(uri->scheme, Scheme::sips);
    EXPECT_EQ(uri->user, "alice");
    EXPECT_EQ(uri->password, "secret");
    EXPECT_EQ(uri->host, "atlanta.example");
    EXPECT_EQ(uri->port, 5081);
    EXPECT_EQ(uri->params, ";transport=tls;lr;x=%61");
    EXPECT_EQ(uri->headers, "?subject=a%20b&to=c");
    EXPECT_EQ(uri->param("transport"), "tls");
    EXPECT_EQ(uri->param("lr"), "");
    EXPECT_TRUE(uri->loose_router());
    EXPECT_FALSE(uri->param("maddr"));

    uri = Uri::parse("SIP:[2001:db8::1]:5061;%6C%72");
    ASSERT_TRUE(uri);
    EXPECT_EQ(uri->host, "[2001:db8::1]");
    EXPECT_EQ(uri->port, 5061);
    EXPECT_TRUE(uri->loose_router()) << "%6C%72 is lr";
    EXPECT_TRUE(uri->user.empty());

    uri = Uri::parse("tel:+1-201-555-0123;phone-context=example.com");
    ASSERT_TRUE(uri);
    EXPECT_EQ(uri->scheme, Scheme::tel);
    EXPECT_EQ(uri->user, "+1-201-555-0123");
    EXPECT_EQ(uri->param("phone-context"), "example.com");

    uri = Uri::parse("urn:service:sos");
    ASSERT_TRUE(uri);
    EXPECT_EQ(uri->scheme, Scheme::other);
    EXPECT_FALSE(uri->is_sip());
}

TEST(SipUri, Accepted) {
    for (const char* text :
         {"sip:a", "sip:a@b", "sip:a@b.example.", "sip:127.0.0.1:1", "sip:a;b?c/d@host", "sip:a:@host",
          "sip:user(contoso.com)@msn.com", "sip:null-%00-null@example.com", "sip:a@h;p=[::1]", "sip:a@my_host",
          "sip:+1@gw;user=phone", "sip:a@b?x=", "sip:a@b;x?y=z", "tel:123;phone-context=+1", "tel:*31#",
          "http://www.example.com", "isbn:2983792873", "x-y.z+1:?"})
        EXPECT_TRUE(Uri::parse(text)) << text;
}

TEST(SipUri, Refused) {
    for (const char* text : {"",
                             "sip",
                             "sip:",
                             ":a",
                             "sip:@host",
                             "sip:a@",
                             "sip:a@b@c",
                             "sip:a b@c",
                             "sip:a@b c",
                             "sip:a@b:0",
                             "sip:a@b:65536",
                             "sip:a@b:",
                             "sip:a@b:5x",
                             "sip:a@[::1",
                             "sip:a@[::g]",
                             "sip:a@[1.2.3.4]",
                             "sip:a@::1",
                             "sip:a@b;",
                             "sip:a@b;;x",
                             "sip:a@b;=x",
                             "sip:a@b;x=",
                             "sip:a@b?",
                             "sip:a@b?x",
                             "sip:a@b?=x",
                             "sip:a%4@b",
                             "sip:a%zz@b",
                             "sip:a<b@c",
                             "sip:\"a\"@b",
                             "sip:a@.b",
                             "sip:a@b..c",
                             "sip:a@-b",
                             "sip:a@b;x=\"y\"",
                             "sip:\xc3\xa9@b",
                             "tel:",
                             "tel:+",

                             "tel:+12x",
                             "tel:1;;",
                             "1sip:a@b",
                             "si p:a",
                             "www.example.com",
                             "<sip:a@b>",
                             "urn:a b",
                             "urn:a\"b"})
        EXPECT_FALSE(Uri::parse(text)) << text;
    EXPECT_FALSE(Uri::parse("sip:" + std::string(256, 'a')));
}

}  // namespace
}  // namespace fedge::sip
