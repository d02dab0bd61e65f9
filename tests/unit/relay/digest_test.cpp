#include "dataplane/relay/digest.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/relay/text_digest.h"
#include "tests/support/hex.h"

namespace fedge::relay {
namespace {

using test::from_hex;
using test::to_hex;

// OpenSSL's heap, counted. Has to be installed before OpenSSL takes its first block.
uint64_t openssl_blocks = 0;
const bool counting = CRYPTO_set_mem_functions(
                          [](size_t n, const char*, int) {
                              openssl_blocks++;
                              return std::malloc(n);
                          },
                          [](void* p, size_t n, const char*, int) {
                              openssl_blocks++;
                              return std::realloc(p, n);
                          },
                          [](void* p, const char*, int) { std::free(p); }) == 1;

std::string hmac_hex(Digest& digest, HmacAlgorithm algorithm, Bytes key, Bytes message) {
    std::vector<uint8_t> mac(hmac_size(algorithm));
    digest.hmac(digest.hmac_key(algorithm, key), message, mac.data());
    return to_hex(mac);
}

struct Vector {
    const char* name;
    std::vector<uint8_t> key;
    std::vector<uint8_t> message;
    const char* sha1;    // RFC 2202 section 3; nullptr where it has no such case
    const char* sha256;  // RFC 4231 section 4
};

std::vector<uint8_t> repeated(uint8_t byte, size_t n) {
    return std::vector<uint8_t>(n, byte);
}
std::vector<uint8_t> ascii(std::string_view text) {
    return {text.begin(), text.end()};
}

const Vector kVectors[] = {
    {"case 1", repeated(0x0b, 20), ascii("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"case 2: short key", ascii("Jefe"), ascii("what do ya want for nothing?"),
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"case 3", repeated(0xaa, 20), repeated(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"case 4", from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), repeated(0xcd, 50),
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da", "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 2202 case 6: key of 80 bytes", repeated(0xaa, 80),
     ascii("Test Using Larger Than Block-Size Key - Hash Key First"), "aa4ae5e15272d00e95705637ce8a3b55ed402112",
     nullptr},
    {"RFC 2202 case 7: key and data longer than a block", repeated(0xaa, 80),
     ascii("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91", nullptr},
    {"RFC 4231 case 6: key of 131 bytes", repeated(0xaa, 131),
     ascii("Test Using Larger Than Block-Size Key - Hash Key First"), nullptr,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 case 7: key and data longer than a block", repeated(0xaa, 131),
     ascii("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
           "hashed before being used by the HMAC algorithm."),
     nullptr, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

TEST(Digest, HmacVectorsOfRfc2202AndRfc4231) {
    Digest digest;
    for (const Vector& v : kVectors) {
        SCOPED_TRACE(v.name);
        if (v.sha1) {
            EXPECT_EQ(hmac_hex(digest, HmacAlgorithm::sha1, v.key, v.message), v.sha1);
        }
        if (v.sha256) {
            EXPECT_EQ(hmac_hex(digest, HmacAlgorithm::sha256, v.key, v.message), v.sha256);
        }
    }
}

TEST(Digest, HmacAgreesWithOpenSslAtEveryLength) {
    Digest digest;
    SeededRandom random{1};
    for (size_t length = 1; length < 700; length++) {
        std::vector<uint8_t> key(length % 150), message(length);
        random.fill(key);
        random.fill(message);
        for (HmacAlgorithm algorithm : {HmacAlgorithm::sha1, HmacAlgorithm::sha256}) {
            std::vector<uint8_t> expected(hmac_size(algorithm));
            ASSERT_NE(HMAC(algorithm == HmacAlgorithm::sha1 ? EVP_sha1() : EVP_sha256(), key.data(),
                           static_cast<int>(key.size()), message.data(), message.size(), expected.data(), nullptr),
                      nullptr);
            ASSERT_EQ(hmac_hex(digest, algorithm, key, message), to_hex(expected)) << "length " << length;
        }
    }
}

TEST(Digest, SplitMessageIsTheJoinedOne) {
    Digest digest;
    HmacKey key = digest.hmac_key(HmacAlgorithm::sha1, bytes_of("key"));
    std::vector<uint8_t> message(Digest::kMaxSplitMessage, 0x5a);
    std::array<uint8_t, 20> whole, split;
    digest.hmac(key, message, whole.data());
    for (size_t at : {size_t{0}, size_t{20}, message.size()}) {
        ASSERT_TRUE(digest.hmac(key, Bytes{message}.first(at), Bytes{message}.subspan(at), split.data()));
        EXPECT_EQ(whole, split);
    }
}

TEST(Digest, SplitMessageThatIsTooLongIsRefusedAndNotComputed) {
    Digest digest;
    HmacKey key = digest.hmac_key(HmacAlgorithm::sha1, bytes_of("key"));
    std::vector<uint8_t> message(Digest::kMaxSplitMessage);
    std::array<uint8_t, 20> mac;
    EXPECT_FALSE(digest.hmac(key, Bytes{message}.first(1), message, mac.data()));
    EXPECT_EQ(digest.hmacs(), 0U);
}

TEST(Digest, TextDigests) {
    const Bytes abc[] = {bytes_of("a"), bytes_of(""), bytes_of("bc")};
    EXPECT_EQ(to_hex(md5({})), "d41d8cd98f00b204e9800998ecf8427e");  // RFC 1321 appendix A.5
    EXPECT_EQ(to_hex(md5(abc)), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(to_hex(sha256(abc)),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180
    EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, TakesNoHeapAfterConstruction) {
    ASSERT_TRUE(counting);
    OPENSSL_free(OPENSSL_malloc(1));
    ASSERT_GT(openssl_blocks, 0U);
    Digest digest;
    const Bytes parts[] = {bytes_of("user"), bytes_of(":"), bytes_of("realm")};
    std::array<uint8_t, 32> mac;
    uint64_t before = openssl_blocks;
    for (int i = 0; i < 100; i++) {
        md5(parts);
        sha256(parts);
        digest.hmac(digest.hmac_key(HmacAlgorithm::sha256, bytes_of("key")), bytes_of("text"), mac.data());
    }
    EXPECT_EQ(openssl_blocks, before);
}

TEST(Digest, CountsHmacs) {
    Digest digest;
    std::array<uint8_t, 32> mac;
    HmacKey key = digest.hmac_key(HmacAlgorithm::sha256, bytes_of("key"));
    EXPECT_EQ(digest.hmacs(), 0U);
    digest.hmac(key, bytes_of("text"), mac.data());
    ASSERT_TRUE(digest.hmac(key, bytes_of("te"), bytes_of("xt"), mac.data()));
    EXPECT_EQ(digest.hmacs(), 2U);
}

TEST(Digest, ComparesWholeStrings) {
    EXPECT_TRUE(equal_in_constant_time(bytes_of("same"), bytes_of("same")));
    EXPECT_FALSE(equal_in_constant_time(bytes_of("same"), bytes_of("samf")));
    EXPECT_FALSE(equal_in_constant_time(bytes_of("same"), bytes_of("sam")));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace fedge::relay
