#include "dataplane/tls/names.h"

#include <gtest/gtest.h>

#include <string>

namespace fedge::tls {
namespace {

TEST(Names, WhatProvesADomain) {
    const PeerNames names{{NameKind::uri_sip, "sip.example"},
                          {NameKind::dns, "dns.example"},
                          {NameKind::dns, "*.wild.example"},
                          {NameKind::srv_id, "_xmpp-server.srv.example"},
                          {NameKind::srv_id, "_xmpp-client.client.example"},
                          {NameKind::xmpp_addr, "im.example"}};
    struct Case {
        const char* domain;
        bool sip, xmpp, host;
    };
    const Case cases[] = {
        {"sip.example", true, false, false},   {"SIP.Example.", true, false, false},
        {"dns.example", false, true, true},  // RFC 5922: DNS names only without sip URIs
        {"a.wild.example", false, true, true}, {"a.b.wild.example", false, false, false},
        {"wild.example", false, false, false}, {".wild.example", false, false, false},
        {"srv.example", false, true, false},   {"client.example", false, false, false},
        {"im.example", false, true, false},    {"", false, false, false},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(proves(names, one.domain, Matching::sip), one.sip) << one.domain;
        EXPECT_EQ(proves(names, one.domain, Matching::xmpp), one.xmpp) << one.domain;
        EXPECT_EQ(proves(names, one.domain, Matching::host), one.host) << one.domain;
    }
}

TEST(Names, SipTakesDnsNamesExactlyAndTheCommonNameLast) {
    EXPECT_TRUE(proves({{NameKind::dns, "a.example"}}, "a.example", Matching::sip));
    EXPECT_FALSE(proves({{NameKind::dns, "*.example.com"}}, "a.example.com", Matching::sip));
    EXPECT_FALSE(proves({{NameKind::dns, "*.example.com"}}, "*.example.com", Matching::host));
    EXPECT_TRUE(proves({{NameKind::common_name, "old.example"}}, "old.example", Matching::sip));
    EXPECT_FALSE(proves({{NameKind::common_name, "old.example"}}, "old.example", Matching::xmpp));
    EXPECT_FALSE(proves({{NameKind::common_name, "old.example"}}, "old.example", Matching::host));
}

TEST(Names, SipServersAreProvedByTheirVeryName) {
    const PeerNames names{{NameKind::uri_sip, "domain.example"}, {NameKind::dns, "sip.domain.example"}};
    EXPECT_TRUE(proves(names, "sip.domain.example", Matching::sip_host));
    EXPECT_FALSE(proves(names, "sip.domain.example", Matching::sip));
    EXPECT_TRUE(proves(names, "domain.example", Matching::sip_host));
    EXPECT_FALSE(proves({{NameKind::dns, "*.domain.example"}}, "sip.domain.example", Matching::sip_host));
    EXPECT_TRUE(proves({{NameKind::common_name, "old.example"}}, "old.example", Matching::sip_host));
    EXPECT_FALSE(proves({{NameKind::srv_id, "_xmpp-server.a.example"}}, "a.example", Matching::sip_host));
    EXPECT_FALSE(proves(names, std::string(300, 'a'), Matching::sip_host));
}

}  // namespace
}  // namespace fedge::tls
