// What is sent to those who are not authenticated: its content, its size, and how much of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/relay/authenticate.h"
#include "dataplane/relay/source_budget.h"
#include "tests/support/stun_client.h"
#include "tests/support/turn_settings.h"

namespace fedge::relay {
namespace {

using test::StunAttempt;
using test::TurnSettings;
using wire::StunAttribute;

constexpr uint64_t kNow = 1'800'000'000;
const RequestPath kPath{*Endpoint::parse("192.0.2.7:40000"), *Endpoint::parse("198.51.100.1:3478")};

class Refusal : public testing::Test {
  protected:
    Refusal() {
        TurnSettings settings;
        settings.users = {{"alice", "wonderland"}};
        settings.secrets = {"secret"};
        load(settings);
    }
    void load(const TurnSettings& settings) {
        buffer_ = settings.build();
        credentials_.emplace(test::turn_of(buffer_), UserHashKey{}, digest_);
    }
    std::vector<uint8_t> answer(Bytes request, const RequestPath& path = kPath, uint64_t now = kNow) {
        auto message = wire::StunMessage::parse(request);
        EXPECT_TRUE(message);
        AuthResult result = authenticate(*message, path, now, *credentials_, digest_);
        std::vector<uint8_t> out(kMaxRefusal, 0xee);
        out.resize(write_refusal(result.outcome, *message, path, now, *credentials_, out).size());
        return out;
    }
    static uint32_t error_code(const wire::StunMessage& m) {
        Bytes v = m.value(StunAttribute::error_code);
        return v.size() < 4 ? 0 : v[2] * 100U + v[3];
    }

