// Import of certificates: every reason for which partners would refuse one, and what is kept and made.
#include "control/certificates/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "control/certificates/check.h"
#include "control/certificates/pem.h"
#include "tests/unit/control/pki.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

using test::Made;
using test::Recipe;
using test::TestKey;

Config config_with(const Settings& more) {
    Settings settings{{"interface.inside.address", {"192.0.2.130/26"}},
                      {"interface.inside.port", {"lan"}},
                      {"interface.inside.role", {"internal"}},
                      {"interface.outside.address", {"192.0.2.10/26"}},
                      {"interface.outside.port", {"wan"}}};
    settings.insert(more.begin(), more.end());
    return compile(settings).config;
}

class CertificatesTest : public testing::Test {
  protected:
    CertificatesTest()
        : root(test::make(test::authority("Test Root"))),
          middle(test::make(test::authority("Test Intermediate"), &root)),
          log(lines, Severity::debug),
          store(scratch.path() + "/state"),
          desk(
              store, log, [this] { return ::time(nullptr) + clock_offset; }, scratch.path() + "/bundle.pem") {
        std::ofstream(scratch.path() + "/bundle.pem") << root.pem();
    }

    Made leaf(const Recipe& recipe = {}) { return test::make(recipe, &middle); }
    Imported import(const std::string& chain, const std::string& key, const std::string& roots = "") {
        return desk.import({"edge", chain, key, roots}, config, "alice");
    }
    // The problems with which it is refused; none if it is taken.
    std::vector<Problem> refused(const std::string& chain, const std::string& key, const std::string& roots = "") {
        try {
            import(chain, key, roots);
            return {};
        } catch (const Refusal& refusal) {
            return refusal.problems();
        }
    }
    std::string note_of(const std::string& chain, const std::string& key) {
        std::string out;
        for (const auto& note : import(chain, key).notes) out += note.what + "\n";
        return out;
    }
    template <typename Call>
    std::string refusal(Call call) {
        try {
            call();
            return "";
        } catch (const Refusal& refusal) {
            EXPECT_FALSE(refusal.problem().fix.empty());
            return refusal.problem().what;
        }
    }

    Scratch scratch;
    Made root;
    Made middle;
    std::ostringstream lines;
    Log log;
    Store store;
    int64_t clock_offset = 0;
    Certificates desk;
    Config config = config_with({});
};

constexpr int64_t kDays = 86400;

TEST_F(CertificatesTest, EveryRefusalSaysWhatPartnersWouldDislike) {
    const Recipe good;
    struct Row {
        const char* why;
        std::function<void(Recipe&)> change;
        const char* said;
    };
    const Row rows[] = {
        {"expired", [](Recipe& r) { r.begins_in = -90 * kDays, r.ends_in = -kDays; },
         "CN=edge.example.org expired at "},
        {"not yet valid", [](Recipe& r) { r.begins_in = kDays; }, "CN=edge.example.org is not valid before "},
        {"SHA-1", [](Recipe& r) { r.digest = "SHA1"; }, "is signed with SHA1, which can be forged"},
        {"RSA 1024", [](Recipe& r) { r.key = TestKey::rsa1024; }, "has an RSA key of 1024 bits; partners demand 2048"},
        {"P-192", [](Recipe& r) { r.key = TestKey::p192; }, "has an ECDSA key that is neither P-256 nor P-384"},
        {"P-521", [](Recipe& r) { r.key = TestKey::p521; }, "has an ECDSA key that is neither P-256 nor P-384"},
        {"secp256k1", [](Recipe& r) { r.key = TestKey::secp256k1; },
         "has an ECDSA key that is neither P-256 nor P-384"},
        {"Ed25519", [](Recipe& r) { r.key = TestKey::ed25519; }, "neither RSA nor ECDSA"},
        {"common name only", [](Recipe& r) { r.names = ""; }, "the name stands in the subject alone"},
        {"wildcard outside", [](Recipe& r) { r.names = "DNS:*.example.org"; }, "has the wildcard name *.example.org"},
        {"NUL in a name",
         [](Recipe& r) { r.names = "", r.raw_dns = std::string("edge.example.org\0.evil.example", 29); },
         "has characters that no DNS name has"},
        {"line feed in a name", [](Recipe& r) { r.names = "", r.raw_dns = "edge\nexample.org"; },
         "has characters that no DNS name has"},
        {"for clients only", [](Recipe& r) { r.purposes = "clientAuth"; }, "has no serverAuth"},
        {"for anything, which OpenSSL does not take for serverAuth",
         [](Recipe& r) { r.purposes = "anyExtendedKeyUsage"; }, "has no serverAuth"},
        {"for mail", [](Recipe& r) { r.purposes = "emailProtection"; }, "has no serverAuth"},
        {"without digitalSignature", [](Recipe& r) { r.usage = "critical,keyEncipherment"; },
         "has no digitalSignature"},
        {"an authority",
         [](Recipe& r) { r.constraints = "critical,CA:TRUE", r.usage = "critical,keyCertSign,digitalSignature"; },
         "is the certificate of an authority, not of a server"},
        {"unknown critical extension", [](Recipe& r) { r.critical = "1.3.6.1.4.1.99999.1"; },
         "unhandled critical extension"},
        {"too many names of other kinds",
         [](Recipe& r) {
             for (int i = 0; i < 250; i++) r.names += ",IP:192.0.2." + std::to_string(i);
         },
         "it has 252 names"},
        {"too many names",
         [](Recipe& r) {
             r.names = "DNS:h0.example.org";
             for (int i = 1; i <= 250; i++) r.names += ",DNS:h" + std::to_string(i) + ".example.org";
         },
         "it has 251 names"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.why);
        Recipe recipe = good;
        row.change(recipe);
        Made bad = leaf(recipe);
        auto problems = refused(bad.pem() + middle.pem(), bad.key_pem());
        ASSERT_EQ(problems.size(), 1U) << (problems.empty() ? "was taken" : problems[1].what);
        EXPECT_EQ(problems[0].key, "chain");
        EXPECT_NE(problems[0].what.find(row.said), std::string::npos) << problems[0].what;
        EXPECT_FALSE(problems[0].fix.empty());
        EXPECT_TRUE(store.certificates().empty()) << "a refused certificate is not kept";
    }
    Made fine = leaf(good);
    EXPECT_TRUE(refused(fine.pem() + middle.pem(), fine.key_pem()).empty());
}

