#include "dataplane/tls/config.h"

#include <gmock/gmock.h>

#include "tests/unit/tls/environment.h"

namespace fedge::tls {
namespace {

using test::TestCertificate;
using testing::HasSubstr;

class TlsConfig : public testing::Test {
  protected:
    const test::TlsPeople& people = test::TlsPeople::get();
    contract::TlsT settings = test::tls_settings({{"main", &people.server}});
    std::string error_of(const contract::TlsT& bad) {
        std::string error;
        EXPECT_FALSE(test::tls_config(bad, error));
        return error;
    }
};

TEST_F(TlsConfig, KeepsWhatCoresNeed) {
    settings.ticket_keys = test::ticket_keys({1, 2});
    settings.min_version = contract::TlsVersion::tls_1_3;
    std::string error;
    auto config = test::tls_config(settings, error);
    ASSERT_TRUE(config) << error;
    ASSERT_EQ(config->certificates.size(), 1u);
    EXPECT_EQ(config->certificates[0].dns_names, (std::vector<std::string>{"*.wild.example", "server.example"}));
    EXPECT_EQ(config->certificates[0].key_type, EVP_PKEY_EC);
    EXPECT_EQ(config->ticket_keys.size(), 2u);
    EXPECT_EQ(config->ticket_keys[1].name[0], 14);
    EXPECT_FALSE(config->allow_tls_1_2);
    EXPECT_EQ(config->handshake_timeout, 60s);
}

TEST_F(TlsConfig, NamesWhatIsWrong) {
    TestCertificate intermediate = people.authority.issue({.common_name = "Intermediate", .authority = true});
    struct Case {
        std::function<void(contract::TlsT&)> spoil;
        const char* words;
    };
    const Case cases[] = {
        {[](auto& t) { t.certificates[0]->chain = ""; }, "tls certificate 'main' has an empty chain"},
        {[](auto& t) { t.certificates[0]->chain += "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"; },
         "tls certificate 'main' has a chain that is not a list of certificates in PEM"},
        {[&](auto& t) { t.certificates[0]->chain += intermediate.pem(); },
         "tls certificate 'main' has a chain in the wrong order: 'CN=Intermediate' did not issue 'CN=server.example'"},
        {[](auto& t) { t.certificates[0]->key = "secret"; },
         "tls certificate 'main' has a key that is not a private key"},
        {[&](auto& t) { t.certificates[0]->key = people.client.key_pem(); },
         "tls certificate 'main' has a key that is not that of its certificate"},
        {[&](auto& t) {
             TestCertificate weak = people.authority.issue({.names = {"DNS:a.example"}, .key = "RSA-1024"});
             t.certificates[0]->chain = weak.pem();
             t.certificates[0]->key = weak.key_pem();
         },
         "tls certificate 'main' has an RSA key of 1024 bits"},
        {[&](auto& t) {
             TestCertificate odd = people.authority.issue({.names = {"DNS:a.example"}, .key = "secp521r1"});
             t.certificates[0]->chain = odd.pem();
             t.certificates[0]->key = odd.key_pem();
         },
         "use P-256 or P-384"},
        {[](auto& t) { t.trust = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"; },
         "tls trust is not"},
        {[](auto& t) { t.crls = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"; }, "tls crls is not"},
        {[](auto& t) { t.ticket_keys.pop_back(); }, "tls ticket_keys: 79 bytes"},
        {[](auto& t) { t.ticket_lifetime_s = 0; }, "tls ticket_lifetime_s must be from 1"},
        {[](auto& t) { t.handshakes_per_turn = 0; }, "tls handshakes_per_turn must not be 0"},
        {[](auto& t) { t.purpose = static_cast<contract::Purpose>(9); }, "tls purpose: unknown value 9"},
    };
    for (const Case& one : cases) {
        contract::TlsT bad = test::tls_settings({{"main", &people.server}});
        one.spoil(bad);
        EXPECT_THAT(error_of(bad), HasSubstr(one.words));
    }
    EXPECT_THAT(error_of(test::tls_settings({{"main", &people.server}, {"main", &people.client}})),
                HasSubstr("tls certificate 'main' is there twice"));
}

TEST_F(TlsConfig, AContextServesWhatIsConfigured) {
    auto context = test::tls_context(std::make_shared<Library>(),
                                     test::tls_settings({{"a", &people.server}, {"b", &people.server_rsa}}));
    EXPECT_EQ(context->server("server.example").context, context->server("").context) << "both keys in one";
    EXPECT_TRUE(context->server("x.wild.example").named);
    EXPECT_FALSE(context->server("other.example").named);
    EXPECT_TRUE(context->client("b"));
    EXPECT_FALSE(context->client("c"));
    auto several = test::tls_context(std::make_shared<Library>(),
                                     test::tls_settings({{"first", &people.client}, {"second", &people.server}}));
    EXPECT_EQ(several->client("", "server.example"), several->client("second")) << "by the name that it proves";
    EXPECT_EQ(several->client("", "other.example"), several->client("first"));
    EXPECT_EQ(several->client("first", "server.example"), several->client("first"));
    EXPECT_NE(several->client("first"), several->client("second"));
    auto none = test::tls_context(std::make_shared<Library>(), test::tls_settings({}));
    EXPECT_FALSE(none->server("").context);
    EXPECT_TRUE(none->client("")) << "without a certificate";
}

}  // namespace
}  // namespace fedge::tls
