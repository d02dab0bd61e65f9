#include "dataplane/sip/header_names.h"

#include <gtest/gtest.h>

#include <string>

namespace fedge::sip {
namespace {

TEST(SipHeaderNames, EveryNameFindsItselfInAnyCase) {
    for (uint8_t i = 1; i < static_cast<uint8_t>(HeaderId::count); i++) {
        auto id = static_cast<HeaderId>(i);
        std::string name{header_text(id)};
        ASSERT_FALSE(name.empty());
        EXPECT_EQ(header_id(name), id) << name;
        std::string upper = name, lower = name;
        for (char& c : upper) c = static_cast<char>(std::toupper(c));
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        EXPECT_EQ(header_id(upper), id) << name;
        EXPECT_EQ(header_id(lower), id) << name;
        // One letter changed is another name.
        for (size_t at = 0; at < name.size(); at++) {
            std::string other = name;
            other[at] = static_cast<char>(other[at] ^ 0x10);
            EXPECT_NE(header_id(other), id) << other;
        }
        EXPECT_EQ(header_id(name + "x"), HeaderId::other);
    }
    EXPECT_EQ(header_id(""), HeaderId::other);
    EXPECT_EQ(header_id("X-Other"), HeaderId::other);
    EXPECT_EQ(header_text(HeaderId::other), "");
}

TEST(SipHeaderNames, CompactForms) {
    const std::pair<char, HeaderId> forms[] = {{'a', HeaderId::accept_contact},
                                               {'b', HeaderId::referred_by},
                                               {'c', HeaderId::content_type},
                                               {'d', HeaderId::request_disposition},
                                               {'e', HeaderId::content_encoding},
                                               {'f', HeaderId::from},
                                               {'i', HeaderId::call_id},
                                               {'j', HeaderId::reject_contact},
                                               {'k', HeaderId::supported},
                                               {'l', HeaderId::content_length},
                                               {'m', HeaderId::contact},
                                               {'n', HeaderId::identity_info},
                                               {'o', HeaderId::event},
                                               {'r', HeaderId::refer_to},
                                               {'s', HeaderId::subject},
                                               {'t', HeaderId::to},
                                               {'u', HeaderId::allow_events},
                                               {'v', HeaderId::via},
                                               {'x', HeaderId::session_expires},
                                               {'y', HeaderId::identity}};
    size_t found = 0;
    for (char c = 'a'; c <= 'z'; c++) {
        HeaderId id = HeaderId::other;
        for (auto& [letter, known] : forms)
            if (letter == c) id = known;
        EXPECT_EQ(header_id(std::string(1, c)), id) << c;
        EXPECT_EQ(header_id(std::string(1, static_cast<char>(std::toupper(c)))), id) << c;
        found += id != HeaderId::other;
    }
    EXPECT_EQ(found, std::size(forms));
    EXPECT_EQ(header_id("1"), HeaderId::other);
}

TEST(SipHeaderNames, TrustIsToldApart) {
    for (const char* name :
         {"P-Asserted-Identity", "p-asserted-identity", "P-PREFERRED-IDENTITY", "Remote-Party-ID", "ms-diagnostics",
          "MS-Edge-Proxy-Message-Trust", "ms-edge-something-new", "P-Asserted-Anything", "P-Charging-Vector"})
        EXPECT_TRUE(is_trust_header(header_id(name), name)) << name;
    for (const char* name : {"From", "Via", "ms-diagnostics-public", "ms-conversation-id", "P-Early-Media", "Identity",
                             "ms-edge", "X-P-Asserted-Identity"})
        EXPECT_FALSE(is_trust_header(header_id(name), name)) << name;
}

}  // namespace
}  // namespace fedge::sip