TEST_F(CertificatesTest, ChainsThatDoNotLeadToARoot) {
    Made edge = leaf(), other = leaf();
    Made foreign_root = test::make(test::authority("Foreign Root"));
    Made foreign = test::make({}, &foreign_root);
    Made own = test::make({});
    Recipe old = test::authority("Test Intermediate");
    old.ends_in = -kDays, old.begins_in = -9 * kDays;
    Made old_middle{test::make(old, &root)};
    Made under_old = test::make({}, &old_middle);
    Made namesake = test::make(test::authority("Test Intermediate"), &root);
    Recipe weak = test::authority("Weak Intermediate");
    weak.digest = "SHA1";
    Made weak_middle = test::make(weak, &root);
    Made under_weak = test::make({}, &weak_middle);
    Recipe rsa = test::authority("RSA Intermediate");
    rsa.key = TestKey::rsa2048;
    Made rsa_middle = test::make(rsa, &root);
    Made md5 = test::make({.digest = "MD5"}, &rsa_middle);
    Recipe short_key = test::authority("Short Intermediate");
    short_key.key = TestKey::p192;
    Made short_middle = test::make(short_key, &root);
    Made under_short = test::make({}, &short_middle);
    Recipe limited = test::authority("Limited");
    limited.constraints = "critical,CA:TRUE,pathlen:0";
    Made limited_middle = test::make(limited, &root);
    Made too_deep = test::make(test::authority("Too Deep"), &limited_middle);
    Made under_deep = test::make({}, &too_deep);
    Made no_authority = leaf({.names = "DNS:host.example.org,DNS:example.org", .usage = ""});
    Made under_leaf = test::make({}, &no_authority);
    std::string damaged = edge.pem();
    damaged[damaged.size() / 2] = '!';
    std::string many;
    for (int i = 0; i < 11; i++) many += middle.pem();

    struct Row {
        const char* why;
        std::string chain, key, roots;
        const char* field;
        const char* said;
    };
    const Row rows[] = {
        {"key of another", edge.pem() + middle.pem(), other.key_pem(), "", "key", "does not belong to the certificate"},
        {"no intermediate", edge.pem(), edge.key_pem(), "", "chain",
         "CN=Test Intermediate, which issued CN=edge.example.org, is neither in the file nor among the authorities"},
        {"leaf last", middle.pem() + edge.pem(), edge.key_pem(), "", "chain", "is number 2 in the file"},
        {"root before intermediate", edge.pem() + root.pem() + middle.pem(), edge.key_pem(), "", "chain",
         "wrong order: the issuer of CN=edge.example.org does not follow it"},
        {"foreign in between", edge.pem() + foreign_root.pem(), edge.key_pem(), "", "chain",
         "CN=Foreign Root does not belong to the chain"},
        {"the same twice", edge.pem() + edge.pem() + middle.pem(), edge.key_pem(), "", "chain", "wrong order"},
        {"unknown root", foreign.pem(), foreign.key_pem(), "", "chain", "CN=Foreign Root, which issued"},
        {"unknown root in the file", foreign.pem() + foreign_root.pem(), foreign.key_pem(), "", "chain",
         "the root of the chain, CN=Foreign Root, is not among the authorities"},
        {"self-signed", own.pem(), own.key_pem(), "", "chain", "it is self-signed"},
        {"expired intermediate", under_old.pem() + old_middle.pem(), under_old.key_pem(), "", "chain",
         "CN=Test Intermediate expired at"},
        {"intermediate of the same name", edge.pem() + namesake.pem(), edge.key_pem(), "", "chain",
         "CN=Test Intermediate does not belong to the chain"},
        {"intermediate signed with SHA-1", under_weak.pem() + weak_middle.pem(), under_weak.key_pem(), "", "chain",
         "CN=Weak Intermediate is signed with SHA1"},
        {"MD5", md5.pem() + rsa_middle.pem(), md5.key_pem(), "", "chain", "is signed with MD5, which can be forged"},
        {"intermediate of P-192", under_short.pem() + short_middle.pem(), under_short.key_pem(), "", "chain",
         "CN=Short Intermediate has an ECDSA key of 192 bits; partners demand 256"},
        {"path too long", under_deep.pem() + too_deep.pem() + limited_middle.pem(), under_deep.key_pem(), "", "chain",
         "path length constraint exceeded"},
        {"issued by a server", under_leaf.pem() + no_authority.pem() + middle.pem(), under_leaf.key_pem(), "", "chain",
         "invalid CA certificate"},
        {"eleven", many, edge.key_pem(), "", "chain", "there are more than 10 certificates"},
        {"damaged", damaged, edge.key_pem(), "", "chain", "certificate 1 in it is damaged"},
        {"empty", "", edge.key_pem(), "", "chain", "there is no certificate in it"},
        {"a key in place of a certificate", edge.key_pem(), edge.key_pem(), "", "chain", "it is a private key"},
        {"DER", std::string("\x30\x82\x01\x0a", 4), edge.key_pem(), "", "chain", "it is DER or PKCS #12"},
        {"a request", write_request(*make_request(*edge.key, {"edge.example.org"})), edge.key_pem(), "", "chain",
         "it is a certificate request"},
        {"no key", edge.pem() + middle.pem(), "", "", "key", "there is no key for it"},
        {"a certificate in place of a key", edge.pem() + middle.pem(), edge.pem(), "", "key",
         "there is no private key in it"},
        {"a damaged key", edge.pem() + middle.pem(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "", "key", "the private key is damaged"},
        {"a key in DER", edge.pem() + middle.pem(), std::string("\x30\x82\x01\x0a", 4), "", "key", "it is DER or PKCS"},
        {"roots without certificate", foreign.pem(), foreign.key_pem(), "nothing", "roots", "there is no certificate"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.why);
        auto problems = refused(row.chain, row.key, row.roots);
        ASSERT_FALSE(problems.empty()) << "was taken";
        EXPECT_EQ(problems[0].key, row.field);
        EXPECT_NE(problems[0].what.find(row.said), std::string::npos) << problems[0].what;
        EXPECT_FALSE(problems[0].fix.empty());
        EXPECT_TRUE(store.certificates().empty());
    }
    EXPECT_TRUE(refused(foreign.pem(), foreign.key_pem(), foreign_root.pem()).empty()) << "a private root";
}

TEST_F(CertificatesTest, ForgedSignatureIsFound) {
    // Same names, same key identifiers, so that only the signature tells the difference.
    Made forger = test::make(test::authority("Test Root"));
    Made fake = test::make(test::authority("Test Intermediate"), &forger);
    X509_set_issuer_name(fake.certificate.get(), X509_get_subject_name(root.certificate.get()));
    int at = X509_get_ext_by_NID(fake.certificate.get(), NID_authority_key_identifier, -1);
    X509_EXTENSION_free(X509_delete_ext(fake.certificate.get(), at));
    ASSERT_GT(X509_sign(fake.certificate.get(), forger.key.get(), EVP_sha256()), 0);
    Made edge = test::make({}, &fake);
    auto problems = refused(edge.pem() + fake.pem(), edge.key_pem());
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].what.find("the signature on CN=Test Intermediate is wrong"), std::string::npos)
        << problems[0].what;
}

