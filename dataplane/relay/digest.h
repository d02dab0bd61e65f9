// HMAC-SHA1 and HMAC-SHA256 (RFC 2104) through Intel IPsec-MB.
//
// A Digest belongs to one thread. Everything is allocated at construction; no call after that touches the heap. Keys
// that it derives are plain values and may be used with any Digest of the same process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/base/bytes.h"

struct IMB_MGR;

namespace fedge::relay {

enum class HmacAlgorithm : uint8_t { sha1, sha256 };

inline constexpr size_t kHmacSha1Size = 20;
inline constexpr size_t kHmacSha256Size = 32;
inline constexpr size_t kHmacMaxSize = kHmacSha256Size;

inline constexpr size_t hmac_size(HmacAlgorithm a) {
    return a == HmacAlgorithm::sha1 ? kHmacSha1Size : kHmacSha256Size;
}

// An HMAC key (RFC 2104) with the first block of both passes already hashed. As secret as the key itself.
struct HmacKey {
    HmacAlgorithm algorithm = HmacAlgorithm::sha1;
    alignas(16) std::array<uint8_t, 32> inner{};
    alignas(16) std::array<uint8_t, 32> outer{};
};

class Digest {
  public:
    // Throws std::runtime_error when there is no memory or IPsec-MB has no implementation for this CPU.
    Digest();
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;

    // Keys longer than a block (64 bytes) are hashed first (RFC 2104 section 2).
    HmacKey hmac_key(HmacAlgorithm algorithm, Bytes secret);

    // Writes hmac_size(key.algorithm) bytes; the message may have any length but zero.
    void hmac(const HmacKey& key, Bytes message, uint8_t* mac);

    // HMAC over head and tail as if they stood together. False, and nothing is computed, when they are longer than
    // kMaxSplitMessage together.
    static constexpr size_t kMaxSplitMessage = 9216;
    bool hmac(const HmacKey& key, Bytes head, Bytes tail, uint8_t* mac);

    // HMACs computed so far: what a stranger must not be able to raise.
    uint64_t hmacs() const { return hmacs_; }

  private:
    struct FreeManager {
        void operator()(IMB_MGR* manager) const;
    };
    std::unique_ptr<IMB_MGR, FreeManager> manager_;
    std::unique_ptr<std::array<uint8_t, kMaxSplitMessage>> split_;
    uint64_t hmacs_ = 0;
};

// Takes the same time whatever the bytes are. Different lengths are different.
bool equal_in_constant_time(Bytes a, Bytes b);

}  // namespace fedge::relay
