// What must not be seen of a message that is copied for people, and what must.
#include "dataplane/sip/masking.h"

#include <gtest/gtest.h>

#include <string>

namespace fedge::sip {
namespace {

std::string masked(std::string text) {
    mask_secrets(text);
    return text;
}

std::string with_header(const std::string& line) {
    return "REGISTER sip:contoso.com SIP/2.0\r\n" + line + "\r\nContent-Length: 0\r\n\r\n";
}

std::string with_body(const std::string& body, const std::string& header = "Content-Type: application/sdp") {
    return "INVITE sip:b@contoso.com SIP/2.0\r\n" + header + "\r\n\r\n" + body;
}

TEST(SipMasking, HeaderFields) {
    struct Case {
        const char* what;
        std::string in;
        std::string out;
    };
    const Case kCases[] = {
        {"Digest",
         R"(Authorization: Digest username="bob", realm="r", nonce="abc", uri="sip:r", response="f00", nc=01)",
         R"(Authorization: Digest username="bob", realm="r", nonce="***", uri="sip:r", response="***", nc=01)"},
        {"any case, tokens", "PROXY-authorization: digest RESPONSE=f00 , realm=\"r\"",
         "PROXY-authorization: digest RESPONSE=****, realm=\"r\""},
        {"a comma in quotes", R"(Authorization: Digest nonce="a,b\"c", realm="x,y")",
         R"(Authorization: Digest nonce="******", realm="x,y")"},
        {"no end of the quotes", R"(Authorization: Digest nonce="abc, realm=r)",
         R"(Authorization: Digest nonce="************)"},
        {"folded", "Authorization: Digest realm=\"r\",\r\n response=\"f00\"",
         "Authorization: Digest realm=\"r\",\r\n response=\"***\""},
        {"a secret that is folded", "Authorization: Digest response=\"f\r\n 00\"",
         "Authorization: Digest response=\"*\r\n***\""},
        {"a challenge", R"(WWW-Authenticate: NTLM realm="r", gssapi-data="TlRM", targetname="fe1")",
         R"(WWW-Authenticate: NTLM realm="r", gssapi-data="****", targetname="fe1")"},
        {"Authentication-Info has no scheme", R"(Authentication-Info: nextnonce="abc", qop=auth, rspauth="d0")",
         R"(Authentication-Info: nextnonce="***", qop=auth, rspauth="**")"},
        {"the password of a URI", "Contact: <sip:bob:secret@10.0.0.1:5060>;q=1",
         "Contact: <sip:bob:******@10.0.0.1:5060>;q=1"},
        {"a port is no password", "Contact: <sip:10.0.0.1:5060>, <sips:bob@10.0.0.1:5061>",
         "Contact: <sip:10.0.0.1:5060>, <sips:bob@10.0.0.1:5061>"},
        {"others stay", "Subject: response=\"f00\" nonce", "Subject: response=\"f00\" nonce"},
    };
    for (const Case& one : kCases) EXPECT_EQ(masked(with_header(one.in)), with_header(one.out)) << one.what;
    std::string basic = masked(with_header("Authorization: Basic Ym9iOnNlY3JldA=="));
    EXPECT_EQ(basic.find("Ym9i"), std::string::npos) << basic;
    EXPECT_EQ(basic.size(), with_header("Authorization: Basic Ym9iOnNlY3JldA==").size());
}

TEST(SipMasking, Bodies) {
    struct Case {
        const char* what;
        std::string in;
        std::string out;
    };
    const Case kCases[] = {
        {"SRTP", "v=0\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:WVNf/2^31|1:1\r\nm=audio 1 RTP/SAVP 0\r\n",
         "v=0\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:*************\r\nm=audio 1 RTP/SAVP 0\r\n"},
        {"ICE", "a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd\na=x:1\n", "a=ice-ufrag:8hhY\na=ice-pwd:**********\na=x:1\n"},
        {"a key in the clear", "k=base64:Zm9v\r\n", "k=***********\r\n"},
        {"a candidate of old, its password in the middle", "a=candidate:user 1 passw0rd UDP 0.830 192.0.2.1 50000\r\n",
         "a=candidate:user 1 ******** UDP 0.830 192.0.2.1 50000\r\n"},
        {"a candidate", "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host\r\n",
         "a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host\r\n"},
        {"credentials of a relay", "<m:username>u</m:username><m:Password>s3cret</m:Password><x/>",
         "<m:username>u</m:username><m:Password>******</m:Password><x/>"},
        {"a message in a body",
         "INVITE sip:x SIP/2.0\r\nproxy-authorization : Digest nc=1,\r\n response=f00\r\n\r\nk=1",
         "INVITE sip:x SIP/2.0\r\nproxy-authorization : Digest nc=1,\r\n response=***\r\n\r\nk=*"},
        {"no element", "my password>is not an element", "my password>is not an element"},
        {"a part that cannot be read", "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYT1jcg==\r\n",
         "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n********\r\n"},
    };
    for (const Case& one : kCases) EXPECT_EQ(masked(with_body(one.in)), with_body(one.out)) << one.what;
    EXPECT_EQ(masked(with_body("secret", "Content-Encoding: gzip")), with_body("******", "Content-Encoding: gzip"));
    EXPECT_EQ(masked(with_body("secret", "e: gzip")), with_body("******", "e: gzip"));
    EXPECT_EQ(masked(with_body("secret", "e: identity")), with_body("secret", "e: identity"));
}

TEST(SipMasking, WhatWasCutIsMaskedAsFarAsItIsThere) {
    std::string whole = with_header(R"(Authorization: Digest username="bob", response="f00dcafe")");
    for (size_t size = 0; size <= whole.size(); size++) {
        std::string part = masked(whole.substr(0, size));
        EXPECT_EQ(part.size(), size);
        EXPECT_EQ(part.find("f00"), std::string::npos) << part;
    }
    EXPECT_EQ(masked("INVITE sip:x SIP/2.0\r\nContact: <sip:bob:secr"),
              "INVITE sip:x SIP/2.0\r\nContact: <sip:bob:****");
    EXPECT_EQ(masked("INVITE sip:x SIP/2.0\r\nContact: <sip:a:5061\r\n"),
              "INVITE sip:x SIP/2.0\r\nContact: <sip:a:5061\r\n");
}

}  // namespace
}  // namespace fedge::sip
