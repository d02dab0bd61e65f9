#include "dataplane/relay/authenticate.h"

#include <algorithm>
#include <optional>

namespace fedge::relay {
namespace {

using wire::StunAttribute;

// PASSWORD-ALGORITHMS as offered (RFC 8489 section 14.11): SHA-256, then MD5, both without parameters.
constexpr std::array<uint8_t, 8> kOfferedAlgorithms{0, 2, 0, 0, 0, 1, 0, 0};

std::optional<PasswordAlgorithm> parse_password_algorithm(Bytes value) {
    if (value.size() != 4 || load_be16(value.data() + 2) != 0) return std::nullopt;
    switch (load_be16(value.data())) {
        case static_cast<uint16_t>(PasswordAlgorithm::md5): return PasswordAlgorithm::md5;
        case static_cast<uint16_t>(PasswordAlgorithm::sha256): return PasswordAlgorithm::sha256;
        default: return std::nullopt;
    }
}

struct Negotiated {
    PasswordAlgorithm password = PasswordAlgorithm::md5;
    HmacAlgorithm response = HmacAlgorithm::sha1;
};

// The third step of section 9.2.4. Nothing means 400. A client of RFC 5389 knows neither attribute, and means MD5. Who
// names algorithms although this nonce offered none is refused like one who names others than were offered.
std::optional<Negotiated> negotiate(const wire::StunMessage& request) {
    bool list = request.has(StunAttribute::password_algorithms);
    bool choice = request.has(StunAttribute::password_algorithm);
    if (!list && !choice) return Negotiated{};
    auto told = Nonces::features_of(request.text(StunAttribute::nonce));
    if (!told || !told->password_algorithms || !list || !choice) return std::nullopt;
    if (!std::ranges::equal(request.value(StunAttribute::password_algorithms), kOfferedAlgorithms)) return std::nullopt;
    auto password = parse_password_algorithm(request.value(StunAttribute::password_algorithm));
    if (!password) return std::nullopt;
    return Negotiated{*password, HmacAlgorithm::sha256};
}

bool names_user(const wire::StunMessage& request) {
    if (request.has(StunAttribute::username))
        return request.value(StunAttribute::username).size() <= Credentials::kMaxUsername;
    return request.value(StunAttribute::userhash).size() == 32;
}

AuthResult outcome(AuthOutcome outcome) {
    AuthResult result;
    result.outcome = outcome;
    return result;
}

}  // namespace

bool integrity_ok(const wire::StunMessage& request, Bytes long_term_key, Digest& digest, IntegrityKey& key) {
    auto at = request.integrity_sha256_offset();
    HmacAlgorithm algorithm = at ? HmacAlgorithm::sha256 : HmacAlgorithm::sha1;
    if (!at) at = request.integrity_offset();
    if (!at) return false;
    key.hmac = digest.hmac_key(algorithm, long_term_key);
    Bytes received = request.value(key.attribute());
    if (received.size() != hmac_size(algorithm)) return false;

    // The length in the header is to count up to this attribute, whatever follows it.
    std::array<uint8_t, wire::kStunHeader> header;
    std::copy_n(request.raw().begin(), header.size(), header.begin());
    store_be16(header.data() + 2, static_cast<uint16_t>(*at + key.attribute_size() - wire::kStunHeader));
    Bytes body = request.raw().subspan(wire::kStunHeader, *at - wire::kStunHeader);
    std::array<uint8_t, kHmacMaxSize> mac;
    return digest.hmac(key.hmac, header, body, mac.data()) &&
           equal_in_constant_time(Bytes{mac}.first(received.size()), received);
}

AuthResult authenticate(const wire::StunMessage& request, const RequestPath& path, uint64_t unix_now,
                        const Credentials& credentials, Digest& digest) {
    if (!request.has(StunAttribute::message_integrity) && !request.has(StunAttribute::message_integrity_sha256))
        return outcome(AuthOutcome::challenge);
    if (!names_user(request) || !request.has(StunAttribute::realm) || !request.has(StunAttribute::nonce))
        return outcome(AuthOutcome::bad_request);
    auto negotiated = negotiate(request);
    if (!negotiated) return outcome(AuthOutcome::bad_request);
    if (credentials.nonces().verify(request.text(StunAttribute::nonce), path, unix_now) != NonceVerdict::fresh)
        return outcome(AuthOutcome::stale);

    UserMatch user;
    if (request.text(StunAttribute::realm) == credentials.realm()) {
        user = request.has(StunAttribute::username) ? credentials.find(request.text(StunAttribute::username), unix_now)
                                                    : credentials.find_userhash(request.value(StunAttribute::userhash));
    }
    AuthResult result = outcome(AuthOutcome::unauthorized);
    for (size_t k = 0; k < credentials.key_count(user); k++) {
        LongTermKey key = credentials.key(user, negotiated->password, k, digest);
        if (!integrity_ok(request, key.view(), digest, result.key) || user.kind == UserKind::unknown) continue;
        result.outcome = AuthOutcome::accepted;
        if (result.key.hmac.algorithm != negotiated->response)
            result.key.hmac = digest.hmac_key(negotiated->response, key.view());
        result.user = credentials.id(user);
        result.username = user.name;
        result.user_part = user.user_part;
        result.credential_expiry_unix = user.expiry_unix;
        return result;
    }
    return outcome(AuthOutcome::unauthorized);
}

void add_challenge(wire::StunWriter& writer, const RequestPath& path, uint64_t unix_now,
                   const Credentials& credentials) {
    writer.attribute(StunAttribute::realm, credentials.realm());
    writer.attribute(StunAttribute::nonce, credentials.nonces().issue(path, unix_now).text());
    if (credentials.offers_password_algorithms())
        writer.attribute(StunAttribute::password_algorithms, Bytes{kOfferedAlgorithms});
}

Bytes write_refusal(AuthOutcome outcome, const wire::StunMessage& request, const RequestPath& path, uint64_t unix_now,
                    const Credentials& credentials, MutableBytes out) {
    wire::StunWriter writer{out, wire::StunClass::error, request.method(), request.transaction()};
    switch (outcome) {
        case AuthOutcome::accepted: return {};
        case AuthOutcome::bad_request: writer.error_code(400); break;
        case AuthOutcome::stale:
            writer.error_code(438);
            add_challenge(writer, path, unix_now, credentials);
            break;
        case AuthOutcome::challenge:
        case AuthOutcome::unauthorized:
            writer.error_code(401);
            add_challenge(writer, path, unix_now, credentials);
            break;
    }
    if (request.has(StunAttribute::fingerprint)) writer.fingerprint();
    return writer.finish();
}

void sign(wire::StunWriter& writer, const IntegrityKey& key, Digest& digest) {
    uint8_t* mac = nullptr;
    Bytes signed_part = writer.begin_integrity(key.attribute(), hmac_size(key.hmac.algorithm), mac);
    if (mac) digest.hmac(key.hmac, signed_part, mac);
}

}  // namespace fedge::relay