TEST_F(CertificatesTest, EncryptedKeysAreNotAskedFor) {
    Made edge = leaf();
    BioPtr bio(BIO_new(BIO_s_mem()));
    char password[] = "sesame";
    ASSERT_EQ(
        PEM_write_bio_PKCS8PrivateKey(bio.get(), edge.key.get(), EVP_aes_256_cbc(), password, 6, nullptr, nullptr), 1);
    auto problems = refused(edge.pem() + middle.pem(), text_of(*bio));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "the private key is encrypted");
}

TEST_F(CertificatesTest, SeveralFaultsAreSaidAtOnce) {
    Made bad = leaf({.names = "", .digest = "SHA1", .ends_in = -1, .purposes = "clientAuth"});
    Made other = leaf();
    auto problems = refused(bad.pem() + middle.pem(), other.key_pem());
    EXPECT_EQ(problems.size(), 5U);
}

TEST_F(CertificatesTest, NotesSayWhatSomePartnersDislike) {
    struct Row {
        const char* why;
        Recipe recipe;
        const char* said;  // empty: nothing
    };
    const Row rows[] = {
        {"good for all", {.purposes = "serverAuth,clientAuth"}, ""},
        {"no purposes named", {.purposes = ""}, ""},
        {"server only", {}, "has no clientAuth"},
        {"ends soon", {.ends_in = 10 * kDays + 3600, .purposes = ""}, "ends in 10 days"},
        {"no bare domain",
         {.names = "DNS:edge.example.org,DNS:sip.example.org", .purposes = ""},
         "no bare domain: XMPP partners will not accept it for user@example.org"},
        {"address only", {.names = "IP:192.0.2.10", .purposes = ""}, "proves no DNS name"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.why);
        Made edge = leaf(row.recipe);
        std::string notes = note_of(edge.pem() + middle.pem(), edge.key_pem());
        EXPECT_NE(notes.find(row.said), std::string::npos) << notes;
        if (!*row.said) {
            EXPECT_EQ(notes, "");
        }
    }
    Made edge = leaf({.purposes = ""});
    EXPECT_NE(note_of(edge.pem() + middle.pem() + root.pem(), edge.key_pem()).find("the root is in the file"),
              std::string::npos);
}

