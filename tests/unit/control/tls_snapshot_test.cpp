// What control takes and publishes, the dataplane must take: certificates of every kind that passes the import, with
// all that belongs to them, through a snapshot into the contexts that the cores use.
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <sstream>

#include "control/certificates/certificates.h"
#include "control/certificates/pem.h"
#include "control/credentials/keys.h"
#include "control/publish/snapshot.h"
#include "dataplane/tls/config.h"
#include "dataplane/tls/context.h"
#include "snapshot_generated.h"
#include "tests/unit/control/pki.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

using test::Made;
using test::Recipe;
using test::TestKey;

class TlsSnapshot : public testing::Test {
  protected:
    TlsSnapshot()
        : root(test::make(test::authority("Test Root"))),
          middle(test::make(test::authority("Test Intermediate"), &root)),
          log(lines, Severity::debug),
          store(scratch.path() + "/state"),
          desk(
              store, log, [] { return ::time(nullptr); }, scratch.path() + "/bundle.pem") {
        std::ofstream(scratch.path() + "/bundle.pem") << root.pem();
        Compiled compiled = compile({{"interface.outside.address", {"192.0.2.10/26"}},
                                     {"interface.outside.port", {"wan"}},
                                     {"shared.listen", {"192.0.2.10:443"}},
                                     {"shared.turn-name", {"turn.example.org"}}});
        config = compiled.config;
    }

    // What the dataplane says against it; empty: its cores run on it.
    std::string refused() {
        SnapshotState state;
        state.nonce_keys = {{new_nonce_key(), 0}};
        state.ticket_keys = {{new_ticket_key(), 1}, {new_ticket_key(), 0}};
        state.certificates = desk.to_publish();
        state.trust = desk.trusted(config.tls);
        state.crls = desk.revocation_lists();
        auto bytes = build_snapshot(config, state);
        EXPECT_EQ(verify_snapshot(bytes), "");
        std::string error;
        auto library = std::make_shared<tls::Library>();
        auto built = tls::Config::build(*contract::GetSnapshot(bytes.data())->tls(), *library, error);
        if (!built) return error;
        EXPECT_EQ(built->ticket_keys.size(), 2U);
        served = built->certificates.size();
        return tls::Context::build(library, built, error) ? "" : error;
    }

    Scratch scratch;
    Made root;
    Made middle;
    std::ostringstream lines;
    Log log;
    Store store;
    Certificates desk;
    Config config;
    size_t served = 0;
};

TEST_F(TlsSnapshot, EveryCertificateThatPassesTheImportIsServed) {
    const std::pair<const char*, Recipe> rows[] = {
        {"ecdsa", {}},
        {"p384", {.key = TestKey::p384}},
        {"rsa", {.key = TestKey::rsa2048}},
        {"no-purposes", {.purposes = ""}},
        {"no-usage", {.usage = ""}},
        {"address", {.names = "IP:192.0.2.10,IP:2001:db8::1"}},
        {"all-names",
         {.names = "DNS:edge.example.org,URI:sip:example.org,email:a@example.org,"
                   "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.example.org,"
                   "otherName:1.3.6.1.5.5.7.8.5;UTF8:example.org"}},
    };
    size_t count = 0;
    for (const auto& [name, recipe] : rows) {
        SCOPED_TRACE(name);
        Made edge = test::make(recipe, &middle);
        ASSERT_NO_THROW(desk.import({name, edge.pem() + middle.pem(), edge.key_pem(), ""}, config, "alice"));
        EXPECT_EQ(refused(), "");
        EXPECT_EQ(served, ++count);
    }
    std::string names = "DNS:h0.example.org";
    for (int i = 1; i < 250; i++) names += ",DNS:h" + std::to_string(i) + ".example.org";
    Made many = test::make({.names = names}, &middle);
    desk.import({"many", many.pem() + middle.pem(), many.key_pem(), ""}, config, "alice");
    EXPECT_EQ(refused(), "");
}

TEST_F(TlsSnapshot, GeneratedCertificatesStaplesListsAndAuthoritiesAreServed) {
    desk.generate("lab", {"edge.lab.example", "192.0.2.10"}, KeyKind::ecdsa, "alice");
    desk.generate("lab-rsa", {"edge.lab.example"}, KeyKind::rsa, "alice");
    desk.request("waiting", {"edge.example.org"}, KeyKind::ecdsa, "alice");
    EXPECT_EQ(refused(), "");
    EXPECT_EQ(served, 2U);
    Made edge = test::make({}, &middle);
    desk.import({"edge", edge.pem() + middle.pem(), edge.key_pem(), ""}, config, "alice");
    desk.staple("edge", test::ocsp_der({}, edge, middle, middle), "alice");
    desk.trust("partner", test::make(test::authority("Partner")).pem(), "alice");
    desk.import_crl(write_crl(*test::crl({.revoked = {&edge}}, root)), "alice");
    desk.import_crl(write_crl(*test::crl({}, middle)), "alice");
    EXPECT_EQ(refused(), "");
    EXPECT_EQ(served, 3U);
    config.tls.min_version = TlsVersion::tls_1_3;
    config.tls.purpose = Purpose::sip_domain;
    config.tls.system_trust = false;
    EXPECT_EQ(refused(), "");
}

TEST_F(TlsSnapshot, TheSystemsAuthoritiesAreTaken) {
    if (!std::ifstream(kSystemAuthorities)) GTEST_SKIP() << "no ca-certificates here";
    std::ifstream bundle(kSystemAuthorities);
    std::ofstream(scratch.path() + "/bundle.pem") << bundle.rdbuf();
    desk.generate("lab", {"edge.lab.example"}, KeyKind::ecdsa, "alice");
    EXPECT_EQ(refused(), "");
}

}  // namespace
}  // namespace fedge::control
