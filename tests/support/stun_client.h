// The client's side of the long-term credential mechanism, with OpenSSL's HMAC and EVP digests: what it computes does
// not come from the code under test.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/stun.h"

namespace fedge::test {

inline std::vector<uint8_t> digest_of(const EVP_MD* algorithm, std::string_view text) {
    std::vector<uint8_t> out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), out.data(), &size, algorithm, nullptr);
    out.resize(size);
    return out;
}

inline std::vector<uint8_t> hmac_of(const EVP_MD* algorithm, Bytes key, Bytes message) {
    // Looking an algorithm up takes OpenSSL longer than to apply it, so contexts are kept.
    struct Free {
        void operator()(EVP_MAC_CTX* c) const { EVP_MAC_CTX_free(c); }
    };
    thread_local std::map<const EVP_MD*, std::unique_ptr<EVP_MAC_CTX, Free>> contexts;
    auto& kept = contexts[algorithm];
    if (!kept) {
        EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
        kept.reset(EVP_MAC_CTX_new(hmac));
        EVP_MAC_free(hmac);
        std::string name = EVP_MD_get0_name(algorithm);
        OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
                                   OSSL_PARAM_construct_end()};
        EVP_MAC_CTX_set_params(kept.get(), parameters);
    }
    EVP_MAC_CTX* context = kept.get();
    std::vector<uint8_t> out(EVP_MAX_MD_SIZE);
    size_t size = 0;
    EVP_MAC_init(context, key.data(), key.size(), nullptr);
    EVP_MAC_update(context, message.data(), message.size());
    EVP_MAC_final(context, out.data(), &size, out.size());
    out.resize(size);
    return out;
}

// The password of the time-limited scheme.
inline std::string time_limited_password(std::string_view secret, std::string_view username) {
    auto mac = hmac_of(EVP_sha1(), bytes_of(secret), bytes_of(username));
    std::string text(4 * ((mac.size() + 2) / 3), 0);
    EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), mac.data(), static_cast<int>(mac.size()));
    return text;
}

// One request, as right or as wrong as its fields say. An absent optional leaves the attribute out.
struct StunAttempt {
    enum class Integrity { none, sha1, sha256, both };

    wire::StunMethod method = wire::StunMethod::allocate;
    uint32_t transport = 17;  // of Allocate: IP protocol
    wire::TransactionId transaction{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    std::optional<std::string> username;
    std::optional<std::vector<uint8_t>> userhash;
    std::optional<std::string> realm;
    std::optional<std::string> nonce;
    std::optional<std::vector<uint8_t>> password_algorithms;
    std::optional<std::vector<uint8_t>> password_algorithm;
    Integrity integrity = Integrity::none;
    std::vector<uint8_t> key;  // long-term key
    bool fingerprint = false;
    bool indication = false;
    std::optional<uint16_t> channel;
    std::optional<uint8_t> family;  // as on the wire
    std::optional<Endpoint> peer;
    std::optional<std::vector<uint8_t>> data;
    std::optional<uint32_t> connection;

    void log_in(std::string_view user, std::string_view in_realm, std::string_view password) {
        username = user;
        realm = in_realm;
        key = digest_of(EVP_md5(), std::string(user) + ":" + *realm + ":" + std::string(password));
        integrity = Integrity::sha1;
    }
    // With SHA-256 chosen from the two algorithms that the edge offers.
    void log_in_sha256(std::string_view user, std::string_view in_realm, std::string_view password) {
        log_in(user, in_realm, password);
        key = digest_of(EVP_sha256(), std::string(user) + ":" + *realm + ":" + std::string(password));
        integrity = Integrity::sha256;
        password_algorithms = {0, 2, 0, 0, 0, 1, 0, 0};
        password_algorithm = {0, 2, 0, 0};
    }

    std::vector<uint8_t> write() const {
        std::vector<uint8_t> out(2048);
        auto klass = indication ? wire::StunClass::indication : wire::StunClass::request;
        wire::StunWriter w{out, klass, static_cast<uint16_t>(method), transaction};
        if (method == wire::StunMethod::allocate)
            w.attribute_u32(wire::StunAttribute::requested_transport, transport << 24);
        if (family) w.attribute_u32(wire::StunAttribute::requested_address_family, uint32_t{*family} << 24);
        if (channel) w.attribute_u32(wire::StunAttribute::channel_number, uint32_t{*channel} << 16);
        if (peer) w.xor_address(wire::StunAttribute::xor_peer_address, *peer);
        if (connection) w.attribute_u32(wire::StunAttribute::connection_id, *connection);
        if (data) w.attribute(wire::StunAttribute::data, Bytes{*data});
        if (username) w.attribute(wire::StunAttribute::username, *username);
        if (userhash) w.attribute(wire::StunAttribute::userhash, Bytes{*userhash});
        if (realm) w.attribute(wire::StunAttribute::realm, *realm);
        if (nonce) w.attribute(wire::StunAttribute::nonce, *nonce);
        if (password_algorithms) w.attribute(wire::StunAttribute::password_algorithms, Bytes{*password_algorithms});
        if (password_algorithm) w.attribute(wire::StunAttribute::password_algorithm, Bytes{*password_algorithm});
        if (integrity == Integrity::sha1 || integrity == Integrity::both)
            add_mac(w, wire::StunAttribute::message_integrity, EVP_sha1());
        if (integrity == Integrity::sha256 || integrity == Integrity::both)
            add_mac(w, wire::StunAttribute::message_integrity_sha256, EVP_sha256());
        if (fingerprint) w.fingerprint();
        out.resize(w.finish().size());
        return out;
    }

  private:
    void add_mac(wire::StunWriter& w, wire::StunAttribute type, const EVP_MD* algorithm) const {
        uint8_t* mac = nullptr;
        Bytes covered = w.begin_integrity(type, static_cast<size_t>(EVP_MD_get_size(algorithm)), mac);
        if (!mac) return;
        auto value = hmac_of(algorithm, key, covered);
        std::copy(value.begin(), value.end(), mac);
    }
};

}  // namespace fedge::test