TEST_F(CertificatesTest, WildcardsAreForTheInsideOnly) {
    Made edge = leaf({.names = "DNS:*.example.org"});
    EXPECT_FALSE(refused(edge.pem() + middle.pem(), edge.key_pem()).empty()) << "nothing says that it stays inside";
    config = config_with({{"turn.listen-tls", {"192.0.2.130:5349"}}});
    EXPECT_TRUE(refused(edge.pem() + middle.pem(), edge.key_pem()).empty());
    std::vector<Problem> errors;
    desk.check(config, errors);
    EXPECT_TRUE(errors.empty());
    desk.check(config_with({{"shared.listen", {"192.0.2.10:443"}}}), errors);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].key, "shared.listen");
    EXPECT_NE(errors[0].what.find("wildcard"), std::string::npos);
}

TEST_F(CertificatesTest, NamesCannotLeadElsewhere) {
    Made edge = leaf();
    for (const char* name : {"", ".", "..", "../edge", "a/b", "/etc/passwd", "a b", "edge.pem", "a\nb", "\xff",
                             "123456789012345678901234567890123"}) {
        SCOPED_TRACE(name);
        EXPECT_EQ(refusal([&] {
                      desk.import({name, edge.pem() + middle.pem(), edge.key_pem(), ""}, config, "a");
                  }),
                  "that cannot be the name of a certificate");
        EXPECT_EQ(refusal([&] { desk.generate(name, {"edge.example.org"}, KeyKind::ecdsa, "a"); }),
                  "that cannot be the name of a certificate");
        EXPECT_EQ(refusal([&] { desk.request(name, {"edge.example.org"}, KeyKind::ecdsa, "a"); }),
                  "that cannot be the name of a certificate");
        EXPECT_EQ(refusal([&] { desk.trust(name, root.pem(), "a"); }), "that cannot be the name of an authority");
    }
    EXPECT_EQ(refusal([&] { desk.generate("lab-ca", {"edge.example.org"}, KeyKind::ecdsa, "a"); }),
              "lab-ca is the authority of labs");
    EXPECT_TRUE(store.certificates().empty());
    EXPECT_TRUE(store.authorities().empty());
}

