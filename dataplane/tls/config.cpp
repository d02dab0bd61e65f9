#include "dataplane/tls/config.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <set>

#include "dataplane/contract/snapshot_generated.h"

namespace fedge::tls {
namespace {

constexpr size_t kTicketKey = 80;
constexpr size_t kMaxTicketKeys = 16;
constexpr size_t kMaxOcsp = 16 * 1024;

std::string_view text(const flatbuffers::String* string) {
    return string ? std::string_view(string->data(), string->size()) : std::string_view();
}

bool key_is_good(EVP_PKEY* key, std::string& error) {
    int type = EVP_PKEY_get_base_id(key);
    int bits = EVP_PKEY_get_bits(key);
    if (type == EVP_PKEY_RSA) {
        if (bits >= 2048) return true;
        error = "has an RSA key of " + std::to_string(bits) + " bits; peers refuse less than 2048";
        return false;
    }
    if (type == EVP_PKEY_ED25519) return true;
    if (type == EVP_PKEY_EC) {
        char group[64] = "";
        EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr);
        std::string_view curve = group;
        if (curve == "prime256v1" || curve == "secp384r1" || curve == "P-256" || curve == "P-384") return true;
        error = "has an ECDSA key on the curve " + std::string(curve) + "; use P-256 or P-384";
        return false;
    }
    error = "has a key that is neither RSA, ECDSA nor Ed25519";
    return false;
}

bool build_certificate(const contract::Certificate& from, const Library& library, OwnCertificate& to,
                       std::string& error) {
    to.name = text(from.name());
    to.chain = text(from.chain());
    to.key = text(from.key());
    if (from.ocsp()) to.ocsp.assign(from.ocsp()->begin(), from.ocsp()->end());
    auto wrong = [&](const std::string& what) {
        error = "tls certificate '" + to.name + "' " + what;
        return false;
    };
    std::string why;
    std::vector<CertificatePointer> chain = library.certificates(to.chain, why);
    if (!why.empty()) return wrong("has a chain that " + why);
    if (chain.empty()) return wrong("has an empty chain");
    if (chain.size() > static_cast<size_t>(kMaxChain)) return wrong("has a chain of more than 10 certificates");
    for (size_t i = 1; i < chain.size(); i++)
        if (X509_check_issued(chain[i].get(), chain[i - 1].get()) != X509_V_OK)
            return wrong("has a chain in the wrong order: '" + subject_of(chain[i].get()) + "' did not issue '" +
                         subject_of(chain[i - 1].get()) + "'");
    KeyPointer key = library.key(to.key, why);
    if (!key) return wrong("has a key that " + why);
    if (!X509_check_private_key(chain[0].get(), key.get()))
        return wrong("has a key that is not that of its certificate");
    if (!key_is_good(key.get(), why)) return wrong(why);
    if (to.ocsp.size() > kMaxOcsp) return wrong("has an OCSP response of more than 16 KiB");
    to.key_type = EVP_PKEY_get_base_id(key.get());
    PeerNames names;
    if (!read_names(chain[0].get(), names, why)) return wrong("cannot be used: " + why);
    for (const PeerName& name : names)
        if (name.kind == NameKind::dns || name.kind == NameKind::common_name) to.dns_names.push_back(name.value);
    std::sort(to.dns_names.begin(), to.dns_names.end());
    to.dns_names.erase(std::unique(to.dns_names.begin(), to.dns_names.end()), to.dns_names.end());
    return true;
}

bool build_ticket_keys(const flatbuffers::Vector<uint8_t>* from, std::vector<TicketKey>& to, std::string& error) {
    if (!from) return true;
    if (from->size() % kTicketKey != 0 || from->size() > kTicketKey * kMaxTicketKeys) {
        error = "tls ticket_keys: " + std::to_string(from->size()) + " bytes are not up to 16 keys of 80";
        return false;
    }
    for (ByteReader reader({from->data(), from->size()}); reader.remaining() > 0;) {
        TicketKey& key = to.emplace_back();
        std::ranges::copy(reader.bytes(key.name.size()), key.name.begin());
        std::ranges::copy(reader.bytes(key.mac.size()), key.mac.begin());
        std::ranges::copy(reader.bytes(key.cipher.size()), key.cipher.begin());
    }
    return true;
}

std::array<uint8_t, 32> digest_trust(const Config& config) {
    std::string all = config.trust + '\0' + config.crls + '\0' + static_cast<char>(config.purpose);
    std::array<uint8_t, 32> digest;
    SHA256(reinterpret_cast<const uint8_t*>(all.data()), all.size(), digest.data());
    return digest;
}

}  // namespace

