// Who may use the relay, compiled from one snapshot: immutable, shared read-only by all cores, no heap at look-up.
//
// Two kinds of users of the long-term credential mechanism (RFC 8489 section 9.2):
//  - static users, known by name, with keys derived by control;
//  - time-limited ones ("TURN REST", draft-uberti-behave-turn-rest-00): USERNAME is "EXPIRY" or "EXPIRY:USER" with the
//  expiry
//    in Unix seconds, and the password is base64(HMAC-SHA1(secret, USERNAME)). They are not enumerable, so USERHASH
//    cannot name them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/random.h"
#include "dataplane/relay/digest.h"
#include "dataplane/relay/nonce.h"

namespace fedge::contract {
struct Turn;
}

namespace fedge::relay {

// STUN Password Algorithms registry (RFC 8489 section 18.5).
enum class PasswordAlgorithm : uint16_t { md5 = 1, sha256 = 2 };

// Secret of the hashes in UserId. One per process, so that ids mean the same on every core and across snapshots.
struct UserHashKey {
    std::array<uint8_t, 16> bytes{};

    static UserHashKey random(Random& random) {
        UserHashKey key;
        random.fill(key.bytes);
        return key;
    }
};

// Names a user without the text. `name` decides whether a request comes from the user that made an allocation (441);
// `quota` is the same for all time-limited names with the same user part.
struct UserId {
    std::array<uint64_t, 2> name{};  // of the whole USERNAME
    uint64_t quota = 0;              // of the user part

    friend bool operator==(const UserId&, const UserId&) = default;
};

// The long-term key (RFC 8489 section 9.2.2): MD5 or SHA-256 of name:realm:password.
struct LongTermKey {
    std::array<uint8_t, 32> bytes{};
    size_t size = 0;

    Bytes view() const { return {bytes.data(), size}; }
};

enum class UserKind : uint8_t { unknown, fixed, time_limited };

// What a name in a request turned out to be. Views point into the request or into the Credentials.
struct UserMatch {
    UserKind kind = UserKind::unknown;
    uint32_t index = 0;     // of the static user
    std::string_view name;  // whole USERNAME
    std::string_view
        user_part;  // behind the first colon of a time-limited name, if there is anything; else the whole name
    uint64_t expiry_unix = 0;  // time-limited only
};

class Credentials {
  public:
    static constexpr size_t kMaxSecrets = 16;
    static constexpr size_t kMaxUsername = 508;  // RFC 8489 section 14.3: fewer than 509 bytes
    static constexpr size_t kMaxRealm = 127;

    // Throws std::invalid_argument naming the setting. `digest` is that of the calling thread.
    Credentials(const contract::Turn& turn, const UserHashKey& hash_key, Digest& digest);

    std::string_view realm() const { return realm_; }
    const Nonces& nonces() const { return nonces_; }
    bool offers_password_algorithms() const { return nonces_.features().password_algorithms; }

    // Expired names, and time-limited names while there is no secret, are unknown.
    UserMatch find(std::string_view username, uint64_t unix_now) const;
    UserMatch find_userhash(Bytes userhash) const;

    // Keys that may prove this user, in the order to try: one per secret for time-limited users, else one. An unknown
    // user has one too, which proves nothing: it makes unknown names cost what wrong passwords cost.
    size_t key_count(const UserMatch& user) const;
    LongTermKey key(const UserMatch& user, PasswordAlgorithm algorithm, size_t k, Digest& digest) const;

    UserId id(const UserMatch& user) const;

  private:
    struct StaticUser {
        uint32_t name_offset;
        uint32_t name_size;
        std::array<uint8_t, 16> md5;
        std::array<uint8_t, 32> sha256;
        std::array<uint8_t, 32> userhash;
    };
    std::string_view name_of(const StaticUser& user) const {
        return std::string_view{names_}.substr(user.name_offset, user.name_size);
    }
    UserMatch match(uint32_t index) const;
    void add_users(const contract::Turn& turn);
    void add_secrets(const contract::Turn& turn, Digest& digest);

    std::string realm_;
    Nonces nonces_;
    UserHashKey hash_key_;
    std::vector<HmacKey> secrets_;
    std::string names_;
    std::vector<StaticUser> users_;      // sorted by name
    std::vector<uint32_t> by_userhash_;  // indexes into users_, sorted by userhash
};

}  // namespace fedge::relay