TEST_F(CertificatesTest, ImportKeepsReplacesAndAudits) {
    Made first = leaf({.key = TestKey::rsa2048}), second = leaf();
    EXPECT_FALSE(import(first.pem() + middle.pem() + first.key_pem(), first.key_pem()).replaced);
    CertificateRecord kept = *store.certificate("edge");
    EXPECT_EQ(kept.chain, first.pem() + middle.pem()) << "nothing but the chain, however the file looks";
    EXPECT_EQ(kept.key, first.key_pem());
    EXPECT_EQ(kept.who, "alice");
    EXPECT_TRUE(import(second.pem() + middle.pem(), second.key_pem()).replaced);
    EXPECT_EQ(store.certificate("edge")->chain, second.pem() + middle.pem());
    auto rows = desk.all();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].chain.at(0).key, "ECDSA P-256");
    EXPECT_EQ(rows[0].chain.at(0).names, (std::vector<std::string>{"DNS:edge.example.org", "DNS:example.org"}));
    EXPECT_EQ(rows[0].chain.at(1).subject, "CN=Test Intermediate");
    auto audit = store.audit(10);
    ASSERT_EQ(audit.size(), 2U);
    EXPECT_EQ(audit[0].action, "certificate-replace");
    EXPECT_EQ(audit[1].action, "certificate-import");
    EXPECT_EQ(audit[1].detail, "edge, " + facts_of(*first.certificate).sha256);
    EXPECT_EQ((lines.str() + audit[0].detail).find("PRIVATE"), std::string::npos);
    desk.remove("edge", config, "alice");
    EXPECT_TRUE(store.certificates().empty());
    EXPECT_EQ(refusal([&] { desk.remove("edge", config, "alice"); }), "there is no certificate edge");
}

TEST_F(CertificatesTest, RenewalWithTheSameKeyNeedsNoKey) {
    Made edge = leaf();
    import(edge.pem() + middle.pem(), edge.key_pem());
    Made renewed{X509Ptr(X509_dup(edge.certificate.get())), nullptr};
    X509_gmtime_adj(X509_getm_notAfter(renewed.certificate.get()), 300 * kDays);
    ASSERT_GT(X509_sign(renewed.certificate.get(), middle.key.get(), EVP_sha256()), 0);
    EXPECT_TRUE(import(renewed.pem() + middle.pem(), "").replaced);
    Made stranger = leaf();
    auto problems = refused(stranger.pem() + middle.pem(), "");
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].what, "the certificate is for none of the keys that are kept for edge");
}

TEST_F(CertificatesTest, LastCertificateOfAListenerStays) {
    Made edge = leaf();
    import(edge.pem() + middle.pem(), edge.key_pem());
    Config served = config_with({{"turn.listen-tls", {"192.0.2.10:5349"}}});
    EXPECT_NE(refusal([&] { desk.remove("edge", served, "alice"); }).find("edge is the last certificate"),
              std::string::npos);
    desk.request("other", {"other.example.org"}, KeyKind::ecdsa, "alice");
    EXPECT_NE(refusal([&] { desk.remove("edge", served, "alice"); }), "") << "a request is no certificate";
    desk.generate("other", {"other.example.org"}, KeyKind::ecdsa, "alice");
    EXPECT_EQ(refusal([&] { desk.remove("edge", served, "alice"); }), "");
}