std::shared_ptr<const Config> Config::build(const contract::Tls& tls, const Library& library, std::string& error) {
    auto config = std::make_shared<Config>();
    if (tls.certificates()) {
        std::set<std::string> seen;
        for (const contract::Certificate* one : *tls.certificates()) {
            if (!build_certificate(*one, library, config->certificates.emplace_back(), error)) return nullptr;
            if (!seen.insert(config->certificates.back().name).second) {
                error = "tls certificate '" + config->certificates.back().name + "' is there twice";
                return nullptr;
            }
        }
    }
    config->trust = text(tls.trust());
    config->crls = text(tls.crls());
    std::string why;
    library.certificates(config->trust, why);
    if (!why.empty()) {
        error = "tls trust " + why;
        return nullptr;
    }
    library.crls(config->crls, why);
    if (!why.empty()) {
        error = "tls crls " + why;
        return nullptr;
    }
    switch (tls.purpose()) {
        // A certificate for SIP alone is for those partners enough whose own purpose says so.
        case contract::Purpose::server_or_client: config->purpose = Purpose::tls_or_sip; break;
        case contract::Purpose::client_strict: config->purpose = Purpose::client_strict; break;
        case contract::Purpose::sip_domain: config->purpose = Purpose::sip_domain; break;
        default:
            error = "tls purpose: unknown value " + std::to_string(static_cast<int>(tls.purpose()));
            return nullptr;
    }
    if (tls.min_version() > contract::TlsVersion::MAX) {
        error = "tls min_version: unknown value " + std::to_string(static_cast<int>(tls.min_version()));
        return nullptr;
    }
    config->allow_tls_1_2 = tls.min_version() == contract::TlsVersion::tls_1_2;
    if (!build_ticket_keys(tls.ticket_keys(), config->ticket_keys, error)) return nullptr;
    // RFC 8446 section 4.6.1: seven days at most.
    if (tls.ticket_lifetime_s() == 0 || tls.ticket_lifetime_s() > 604800) {
        error = "tls ticket_lifetime_s must be from 1 to 604800";
        return nullptr;
    }
    config->ticket_lifetime_s = tls.ticket_lifetime_s();
    for (auto [setting, value] : {std::pair{"handshake_timeout_s", tls.handshake_timeout_s()},
                                  {"handshakes_per_core", tls.handshakes_per_core()},
                                  {"handshakes_per_prefix", tls.handshakes_per_prefix()},
                                  {"handshakes_per_turn", tls.handshakes_per_turn()}})
        if (value == 0) {
            error = std::string("tls ") + setting + " must not be 0";
            return nullptr;
        }
    config->handshake_timeout = std::chrono::seconds(tls.handshake_timeout_s());
    config->handshakes_per_core = tls.handshakes_per_core();
    config->handshakes_per_prefix = tls.handshakes_per_prefix();
    config->handshakes_per_turn = tls.handshakes_per_turn();
    config->trust_digest = digest_trust(*config);
    return config;
}

Config::~Config() {
    for (OwnCertificate& one : certificates) OPENSSL_cleanse(one.key.data(), one.key.size());
    for (TicketKey& key : ticket_keys) OPENSSL_cleanse(&key, sizeof(key));
}

}  // namespace fedge::tls
