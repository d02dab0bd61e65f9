#include "dataplane/relay/credentials.h"

#include <openssl/crypto.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <stdexcept>

#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/relay/text_digest.h"

namespace fedge::relay {
namespace {

Bytes bytes_of_vector(const flatbuffers::Vector<uint8_t>* v) {
    return v ? Bytes{v->data(), v->size()} : Bytes{};
}

template <typename Vector>
size_t count(const Vector* v) {
    return v ? v->size() : 0;
}

// USERHASH can name static users only, and a client that is told to use it never sends USERNAME (RFC 8489
// section 9.2.3.1). So it is offered only where all users are static.
NonceFeatures features(const contract::Turn& turn) {
    return {turn.password_algorithms(), count(turn.users()) > 0 && count(turn.secrets()) == 0};
}

template <size_t N>
void copy_exactly(const flatbuffers::Vector<uint8_t>* from, std::array<uint8_t, N>& to, const std::string& setting) {
    Bytes bytes = bytes_of_vector(from);
    if (bytes.size() != N)
        throw std::invalid_argument(setting + ": " + std::to_string(N) + " bytes expected, got " +
                                    std::to_string(bytes.size()));
    std::ranges::copy(bytes, to.begin());
}

// "EXPIRY" or "EXPIRY:USER".
struct TimeLimitedName {
    uint64_t expiry = 0;
    std::string_view user;
};
std::optional<TimeLimitedName> parse_time_limited(std::string_view name) {
    TimeLimitedName parsed;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), parsed.expiry);
    if (error != std::errc{}) return std::nullopt;
    auto rest = name.substr(static_cast<size_t>(end - name.data()));
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    // Without a user part the name is all there is to tell users apart.
    parsed.user = rest.size() > 1 ? rest.substr(1) : name;
    return parsed;
}

// SipHash-2-4 with 128 bits of output. The domain keeps whole names and user parts apart.
std::array<uint64_t, 2> hash_text(const UserHashKey& key, uint8_t domain, std::string_view text) {
    std::array<uint8_t, Credentials::kMaxUsername + 1> input;
    input[0] = domain;
    std::ranges::copy(text, input.begin() + 1);
    std::array<uint64_t, 2> out;
    static_assert(sizeof(out) == crypto_shorthash_siphashx24_BYTES);
    crypto_shorthash_siphashx24(reinterpret_cast<uint8_t*>(out.data()), input.data(), text.size() + 1,
                                key.bytes.data());
    return out;
}

}  // namespace

Credentials::Credentials(const contract::Turn& turn, const UserHashKey& hash_key, Digest& digest)
    : realm_(turn.realm() ? turn.realm()->str() : std::string{}),
      nonces_(bytes_of_vector(turn.nonce_keys()), turn.nonce_lifetime_s(), features(turn)),
      hash_key_(hash_key) {
    if (realm_.empty() || realm_.size() > kMaxRealm)
        throw std::invalid_argument("turn.realm: 1 to " + std::to_string(kMaxRealm) + " bytes expected, got " +
                                    std::to_string(realm_.size()));
    add_secrets(turn, digest);
    add_users(turn);
}

void Credentials::add_secrets(const contract::Turn& turn, Digest& digest) {
    if (count(turn.secrets()) > kMaxSecrets)
        throw std::invalid_argument("turn.secrets: at most " + std::to_string(kMaxSecrets) + " at a time, got " +
                                    std::to_string(count(turn.secrets())));
    for (size_t i = 0; i < count(turn.secrets()); i++) {
        Bytes key = bytes_of_vector(turn.secrets()->Get(static_cast<uint32_t>(i))->key());
        if (key.empty()) throw std::invalid_argument("turn.secrets[" + std::to_string(i) + "].key: must not be empty");
        secrets_.push_back(digest.hmac_key(HmacAlgorithm::sha1, key));
    }
}