TEST_F(CertificatesTest, RequestsBecomeCertificates) {
    for (KeyKind kind : {KeyKind::ecdsa, KeyKind::rsa}) {
        std::string pem = desk.request("edge", {"Edge.Example.org", "example.org", "192.0.2.10"}, kind, "alice");
        RequestPtr request(PEM_read_bio_X509_REQ(bio_of(pem).get(), nullptr, nullptr, nullptr));
        ASSERT_TRUE(request);
        EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
        EXPECT_EQ(X509_REQ_verify(request.get(), key), 1);
        EXPECT_EQ(name_text(X509_REQ_get_subject_name(request.get())), "CN=edge.example.org");
        EXPECT_TRUE(desk.all().at(0).requested);
        // The authority answers.
        Made issued = leaf();
        X509_set_pubkey(issued.certificate.get(), key);
        int old = X509_get_ext_by_NID(issued.certificate.get(), NID_subject_key_identifier, -1);
        X509_EXTENSION_free(X509_delete_ext(issued.certificate.get(), old));
        ASSERT_GT(X509_sign(issued.certificate.get(), middle.key.get(), EVP_sha256()), 0);
        import(issued.pem() + middle.pem(), "");
        auto row = desk.at("edge");
        EXPECT_FALSE(row.requested);
        EXPECT_EQ(row.chain.at(0).key, kind == KeyKind::rsa ? "RSA 2048" : "ECDSA P-256");
    }
    std::string in_force = store.certificate("edge")->key;
    desk.request("edge", {"edge.example.org"}, KeyKind::ecdsa, "alice");
    EXPECT_EQ(store.certificate("edge")->key, in_force) << "the old certificate serves until the new one is there";
    for (const auto& hosts : std::vector<std::vector<std::string>>{{},
                                                                   {"*.example.org"},
                                                                   {"localhost"},
                                                                   {"a.example.org,DNS:b.example.org"},
                                                                   {"../x"},
                                                                   std::vector<std::string>(101, "a.example.org")}) {
        EXPECT_NE(refusal([&] { desk.request("x", hosts, KeyKind::ecdsa, "alice"); }), "");
    }
}

TEST_F(CertificatesTest, LabAuthorityIsMadeOnceAndIssues) {
    EXPECT_EQ(refusal([&] { desk.at("lab-ca"); }), "there is no lab authority yet");
    desk.generate("edge", {"edge.example.org", "2001:db8::1"}, KeyKind::rsa, "alice");
    std::string lab = desk.at("lab-ca").pem;
    desk.generate("other", {std::string(60, 'a') + "." + std::string(20, 'b') + ".example"}, KeyKind::ecdsa, "alice");
    EXPECT_EQ(desk.at("lab-ca").pem, lab);
    CertificateList authority = read_chain(lab, "lab");
    for (const auto& row : desk.all()) {
        CertificateList chain = read_chain(row.pem, "chain");
        EXPECT_EQ(X509_verify(chain[0].get(), X509_get0_pubkey(authority[0].get())), 1);
        KeyPtr key = read_key(store.certificate(row.name)->key);
        StorePtr roots = store_of(authority, ::time(nullptr));
        auto check = check_import(chain, *key, {roots.get(), ::time(nullptr), true});
        EXPECT_TRUE(check.errors.empty()) << row.name << ": " << check.errors[0].what;
    }
    EXPECT_EQ(desk.at("edge").chain[0].names, (std::vector<std::string>{"DNS:edge.example.org", "IP:2001:db8::1"}));
    EXPECT_EQ(desk.at("edge").chain[0].purposes, (std::vector<std::string>{"serverAuth", "clientAuth"}));
    clock_offset = 3400 * kDays;
    desk.generate("edge", {"edge.example.org"}, KeyKind::ecdsa, "alice");
    EXPECT_NE(desk.at("lab-ca").pem, lab) << "an authority that ends before what it issues is made anew";
}

TEST_F(CertificatesTest, AuthoritiesAreRoots) {
    Made edge = leaf();
    Recipe old = test::authority("Old Root");
    old.begins_in = -9 * kDays, old.ends_in = -1;
    Made expired = test::make(old);
    EXPECT_NE(refusal([&] { desk.trust("a", edge.pem(), "alice"); }).find("not the certificate of an authority"),
              std::string::npos);
    EXPECT_NE(refusal([&] { desk.trust("a", middle.pem(), "alice"); }).find("is an intermediate, issued by"),
              std::string::npos);
    EXPECT_NE(refusal([&] { desk.trust("a", expired.pem(), "alice"); }).find("expired"), std::string::npos);
    EXPECT_NE(refusal([&] { desk.trust("a", root.pem() + middle.pem(), "alice"); }).find("several"), std::string::npos);
    desk.trust("partner", root.pem(), "alice");
    EXPECT_EQ(desk.trusted({.system_trust = false}), root.pem());
    EXPECT_EQ(desk.trusted({.system_trust = true}), root.pem() + root.pem());
    EXPECT_EQ(desk.authorities().at(0).facts.subject, "CN=Test Root");
    desk.distrust("partner", "alice");
    EXPECT_EQ(desk.trusted({.system_trust = false}), "");
    EXPECT_EQ(refusal([&] { desk.distrust("partner", "alice"); }), "there is no authority partner");
}

