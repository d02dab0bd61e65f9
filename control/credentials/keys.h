// Keys of TURN credentials (RFC 8489 sections 9.2.2, 14.4, 18.5.1) and of session tickets (RFC 5077 section 4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/verdicts.h"

namespace fedge::control {

struct UserKeys {
    std::vector<uint8_t> md5;       // MD5(name ":" realm ":" password), 16 bytes
    std::vector<uint8_t> sha256;    // SHA-256 of the same, 32 bytes
    std::vector<uint8_t> userhash;  // SHA-256(name ":" realm), 32 bytes
};

UserKeys derive_keys(std::string_view name, std::string_view realm, std::string_view password);

// Names and passwords are used as the UTF-8 bytes that were given. Of the OpaqueString profile (RFC 8265 section 4.2)
// this enforces: valid UTF-8, no control characters, not empty, length limits. It does not normalise to NFC or map
// other spaces to U+0020; give composed characters. Throw Refusal (invalid) for the field `name` or `password`, never
// quoting a password.
void check_name(std::string_view name);
void check_password(std::string_view password);

// 32 bytes from the system's random source, in base64 (44 characters). The characters are the HMAC key of the
// time-limited credential scheme, as every other TURN server uses them.
std::string new_secret();
std::vector<uint8_t> new_nonce_key();    // 16 bytes
contract::VerdictKey new_verdict_key();  // of a verdict table
std::vector<uint8_t> new_token_key();    // 32 bytes: 16 of the tokens' MAC, 16 of branches and tags
std::vector<uint8_t> new_ticket_key();   // 80 bytes: 16 name, 32 HMAC, 32 AES
// Tells secrets apart without giving them away: the first 8 hexadecimal digits of SHA-256.
std::string fingerprint(std::string_view secret);

}  // namespace fedge::control
