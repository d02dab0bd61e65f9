#include "control/credentials/keys.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "control/problem.h"
#include "control/utf8.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxName = 508;  // USERNAME is shorter than 509 bytes (RFC 8489 section 14.3)
constexpr size_t kMaxPassword = 512;

std::vector<uint8_t> digest(const EVP_MD* algorithm, std::string_view text) {
    std::vector<uint8_t> out(static_cast<size_t>(EVP_MD_get_size(algorithm)));
    if (EVP_Digest(text.data(), text.size(), out.data(), nullptr, algorithm, nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no " + std::string(EVP_MD_get0_name(algorithm)));
    }
    return out;
}

void check_opaque(std::string_view text, const char* field, size_t longest) {
    auto refuse = [&](const std::string& what, const std::string& fix) {
        throw Refusal(RefusalKind::invalid, {field, what, fix});
    };
    std::string the = std::string("the ") + field;
    if (text.empty()) refuse(the + " is empty", std::string("give a ") + field);
    if (text.size() > longest) refuse(the + " is too long", "use " + std::to_string(longest) + " bytes at most");
    while (!text.empty()) {
        uint32_t point;
        size_t length = decode_utf8(text, point);
        if (length == 0) refuse(the + " is not valid UTF-8", "send it in UTF-8");
        if (is_control(point)) refuse(the + " has a control character", "leave control characters out");
        text.remove_prefix(length);
    }
}

std::vector<uint8_t> random_bytes(size_t count) {
    std::vector<uint8_t> out(count);
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1)
        throw std::runtime_error("the system's random source failed");
    return out;
}

}  // namespace

UserKeys derive_keys(std::string_view name, std::string_view realm, std::string_view password) {
    std::string identity = std::string(name) + ":" + std::string(realm);
    std::string text = identity + ":" + std::string(password);
    UserKeys keys{digest(EVP_md5(), text), digest(EVP_sha256(), text), digest(EVP_sha256(), identity)};
    OPENSSL_cleanse(text.data(), text.size());
    return keys;
}

void check_name(std::string_view name) {
    check_opaque(name, "name", kMaxName);
    // "expiry:user" and "expiry" are names of the time-limited scheme; a static user of that form would shadow them.
    constexpr size_t kDigitsOfUnixTime = 10;
    size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
    if (digits >= kDigitsOfUnixTime && (digits == name.size() || name[digits] == ':')) {
        throw Refusal(RefusalKind::invalid,
                      {"name", "a name that starts with a Unix time belongs to time-limited credentials",
                       "give a name with a letter in front"});
    }
}

void check_password(std::string_view password) {
    check_opaque(password, "password", kMaxPassword);
}

std::string new_secret() {
    auto bytes = random_bytes(32);
    std::array<unsigned char, 45> text;
    int length = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
    return {reinterpret_cast<const char*>(text.data()), static_cast<size_t>(length)};
}

std::vector<uint8_t> new_nonce_key() {
    return random_bytes(16);
}

contract::VerdictKey new_verdict_key() {
    auto bytes = random_bytes(sizeof(contract::VerdictKey));
    contract::VerdictKey key;
    std::memcpy(&key, bytes.data(), sizeof(key));
    return key;
}

std::vector<uint8_t> new_token_key() {
    return random_bytes(32);
}

std::vector<uint8_t> new_ticket_key() {
    return random_bytes(80);
}

std::string fingerprint(std::string_view secret) {
    auto hash = digest(EVP_sha256(), secret);
    char text[9];
    std::snprintf(text, sizeof(text), "%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
    return text;
}

}  // namespace fedge::control