void Credentials::add_users(const contract::Turn& turn) {
    size_t n = count(turn.users());
    users_.reserve(n);
    for (uint32_t i = 0; i < n; i++) {
        const contract::TurnUser& user = *turn.users()->Get(i);
        std::string setting = "turn.users[" + std::to_string(i) + "]";
        size_t size = user.name() ? user.name()->size() : 0;
        if (size == 0 || size > kMaxUsername)
            throw std::invalid_argument(setting + ".name: 1 to " + std::to_string(kMaxUsername) +
                                        " bytes expected, got " + std::to_string(size));
        StaticUser compiled{static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(size), {}, {}, {}};
        copy_exactly(user.md5(), compiled.md5, setting + ".md5");
        copy_exactly(user.sha256(), compiled.sha256, setting + ".sha256");
        copy_exactly(user.userhash(), compiled.userhash, setting + ".userhash");
        names_ += user.name()->string_view();
        users_.push_back(compiled);
    }
    std::ranges::sort(users_, {}, [this](const StaticUser& u) { return name_of(u); });
    auto same = std::ranges::adjacent_find(users_, {}, [this](const StaticUser& u) { return name_of(u); });
    if (same != users_.end())
        throw std::invalid_argument("turn.users: " + std::string(name_of(*same)) + " stands there twice");
    by_userhash_.resize(n);
    std::iota(by_userhash_.begin(), by_userhash_.end(), 0U);
    std::ranges::sort(by_userhash_, {}, [this](uint32_t i) { return users_[i].userhash; });
}

UserMatch Credentials::match(uint32_t index) const {
    std::string_view name = name_of(users_[index]);
    return {UserKind::fixed, index, name, name, 0};
}

UserMatch Credentials::find(std::string_view username, uint64_t unix_now) const {
    auto user = std::ranges::lower_bound(users_, username, {}, [this](const StaticUser& u) { return name_of(u); });
    if (user != users_.end() && name_of(*user) == username) {
        UserMatch found = match(static_cast<uint32_t>(user - users_.begin()));
        return found;
    }
    UserMatch unknown;
    unknown.name = unknown.user_part = username;
    if (secrets_.empty() || username.size() > kMaxUsername) return unknown;
    auto limited = parse_time_limited(username);
    if (!limited || limited->expiry <= unix_now) return unknown;
    return {UserKind::time_limited, 0, username, limited->user, limited->expiry};
}

UserMatch Credentials::find_userhash(Bytes userhash) const {
    auto hash_of = [this](uint32_t i) { return Bytes{users_[i].userhash}; };
    auto less = [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); };
    auto at = std::ranges::lower_bound(by_userhash_, userhash, less, hash_of);
    if (at == by_userhash_.end() || !std::ranges::equal(hash_of(*at), userhash)) return {};
    return match(*at);
}

size_t Credentials::key_count(const UserMatch& user) const {
    return user.kind == UserKind::time_limited ? secrets_.size() : 1;
}

LongTermKey Credentials::key(const UserMatch& user, PasswordAlgorithm algorithm, size_t k, Digest& digest) const {
    LongTermKey key;
    key.size = algorithm == PasswordAlgorithm::md5 ? 16 : 32;
    if (user.kind == UserKind::fixed) {
        const StaticUser& u = users_[user.index];
        if (algorithm == PasswordAlgorithm::md5) {
            std::ranges::copy(u.md5, key.bytes.begin());
        } else {
            key.bytes = u.sha256;
        }
    } else if (user.kind == UserKind::time_limited) {
        std::array<uint8_t, kHmacSha1Size> mac;
        std::array<char, 29> password;  // base64 of 20 bytes, and a zero
        digest.hmac(secrets_[k], bytes_of(user.name), mac.data());
        sodium_bin2base64(password.data(), password.size(), mac.data(), mac.size(), sodium_base64_VARIANT_ORIGINAL);
        const Bytes parts[] = {bytes_of(user.name), bytes_of(":"), bytes_of(realm_), bytes_of(":"),
                               bytes_of({password.data(), password.size() - 1})};
        if (algorithm == PasswordAlgorithm::md5) {
            std::ranges::copy(md5(parts), key.bytes.begin());
        } else {
            key.bytes = sha256(parts);
        }
        OPENSSL_cleanse(mac.data(), mac.size());
        OPENSSL_cleanse(password.data(), password.size());
    }
    return key;
}

UserId Credentials::id(const UserMatch& user) const {
    return {hash_text(hash_key_, 'n', user.name), hash_text(hash_key_, 'q', user.user_part)[0]};
}

}  // namespace fedge::relay
