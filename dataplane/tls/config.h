// The TLS settings of one snapshot, checked once on the management thread; immutable, shared by all cores.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/time.h"
#include "dataplane/tls/library.h"
#include "dataplane/tls/peer.h"

namespace fedge::contract {
struct Tls;
}

namespace fedge::tls {

struct TicketKey {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 32> mac;     // HMAC-SHA256
    std::array<uint8_t, 32> cipher;  // AES-256-CBC
};

// A certificate of ours. PEM is kept because every core parses its own.
struct OwnCertificate {
    std::string name;  // what the operator calls it
    std::string chain;
    std::string key;
    std::vector<uint8_t> ocsp;           // DER; empty: nothing to staple
    int key_type = 0;                    // EVP_PKEY_EC, EVP_PKEY_RSA, EVP_PKEY_ED25519
    std::vector<std::string> dns_names;  // that SNI can choose, sorted; wildcards as they stand
};

struct Config {
    // Empty and `error` (a sentence naming the setting or certificate) if it cannot be served. Keeps no reference to
    // `tls`. `library`: of the calling thread.
    static std::shared_ptr<const Config> build(const contract::Tls& tls, const Library& library, std::string& error);
    Config() = default;
    ~Config();  // wipes keys
    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;

    std::vector<OwnCertificate> certificates;
    std::string trust;  // PEM
    std::string crls;   // PEM
    Purpose purpose = Purpose::tls_or_sip;
    bool allow_tls_1_2 = true;
    std::vector<TicketKey> ticket_keys;  // newest first; empty: no tickets
    uint32_t ticket_lifetime_s = 0;
    Duration handshake_timeout{};
    uint32_t handshakes_per_core = 0;    // in progress
    uint32_t handshakes_per_prefix = 0;  // in progress, per core
    uint32_t handshakes_per_turn = 0;    // steps with public-key work
    // Of what peers are verified by: a session that was verified by something else does not resume.
    std::array<uint8_t, 32> trust_digest{};
};

}  // namespace fedge::tls
