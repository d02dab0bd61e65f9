#include "dataplane/relay/authenticate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/hex.h"
#include "tests/support/stun_client.h"
#include "tests/support/turn_settings.h"

namespace fedge::relay {
namespace {

using test::StunAttempt;
using test::TurnSettings;
using Integrity = StunAttempt::Integrity;

constexpr uint64_t kNow = 1'800'000'000;
constexpr uint32_t kNonceLifetime = 600;
const RequestPath kPath{*Endpoint::parse("192.0.2.7:40000"), *Endpoint::parse("198.51.100.1:3478")};

RequestPath path_from(const char* client) {
    return {*Endpoint::parse(client), kPath.server};
}

// The server side of one snapshot.
struct Server {
    explicit Server(const TurnSettings& settings = users())
        : buffer(settings.build()), credentials(test::turn_of(buffer), {}, digest) {}

    static TurnSettings users() {
        TurnSettings s;
        s.nonce_lifetime_s = kNonceLifetime;
        s.users = {{"alice", "wonderland"}, {"bob", "builder"}};
        return s;
    }
    static TurnSettings secrets() {
        TurnSettings s = users();
        s.secrets = {"newest secret", "older secret"};
        return s;
    }

    std::string nonce(const RequestPath& path = kPath, uint64_t now = kNow) const {
        return std::string(credentials.nonces().issue(path, now).text());
    }
    AuthResult ask(const StunAttempt& attempt, const RequestPath& path = kPath, uint64_t now = kNow) {
        bytes = attempt.write();
        message = wire::StunMessage::parse(bytes);
        EXPECT_TRUE(message.has_value());
        return authenticate(*message, path, now, credentials, digest);
    }
    std::vector<uint8_t> refusal(AuthOutcome outcome, const RequestPath& path = kPath, uint64_t now = kNow) {
        std::vector<uint8_t> out(kMaxRefusal);
        out.resize(write_refusal(outcome, *message, path, now, credentials, out).size());
        return out;
    }

