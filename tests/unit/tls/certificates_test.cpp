// The certificate set of the threat list: the verdict on each, under each purpose, and its words.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/unit/tls/environment.h"

namespace fedge::tls {
namespace {

using test::CertificatePlan;
using test::kTestTime;
using test::TestCertificate;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kDay = 86400;

struct Store {
    StorePointer store{X509_STORE_new()};
    explicit Store(const TestCertificate& authority) { X509_STORE_add_cert(store.get(), authority.get()); }
    // `library` must outlive this.
    void add_crl(const Library& library, const std::string& pem) {
        std::string error;
        for (const CrlPointer& one : library.crls(pem, error)) X509_STORE_add_crl(store.get(), one.get());
    }
};

class TlsThreatsCertificates : public testing::Test {
  protected:
    PeerVerdict verdict(const TestCertificate& peer, const std::vector<const TestCertificate*>& others = {},
                        Purpose purpose = Purpose::server_or_client, bool is_server = false) {
        STACK_OF(X509)* sent = sk_X509_new_null();
        sk_X509_push(sent, peer.get());
        for (const TestCertificate* one : others) sk_X509_push(sent, one->get());
        PeerVerdict out = verify_peer(library, trust.store.get(), peer.get(), sent, {purpose, is_server, kTestTime});
        sk_X509_free(sent);
        return out;
    }

