#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "control/credentials/keys.h"
#include "control/problem.h"

namespace fedge::control {
namespace {

std::string hex(const std::vector<uint8_t>& bytes) {
    std::string out;
    char digits[3];
    for (uint8_t b : bytes) {
        std::snprintf(digits, sizeof(digits), "%02x", b);
        out += digits;
    }
    return out;
}

TEST(Credentials, Md5KeyOfRfc8489Section922) {
    EXPECT_EQ(hex(derive_keys("user", "realm", "pass").md5), "8493fbc53ba582fb4c044c456bdc40eb");
}

// RFC 8489 appendix B.1: the user name is "マトリックス" in katakana, the realm example.org.
TEST(Credentials, UserhashOfRfc8489AppendixB1) {
    const char* name = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
    EXPECT_EQ(hex(derive_keys(name, "example.org", "TheMatrIX").userhash),
              "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704");
}

TEST(Credentials, KeysHaveTheirLengthsAndDependOnEveryPart) {
    UserKeys keys = derive_keys("u", "r", "p");
    EXPECT_EQ(keys.md5.size(), 16U);
    EXPECT_EQ(keys.sha256.size(), 32U);
    EXPECT_EQ(keys.userhash.size(), 32U);
    EXPECT_NE(keys.sha256, derive_keys("u", "r2", "p").sha256);
    EXPECT_NE(keys.sha256, derive_keys("u", "r", "p2").sha256);
    EXPECT_NE(keys.userhash, derive_keys("u2", "r", "p").userhash);
    EXPECT_EQ(keys.userhash, derive_keys("u", "r", "p2").userhash);
}

TEST(Credentials, TextRules) {
    for (const char* good : {"alice", "1001", "j\xc3\xb6rg", "a b", "\xf0\x9f\x98\x80"})
        EXPECT_NO_THROW(check_name(good)) << good;
    std::string with_nul("a\0b", 3);
    for (const std::string& bad :
         {std::string(), std::string("a\nb"), std::string("\x7f"), with_nul, std::string("\xc2\x85"),
          std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string("\xe2\x82"),
          std::string("\xf4\x90\x80\x80"), std::string(509, 'a'), std::string("1795217299"),
          std::string("1795217299:bob")}) {
        EXPECT_THROW(check_name(bad), Refusal) << hex({bad.begin(), bad.end()});
    }
    EXPECT_NO_THROW(check_password(std::string(512, 'x')));
    EXPECT_THROW(check_password(std::string(513, 'x')), Refusal);
    EXPECT_THROW(check_password(""), Refusal);
}

TEST(Credentials, RefusalsNeverQuoteThePassword) {
    try {
        check_password("hunter2\n");
        ADD_FAILURE();
    } catch (const Refusal& refusal) {
        EXPECT_EQ((refusal.problem().what + refusal.problem().fix).find("hunter2"), std::string::npos);
    }
}

TEST(Credentials, SecretsAreLongRandomAndTellNothingByTheirFingerprint) {
    std::set<std::string> secrets;
    for (int i = 0; i < 100; i++) secrets.insert(new_secret());
    EXPECT_EQ(secrets.size(), 100U);
    EXPECT_EQ(secrets.begin()->size(), 44U);
    EXPECT_EQ(fingerprint("abc"), "ba7816bf");  // FIPS 180-2 example
    EXPECT_EQ(new_nonce_key().size(), 16U);
    EXPECT_NE(new_nonce_key(), new_nonce_key());
}

}  // namespace
}  // namespace fedge::control