    Digest digest;
    flatbuffers::DetachedBuffer buffer;
    Credentials credentials;
    std::vector<uint8_t> bytes;  // of the last attempt; results point into it
    std::optional<wire::StunMessage> message;
};

// A right request, ready to be spoilt.
StunAttempt alice(const Server& server) {
    StunAttempt attempt;
    attempt.log_in("alice", "example.org", "wonderland");
    attempt.nonce = server.nonce();
    return attempt;
}
StunAttempt alice_sha256(const Server& server) {
    StunAttempt attempt;
    attempt.log_in_sha256("alice", "example.org", "wonderland");
    attempt.nonce = server.nonce();
    return attempt;
}
std::vector<uint8_t> userhash(const std::string& user) {
    return test::digest_of(EVP_sha256(), user + ":example.org");
}

// RFC 8489 section 9.2.4, branch by branch in its order. Nothing but the last two outcomes may cost an HMAC.
struct Row {
    const char* name;
    StunAttempt (*base)(const Server&);
    std::function<void(StunAttempt&)> change;
    AuthOutcome outcome;
    HmacAlgorithm response = HmacAlgorithm::sha1;  // when accepted
};

const Row kRows[] = {
    {"no integrity attribute at all", alice, [](StunAttempt& a) { a.integrity = Integrity::none; },
     AuthOutcome::challenge},
    {"nothing but the method", alice, [](StunAttempt& a) { a = {}; }, AuthOutcome::challenge},

    {"integrity without USERNAME and USERHASH", alice, [](StunAttempt& a) { a.username.reset(); },
     AuthOutcome::bad_request},
    {"integrity without REALM", alice, [](StunAttempt& a) { a.realm.reset(); }, AuthOutcome::bad_request},
    {"integrity without NONCE", alice, [](StunAttempt& a) { a.nonce.reset(); }, AuthOutcome::bad_request},
    {"SHA-256 integrity without NONCE", alice_sha256, [](StunAttempt& a) { a.nonce.reset(); },
     AuthOutcome::bad_request},
    {"USERNAME of 509 bytes", alice, [](StunAttempt& a) { a.username = std::string(509, 'x'); },
     AuthOutcome::bad_request},

    {"neither PASSWORD-ALGORITHMS nor PASSWORD-ALGORITHM means MD5", alice, [](StunAttempt&) {}, AuthOutcome::accepted},
    {"both, SHA-256 chosen", alice_sha256, [](StunAttempt&) {}, AuthOutcome::accepted, HmacAlgorithm::sha256},
    {"both, MD5 chosen", alice_sha256,
     [](StunAttempt& a) {
         a.password_algorithm = {0, 1, 0, 0};
         a.key = test::digest_of(EVP_md5(), "alice:example.org:wonderland");
     },
     AuthOutcome::accepted, HmacAlgorithm::sha256},
    {"PASSWORD-ALGORITHMS alone", alice_sha256, [](StunAttempt& a) { a.password_algorithm.reset(); },
     AuthOutcome::bad_request},
    {"PASSWORD-ALGORITHM alone", alice_sha256, [](StunAttempt& a) { a.password_algorithms.reset(); },
     AuthOutcome::bad_request},
    {"bid-down: SHA-256 cut out of the list", alice_sha256,
     [](StunAttempt& a) {
         a.password_algorithms = {0, 1, 0, 0};
         a.password_algorithm = {0, 1, 0, 0};
         a.key = test::digest_of(EVP_md5(), "alice:example.org:wonderland");
     },
     AuthOutcome::bad_request},
    {"bid-down: list in another order", alice_sha256,
     [](StunAttempt& a) { a.password_algorithms = {0, 1, 0, 0, 0, 2, 0, 0}; }, AuthOutcome::bad_request},
    {"list with an algorithm more", alice_sha256,
     [](StunAttempt& a) { a.password_algorithms = {0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0}; }, AuthOutcome::bad_request},
    {"choice that is not in the list", alice_sha256,
     [](StunAttempt& a) {
         a.password_algorithm = {0, 3, 0, 0};
     },
     AuthOutcome::bad_request},
    {"choice with parameters", alice_sha256, [](StunAttempt& a) { a.password_algorithm = {0, 2, 0, 4, 1, 2, 3, 4}; },
     AuthOutcome::bad_request},
    {"choice whose parameter length is wrong", alice_sha256,
     [](StunAttempt& a) {
         a.password_algorithm = {0, 2, 0, 1};
     },
     AuthOutcome::bad_request},

    {"bid-down: nonce cookie cut off", alice, [](StunAttempt& a) { a.nonce->erase(0, Nonce::kCookie); },
     AuthOutcome::stale},
    {"bid-down: nonce cookie says nothing is offered", alice, [](StunAttempt& a) { a.nonce->replace(9, 4, "AAAA"); },
     AuthOutcome::stale},
    {"bid-down: algorithms named under a nonce that says none", alice_sha256,
     [](StunAttempt& a) { a.nonce->replace(9, 4, "AAAC"); }, AuthOutcome::bad_request},
    {"made-up nonce", alice, [](StunAttempt& a) { a.nonce = "f//499k954d6OL34oL9FSTvy64sA"; }, AuthOutcome::stale},
    {"empty nonce", alice, [](StunAttempt& a) { a.nonce = ""; }, AuthOutcome::stale},
    {"nonce of 763 bytes", alice, [](StunAttempt& a) { a.nonce = std::string(763, 'A'); }, AuthOutcome::stale},

    {"unknown USERNAME", alice, [](StunAttempt& a) { a.username = "mallory"; }, AuthOutcome::unauthorized},
    {"empty USERNAME", alice, [](StunAttempt& a) { a.username = ""; }, AuthOutcome::unauthorized},
    {"USERNAME of 508 bytes", alice, [](StunAttempt& a) { a.username = std::string(508, 'x'); },
     AuthOutcome::unauthorized},
    {"USERNAME of somebody else", alice, [](StunAttempt& a) { a.username = "bob"; }, AuthOutcome::unauthorized},
    {"unknown USERHASH", alice_sha256,
     [](StunAttempt& a) {
         a.username.reset();
         a.userhash = userhash("mallory");
     },
     AuthOutcome::unauthorized},
    {"USERHASH of a static user", alice_sha256,
     [](StunAttempt& a) {
         a.username.reset();
         a.userhash = userhash("alice");
     },
     AuthOutcome::accepted, HmacAlgorithm::sha256},
    {"USERHASH, signed by a client of RFC 5389", alice,
     [](StunAttempt& a) {
         a.username.reset();
         a.userhash = userhash("alice");
     },
     AuthOutcome::accepted},
    {"another REALM", alice, [](StunAttempt& a) { a.realm = "example.com"; }, AuthOutcome::unauthorized},

    {"wrong password", alice, [](StunAttempt& a) { a.key[3] ^= 1; }, AuthOutcome::unauthorized},
    {"wrong password, SHA-256", alice_sha256, [](StunAttempt& a) { a.key[3] ^= 1; }, AuthOutcome::unauthorized},
    {"SHA-256 key under a request that means MD5", alice,
     [](StunAttempt& a) { a.key = test::digest_of(EVP_sha256(), "alice:example.org:wonderland"); },
     AuthOutcome::unauthorized},
    {"MD5 key under a request that names SHA-256", alice_sha256,
     [](StunAttempt& a) { a.key = test::digest_of(EVP_md5(), "alice:example.org:wonderland"); },
     AuthOutcome::unauthorized},
    {"both integrity attributes right", alice_sha256, [](StunAttempt& a) { a.integrity = Integrity::both; },
     AuthOutcome::accepted, HmacAlgorithm::sha256},
    {"SHA-256 named, signed with MESSAGE-INTEGRITY: answered with SHA-256", alice_sha256,
     [](StunAttempt& a) { a.integrity = Integrity::sha1; }, AuthOutcome::accepted, HmacAlgorithm::sha256},
    {"no algorithm named, signed with SHA-256: answered with MESSAGE-INTEGRITY", alice,
     [](StunAttempt& a) { a.integrity = Integrity::sha256; }, AuthOutcome::accepted},
    {"FINGERPRINT behind the integrity attribute is not covered by it", alice_sha256,
     [](StunAttempt& a) { a.fingerprint = true; }, AuthOutcome::accepted, HmacAlgorithm::sha256},
};

TEST(Authenticate, Rfc8489Section9_2_4) {
    for (const Row& row : kRows) {
        SCOPED_TRACE(row.name);
        Server server;
        StunAttempt attempt = row.base(server);
        row.change(attempt);
        AuthResult result = server.ask(attempt);
        EXPECT_EQ(result.outcome, row.outcome);
        bool proved = row.outcome == AuthOutcome::accepted || row.outcome == AuthOutcome::unauthorized;
        EXPECT_EQ(server.digest.hmacs() > 0, proved) << "HMACs for who has not echoed a fresh nonce";
        if (row.outcome != AuthOutcome::accepted) continue;
        EXPECT_EQ(result.key.hmac.algorithm, row.response);
        EXPECT_EQ(result.username, "alice");
        EXPECT_EQ(result.user_part, "alice");
        EXPECT_EQ(result.credential_expiry_unix, 0U);
        EXPECT_EQ(result.user, server.credentials.id(server.credentials.find("alice", kNow)));
    }
}

TEST(Authenticate, Sha256IsWhatCountsWhenBothIntegrityAttributesAreThere) {
    Server server;
    StunAttempt attempt = alice_sha256(server);
    attempt.integrity = Integrity::both;
    std::vector<uint8_t> request = attempt.write();
    request[request.size() - 1] ^= 1;  // the last byte of MESSAGE-INTEGRITY-SHA256; MESSAGE-INTEGRITY stays right
    auto message = wire::StunMessage::parse(request);
    ASSERT_TRUE(message);
    EXPECT_EQ(authenticate(*message, kPath, kNow, server.credentials, server.digest).outcome,
              AuthOutcome::unauthorized);
}

TEST(Authenticate, EveryCoveredBitCounts) {
    Server server;
    for (auto base : {alice, alice_sha256}) {
        std::vector<uint8_t> good = base(server).write();
        for (size_t bit = 0; bit < good.size() * 8; bit++) {
            std::vector<uint8_t> bad = good;
            bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
            auto message = wire::StunMessage::parse(bad);
            if (!message) continue;
            EXPECT_NE(authenticate(*message, kPath, kNow, server.credentials, server.digest).outcome,
                      AuthOutcome::accepted)
                << "bit " << bit;
        }
    }
}

TEST(Authenticate, TruncatedSha256IsRefused) {
    Server server;
    StunAttempt attempt = alice_sha256(server);
    attempt.integrity = Integrity::none;
    std::vector<uint8_t> request = attempt.write();
    for (size_t size : {size_t{16}, size_t{28}}) {
        std::vector<uint8_t> truncated = request;
        store_be16(truncated.data() + 2, static_cast<uint16_t>(request.size() - 20 + 4 + size));
        auto mac = test::hmac_of(EVP_sha256(), attempt.key, truncated);
        truncated.insert(truncated.end(), {0x00, 0x1c, 0x00, static_cast<uint8_t>(size)});
        truncated.insert(truncated.end(), mac.begin(), mac.begin() + static_cast<ptrdiff_t>(size));
        auto message = wire::StunMessage::parse(truncated);
        ASSERT_TRUE(message);
        EXPECT_EQ(authenticate(*message, kPath, kNow, server.credentials, server.digest).outcome,
                  AuthOutcome::unauthorized);
    }
}

// Longer than a jumbo frame can carry: not hashed at all, whatever its signature is.
TEST(Authenticate, RequestLongerThanAnyFrameIsRefused) {
    Server server;
    StunAttempt good = alice(server);
    for (auto [filler, outcome] :
         {std::pair{size_t{8000}, AuthOutcome::accepted}, {size_t{12'000}, AuthOutcome::unauthorized}}) {
        std::vector<uint8_t> out(16'000);
        wire::StunWriter writer{out, wire::StunClass::request, 3, {}};
        const std::vector<uint8_t> zeros(filler);
        writer.attribute(wire::StunAttribute::data, Bytes{zeros});
        writer.attribute(wire::StunAttribute::username, *good.username);
        writer.attribute(wire::StunAttribute::realm, *good.realm);
        writer.attribute(wire::StunAttribute::nonce, *good.nonce);
        uint8_t* mac = nullptr;
        Bytes covered = writer.begin_integrity(wire::StunAttribute::message_integrity, kHmacSha1Size, mac);
        ASSERT_NE(mac, nullptr);
        std::ranges::copy(test::hmac_of(EVP_sha1(), good.key, covered), mac);
        auto message = wire::StunMessage::parse(writer.finish());
        ASSERT_TRUE(message);
        uint64_t hmacs = server.digest.hmacs();
        EXPECT_EQ(authenticate(*message, kPath, kNow, server.credentials, server.digest).outcome, outcome);
        EXPECT_EQ(server.digest.hmacs() > hmacs, outcome == AuthOutcome::accepted);
    }
}

TEST(Authenticate, NonceIsBoundToSourceTimeAndKey) {
    Server server;
    StunAttempt attempt = alice(server);
    EXPECT_EQ(server.ask(attempt, kPath, kNow + kNonceLifetime).outcome, AuthOutcome::accepted);
    uint64_t hmacs = server.digest.hmacs();
    EXPECT_EQ(server.ask(attempt, kPath, kNow + kNonceLifetime + 1).outcome, AuthOutcome::stale);
    EXPECT_EQ(server.ask(attempt, path_from("192.0.2.8:40000")).outcome, AuthOutcome::stale);
    EXPECT_EQ(server.ask(attempt, path_from("192.0.2.7:40001")).outcome, AuthOutcome::stale);
    TurnSettings rotated = Server::users();
    rotated.nonce_keys.assign(32, 0x99);
    std::fill_n(rotated.nonce_keys.begin() + 16, 16, uint8_t{0x17});
    EXPECT_EQ(Server{rotated}.ask(attempt).outcome, AuthOutcome::accepted);
    rotated.nonce_keys.resize(16);
    EXPECT_EQ(Server{rotated}.ask(attempt).outcome, AuthOutcome::stale);
    EXPECT_EQ(server.digest.hmacs(), hmacs);
}

TEST(Authenticate, AlgorithmsNamedThoughNoneAreOfferedAreRefused) {
    TurnSettings settings = Server::secrets();
    settings.password_algorithms = false;
    Server server{settings};
    EXPECT_EQ(server.ask(alice_sha256(server)).outcome, AuthOutcome::bad_request);
    EXPECT_EQ(server.ask(alice(server)).outcome, AuthOutcome::accepted);
    server.ask({});
    auto reply = server.refusal(AuthOutcome::challenge);
    auto challenge = wire::StunMessage::parse(reply);
    ASSERT_TRUE(challenge);
    EXPECT_FALSE(challenge->has(wire::StunAttribute::password_algorithms));
    EXPECT_EQ(challenge->text(wire::StunAttribute::nonce).size(), Nonce::kBody) << "no cookie";
}

// Time-limited credentials.
StunAttempt limited(const Server& server, const std::string& name, const std::string& secret, bool sha256) {
    StunAttempt attempt;
    if (sha256) {
        attempt.log_in_sha256(name, "example.org", test::time_limited_password(secret, name));
    } else {
        attempt.log_in(name, "example.org", test::time_limited_password(secret, name));
    }
    attempt.nonce = server.nonce();
    return attempt;
}

TEST(Authenticate, TimeLimitedCredentials) {
    struct {
        const char* name;
        const char* username;
        const char* secret;
        AuthOutcome outcome;
        const char* user_part = "";
        uint64_t expiry = 0;
    } const rows[] = {
        {"newest secret", "1800000100:erin", "newest secret", AuthOutcome::accepted, "erin", 1800000100},
        {"older secret", "1800000100:erin", "older secret", AuthOutcome::accepted, "erin", 1800000100},
        {"secret that was removed", "1800000100:erin", "oldest secret", AuthOutcome::unauthorized},
        {"no user part", "1800000100", "newest secret", AuthOutcome::accepted, "1800000100", 1800000100},
        {"one second left", "1800000001:erin", "newest secret", AuthOutcome::accepted, "erin", 1800000001},
        {"expired now", "1800000000:erin", "newest secret", AuthOutcome::unauthorized},
        {"expired long ago", "1700000000:erin", "newest secret", AuthOutcome::unauthorized},
        {"user part before the expiry", "erin:1800000100", "newest secret", AuthOutcome::unauthorized},
        {"no expiry", "erin", "newest secret", AuthOutcome::unauthorized},
    };
    for (const auto& row : rows) {
        for (bool sha256 : {false, true}) {
            SCOPED_TRACE(std::string(row.name) + (sha256 ? ", SHA-256" : ""));
            Server server{Server::secrets()};
            AuthResult result = server.ask(limited(server, row.username, row.secret, sha256));
            EXPECT_EQ(result.outcome, row.outcome);
            if (row.outcome != AuthOutcome::accepted) continue;
            EXPECT_EQ(result.username, row.username);
            EXPECT_EQ(result.user_part, row.user_part);
            EXPECT_EQ(result.credential_expiry_unix, row.expiry);
        }
    }
}

TEST(Authenticate, TimeLimitedNamesHaveNoUserhash) {
    Server server{Server::secrets()};
    StunAttempt attempt = limited(server, "1800000100:erin", "newest secret", true);
    attempt.username.reset();
    attempt.userhash = userhash("1800000100:erin");
    EXPECT_EQ(server.ask(attempt).outcome, AuthOutcome::unauthorized);
}

// Which of user name and password is wrong is told neither by the bytes nor by the work done.
TEST(Authenticate, UnknownUserAndWrongPasswordAreIndistinguishable) {
    for (auto base : {alice, alice_sha256}) {
        std::vector<std::vector<uint8_t>> replies;
        std::vector<uint64_t> work;
        for (auto change : {+[](StunAttempt& a) { a.username = "mallo"; }, +[](StunAttempt& a) { a.key[0] ^= 1; },
                            +[](StunAttempt& a) { a.realm = "example.com"; }}) {
            Server server;
            StunAttempt attempt = base(server);
            change(attempt);
            AuthResult result = server.ask(attempt);
            EXPECT_EQ(result.outcome, AuthOutcome::unauthorized);
            EXPECT_TRUE(result.username.empty());
            replies.push_back(server.refusal(result.outcome));
            work.push_back(server.digest.hmacs());
        }
        EXPECT_EQ(replies[0], replies[1]);
        EXPECT_EQ(replies[0], replies[2]);
        EXPECT_EQ(work[0], work[1]);
        EXPECT_EQ(work[0], work[2]);
    }
}

}  // namespace
}  // namespace fedge::relay
