#include "dataplane/policy/names.h"

#include <gtest/gtest.h>

#include <string>

namespace fedge::policy {
namespace {

TEST(Names, WhatIsADomain) {
    const std::string label63(63, 'a'), label64(64, 'a');
    const std::string name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
    ASSERT_EQ(name253.size(), 253u);
    struct Case {
        const char* title;
        std::string text, domain;  // empty: none
    };
    const Case cases[] = {
        {"a domain", "contoso.com", "contoso.com"},
        {"capitals become small", "It.Contoso.COM", "it.contoso.com"},
        {"one final dot goes", "contoso.com.", "contoso.com"},
        {"two final dots", "contoso.com..", ""},
        {"a single label", "lab", "lab"},
        {"A-labels", "xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"U-labels are control's business",
         "b\xc3\xbc"
         "cher.example",
         ""},
        {"digits in front", "3com.example", "3com.example"},
        {"inner hyphen", "a-b.example", "a-b.example"},
        {"hyphen in front", "-a.example", ""},
        {"hyphen at the end", "a-.example", ""},
        {"underscore", "_sip.example", ""},
        {"wildcard", "*.example", ""},
        {"nothing", "", ""},
        {"a dot alone", ".", ""},
        {"empty label in front", ".example", ""},
        {"empty label inside", "a..example", ""},
        {"IPv4 address", "192.0.2.1", ""},
        {"IPv6 address", "[2001:db8::1]", ""},
        {"a number", "12345", ""},
        {"port", "contoso.com:5061", ""},
        {"userinfo", "alice@contoso.com", ""},
        {"NUL byte", std::string("a\0.example", 10), ""},
        {"white space", "contoso.com ", ""},
        {"label of 63", label63 + ".example", label63 + ".example"},
        {"label of 64", label64 + ".example", ""},
        {"253 characters", name253, name253},
        {"253 characters and a final dot", name253 + ".", name253},
        {"254 characters", name253 + "c", ""},
    };
    for (const Case& one : cases) {
        auto domain = Domain::parse(one.text);
        EXPECT_EQ(domain ? domain->view() : "", one.domain) << one.title;
    }
}

TEST(Names, SuffixesMatchOnLabelBorders) {
    EXPECT_TRUE(covers("contoso.com", "contoso.com"));
    EXPECT_TRUE(covers("contoso.com", "it.contoso.com"));
    EXPECT_TRUE(covers("contoso.com", "a.b.contoso.com"));
    EXPECT_FALSE(covers("contoso.com", "notcontoso.com"));
    EXPECT_FALSE(covers("it.contoso.com", "contoso.com"));
    EXPECT_FALSE(covers("contoso.com", "contoso.com.evil.example"));
    EXPECT_FALSE(covers("", "contoso.com"));
}

// The valid and invalid examples for open and enhanced federation.
TEST(Names, TargetsLiveInTheNamespaceOfTheirDomain) {
    EXPECT_TRUE(in_namespace("contoso.com", "contoso.com"));
    EXPECT_TRUE(in_namespace("sip.contoso.com", "contoso.com"));
    EXPECT_FALSE(in_namespace("sip.it.contoso.com", "contoso.com"));
    EXPECT_FALSE(in_namespace("sip.notcontoso.com", "contoso.com"));
    EXPECT_FALSE(in_namespace("sipcontoso.com", "contoso.com"));
    EXPECT_FALSE(in_namespace("sip.fabrikam.com", "contoso.com"));
    EXPECT_FALSE(in_namespace(".contoso.com", "contoso.com"));
    EXPECT_FALSE(in_namespace("com", "contoso.com"));
}

}  // namespace
}  // namespace fedge::policy