TEST_F(CertificatesTest, OcspResponsesAreCheckedBeforeTheyAreStapled) {
    Made edge = leaf(), other = leaf(), stranger = test::make(test::authority("Test Intermediate"));
    Recipe responder_recipe;
    responder_recipe.subject = "Responder";
    responder_recipe.purposes = "OCSPSigning";
    Made responder = leaf(responder_recipe);
    import(edge.pem() + middle.pem(), edge.key_pem());
    struct Row {
        const char* why;
        std::string der;
        const char* said;
    };
    const Row rows[] = {
        {"nothing", "", "it is no OCSP response"},
        {"text", "-----BEGIN CERTIFICATE-----", "it is no OCSP response"},
        {"longer than a handshake should be", std::string(16 * 1024 + 1, '\x30'), "it is longer than 16 KiB"},
        {"another certificate", test::ocsp_der({}, other, middle, middle), "it is about another certificate"},
        {"signed by a stranger", test::ocsp_der({}, edge, middle, stranger), "it is not signed by the issuer"},
        {"signed by a server", test::ocsp_der({}, edge, middle, other), "it is not signed by the issuer"},
        {"revoked", test::ocsp_der({.status = V_OCSP_CERTSTATUS_REVOKED}, edge, middle, middle),
         "it says that the certificate is revoked"},
        {"unknown", test::ocsp_der({.status = V_OCSP_CERTSTATUS_UNKNOWN}, edge, middle, middle),
         "the responder does not know the certificate"},
        {"ended", test::ocsp_der({.begins_in = -9 * kDays, .ends_in = -60}, edge, middle, middle), "it ended at"},
        {"in the future", test::ocsp_der({.begins_in = kDays}, edge, middle, middle), "it is not valid before"},
        {"try later", std::string("\x30\x03\x0a\x01\x03", 5), "the responder answered with an error: trylater"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.why);
        std::string said = refusal([&] { desk.staple("edge", row.der, "alice"); });
        EXPECT_NE(said.find(row.said), std::string::npos) << said;
        EXPECT_TRUE(store.certificate("edge")->ocsp.empty());
    }
    EXPECT_EQ(refusal([&] { desk.staple("none", rows[2].der, "alice"); }), "there is no certificate none");
    desk.staple("edge", test::ocsp_der({.id_digest = "SHA256"}, edge, middle, responder), "alice");
    desk.staple("edge", test::ocsp_der({}, edge, middle, middle), "alice");
    EXPECT_FALSE(desk.to_publish().at(0).ocsp.empty());
    EXPECT_TRUE(desk.warnings(config).empty());
    clock_offset = 8 * kDays;
    EXPECT_TRUE(desk.to_publish().at(0).ocsp.empty()) << "a response that has ended is not stapled";
    ASSERT_EQ(desk.warnings(config).size(), 1U);
    EXPECT_NE(desk.warnings(config)[0].what.find("OCSP response of certificate edge has ended"), std::string::npos);
    clock_offset = 0;
    Made renewed = leaf();
    import(renewed.pem() + middle.pem(), renewed.key_pem());
    EXPECT_TRUE(store.certificate("edge")->ocsp.empty()) << "it was about the certificate before";
}

TEST_F(CertificatesTest, AuthoritiesOfOneChainAreKeptWithIt) {
    Made own_root = test::make(test::authority("Own Root"));
    Made edge = test::make({}, &own_root);
    import(edge.pem(), edge.key_pem(), own_root.pem());
    EXPECT_EQ(desk.trusted({.system_trust = true}), root.pem()) << "for our chain, not for those of partners";
    desk.staple("edge", test::ocsp_der({}, edge, own_root, own_root), "alice");
    Made renewed = test::make({}, &own_root);
    EXPECT_TRUE(refused(renewed.pem(), renewed.key_pem()).empty()) << "the name's authority is known";
    EXPECT_NE(refusal([&] { desk.import({"other", renewed.pem(), renewed.key_pem(), ""}, config, "alice"); }), "");
    Recipe short_lived = test::authority("Brief Root");
    short_lived.ends_in = kDays;
    Made brief_root = test::make(short_lived);
    Made under_brief = test::make({}, &brief_root);
    import(under_brief.pem(), under_brief.key_pem(), brief_root.pem());
    clock_offset = 2 * kDays;
    EXPECT_EQ(refusal([&] { desk.staple("edge", test::ocsp_der({}, under_brief, brief_root, brief_root), "alice"); }),
              "certificate edge does not lead to a root any more");
}

