#include "dataplane/relay/credentials.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <stdexcept>
#include <string>

#include "dataplane/relay/text_digest.h"
#include "tests/support/hex.h"
#include "tests/support/stun_client.h"
#include "tests/support/turn_settings.h"

namespace fedge::relay {
namespace {

using test::TurnSettings;

constexpr uint64_t kNow = 1'800'000'000;

struct Compiled {
    explicit Compiled(const TurnSettings& settings, UserHashKey hash_key = {})
        : buffer(settings.build()), credentials(test::turn_of(buffer), hash_key, digest) {}

    Digest digest;
    flatbuffers::DetachedBuffer buffer;
    Credentials credentials;
};

TurnSettings settings_with_all() {
    TurnSettings s;
    s.users = {{"carol", "c"}, {"alice", "a"}, {"bob", "b"}, {"1900000000:dave", "d"}};
    s.secrets = {"newest secret", "older secret"};
    return s;
}

TEST(Credentials, FindsStaticUsersByNameAndByUserhash) {
    Compiled c{settings_with_all()};
    for (const char* name : {"alice", "bob", "carol"}) {
        UserMatch user = c.credentials.find(name, kNow);
        EXPECT_EQ(user.kind, UserKind::fixed);
        EXPECT_EQ(user.name, name);
        EXPECT_EQ(user.user_part, name);
        EXPECT_EQ(user.expiry_unix, 0U);
        auto hash = test::digest_of(EVP_sha256(), std::string(name) + ":example.org");
        UserMatch by_hash = c.credentials.find_userhash(hash);
        EXPECT_EQ(by_hash.kind, UserKind::fixed);
        EXPECT_EQ(by_hash.name, name);
        EXPECT_EQ(c.credentials.id(by_hash), c.credentials.id(user));
        hash[31] ^= 1;
        EXPECT_EQ(c.credentials.find_userhash(hash).kind, UserKind::unknown);
    }
    EXPECT_EQ(c.credentials.find_userhash({}).kind, UserKind::unknown);
    for (const char* name : {"", "alic", "alicf", "alice ", "Alice", "zz"})
        EXPECT_EQ(c.credentials.find(name, kNow).kind, UserKind::unknown) << name;
}

TEST(Credentials, StaticKeysAreThoseOfTheSnapshot) {
    Compiled c{settings_with_all()};
    UserMatch bob = c.credentials.find("bob", kNow);
    EXPECT_EQ(c.credentials.key_count(bob), 1U);
    EXPECT_EQ(test::to_hex(c.credentials.key(bob, PasswordAlgorithm::md5, 0, c.digest).view()),
              test::to_hex(test::digest_of(EVP_md5(), "bob:example.org:b")));
    EXPECT_EQ(test::to_hex(c.credentials.key(bob, PasswordAlgorithm::sha256, 0, c.digest).view()),
              test::to_hex(test::digest_of(EVP_sha256(), "bob:example.org:b")));
}

TEST(Credentials, TimeLimitedNames) {
    Compiled c{settings_with_all()};
    struct {
        const char* name;
        UserKind kind;
        const char* user_part;
        uint64_t expiry;
    } const rows[] = {
        {"1800000001:erin", UserKind::time_limited, "erin", 1800000001},
        {"1800000001:a:b", UserKind::time_limited, "a:b", 1800000001},
        {"1800000001", UserKind::time_limited, "1800000001", 1800000001},
        {"1800000001:", UserKind::time_limited, "1800000001:", 1800000001},
        {"18446744073709551615:far", UserKind::time_limited, "far", 18446744073709551615U},
        {"1800000000:now", UserKind::unknown, "1800000000:now", 0},
        {"1799999999:past", UserKind::unknown, "1799999999:past", 0},
        {"18446744073709551616:overflow", UserKind::unknown, "18446744073709551616:overflow", 0},
        {"-1800000001:minus", UserKind::unknown, "-1800000001:minus", 0},
        {"+1800000001:plus", UserKind::unknown, "+1800000001:plus", 0},
        {" 1800000001:space", UserKind::unknown, " 1800000001:space", 0},
        {"1800000001 :space", UserKind::unknown, "1800000001 :space", 0},
        {"0x7fffffff:hex", UserKind::unknown, "0x7fffffff:hex", 0},
        {"erin:1800000001", UserKind::unknown, "erin:1800000001", 0},
        {":erin", UserKind::unknown, ":erin", 0},
        // A static user of that name goes before.
        {"1900000000:dave", UserKind::fixed, "1900000000:dave", 0},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        UserMatch user = c.credentials.find(row.name, kNow);
        EXPECT_EQ(user.kind, row.kind);
        EXPECT_EQ(user.name, row.name);
        EXPECT_EQ(user.user_part, row.user_part);
        EXPECT_EQ(user.expiry_unix, row.expiry);
    }
}

TEST(Credentials, TimeLimitedNamesNeedASecret) {
    TurnSettings settings;
    settings.users = {{"alice", "a"}};
    Compiled c{settings};
    EXPECT_EQ(c.credentials.find("1800000001:erin", kNow).kind, UserKind::unknown);
}

TEST(Credentials, TimeLimitedKeysComeFromEverySecretNewestFirst) {
    Compiled c{settings_with_all()};
    std::string name = "1800003600:erin";
    UserMatch user = c.credentials.find(name, kNow);
    ASSERT_EQ(c.credentials.key_count(user), 2U);
    const char* const secrets[] = {"newest secret", "older secret"};
    for (size_t k = 0; k < 2; k++) {
        std::string text = name + ":example.org:" + test::time_limited_password(secrets[k], name);
        EXPECT_EQ(test::to_hex(c.credentials.key(user, PasswordAlgorithm::md5, k, c.digest).view()),
                  test::to_hex(test::digest_of(EVP_md5(), text)));
        EXPECT_EQ(test::to_hex(c.credentials.key(user, PasswordAlgorithm::sha256, k, c.digest).view()),
                  test::to_hex(test::digest_of(EVP_sha256(), text)));
    }
}

TEST(Credentials, UserIdsNameUsersAndShareQuotasByUserPart) {
    UserHashKey key{{1, 2, 3}};
    Compiled c{settings_with_all(), key}, same{settings_with_all(), key}, other{settings_with_all(), {{9}}};
    auto id = [](const Compiled& x, const char* name) { return x.credentials.id(x.credentials.find(name, kNow)); };
    EXPECT_EQ(id(c, "1800000001:erin"), id(same, "1800000001:erin")) << "stable over snapshots and cores";
    EXPECT_NE(id(c, "1800000001:erin"), id(other, "1800000001:erin"));
    EXPECT_NE(id(c, "1800000001:erin").name, id(c, "1800000002:erin").name);
    EXPECT_EQ(id(c, "1800000001:erin").quota, id(c, "1800000002:erin").quota);
    EXPECT_NE(id(c, "1800000001:erin").quota, id(c, "1800000001:eric").quota);
    EXPECT_NE(id(c, "1800000001").quota, id(c, "1800000002").quota);
    EXPECT_NE(id(c, "alice").name, id(c, "bob").name);
}

TEST(Credentials, OffersAnonymityOnlyWhereUserhashCanNameEveryUser) {
    TurnSettings users_only, secrets_only, both = settings_with_all();
    users_only.users = {{"alice", "a"}};
    secrets_only.secrets = {"s"};
    EXPECT_EQ(Compiled{users_only}.credentials.nonces().features(), (NonceFeatures{true, true}));
    EXPECT_EQ(Compiled{secrets_only}.credentials.nonces().features(), (NonceFeatures{true, false}));
    EXPECT_EQ(Compiled{both}.credentials.nonces().features(), (NonceFeatures{true, false}));
    users_only.password_algorithms = false;
    EXPECT_EQ(Compiled{users_only}.credentials.nonces().features(), (NonceFeatures{false, true}));
}

TEST(Credentials, RefusesUnusableSettingsInWords) {
    struct {
        const char* expected;
        std::function<void(TurnSettings&)> change;
    } const rows[] = {
        {"turn.realm", [](TurnSettings& s) { s.realm = ""; }},
        {"turn.realm", [](TurnSettings& s) { s.realm = std::string(128, 'r'); }},
        {"turn.nonce_keys", [](TurnSettings& s) { s.nonce_keys.pop_back(); }},
        {"turn.nonce_lifetime_s", [](TurnSettings& s) { s.nonce_lifetime_s = 0; }},
        {"turn.secrets[1].key", [](TurnSettings& s) { s.secrets[1] = ""; }},
        {"turn.secrets: at most 16", [](TurnSettings& s) { s.secrets.resize(17, "x"); }},
        {"turn.users[0].name", [](TurnSettings& s) { s.users[0].name = ""; }},
        {"turn.users[1].name", [](TurnSettings& s) { s.users[1].name = std::string(509, 'u'); }},
        {"turn.users: bob",
         [](TurnSettings& s) {
             s.users.push_back({"bob", "again"});
         }},
    };
    for (const auto& row : rows) {
        TurnSettings settings = settings_with_all();
        row.change(settings);
        try {
            Compiled compiled{settings};
            ADD_FAILURE() << row.expected << " was accepted";
        } catch (const std::invalid_argument& error) {
            EXPECT_TRUE(std::string_view(error.what()).starts_with(row.expected)) << error.what();
        }
    }
}

TEST(Credentials, RefusesKeysOfWrongLength) {
    flatbuffers::FlatBufferBuilder b;
    std::vector<uint8_t> good16(16), good32(32), bad(15);
    for (int which = 0; which < 3; which++) {
        auto user = contract::CreateTurnUserDirect(b, "u", which == 0 ? &bad : &good16, which == 1 ? &bad : &good32,
                                                   which == 2 ? &bad : &good32);
        std::vector<flatbuffers::Offset<contract::TurnUser>> users{user};
        auto list = b.CreateVector(users);
        auto keys = b.CreateVector(good16);
        auto realm = b.CreateString("r");
        std::vector<flatbuffers::Offset<contract::RelayAddress>> no_relays;
        auto relays = b.CreateVector(no_relays);
        contract::TurnBuilder turn{b};
        turn.add_realm(realm);
        turn.add_relay_addresses(relays);
        turn.add_nonce_keys(keys);
        turn.add_users(list);
        b.Finish(turn.Finish());
        Digest digest;
        EXPECT_THROW(Credentials(*flatbuffers::GetRoot<contract::Turn>(b.GetBufferPointer()), {}, digest),
                     std::invalid_argument)
            << which;
        b.Clear();
    }
}

}  // namespace
}  // namespace fedge::relay
