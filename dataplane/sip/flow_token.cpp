#include "dataplane/sip/flow_token.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace fedge::sip {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kBody = 24;
constexpr size_t kMacBytes = 12;
constexpr size_t kMaxKeys = 8;
constexpr std::string_view kCookie = "z9hG4bK";
constexpr size_t kLoopAt = 7 + 16;  // in a branch: the point before the second half
static_assert((kBody + kMacBytes) / 3 * 4 == FlowTokens::kTokenSize);

using Hash = std::array<uint8_t, crypto_shorthash_siphashx24_BYTES>;

// Parts with their lengths between them, so that no two lists of parts give the same bytes. What exceeds the memory is
// hashed in blocks, each with the hash of those before.
class Hasher {
  public:
    explicit Hasher(const uint8_t* key) : key_(key) {}

    void add(std::string_view text) {
        std::array<uint8_t, 4> size;
        store_be32(size.data(), static_cast<uint32_t>(text.size()));
        if (size.size() + text.size() <= block_.size() - used_) [[likely]] {
            uint8_t* at = block_.data() + used_;
            std::memcpy(at, size.data(), size.size());
            text.copy(reinterpret_cast<char*>(at + size.size()), text.size());
            used_ += size.size() + text.size();
            return;
        }
        put(size);
        put(bytes_of(text));
    }
    Hash finish() {
        Hash hash;
        crypto_shorthash_siphashx24(hash.data(), block_.data(), used_, key_);
        return hash;
    }

  private:
    void put(Bytes bytes) {
        while (!bytes.empty()) {
            if (used_ == block_.size()) {
                Hash hash = finish();
                std::ranges::copy(hash, block_.begin());
                used_ = hash.size();
            }
            size_t n = std::min(bytes.size(), block_.size() - used_);
            std::copy_n(bytes.begin(), n, block_.begin() + static_cast<long>(used_));
            used_ += n;
            bytes = bytes.subspan(n);
        }
    }

    const uint8_t* key_;
    std::array<uint8_t, 1024> block_;
    size_t used_ = 0;
};

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNoDigit = 0x80;

constexpr std::array<uint8_t, 256> kDigits = [] {
    std::array<uint8_t, 256> digits{};
    digits.fill(kNoDigit);
    for (size_t i = 0; i < kAlphabet.size(); i++) digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
    return digits;
}();

// base64url without padding; N characters, as many as the bytes need.
template <size_t N>
void encode(Bytes bytes, char* out) {
    size_t i = 0, at = 0;
    for (; i + 4 <= N && at + 3 <= bytes.size(); i += 4, at += 3) {
        uint32_t bits = uint32_t{bytes[at]} << 16 | uint32_t{bytes[at + 1]} << 8 | bytes[at + 2];
        for (size_t k = 0; k < 4; k++) out[i + k] = kAlphabet[bits >> (18 - 6 * k) & 63];
    }
    uint32_t bits = 0;
    unsigned count = 0;
    for (; i < N; i++) {
        if (count < 6) {
            bits = bits << 8 | (at < bytes.size() ? bytes[at++] : 0U);
            count += 8;
        }
        count -= 6;
        out[i] = kAlphabet[bits >> count & 63];
    }
}

// The other way, of a token. False if anything else stands in it.
bool decode(std::string_view token, std::array<uint8_t, kBody + kMacBytes>& out) {
    unsigned seen = 0;
    for (size_t i = 0, at = 0; at < out.size(); i += 4, at += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            unsigned digit = kDigits[static_cast<uint8_t>(token[i + k])];
            seen |= digit;
            bits = bits << 6 | (digit & 63);
        }
        for (size_t k = 0; k < 3; k++) out[at + k] = static_cast<uint8_t>(bits >> (16 - 8 * k));
    }
    return (seen & kNoDigit) == 0;
}

Hash mac_of(const uint8_t* key, Bytes body, std::string_view context) {
    Hasher hasher{key};
    hasher.add(text_of(body));
    hasher.add(context);
    return hasher.finish();
}

std::string_view side_text(Side side) {
    return side == Side::outside ? "o" : "i";
}

// What decides where a request goes: it is there again when the request is. The method is left out (CANCEL, ACK), the
// tag of To as well (the ACK of a refusal has one that the INVITE had not).
Hash way_of(const uint8_t* key, const Message& request, Side from) {
    Hasher hasher{key};
    hasher.add("way");
    hasher.add(side_text(from));
    hasher.add(request.request_uri().text);
    hasher.add(request.call_id());
    hasher.add(request.from().tag);
    std::array<uint8_t, 4> number;
    store_be32(number.data(), request.cseq().number);
    hasher.add(text_of(Bytes{number}));
    Values routes{request, HeaderId::route};
    while (auto route = routes.next()) hasher.add(*route);
    return hasher.finish();
}

}  // namespace

