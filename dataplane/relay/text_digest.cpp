// The low-level digests are what OpenSSL 3 offers without heap: EVP_DigestInit_ex2 frees and takes its state at every
// message.
#define OPENSSL_API_COMPAT 10101

#include "dataplane/relay/text_digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

namespace fedge::relay {

std::array<uint8_t, 16> md5(std::span<const Bytes> parts) {
    std::array<uint8_t, MD5_DIGEST_LENGTH> out;
    MD5_CTX context;
    MD5_Init(&context);
    for (Bytes part : parts) MD5_Update(&context, part.data(), part.size());
    MD5_Final(out.data(), &context);
    return out;
}

std::array<uint8_t, 32> sha256(std::span<const Bytes> parts) {
    std::array<uint8_t, SHA256_DIGEST_LENGTH> out;
    SHA256_CTX context;
    SHA256_Init(&context);
    for (Bytes part : parts) SHA256_Update(&context, part.data(), part.size());
    SHA256_Final(out.data(), &context);
    return out;
}

}  // namespace fedge::relay