    Library library;
    TestCertificate authority = test::make_authority();
    Store trust{authority};
};

TEST_F(TlsThreatsCertificates, Dates) {
    auto expired = verdict(authority.issue({.names = {"DNS:a.example"}, .to = kTestTime - kDay}));
    EXPECT_EQ(expired.error, X509_V_ERR_CERT_HAS_EXPIRED);
    EXPECT_EQ(expired.why, "'CN=test' expired on 2025-12-31 00:00 UTC");
    auto early = verdict(authority.issue({.names = {"DNS:a.example"}, .from = kTestTime + kDay}));
    EXPECT_EQ(early.error, X509_V_ERR_CERT_NOT_YET_VALID);
    EXPECT_THAT(early.why, HasSubstr("is not valid before 2026-01-02 00:00 UTC; check both clocks"));
}

TEST_F(TlsThreatsCertificates, Revocation) {
    TestCertificate intermediate = authority.issue({.common_name = "Intermediate", .authority = true});
    TestCertificate good = intermediate.issue({.common_name = "good", .names = {"DNS:good.example"}});
    TestCertificate bad = intermediate.issue({.common_name = "bad", .names = {"DNS:bad.example"}});
    EXPECT_EQ(verdict(good, {&intermediate}).error, X509_V_OK) << "no list, no check";
    trust.add_crl(library, intermediate.crl({&bad}));
    EXPECT_EQ(verdict(good, {&intermediate}).why, "");
    auto revoked = verdict(bad, {&intermediate});
    EXPECT_EQ(revoked.error, X509_V_ERR_CERT_REVOKED);
    EXPECT_EQ(revoked.why, "'CN=bad' was revoked by 'CN=Intermediate'");
    // The whole chain.
    Store other(authority);
    other.add_crl(library, authority.crl({&intermediate}));
    std::swap(trust.store, other.store);
    EXPECT_THAT(verdict(good, {&intermediate}).why, HasSubstr("'CN=Intermediate' was revoked by 'CN=Test Authority'"));
    // An outdated list says nothing about today.
    Store third(authority);
    third.add_crl(library, authority.crl({}, kTestTime - 30 * kDay, kTestTime - kDay));
    std::swap(trust.store, third.store);
    auto outdated = verdict(good, {&intermediate});
    EXPECT_EQ(outdated.error, X509_V_ERR_CRL_HAS_EXPIRED);
    EXPECT_THAT(outdated.why, HasSubstr("the revocation list of 'CN=Test Authority' is out of date; import"));
}

TEST_F(TlsThreatsCertificates, UnknownAuthorities) {
    TestCertificate stranger = test::make_authority("Stranger");
    auto unknown = verdict(stranger.issue({.names = {"DNS:a.example"}}));
    EXPECT_EQ(unknown.error, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    EXPECT_THAT(unknown.why, AllOf(HasSubstr("was issued by 'CN=Stranger'"), HasSubstr("add it to the trust")));
    auto sent_along = verdict(stranger.issue({.names = {"DNS:a.example"}}), {&stranger});
    EXPECT_THAT(sent_along.why, HasSubstr("its chain ends at 'CN=Stranger', which is not among our trusted"));
    auto self = verdict(TestCertificate::self_signed({.names = {"DNS:a.example"}}));
    EXPECT_THAT(self.why, HasSubstr("is signed by itself"));
    // The name of ours, the key of another.
    auto impostor = verdict(test::make_authority().issue({.names = {"DNS:a.example"}}));
    EXPECT_NE(impostor.error, X509_V_OK);
    // A certificate that is no authority issues one.
    TestCertificate leaf = authority.issue({.common_name = "leaf", .names = {"DNS:leaf.example"}});
    auto issued = verdict(leaf.issue({.names = {"DNS:a.example"}}), {&leaf});
    EXPECT_EQ(issued.error, X509_V_ERR_INVALID_CA);
    EXPECT_THAT(issued.why, HasSubstr("is no authority"));
}

TEST_F(TlsThreatsCertificates, Names) {
    struct Case {
        const char* what;
        CertificatePlan plan;
        PeerNames names;  // empty: refused
        const char* why;
    };
    using namespace std::string_literals;
    const Case cases[] = {
        {"wildcard", {.names = {"DNS:*.a.example"}}, {{NameKind::dns, "*.a.example"}}, ""},
        {"wildcard of a top-level domain", {.names = {"DNS:*.example"}}, {}, "proves no domain"},
        {"wildcard inside a label", {.names = {"DNS:f*.a.example"}}, {}, "proves no domain"},
        {"common name alone", {.common_name = "Old.Example"}, {{NameKind::common_name, "old.example"}}, ""},
        {"common name beside names",
         {.common_name = "old.example", .names = {"DNS:new.example"}},
         {{NameKind::dns, "new.example"}},
         ""},
        {"common name beside an address",
         {.common_name = "old.example", .names = {"IP:192.0.2.1"}},
         {},
         "proves no domain"},
        {"NUL byte in a DNS name",
         {.names_der = test::dns_names_der({"good.example\0.evil.example"s})},
         {},
         "one of its names has a NUL byte"},
        {"NUL byte in the common name",
         {.common_name_bytes = "good.example\0.evil.example"s},
         {},
         "its common name has a NUL byte"},
        {"sip URI", {.names = {"URI:sip:a.example"}}, {{NameKind::uri_sip, "a.example"}}, ""},
        {"sip URI of a user", {.names = {"URI:sip:user@a.example"}}, {}, "a sip URI without a user"},
        {"sip URI of a user beside a name",
         {.names = {"URI:sip:user@a.example", "DNS:b.example"}},
         {{NameKind::dns, "b.example"}},
         ""},
        {"sip URI with parameters", {.names = {"URI:sip:a.example;transport=tls"}}, {}, "proves no domain"},
        {"look-alike in raw UTF-8", {.names_der = test::dns_names_der({"b\xd0\xb0nk.example"})}, {}, "not plain ASCII"},
        {"look-alike as an A-label",
         {.names = {"DNS:xn--bnk-8cd.example"}},
         {{NameKind::dns, "xn--bnk-8cd.example"}},
         ""},
        {"names for XMPP",
         {.names = {"otherName:1.3.6.1.5.5.7.8.5;UTF8:im.example",
                    "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.x.example"}},
         {{NameKind::xmpp_addr, "im.example"}, {NameKind::srv_id, "_xmpp-server.x.example"}},
         ""},
        {"malformed list", {.names_der = {0x30, 0x05, 0x82, 0x10, 'a'}}, {}, "its list of names is malformed"},
    };
    for (const Case& one : cases) {
        PeerVerdict out = verdict(authority.issue(one.plan));
        if (one.names.empty()) {
            EXPECT_NE(out.error, X509_V_OK) << one.what;
            EXPECT_THAT(out.why, HasSubstr(one.why)) << one.what;
        } else {
            EXPECT_EQ(out.why, "") << one.what;
        }
        EXPECT_EQ(out.names, one.names) << one.what;
    }
}

TEST_F(TlsThreatsCertificates, PurposesUnderEachPolicy) {
    struct Case {
        const char* usage;
        bool unknown;        // tls_or_sip
        bool either;         // server_or_client
        bool strict_client;  // client_strict, of a peer that connects to us
        bool strict_server;  // of one that we connect to
        bool sip;
    };
    const Case cases[] = {
        {"serverAuth", true, true, false, true, false},
        {"clientAuth", true, true, true, false, false},
        {"serverAuth,clientAuth", true, true, true, true, false},
        {"", true, true, false, false, false},
        {"1.3.6.1.5.5.7.3.20", true, false, false, false, true},
        {"serverAuth,1.3.6.1.5.5.7.3.20", true, true, false, true, true},
        {"anyExtendedKeyUsage", true, true, false, false, false},
        {"codeSigning", false, false, false, false, false},
    };
    for (const Case& one : cases) {
        TestCertificate peer = authority.issue({.names = {"DNS:a.example"}, .usage = one.usage});
        EXPECT_EQ(verdict(peer, {}, Purpose::tls_or_sip).error == X509_V_OK, one.unknown) << one.usage;
        EXPECT_EQ(verdict(peer).error == X509_V_OK, one.either) << one.usage;
        EXPECT_EQ(verdict(peer, {}, Purpose::client_strict).error == X509_V_OK, one.strict_client) << one.usage;
        EXPECT_EQ(verdict(peer, {}, Purpose::client_strict, true).error == X509_V_OK, one.strict_server) << one.usage;
        EXPECT_EQ(verdict(peer, {}, Purpose::sip_domain).error == X509_V_OK, one.sip) << one.usage;
    }
    TestCertificate server_only = authority.issue({.names = {"DNS:a.example"}, .usage = "serverAuth"});
    EXPECT_EQ(verdict(server_only).usages, (Usages{true, true, false, false, false}));
    EXPECT_EQ(verdict(authority.issue({.names = {"DNS:a.example"}, .usage = "serverAuth,1.3.6.1.5.5.7.3.20"})).usages,
              (Usages{true, true, false, false, true}));
    EXPECT_EQ(verdict(authority.issue({.names = {"DNS:a.example"}, .usage = "clientAuth,anyExtendedKeyUsage"})).usages,
              (Usages{true, false, true, true, false}));
    EXPECT_EQ(verdict(server_only, {}, Purpose::client_strict).why,
              "the extended key usage of 'CN=test' is not clientAuth, which our purpose setting demands");
    EXPECT_THAT(verdict(authority.issue({.names = {"DNS:a.example"}, .key_usage = "keyEncipherment"})).why,
                HasSubstr("does not allow signatures"));
}

TEST_F(TlsThreatsCertificates, WeakKeysAndHashes) {
    auto small = verdict(authority.issue({.names = {"DNS:a.example"}, .key = "RSA-1024"}));
    EXPECT_EQ(small.error, X509_V_ERR_EE_KEY_TOO_SMALL);
    EXPECT_THAT(small.why, HasSubstr("is too short; RSA needs 2048 bits"));
    auto sha1 = verdict(authority.issue({.names = {"DNS:a.example"}, .digest = "SHA1"}));
    EXPECT_EQ(sha1.error, X509_V_ERR_CA_MD_TOO_WEAK);
    EXPECT_THAT(sha1.why, HasSubstr("SHA-1"));
    EXPECT_EQ(verdict(authority.issue({.names = {"DNS:a.example"}, .key = "RSA-2048"})).why, "");
}

TEST_F(TlsThreatsCertificates, ChainLengths) {
    for (int length : {1, 8, 9, 20}) {  // authorities between the leaf and the trusted one
        std::vector<TestCertificate> chain;
        chain.push_back(authority.issue({.common_name = "CA 1", .authority = true}));
        for (int i = 1; i < length; i++)
            chain.push_back(chain.back().issue({.common_name = "CA " + std::to_string(i + 1), .authority = true}));
        TestCertificate leaf = chain.back().issue({.names = {"DNS:a.example"}});
        std::vector<const TestCertificate*> sent;
        for (const TestCertificate& one : chain) sent.push_back(&one);
        PeerVerdict out = verdict(leaf, sent);
        if (length <= 8) {
            EXPECT_EQ(out.why, "") << length;
        } else {
            EXPECT_NE(out.error, X509_V_OK) << length;
        }
        if (length == 20) EXPECT_EQ(out.why, "its chain has more than 10 certificates");
    }
}

TEST_F(TlsThreatsCertificates, TooManyNamesCostNoSignature) {
    std::vector<std::string> names;
    for (int i = 0; i < 10000; i++) names.push_back("n" + std::to_string(i) + ".example");
    auto begun = std::chrono::steady_clock::now();
    TestCertificate peer = authority.issue({.names_der = test::dns_names_der(names)});
    PeerVerdict out = verdict(peer);
    EXPECT_THAT(out.why, HasSubstr("it has 10000 names, more than 256"));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
    names.resize(256);
    EXPECT_EQ(verdict(authority.issue({.names_der = test::dns_names_der(names)})).names.size(), 256u);
}

// Those that are too large never get as far as the verdict.
class TlsThreatsLargeCertificates : public TlsOver {};

TEST_P(TlsThreatsLargeCertificates, AreRefusedInTheHandshake) {
    server.server_options.peer = PeerMode::required;
    uint16_t mutual = listen(users);
    std::vector<std::string> names;
    for (int i = 0; i < 10000; i++) names.push_back("name-number-" + std::to_string(i) + ".example");
    const TestCertificate peers_of[] = {
        people.authority.issue({.names = {"DNS:a.example"}, .padding = 1'000'000}),
        people.authority.issue({.names_der = test::dns_names_der(names)}),
    };
    for (const TestCertificate& one : peers_of) {
        SslContextPointer context = test::openssl_context(false, {}, &one);
        test::OpenSslPeer& bad = peer(context.get(), mutual);
        ASSERT_TRUE(until([&] { return !server.endings.empty(); }));
        EXPECT_THAT(last_error(), HasSubstr("was beyond 64 KiB"));
        EXPECT_TRUE(until([&] { return bad.closed || bad.ended; }));
        server.endings.clear();
    }
    EXPECT_TRUE(users.all.empty());
    EXPECT_EQ(count(Counter::tls_handshake_failed), 2u);
}

INSTANTIATE_TEST_SUITE_P(Over, TlsThreatsLargeCertificates,
                         testing::Values(test::Carrier::memory, test::Carrier::kernel), carrier_label);

}  // namespace
}  // namespace fedge::tls
