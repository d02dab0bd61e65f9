// Long-term credential mechanism of the server (RFC 8489 section 9.2.4): the decision about one request, and the
// attributes that answers need.
//
// Refuse first: until the request echoes a fresh nonce nothing is looked up and no HMAC is computed. Section 9.2.4 puts
// the check of the nonce's age last; here it stands before the credentials, so that a stale nonce is reported (438)
// whether or not they are right. Nothing is stored anywhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/relay/credentials.h"
#include "dataplane/relay/digest.h"
#include "dataplane/relay/nonce.h"
#include "dataplane/wire/stun.h"

namespace fedge::relay {

enum class AuthOutcome : uint8_t {
    accepted,
    challenge,     // 401: no integrity attribute
    stale,         // 438: the nonce is old, or was not issued to this source
    bad_request,   // 400: attributes missing, malformed or not those that were offered
    unauthorized,  // 401: no such user, expired, wrong realm, or wrong password; which of them is not told
};

// What signs the responses to an authenticated request: HMAC-SHA256 if the request named a password algorithm,
// HMAC-SHA1 if it did not (RFC 8489 section 9.2.4, last paragraph).
struct IntegrityKey {
    HmacKey hmac;

    wire::StunAttribute attribute() const {
        return hmac.algorithm == HmacAlgorithm::sha1 ? wire::StunAttribute::message_integrity
                                                     : wire::StunAttribute::message_integrity_sha256;
    }
    // Bytes that sign() adds to a message.
    size_t attribute_size() const { return 4 + hmac_size(hmac.algorithm); }
};

// All but the outcome is meaningful only when accepted.
struct AuthResult {
    AuthOutcome outcome = AuthOutcome::challenge;
    IntegrityKey key;
    UserId user;
    // Point into the request, or into the Credentials when the request named the user by USERHASH: copy to keep.
    std::string_view username;
    std::string_view user_part;           // what quotas and listings go by, see UserMatch
    uint64_t credential_expiry_unix = 0;  // 0: does not expire
};

// Decides about one request. Indications are never authenticated: do not ask.
AuthResult authenticate(const wire::StunMessage& request, const RequestPath& path, uint64_t unix_now,
                        const Credentials& credentials, Digest& digest);

// Writes the whole error response to a request that was not accepted: 400, 401 or 438, with REALM, NONCE and
// PASSWORD-ALGORITHMS where section 9.2.4 wants them, FINGERPRINT if the request has one, and nothing else (a challenge
// must stay small). Empty if `out` is too short; kMaxRefusal bytes are enough for any realm. The source has to be asked
// for its budget before this is sent, see source_budget.h.
inline constexpr size_t kMaxRefusal = 256;
Bytes write_refusal(AuthOutcome outcome, const wire::StunMessage& request, const RequestPath& path, uint64_t unix_now,
                    const Credentials& credentials, MutableBytes out);

// The attributes of a challenge alone: REALM, NONCE and, if offered, PASSWORD-ALGORITHMS.
void add_challenge(wire::StunWriter& writer, const RequestPath& path, uint64_t unix_now,
                   const Credentials& credentials);

// Appends MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256. Only FINGERPRINT may follow.
void sign(wire::StunWriter& writer, const IntegrityKey& key, Digest& digest);

// True if the request's MESSAGE-INTEGRITY-SHA256, or else its MESSAGE-INTEGRITY, is right under this long-term key (RFC
// 8489 sections 14.5 and 14.6; no truncation, TURN does not allow it). `key` becomes the key that the
// request was signed with.
bool integrity_ok(const wire::StunMessage& request, Bytes long_term_key, Digest& digest, IntegrityKey& key);

}  // namespace fedge::relay
