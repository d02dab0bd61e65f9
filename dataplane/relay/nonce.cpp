#include "dataplane/relay/nonce.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace fedge::relay {
namespace {

constexpr std::string_view kCookieText = "obMatJos2";
constexpr size_t kFeatureBytes = 3;
constexpr size_t kTimeBytes = 4;
constexpr size_t kMacBytes = 8;
static_assert(kMacBytes == crypto_shorthash_BYTES && Nonces::kKeySize == crypto_shorthash_KEYBYTES);
static_assert(kCookieText.size() + 4 == Nonce::kCookie && (kTimeBytes + kMacBytes) / 3 * 4 == Nonce::kBody);

uint8_t feature_bits(NonceFeatures f) {
    return static_cast<uint8_t>((f.password_algorithms ? 1 : 0) | (f.username_anonymity ? 2 : 0));
}

// Writes the base64 text and a zero behind it.
void encode(Bytes bytes, char* out) {
    sodium_bin2base64(out, bytes.size() / 3 * 4 + 1, bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
}

// True if the text is base64 of exactly out.size() bytes, in the one canonical way.
bool decode(std::string_view text, MutableBytes out) {
    size_t size = 0;
    return sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, nullptr,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           size == out.size();
}

using Mac = std::array<uint8_t, kMacBytes>;

Mac mac_of(const RequestPath& path, uint32_t time, NonceFeatures features, const uint8_t* key) {
    std::array<uint8_t, 2 * 18 + kTimeBytes + 1> input;
    ByteWriter w{input};
    w.bytes(path.client.address.octets());
    w.u16(path.client.port);
    w.bytes(path.server.address.octets());
    w.u16(path.server.port);
    w.u32(time);
    w.u8(feature_bits(features));
    Mac mac;
    crypto_shorthash(mac.data(), input.data(), input.size(), key);
    return mac;
}

}  // namespace

Nonces::Nonces(Bytes keys, uint32_t lifetime_seconds, NonceFeatures features)
    : lifetime_(lifetime_seconds), features_(features) {
    if (keys.empty() || keys.size() % kKeySize != 0 || keys.size() / kKeySize > kMaxKeys)
        throw std::invalid_argument("turn.nonce_keys: 1 to " + std::to_string(kMaxKeys) +
                                    " keys of 16 bytes expected, got " + std::to_string(keys.size()) + " bytes");
    if (lifetime_ == 0) throw std::invalid_argument("turn.nonce_lifetime_s: must not be 0");
    keys_.resize(keys.size() / kKeySize);
    for (size_t i = 0; i < keys_.size(); i++) std::copy_n(keys.data() + i * kKeySize, kKeySize, keys_[i].data());
}

Nonce Nonces::issue(const RequestPath& path, uint64_t unix_now) const {
    auto time = static_cast<uint32_t>(unix_now);
    Nonce nonce;
    char* out = nonce.text_.data();
    if (features_.any()) {
        std::ranges::copy(kCookieText, out);
        const std::array<uint8_t, kFeatureBytes> bits{0, 0, feature_bits(features_)};
        encode(bits, out + kCookieText.size());
        nonce.size_ = Nonce::kCookie;
    }
    std::array<uint8_t, kTimeBytes + kMacBytes> body;
    store_be32(body.data(), time);
    std::ranges::copy(mac_of(path, time, features_, keys_[0].data()), body.data() + kTimeBytes);
    encode(body, out + nonce.size_);
    nonce.size_ += Nonce::kBody;
    return nonce;
}

NonceVerdict Nonces::verify(std::string_view nonce, const RequestPath& path, uint64_t unix_now) const {
    NonceFeatures features;
    if (nonce.size() == Nonce::kCookie + Nonce::kBody) {
        auto told = features_of(nonce);
        if (!told) return NonceVerdict::forged;
        features = *told;
        nonce.remove_prefix(Nonce::kCookie);
    }
    std::array<uint8_t, kTimeBytes + kMacBytes> body;
    if (nonce.size() != Nonce::kBody || !decode(nonce, body)) return NonceVerdict::forged;
    uint32_t time = load_be32(body.data());
    for (const Key& key : keys_) {
        Mac mac = mac_of(path, time, features, key.data());
        if (sodium_memcmp(mac.data(), body.data() + kTimeBytes, mac.size()) != 0) continue;
        // Modulo 2^32, so a nonce from the future (the clock was set back) is old too. Once the offer has changed,
        // nonces that tell the old one are replaced.
        return static_cast<uint32_t>(unix_now) - time <= lifetime_ && features == features_ ? NonceVerdict::fresh
                                                                                            : NonceVerdict::stale;
    }
    return NonceVerdict::forged;
}

std::optional<NonceFeatures> Nonces::features_of(std::string_view nonce) {
    if (nonce.size() < Nonce::kCookie || !nonce.starts_with(kCookieText)) return std::nullopt;
    std::array<uint8_t, kFeatureBytes> bits;
    if (!decode(nonce.substr(kCookieText.size(), Nonce::kCookie - kCookieText.size()), bits)) return std::nullopt;
    // Bits that nobody here sets are not covered by the MAC, so they must not be there.
    if (bits[0] != 0 || bits[1] != 0 || bits[2] > 3) return std::nullopt;
    return NonceFeatures{(bits[2] & 1) != 0, (bits[2] & 2) != 0};
}

}  // namespace fedge::relay
