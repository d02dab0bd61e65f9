// Published test vectors of message integrity: RFC 5769 section 2 and RFC 8489 appendix B.1.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataplane/relay/authenticate.h"
#include "dataplane/relay/text_digest.h"
#include "tests/support/hex.h"
#include "tests/support/stun_client.h"
#include "tests/support/turn_settings.h"

namespace fedge::relay {
namespace {

using test::from_hex;

// U+30DE U+30C8 U+30EA U+30C3 U+30AF U+30B9, and the password behind SASLprep or OpaqueString.
constexpr const char* kMatrix = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
const std::string kLongTerm = std::string(kMatrix) + ":example.org:TheMatrIX";

std::vector<uint8_t> text(std::string_view s) {
    return {s.begin(), s.end()};
}
template <size_t N>
std::vector<uint8_t> vector_of(const std::array<uint8_t, N>& a) {
    return {a.begin(), a.end()};
}
std::vector<uint8_t> md5_key() {
    const Bytes parts[] = {bytes_of(kLongTerm)};
    return vector_of(md5(parts));
}
std::vector<uint8_t> sha256_key() {
    const Bytes parts[] = {bytes_of(kLongTerm)};
    return vector_of(sha256(parts));
}

struct Vector {
    const char* name;
    std::vector<uint8_t> key;
    HmacAlgorithm algorithm;
    const char* message;
};

constexpr const char* kB1Head =
    "2112a442 78ad3433c6ad72c029da412e"
    "001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"
    "00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c394653547679363473 41000000"
    "0014000b 6578616d706c652e6f726700";

std::vector<Vector> vectors() {
    static const std::string b1_corrected = std::string("00010090") + kB1Head +
                                            "001d0004 00020000"
                                            "001c0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65";
    return {
        {"RFC 5769 section 2.1: request, short-term", text("VOkJxbRl1RmTxUk/WvJxBt"), HmacAlgorithm::sha1,
         "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff"
         "80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
         "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf"},
        {"RFC 5769 section 2.2: IPv4 response", text("VOkJxbRl1RmTxUk/WvJxBt"), HmacAlgorithm::sha1,
         "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643"
         "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96"},
        {"RFC 5769 section 2.3: IPv6 response", text("VOkJxbRl1RmTxUk/WvJxBt"), HmacAlgorithm::sha1,
         "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
         "00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
         "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c"},
        {"RFC 5769 section 2.4: request, long-term", md5_key(), HmacAlgorithm::sha1,
         "00010060 2112a442 78ad3433c6ad72c029da412e 00060012 e3839ee38388e383aae38383e382afe382b90000"
         "0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b 6578616d706c652e6f726700"
         "00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666"},
        {"RFC 8489 B.1 corrected by erratum 6268: SHA-256 named", sha256_key(), HmacAlgorithm::sha256,
         b1_corrected.c_str()},
    };
}

TEST(IntegrityVectors, Verify) {
    Digest digest;
    for (const Vector& v : vectors()) {
        SCOPED_TRACE(v.name);
        std::vector<uint8_t> bytes = from_hex(v.message);
        auto message = wire::StunMessage::parse(bytes);
        ASSERT_TRUE(message);
        IntegrityKey key;
        EXPECT_TRUE(integrity_ok(*message, v.key, digest, key));
        EXPECT_EQ(key.hmac.algorithm, v.algorithm);
        std::vector<uint8_t> wrong = v.key;
        wrong.back() ^= 1;
        EXPECT_FALSE(integrity_ok(*message, wrong, digest, key));
    }
}

// Signing what stands before the integrity attribute gives the published bytes again.
TEST(IntegrityVectors, Sign) {
    Digest digest;
    for (const Vector& v : vectors()) {
        SCOPED_TRACE(v.name);
        std::vector<uint8_t> bytes = from_hex(v.message);
        auto message = wire::StunMessage::parse(bytes);
        ASSERT_TRUE(message);
        std::vector<uint8_t> out(bytes.size());
        wire::StunWriter writer{out, message->klass(), message->method(), message->transaction()};
        size_t end =
            (v.algorithm == HmacAlgorithm::sha256 ? message->integrity_sha256_offset() : message->integrity_offset())
                .value();
        for (size_t at = wire::kStunHeader; at < end;) {
            size_t length = load_be16(bytes.data() + at + 2);
            writer.attribute(static_cast<wire::StunAttribute>(load_be16(bytes.data() + at)),
                             Bytes{bytes}.subspan(at + 4, length));
            // The RFC pads with blanks, we with zeros; what is padded is signed.
            size_t padded = (length + 3) / 4 * 4;
            std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at + 4 + length), padded - length,
                        out.begin() + static_cast<ptrdiff_t>(at + 4 + length));
            at += 4 + padded;
        }
        sign(writer, IntegrityKey{digest.hmac_key(v.algorithm, v.key)}, digest);
        if (message->has(wire::StunAttribute::fingerprint)) writer.fingerprint();
        EXPECT_EQ(test::to_hex(writer.finish()), test::to_hex(bytes));
    }
}

// As printed, before the erratum, the header counts itself (0x9c); that must not pass for a message.
TEST(IntegrityVectors, AppendixB1AsPrintedIsMalformed) {
    std::vector<uint8_t> printed =
        from_hex(std::string("0001009c") + kB1Head +
                 "001c0020 e4686c8f0edeb59013e07090010a93efccbccc544c0a45d9f830aa6d6f735a01");
    ASSERT_EQ(printed.size(), 0x9cU);
    EXPECT_FALSE(wire::StunMessage::parse(printed));
}

// RFC 8489 appendix B.1: the same user through the whole decision, with a nonce of our own (that of the RFC is nobody's
// here).
TEST(IntegrityVectors, UserOfAppendixB1LogsInByUserhash) {
    test::TurnSettings settings;
    settings.users = {{kMatrix, "TheMatrIX"}};
    Digest digest;
    auto buffer = settings.build();
    Credentials credentials{test::turn_of(buffer), {}, digest};
    RequestPath path{*Endpoint::parse("192.0.2.1:1024"), *Endpoint::parse("198.51.100.1:3478")};

    std::vector<uint8_t> corrected = from_hex(vectors().back().message);
    auto published = wire::StunMessage::parse(corrected);
    ASSERT_TRUE(published);
    UserMatch user = credentials.find_userhash(published->value(wire::StunAttribute::userhash));
    EXPECT_EQ(user.name, kMatrix);
    EXPECT_EQ(authenticate(*published, path, 1'800'000'000, credentials, digest).outcome, AuthOutcome::bad_request)
        << "its nonce offers no algorithms";

    test::StunAttempt attempt;
    attempt.log_in_sha256(kMatrix, "example.org", "TheMatrIX");
    attempt.username.reset();
    Bytes hash = published->value(wire::StunAttribute::userhash);
    attempt.userhash = std::vector<uint8_t>(hash.begin(), hash.end());
    attempt.nonce = credentials.nonces().issue(path, 1'800'000'000).text();
    std::vector<uint8_t> bytes = attempt.write();
    auto message = wire::StunMessage::parse(bytes);
    ASSERT_TRUE(message);
    AuthResult result = authenticate(*message, path, 1'800'000'000, credentials, digest);
    EXPECT_EQ(result.outcome, AuthOutcome::accepted);
    EXPECT_EQ(result.username, kMatrix);
}

}  // namespace
}  // namespace fedge::relay
