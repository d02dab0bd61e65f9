#include "dataplane/policy/decoration.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace fedge::policy {
namespace {

// As the documents show it for Skype.
Provider messenger() {
    Provider provider;
    provider.name = "Skype";
    provider.proxy = "federation.messenger.msn.com";
    provider.decoration_domain = provider.decoration_routing_domain = "msn.com";
    provider.decoration_excluded = {"msn.com", "outlook.com", "live.com", "hotmail.com"};
    return provider;
}

TEST(Decoration, WrapsForeignAccountsOnly) {
    struct Case {
        const char* title;
        const char* user;
        const char* domain;
        Decorated result;
        const char* address;
    };
    const Case cases[] = {
        {"foreign account", "bob", "contoso.com", Decorated::wrapped, "bob(contoso.com)@msn.com"},
        {"the provider's own", "bob", "msn.com", Decorated::unchanged, ""},
        {"excluded", "bob", "hotmail.com", Decorated::unchanged, ""},
        {"below an excluded one is another domain", "bob", "uk.hotmail.com", Decorated::wrapped,
         "bob(uk.hotmail.com)@msn.com"},
        {"brackets in the user part", "bob(x.example)", "contoso.com", Decorated::wrapped,
         "bob(x.example)(contoso.com)@msn.com"},
        {"no user", "", "contoso.com", Decorated::impossible, ""},
        {"no domain", "bob", "192.0.2.1", Decorated::impossible, ""},
        {"domain in capitals", "bob", "Contoso.com", Decorated::impossible, ""},
    };
    std::array<char, kMaxAddress> buffer;
    for (const Case& one : cases) {
        Decoration decoration = decorate(messenger(), {one.user, one.domain}, buffer);
        EXPECT_EQ(decoration.result, one.result) << one.title;
        EXPECT_EQ(decoration.address, one.address) << one.title;
    }
    EXPECT_EQ(decorate(Provider(), {"bob", "contoso.com"}, buffer).result, Decorated::unchanged);
    EXPECT_EQ(decorate(messenger(), {std::string(700, 'u'), "contoso.com"}, buffer).result, Decorated::impossible);
    std::array<char, 8> small;
    EXPECT_EQ(decorate(messenger(), {"bob", "contoso.com"}, small).result, Decorated::impossible);
}

TEST(Decoration, ReadsBackOnlyWhatItWrites) {
    auto none = std::optional<Account>();
    Provider provider = messenger();
    EXPECT_EQ(undecorate(provider, {"bob(contoso.com)", "msn.com"}), (Account{"bob", "contoso.com"}));
    EXPECT_EQ(undecorate(provider, {"bob(contoso.com)", "other.example"}), none);
    EXPECT_EQ(undecorate(provider, {"bob", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"(contoso.com)", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"bob()", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"bob(contoso.com", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"bobcontoso.com)", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"bob(Contoso.com)", "msn.com"}), none);
    EXPECT_EQ(undecorate(provider, {"bob(hotmail.com)", "msn.com"}), none);  // never wrapped
    EXPECT_EQ(undecorate(Provider(), {"bob(contoso.com)", ""}), none);
}

TEST(Decoration, RoundTripIsExact) {
    std::mt19937 random(20190511);
    const std::string letters = "ab().@%+\"\\ \x01\xff(";
    const char* domains[] = {"contoso.com", "a.b.c.example", "xn--bcher-kva.example", "uk.msn.com"};
    Provider provider = messenger();
    for (int round = 0; round < 20000; round++) {
        std::string user;
        for (auto n = 1 + random() % 12; n > 0; n--) user += letters[random() % letters.size()];
        Account account{user, domains[random() % std::size(domains)]};
        std::array<char, kMaxAddress> buffer;
        Decoration decoration = decorate(provider, account, buffer);
        ASSERT_EQ(decoration.result, Decorated::wrapped) << user;
        size_t at = decoration.address.rfind('@');
        auto back = undecorate(provider, {decoration.address.substr(0, at), decoration.address.substr(at + 1)});
        ASSERT_TRUE(back) << decoration.address;
        ASSERT_EQ(*back, account);
    }
}

}  // namespace
}  // namespace fedge::policy