TEST_F(CertificatesTest, RevocationListsAreCheckedAndReplaced) {
    Made stranger = test::make(test::authority("Test Root")), elsewhere = test::make(test::authority("Elsewhere"));
    Made revoked = leaf();
    auto text = [](const CrlPtr& crl) { return write_crl(*crl); };
    struct Row {
        const char* why;
        std::string list;
        const char* said;
    };
    const Row rows[] = {
        {"nothing", "", "it is no revocation list"},
        {"a certificate", root.pem(), "it is no revocation list"},
        {"ended", text(test::crl({.begins_in = -9 * kDays, .ends_in = -60}, root)),
         "with it every partner of CN=Test Root would be refused"},
        {"in the future", text(test::crl({.begins_in = kDays}, root)), "it is not valid before"},
        {"delta", text(test::crl({.delta = true}, root)), "it is a delta list"},
        {"forged", text(test::crl({}, stranger)), "its signature is not of the authority CN=Test Root"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.why);
        std::string said = refusal([&] { desk.import_crl(row.list, "alice"); });
        EXPECT_NE(said.find(row.said), std::string::npos) << said;
        EXPECT_TRUE(store.crls().empty());
    }
    CrlPtr list = test::crl({.revoked = {&revoked}}, root);
    unsigned char* der = nullptr;
    int size = i2d_X509_CRL(list.get(), &der);
    auto imported = desk.import_crl(std::string(reinterpret_cast<char*>(der), static_cast<size_t>(size)), "alice");
    OPENSSL_free(der);
    EXPECT_EQ(imported, (std::pair<std::string, bool>{"CN=Test Root", true}));
    EXPECT_EQ(desk.crls().at(0).entries, 1U);
    EXPECT_EQ(desk.revocation_lists(), write_crl(*list)) << "PEM for the dataplane";
    EXPECT_NE(refusal([&] {
                  desk.import_crl(text(test::crl({.begins_in = -2 * kDays}, root)), "alice");
              }).find("it is older than the list that is there"),
              std::string::npos);
    EXPECT_EQ(desk.import_crl(text(test::crl({}, elsewhere)), "alice").second, false) << "its issuer is not known here";
    EXPECT_EQ(desk.crls().size(), 2U);
    desk.remove_crl("CN=Elsewhere", "alice");
    EXPECT_EQ(refusal([&] { desk.remove_crl("CN=Elsewhere", "alice"); }),
              "there is no revocation list of CN=Elsewhere");
    EXPECT_TRUE(desk.warnings(config).empty());
    clock_offset = 6 * kDays;
    EXPECT_NE(desk.warnings(config).at(0).what.find("ends at"), std::string::npos);
    clock_offset = 8 * kDays;
    EXPECT_NE(desk.warnings(config).at(0).what.find("has ended: its partners are refused"), std::string::npos);
}

TEST_F(CertificatesTest, WarningsCountTheDays) {
    Made edge = leaf({.ends_in = 40 * kDays + 3600});
    import(edge.pem() + middle.pem(), edge.key_pem());
    EXPECT_TRUE(desk.warnings(config).empty());
    clock_offset = 11 * kDays;
    ASSERT_EQ(desk.warnings(config).size(), 1U);
    EXPECT_EQ(desk.warnings(config)[0].what, "certificate edge ends in 29 days");
    clock_offset = 41 * kDays;
    EXPECT_NE(desk.warnings(config).at(0).what.find("certificate edge ended at"), std::string::npos);
    clock_offset = 0;
    std::ofstream(scratch.path() + "/bundle.pem") << "# our own\n" << root.pem() << root.key_pem() << middle.pem();
    EXPECT_EQ(desk.trusted({.system_trust = true}), root.pem() + middle.pem()) << "certificates and nothing else";
    std::filesystem::remove(scratch.path() + "/bundle.pem");
    Config served = config_with({{"turn.listen-tls", {"192.0.2.10:5349"}}});
    ASSERT_EQ(desk.warnings(served).size(), 1U);
    EXPECT_EQ(desk.warnings(served)[0].key, "tls.trust");
}

TEST_F(CertificatesTest, OtherNamesAreShown) {
    Made edge = leaf({.names = "URI:sip:example.org,otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.example.org,"
                               "otherName:1.3.6.1.5.5.7.8.5;UTF8:example.org,IP:192.0.2.1,email:a@example.org"});
    EXPECT_EQ(facts_of(*edge.certificate).names,
              (std::vector<std::string>{"URI:sip:example.org", "SRV:_xmpp-server.example.org", "XMPP:example.org",
                                        "IP:192.0.2.1", "EMAIL:a@example.org"}));
}

}  // namespace
}  // namespace fedge::control
