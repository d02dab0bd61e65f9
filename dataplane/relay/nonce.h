// Stateless nonces (RFC 8489 sections 9.2 and 14.10): the server remembers nothing, the client proves with the echo
// that it receives at its source address.
//
// Text of a nonce: the nonce cookie "obMatJos2" with 4 base64 characters of security features, if there are any to
// tell; then 16 base64 characters of {issue time in seconds, 4 bytes; MAC, 8 bytes}. The MAC is SipHash-2-4 over
// client, server, time and features, so a nonce is worth nothing to another address or port, and the features cannot be
// edited out on the way (bid-down protection). No HMAC is involved, forged nonces cost about a hundred nanoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::relay {

// STUN Security Features (RFC 8489 section 18.1, bits counted from the least significant: erratum 6290 and appendix
// B.1).
struct NonceFeatures {
    bool password_algorithms = false;  // bit 0
    bool username_anonymity = false;   // bit 1: USERHASH is expected

    bool any() const { return password_algorithms || username_anonymity; }
    friend bool operator==(const NonceFeatures&, const NonceFeatures&) = default;
};

// The two ends of a request as the server sees them.
struct RequestPath {
    Endpoint client;
    Endpoint server;
};

enum class NonceVerdict : uint8_t {
    fresh,   // issued here to this client, within its lifetime
    stale,   // issued here to this client, too long ago
    forged,  // anything else: made up, or issued to another source, or under a key that is gone
};

// Text of one nonce.
class Nonce {
  public:
    static constexpr size_t kCookie = 13;  // "obMatJos2" and the features
    static constexpr size_t kBody = 16;
    std::string_view text() const { return {text_.data(), size_}; }

  private:
    friend class Nonces;
    std::array<char, kCookie + kBody + 1> text_{};
    size_t size_ = 0;
};

class Nonces {
  public:
    static constexpr size_t kKeySize = 16;
    static constexpr size_t kMaxKeys = 8;

    // keys: 1 to kMaxKeys keys of 16 bytes, newest first; the first signs, all verify. Throws std::invalid_argument
    // otherwise.
    Nonces(Bytes keys, uint32_t lifetime_seconds, NonceFeatures features);

    Nonce issue(const RequestPath& path, uint64_t unix_now) const;
    NonceVerdict verify(std::string_view nonce, const RequestPath& path, uint64_t unix_now) const;

    // What the nonce cookie says; empty without a cookie and for features that are not known here. Says nothing about
    // who wrote it.
    static std::optional<NonceFeatures> features_of(std::string_view nonce);

    NonceFeatures features() const { return features_; }

  private:
    using Key = std::array<uint8_t, kKeySize>;
    std::vector<Key> keys_;
    uint32_t lifetime_;
    NonceFeatures features_;
};

}  // namespace fedge::relay