    Digest digest_;
    flatbuffers::DetachedBuffer buffer_;
    std::optional<Credentials> credentials_;
};

TEST_F(Refusal, ChallengeHoldsWhatTheClientNeedsAndNothingElse) {
    StunAttempt first;
    first.fingerprint = true;
    std::vector<uint8_t> reply = answer(first.write());
    auto m = wire::StunMessage::parse(reply);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->klass(), wire::StunClass::error);
    EXPECT_TRUE(m->is(wire::StunMethod::allocate));
    EXPECT_EQ(m->transaction(), first.transaction);
    EXPECT_EQ(error_code(*m), 401U);
    EXPECT_EQ(m->value(StunAttribute::error_code).size(), 4U) << "no reason phrase";
    EXPECT_EQ(m->text(StunAttribute::realm), "example.org");
    EXPECT_EQ(credentials_->nonces().verify(m->text(StunAttribute::nonce), kPath, kNow), NonceVerdict::fresh);
    EXPECT_TRUE(
        std::ranges::equal(m->value(StunAttribute::password_algorithms), std::vector<uint8_t>{0, 2, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(m->fingerprint_ok(), true);
    for (auto absent : {StunAttribute::software, StunAttribute::username, StunAttribute::userhash,
                        StunAttribute::message_integrity, StunAttribute::message_integrity_sha256})
        EXPECT_FALSE(m->has(absent));
    first.fingerprint = false;
    EXPECT_EQ(answer(first.write()).size(), reply.size() - 8);
}

TEST_F(Refusal, ClientGetsThroughWithWhatTheChallengeSays) {
    std::vector<uint8_t> reply = answer(StunAttempt{}.write());
    auto challenge = wire::StunMessage::parse(reply);
    ASSERT_TRUE(challenge);
    StunAttempt second;
    second.log_in_sha256("alice", challenge->text(StunAttribute::realm), "wonderland");
    second.nonce = challenge->text(StunAttribute::nonce);
    Bytes offer = challenge->value(StunAttribute::password_algorithms);
    second.password_algorithms = std::vector<uint8_t>(offer.begin(), offer.end());
    std::vector<uint8_t> request = second.write();
    auto message = wire::StunMessage::parse(request);
    EXPECT_EQ(authenticate(*message, kPath, kNow + 1, *credentials_, digest_).outcome, AuthOutcome::accepted);

    // And again after the nonce has become stale (438 carries the next one).
    std::vector<uint8_t> stale = answer(request, kPath, kNow + 10'000);
    auto next = wire::StunMessage::parse(stale);
    ASSERT_TRUE(next);
    EXPECT_EQ(error_code(*next), 438U);
    second.nonce = next->text(StunAttribute::nonce);
    request = second.write();
    message = wire::StunMessage::parse(request);
    EXPECT_EQ(authenticate(*message, kPath, kNow + 10'000, *credentials_, digest_).outcome, AuthOutcome::accepted);
}

TEST_F(Refusal, BadRequestTellsNothing) {
    StunAttempt attempt;
    attempt.log_in("alice", "example.org", "wonderland");  // no NONCE
    std::vector<uint8_t> reply = answer(attempt.write());
    auto m = wire::StunMessage::parse(reply);
    ASSERT_TRUE(m);
    EXPECT_EQ(error_code(*m), 400U);
    EXPECT_EQ(reply.size(), wire::kStunHeader + 8);
}

TEST_F(Refusal, FitsForAnyRealmAndSaysSoWhenTheMemoryIsTooShort) {
    TurnSettings settings;
    settings.realm = std::string(Credentials::kMaxRealm, 'r');
    load(settings);
    StunAttempt first;
    first.fingerprint = true;
    std::vector<uint8_t> request = first.write();
    std::vector<uint8_t> reply = answer(request);
    EXPECT_FALSE(reply.empty());
    auto message = wire::StunMessage::parse(request);
    std::vector<uint8_t> out(reply.size());
    EXPECT_FALSE(write_refusal(AuthOutcome::challenge, *message, kPath, kNow, *credentials_, out).empty());
    out.resize(reply.size() - 1);
    EXPECT_TRUE(write_refusal(AuthOutcome::challenge, *message, kPath, kNow, *credentials_, out).empty());
    EXPECT_TRUE(write_refusal(AuthOutcome::accepted, *message, kPath, kNow, *credentials_, out).empty());
}

TEST_F(Refusal, SignedResponsesVerifyAtTheClient) {
    for (bool sha256 : {false, true}) {
        StunAttempt attempt;
        if (sha256) {
            attempt.log_in_sha256("alice", "example.org", "wonderland");
        } else {
            attempt.log_in("alice", "example.org", "wonderland");
        }
        attempt.nonce = credentials_->nonces().issue(kPath, kNow).text();
        std::vector<uint8_t> request = attempt.write();
        auto message = wire::StunMessage::parse(request);
        AuthResult result = authenticate(*message, kPath, kNow, *credentials_, digest_);
        ASSERT_EQ(result.outcome, AuthOutcome::accepted);

        // An error behind authentication, say 508, is signed as well.
        std::vector<uint8_t> out(256);
        wire::StunWriter writer{out, wire::StunClass::error, message->method(), message->transaction()};
        writer.error_code(508);
        size_t before = wire::kStunHeader + 8;
        sign(writer, result.key, digest_);
        Bytes response = writer.finish();
        ASSERT_EQ(response.size(), before + result.key.attribute_size());
        auto mac = test::hmac_of(sha256 ? EVP_sha256() : EVP_sha1(), attempt.key, response.first(before));
        EXPECT_TRUE(std::ranges::equal(response.subspan(before + 4), mac));
        EXPECT_EQ(load_be16(response.data() + before), sha256 ? 0x001c : 0x0008);
    }
}

TEST_F(Refusal, SignIntoTooLittleMemoryFailsTheMessage) {
    std::vector<uint8_t> out(wire::kStunHeader + 23);
    wire::StunWriter writer{out, wire::StunClass::success, 1, {}};
    sign(writer, IntegrityKey{digest_.hmac_key(HmacAlgorithm::sha1, bytes_of("k"))}, digest_);
    EXPECT_TRUE(writer.finish().empty());
    EXPECT_EQ(digest_.hmacs(), 0U);
}

using TurnThreatsAuth = Refusal;

// coturn #1641, #1999: spoofed sources, with and without a garbage MESSAGE-INTEGRITY, cost neither an HMAC nor state.
TEST_F(TurnThreatsAuth, coturn_1641_spoofed_flood_costs_no_hmac) {
    StunAttempt garbage;
    garbage.log_in("alice", "example.org", "guess");
    garbage.nonce = "obMatJos2AAABAAAAAAAAAAAAAAAA";
    StunAttempt garbage_sha256 = garbage;
    garbage_sha256.integrity = StunAttempt::Integrity::both;
    // A good nonce that was issued to somebody else.
    StunAttempt stolen = garbage;
    stolen.nonce = credentials_->nonces().issue(kPath, kNow).text();
    const std::vector<uint8_t> requests[] = {StunAttempt{}.write(), garbage.write(), garbage_sha256.write(),
                                             stolen.write()};
    for (uint32_t i = 0; i < 10'000; i++) {
        RequestPath spoofed{{IpAddress::v4(0x0a000000 + i), static_cast<uint16_t>(i)}, kPath.server};
        for (const auto& request : requests) EXPECT_FALSE(answer(request, spoofed).empty());
    }
    EXPECT_EQ(digest_.hmacs(), 0U);
}

// Reflection: the ratio of each message, IPv4 and UDP headers included, and that of a long flood.
TEST_F(TurnThreatsAuth, reflection_ratio_per_message) {
    constexpr size_t kHeaders = 28;
    StunAttempt bare;
    bare.method = wire::StunMethod::binding;  // 20 bytes: the shortest request there is
    StunAttempt allocate;
    StunAttempt stale;
    stale.log_in("alice", "example.org", "guess");
    stale.nonce = credentials_->nonces().issue(kPath, kNow - 100'000).text();
    StunAttempt bad = stale;
    bad.realm.reset();
    struct {
        const char* name;
        const StunAttempt& attempt;
        double limit;
    } const rows[] = {{"401 to a bare header", bare, 2.5},
                      {"401 to an Allocate", allocate, 2.2},
                      {"438", stale, 0.9},
                      {"400", bad, 0.5}};
    for (const auto& row : rows) {
        auto request = row.attempt.write();
        auto reply = answer(request);
        double ratio = static_cast<double>(reply.size() + kHeaders) / static_cast<double>(request.size() + kHeaders);
        RecordProperty(row.name, std::to_string(ratio));
        EXPECT_LE(ratio, row.limit) << row.name << ": " << request.size() << " -> " << reply.size();
        EXPECT_GT(ratio, 0.2) << row.name;
    }
}

TEST_F(TurnThreatsAuth, reflection_amortised_budget) {
    constexpr uint32_t kRate = 4096, kBurst = 16384;
    SeededRandom random{11};
    SourceBudget budget{random};
    budget.configure(kRate, kBurst);
    std::vector<uint8_t> request = StunAttempt{}.write();
    std::vector<uint8_t> reply = answer(request);
    size_t received = 0, sent = 0, withheld = 0;
    constexpr int kSeconds = 10, kPerSecond = 100'000;
    for (int i = 0; i < kSeconds * kPerSecond; i++) {
        Instant now{Duration{int64_t{i} * (1'000'000'000 / kPerSecond)}};
        received += request.size();
        if (budget.may_send(now, kPath.client.address, request.size(), reply.size())) {
            sent += reply.size();
        } else {
            withheld++;
        }
    }
    EXPECT_LE(sent, received + kBurst + kRate * kSeconds);
    EXPECT_LT(static_cast<double>(sent) / static_cast<double>(received), 1.01);
    EXPECT_GT(withheld, 0U);
    EXPECT_GT(sent, received * 99 / 100) << "and one who pays with as many bytes is served";
}

}  // namespace
}  // namespace fedge::relay
