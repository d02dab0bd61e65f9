// Settings of SIP: values, rules that span keys, and what becomes of them in the snapshot.
#include <gtest/gtest.h>

#include "control/publish/snapshot.h"
#include "control/settings/config.h"
#include "snapshot_generated.h"
#include "tests/unit/control/setting_rows.h"

namespace fedge::control {

std::vector<SettingRow> sip_rows() {
    return {
        {"sip.listen", "192.0.2.10:5061", "192.0.2.10:5061"},
        {"sip.listen", "192.0.2.10", nullptr},
        {"sip.outside-name", "Access.Example.ORG", "access.example.org"},
        {"sip.outside-name", "*.example.org", nullptr},
        {"sip.inside-name", "edge.example.org", "edge.example.org"},
        {"sip.inside-name", "edge", nullptr},
        {"sip.own-name", "sip.example.org", "sip.example.org"},
        {"sip.own-name", "sip example.org", nullptr},
        {"sip.node", "65535", "65535"},
        {"sip.node", "65536", nullptr},
        {"sip.trusted-name", "director.example.org", "director.example.org"},
        {"sip.trusted-name", "", nullptr},
        {"sip.body-server", "5000", "5000"},
        {"sip.body-server", "999", nullptr},
        {"sip.body-client", "256", "256"},
        {"sip.body-client", "257", nullptr},
        {"sip.hold-time", "32", "32"},
        {"sip.hold-time", "33", nullptr},
        {"sip.hold-messages", "1", "1"},
        {"sip.hold-messages", "0", nullptr},
        {"sip.hold-memory", "64", "64"},
        {"sip.hold-memory", "63", nullptr},
        {"sip.queue", "64", "64"},
        {"sip.queue", "0", nullptr},
        {"sip.queues", "65536", "65536"},
        {"sip.queues", "1", nullptr},
        {"sip.options-interval", "5", "5"},
        {"sip.options-interval", "4", nullptr},
        {"sip.idle-timeout", "30", "30"},
        {"sip.idle-timeout", "29", nullptr},
        {"sip.clients-per-source", "1", "1"},
        {"sip.clients-per-source", "0", nullptr},
        {"sip.registrations-failed", "1000", "1000"},
        {"sip.registrations-failed", "1001", nullptr},
        {"front-end.fe1.host", "fe1.example.org", "fe1.example.org"},
        {"front-end.fe1.host", "10.0.0.20", nullptr},
        {"front-end.fe1.address", "10.0.0.20", "10.0.0.20"},
        {"front-end.fe1.address", "fe1.example.org", nullptr},
        {"front-end.fe1.port", "5061", "5061"},
        {"front-end.fe1.port", "0", nullptr},
        {"front-end.fe1.weight", "0", "0"},
        {"front-end.fe1.weight", "1001", nullptr},
    };
}

namespace {

Settings good() {
    return {{"interface.outside.address", {"192.0.2.10/26"}},
            {"interface.outside.port", {"wan"}},
            {"interface.inside.address", {"10.0.0.10/24"}},
            {"interface.inside.port", {"lan"}},
            {"interface.inside.role", {"internal"}},
            {"sip.listen", {"192.0.2.10:5061", "10.0.0.10:5061"}},
            {"sip.outside-name", {"access.example.org"}},
            {"front-end.fe1.host", {"fe1.example.org"}},
            {"front-end.fe1.address", {"10.0.0.20", "10.0.0.21"}},
            {"front-end.fe1.weight", {"3"}}};
}

struct Broken {
    const char* name;
    std::vector<std::pair<std::string, Values>> changes;  // no values: unset
    const char* key;
    const char* what;
};

class SipRules : public testing::TestWithParam<Broken> {};

TEST_P(SipRules, AreTold) {
    Settings settings = good();
    for (const auto& [key, values] : GetParam().changes) {
        if (values.empty()) {
            settings.erase(key);
        } else {
            settings[key] = values;
        }
    }
    Compiled compiled = compile(settings);
    ASSERT_EQ(compiled.errors.size(), 1U);
    EXPECT_EQ(compiled.errors[0].key, GetParam().key);
    EXPECT_EQ(compiled.errors[0].what, GetParam().what);
    EXPECT_FALSE(compiled.errors[0].fix.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, SipRules,
    testing::Values(
        Broken{"no_name", {{"sip.outside-name", {}}}, "sip.outside-name", "sip.listen needs a name of this edge"},
        Broken{"no_host",
               {{"front-end.fe1.host", {}}},
               "front-end.fe1.host",
               "front end fe1 has no name for its certificate"},
        Broken{"no_address", {{"front-end.fe1.address", {}}}, "front-end.fe1.address", "front end fe1 has no address"},
        Broken{"own_address",
               {{"front-end.fe1.address", {"10.0.0.10"}}},
               "front-end.fe1.address",
               "10.0.0.10 is an address of this edge"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(SipRulesOfSeveral, FrontEndsHaveNamesOfTheirOwn) {
    Settings settings = good();
    settings["front-end.fe2.host"] = {"fe1.example.org"};
    settings["front-end.fe2.address"] = {"10.0.0.22"};
    Compiled compiled = compile(settings);
    ASSERT_EQ(compiled.errors.size(), 2U);
    EXPECT_EQ(compiled.errors[0].what, "fe1.example.org is the name of two front ends");
}

TEST(SipWarnings, NobodyToPassItTo) {
    Settings settings = good();
    std::erase_if(settings, [](const auto& one) { return one.first.starts_with("front-end."); });
    Compiled compiled = compile(settings);
    EXPECT_TRUE(compiled.errors.empty());
    ASSERT_FALSE(compiled.warnings.empty());
    EXPECT_EQ(compiled.warnings.back().what, "SIP is served, but there is no front end to pass it to");
}

TEST(SipSnapshot, CarriesTheSettings) {
    Config config = compile(good()).config;
    SnapshotState state;
    state.revision = 1;
    state.nonce_keys = {{std::vector<uint8_t>(16, 1), 0}};
    state.token_keys = {{std::vector<uint8_t>(32, 2), 1}, {std::vector<uint8_t>(32, 3), 0}};
    state.certificates = {{.name = "own", .chain = "chain", .key = "key"}};
    auto bytes = build_snapshot(config, state);
    ASSERT_EQ(verify_snapshot(bytes), "");
    const contract::Snapshot* snapshot = contract::GetSnapshot(bytes.data());
    const contract::Sip* sip = snapshot->sip();
    ASSERT_TRUE(sip);
    EXPECT_EQ(sip->outside_name()->str(), "access.example.org");
    EXPECT_EQ(sip->inside_name()->str(), "access.example.org");
    EXPECT_EQ(sip->token_keys()->size(), 64U);
    EXPECT_EQ(sip->hold_ms(), 10000U);
    EXPECT_EQ(sip->server_body_kb(), 5000U);
    ASSERT_EQ(sip->front_ends()->size(), 1U);
    const auto* front_end = sip->front_ends()->Get(0);
    EXPECT_EQ(front_end->host()->str(), "fe1.example.org");
    EXPECT_EQ(front_end->addresses()->size(), 2U);
    EXPECT_EQ(front_end->port(), 5061);
    EXPECT_EQ(front_end->weight(), 3);
    state.token_keys.clear();
    EXPECT_EQ(verify_snapshot(build_snapshot(config, state)), "flow token keys have a wrong length");
}

}  // namespace
}  // namespace fedge::control
