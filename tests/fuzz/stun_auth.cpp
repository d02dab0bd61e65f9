// The authentication decision on any request. The first byte says how the rest is used: as a message as it is, or as
// the fields of a request that is then completed with a fresh nonce and a right signature, so that what lies behind the
// nonce and behind the signature is reached too. Time stands still.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/relay/authenticate.h"
#include "tests/fuzz/expect.h"
#include "tests/support/stun_client.h"
#include "tests/support/turn_settings.h"

using namespace fedge;
using test::StunAttempt;

namespace {

constexpr uint64_t kNow = 1'800'000'000;
constexpr const char* kRealm = "example.org";
constexpr const char* kUser = "alice";
constexpr const char* kPassword = "wonderland";
constexpr const char* kSecret = "secret";

struct Server {
    Server() : buffer(settings().build()), credentials(test::turn_of(buffer), {}, digest) {}
    static test::TurnSettings settings() {
        test::TurnSettings s;
        s.realm = kRealm;
        s.users = {{kUser, kPassword}, {"bob", "builder"}};
        s.secrets = {kSecret, "older"};
        return s;
    }
    relay::Digest digest;
    flatbuffers::DetachedBuffer buffer;
    relay::Credentials credentials;
    relay::RequestPath path{*Endpoint::parse("192.0.2.7:40000"), *Endpoint::parse("198.51.100.1:3478")};
};

enum Use : uint8_t { raw = 0, changed_fields = 1, signed_soup = 2, time_limited = 3 };

std::vector<uint8_t> rest_of(ByteReader& in, size_t limit) {
    Bytes b = in.bytes(std::min(in.remaining(), limit));
    return {b.begin(), b.end()};
}
std::string text_of_some(ByteReader& in) {
    size_t size = in.u8();
    auto bytes = rest_of(in, size);
    return {bytes.begin(), bytes.end()};
}

// A right request of which the bits of `spoil` say which fields come from the input.
std::vector<uint8_t> changed(ByteReader& in, const Server& server) {
    uint8_t spoil = in.u8();
    StunAttempt a;
    if (spoil & 1) {
        a.log_in_sha256(kUser, kRealm, kPassword);
    } else {
        a.log_in(kUser, kRealm, kPassword);
    }
    a.nonce = server.credentials.nonces().issue(server.path, kNow).text();
    if (spoil & 2) a.username = text_of_some(in);
    if (spoil & 4) a.nonce = text_of_some(in);
    if (spoil & 8) a.realm = text_of_some(in);
    if (spoil & 16) a.password_algorithms = rest_of(in, in.u8());
    if (spoil & 32) a.password_algorithm = rest_of(in, in.u8());
    if (spoil & 64) a.integrity = static_cast<StunAttempt::Integrity>(in.u8() % 4);
    if (spoil & 128) {
        a.username.reset();
        a.userhash = rest_of(in, 32);
    }
    a.fingerprint = in.u8() & 1;
    return a.write();
}

// Attributes of any kind in front of those of a right request.
std::vector<uint8_t> soup(ByteReader& in, const Server& server) {
    StunAttempt a;
    a.log_in(kUser, kRealm, kPassword);
    std::vector<uint8_t> out(2048);
    wire::StunWriter w{out, wire::StunClass::request, in.u16(), a.transaction};
    while (in.remaining() > 3) {
        uint16_t type = in.u16();
        w.attribute(static_cast<wire::StunAttribute>(type), rest_of(in, in.u8()));
    }
    w.attribute(wire::StunAttribute::username, *a.username);
    w.attribute(wire::StunAttribute::realm, *a.realm);
    w.attribute(wire::StunAttribute::nonce, server.credentials.nonces().issue(server.path, kNow).text());
    uint8_t* mac = nullptr;
    Bytes covered = w.begin_integrity(wire::StunAttribute::message_integrity, 20, mac);
    if (mac) std::ranges::copy(test::hmac_of(EVP_sha1(), a.key, covered), mac);
    out.resize(w.finish().size());
    return out;
}

std::vector<uint8_t> limited(ByteReader& in, const Server& server) {
    std::string name = text_of_some(in);
    StunAttempt a;
    a.log_in(name, kRealm, test::time_limited_password(kSecret, name));
    a.nonce = server.credentials.nonces().issue(server.path, kNow).text();
    return a.write();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Server server;
    ByteReader in{{data, size}};
    std::vector<uint8_t> request;
    switch (in.u8() % 4) {
        case raw: request = rest_of(in, 65'535); break;
        case changed_fields: request = changed(in, server); break;
        case signed_soup: request = soup(in, server); break;
        case time_limited: request = limited(in, server); break;
    }
    auto message = wire::StunMessage::parse(request);
    if (!message) return 0;

    uint64_t hmacs = server.digest.hmacs();
    auto result = relay::authenticate(*message, server.path, kNow, server.credentials, server.digest);
    bool worked = server.digest.hmacs() != hmacs;
    auto nonce = server.credentials.nonces().verify(message->text(wire::StunAttribute::nonce), server.path, kNow);
    fuzz::expect(!worked || nonce == relay::NonceVerdict::fresh, "no HMAC without a fresh nonce");
    bool decided_by_credentials =
        result.outcome == relay::AuthOutcome::accepted || result.outcome == relay::AuthOutcome::unauthorized;
    fuzz::expect(!worked || decided_by_credentials, "an HMAC decides");

    std::array<uint8_t, relay::kMaxRefusal> out;
    Bytes refusal = relay::write_refusal(result.outcome, *message, server.path, kNow, server.credentials, out);
    if (result.outcome != relay::AuthOutcome::accepted) {
        fuzz::expect(result.username.empty(), "who is refused is nobody");
        auto reply = wire::StunMessage::parse(refusal);
        fuzz::expect(reply && reply->klass() == wire::StunClass::error, "a refusal is an error response");
        fuzz::expect(reply->transaction() == message->transaction(), "of the same transaction");
        fuzz::expect(reply->fingerprint_ok().value_or(true), "with a right fingerprint");
        return 0;
    }
    fuzz::expect(refusal.empty(), "who is accepted is not refused");
    fuzz::expect(worked, "nobody is accepted without a proof");
    std::string name{result.username};
    bool is_limited = server.credentials.find(name, kNow).kind == relay::UserKind::time_limited;
    fuzz::expect(is_limited == (result.credential_expiry_unix > kNow), "time-limited credentials expire later");
    std::string password = name == kUser ? kPassword : test::time_limited_password(kSecret, name);
    fuzz::expect(is_limited || name == kUser, "only users whose key was used are accepted");
    std::string long_term = name + ":" + kRealm + ":" + password;
    relay::IntegrityKey key;
    fuzz::expect(relay::integrity_ok(*message, test::digest_of(EVP_md5(), long_term), server.digest, key) ||
                     relay::integrity_ok(*message, test::digest_of(EVP_sha256(), long_term), server.digest, key),
                 "the signature is that of the user");

    wire::StunWriter writer{out, wire::StunClass::success, message->method(), message->transaction()};
    relay::sign(writer, result.key, server.digest);
    Bytes response = writer.finish();
    fuzz::expect(response.size() == wire::kStunHeader + result.key.attribute_size(), "the response is signed");
    bool sha256 = result.key.hmac.algorithm == relay::HmacAlgorithm::sha256;
    bool named = message->has(wire::StunAttribute::password_algorithm);
    fuzz::expect(sha256 == named, "with the algorithm that RFC 8489 section 9.2.4 wants");
    return 0;
}