FlowTokens::FlowTokens(FlowTokenSettings settings) : settings_(std::move(settings)) {
    static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(Key));
    if (settings_.keys.empty() || settings_.keys.size() > kMaxKeys)
        throw std::invalid_argument("sip flow tokens: 1 to " + std::to_string(kMaxKeys) + " keys expected, got " +
                                    std::to_string(settings_.keys.size()));
}

FlowTokens::Token FlowTokens::issue(TokenUse use, const Flow& flow, std::string_view context, uint64_t unix_now) const {
    std::array<uint8_t, kBody + kMacBytes> raw;
    ByteWriter w{raw};
    w.u8(static_cast<uint8_t>(kVersion << 4 | static_cast<unsigned>(use) << 1 | static_cast<unsigned>(flow.side)));
    w.u8(flow.core);
    w.u16(flow.node);
    w.u32(flow.connection);
    w.u32(flow.generation);
    w.u64(flow.peer);
    w.u32(static_cast<uint32_t>(unix_now));
    Hash mac = mac_of(settings_.keys[0].data(), w.written(), context);
    w.bytes(Bytes{mac}.first(kMacBytes));
    Token token;
    encode<kTokenSize>(raw, token.data());
    return token;
}

OpenedToken FlowTokens::open(TokenUse use, std::string_view token, std::string_view context, uint64_t unix_now) const {
    std::array<uint8_t, kBody + kMacBytes> raw;
    if (token.size() != kTokenSize || !decode(token, raw)) return {};
    Bytes body = Bytes{raw}.first(kBody);
    if (body[0] >> 4 != kVersion || (body[0] >> 1 & 7) != static_cast<uint8_t>(use)) return {};
    bool ours = std::ranges::any_of(settings_.keys, [&](const Key& key) {
        return sodium_memcmp(mac_of(key.data(), body, context).data(), raw.data() + kBody, kMacBytes) == 0;
    });
    if (!ours) return {};
    ByteReader r{body};
    Flow flow;
    flow.side = static_cast<Side>(r.u8() & 1);
    flow.core = r.u8();
    flow.node = r.u16();
    flow.connection = r.u32();
    flow.generation = r.u32();
    flow.peer = r.u64();
    // Modulo 2^32: one from the future (the clock of another node is ahead) is of age 0 if it is a little ahead.
    uint32_t age = static_cast<uint32_t>(unix_now) - r.u32();
    uint32_t lifetime = use == TokenUse::via            ? settings_.via_lifetime_s
                        : use == TokenUse::record_route ? settings_.dialog_lifetime_s
                                                        : settings_.path_lifetime_s;
    constexpr uint32_t kClockDifference = 60;
    bool in_time = age <= lifetime || age >= -kClockDifference;
    return {in_time ? TokenVerdict::good : TokenVerdict::expired, flow};
}

FlowTokens::Branch FlowTokens::branch(const Message& request, Side from) const {
    Hasher hasher{settings_.hash_key.data()};
    hasher.add("branch");
    hasher.add(side_text(from));
    const Via& via = request.via();
    hasher.add(via.host);
    std::array<uint8_t, 2> port;
    store_be16(port.data(), via.port);
    hasher.add(text_of(Bytes{port}));
    hasher.add(via.branch);
    if (!via.has_cookie()) {
        // RFC 2543: the branch alone says nothing; what identifies the transaction is also in the other half, except:
        hasher.add(via.text);
    }
    Hash transaction = hasher.finish();
    Hash way = way_of(settings_.hash_key.data(), request, from);
    Branch out;
    std::ranges::copy(kCookie, out.begin());
    encode<16>(Bytes{transaction}.first(12), out.data() + kCookie.size());
    out[kLoopAt] = '.';
    encode<11>(Bytes{way}.first(8), out.data() + kLoopAt + 1);
    return out;
}

bool FlowTokens::looped(const Message& request, Side from) const {
    std::array<char, 11> half;
    bool known = false;
    for (const Field* f = request.first(HeaderId::via); f; f = request.next(*f)) {
        std::string_view text = request.value(*f);
        for (size_t at = 0; (at = text.find(kCookie, at)) != std::string_view::npos; at++) {
            if (text.size() - at < kBranchSize || text[at + kLoopAt] != '.') continue;
            if (!known) encode<11>(Bytes{way_of(settings_.hash_key.data(), request, from)}.first(8), half.data());
            known = true;
            if (text.substr(at + kLoopAt + 1, half.size()) == view(half)) return true;
        }
    }
    return false;
}

FlowTokens::Tag FlowTokens::tag(const Message& request) const {
    Hasher hasher{settings_.hash_key.data()};
    hasher.add("tag");
    hasher.add(request.via().text);
    hasher.add(request.value(HeaderId::call_id));
    hasher.add(request.value(HeaderId::cseq));
    Tag out;
    encode<kTagSize>(Bytes{hasher.finish()}.first(8), out.data());
    return out;
}

}  // namespace fedge::sip
