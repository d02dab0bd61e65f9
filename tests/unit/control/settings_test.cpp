// The table of settings: every key with values that it takes and values that it refuses, and the rules that span keys.
#include <gtest/gtest.h>

#include <set>

#include "control/problem.h"
#include "control/settings/config.h"
#include "control/settings/table.h"
#include "tests/unit/control/setting_rows.h"

namespace fedge::control {
namespace {

using Row = SettingRow;

class SettingValue : public testing::TestWithParam<Row> {};

TEST_P(SettingValue, IsCanonicalOrRefused) {
    const Row& row = GetParam();
    auto check = [&] { return checked_values(find_setting(row.key), {row.given}); };
    if (row.canonical) {
        EXPECT_EQ(check(), Values{row.canonical}) << row.key << " " << row.given;
        return;
    }
    try {
        check();
        ADD_FAILURE() << row.key << " took " << row.given;
    } catch (const Refusal& refusal) {
        EXPECT_EQ(refusal.problem().key, row.key);
        EXPECT_FALSE(refusal.problem().fix.empty());
    }
}

const Row kRows[] = {
    {"interface.outside.role", "external", "external"},
    {"interface.outside.role", "internal", "internal"},
    {"interface.outside.role", "dmz", nullptr},
    {"interface.outside.port", "wan-0_a", "wan-0_a"},
    {"interface.outside.port", "", nullptr},
    {"interface.outside.port", "wan.0", nullptr},
    {"interface.outside.port", "a b", nullptr},
    {"interface.outside.port", "123456789012345678901234567890123", nullptr},
    {"interface.outside.vlan", "0", "0"},
    {"interface.outside.vlan", "4094", "4094"},
    {"interface.outside.vlan", "4095", nullptr},
    {"interface.outside.vlan", "-1", nullptr},
    {"interface.outside.mtu", "1280", "1280"},
    {"interface.outside.mtu", "1279", nullptr},
    {"interface.outside.mtu", "9217", nullptr},
    {"interface.outside.mtu", "1500x", nullptr},
    {"interface.outside.address", "192.0.2.10/26", "192.0.2.10/26"},
    {"interface.outside.address", "2001:DB8:0:0::1/64", "2001:db8::1/64"},
    {"interface.outside.address", "192.0.2.10", nullptr},
    {"interface.outside.address", "192.0.2.10/33", nullptr},
    {"interface.outside.gateway", "192.0.2.1", "192.0.2.1"},
    {"interface.outside.gateway", "192.0.2.1/24", nullptr},
    {"route.198.51.100.0/24", "192.0.2.1", "192.0.2.1"},
    {"route.198.51.100.0/24", "gateway", nullptr},
    {"access.lab.role", "internal", "internal"},
    {"access.lab.role", "both", nullptr},
    {"access.lab.source", "198.51.100.0/24", "198.51.100.0/24"},
    {"access.lab.source", "198.51.100.7", "198.51.100.7/32"},
    {"access.lab.source", "198.51.100.7/24", nullptr},
    {"access.lab.action", "allow", "allow"},
    {"access.lab.action", "drop", nullptr},
    {"access.lab.order", "65535", "65535"},
    {"access.lab.order", "65536", nullptr},
    {"turn.listen", "192.0.2.10:3478", "192.0.2.10:3478"},
    {"turn.listen", "[2001:db8::1]:3478", "[2001:db8::1]:3478"},
    {"turn.listen", "192.0.2.10", nullptr},
    {"turn.listen", "192.0.2.10:0", nullptr},
    {"turn.listen", "2001:db8::1:3478", nullptr},
    {"turn.listen-tcp", "192.0.2.10:3478", "192.0.2.10:3478"},
    {"turn.listen-tcp", "192.0.2.10", nullptr},
    {"turn.listen-tls", "[2001:db8::1]:5349", "[2001:db8::1]:5349"},
    {"turn.listen-tls", "turn.example.org:5349", nullptr},
    {"turn.realm", "example.org", "example.org"},
    {"turn.realm", "", nullptr},
    {"turn.realm", "a\"b", nullptr},
    {"turn.realm", "line\nbreak", nullptr},
    {"turn.relay-address", "192.0.2.11", "192.0.2.11"},
    {"turn.relay-address", "192.0.2.32/28", "192.0.2.32/28"},
    {"turn.relay-address", "192.0.2.32-192.0.2.40", "192.0.2.32-192.0.2.40"},
    {"turn.relay-address", "192.0.2.40-192.0.2.32", nullptr},
    {"turn.relay-address", "192.0.2.33/28", nullptr},
    {"turn.relay-address", "192.0.2.1-2001:db8::1", nullptr},
    {"turn.advertise.192.0.2.11", "203.0.113.1", "203.0.113.1"},
    {"turn.advertise.192.0.2.11", "nat", nullptr},
    {"turn.port-first", "1024", "1024"},
    {"turn.port-first", "1023", nullptr},
    {"turn.port-last", "65535", "65535"},
    {"turn.port-last", "65536", nullptr},
    {"turn.port-quarantine", "0", "0"},
    {"turn.port-quarantine", "3601", nullptr},
    {"turn.lifetime-default", "600", "600"},
    {"turn.lifetime-default", "59", nullptr},
    {"turn.lifetime-max", "86400", "86400"},
    {"turn.lifetime-max", "86401", nullptr},
    {"turn.permission-lifetime", "300", "300"},
    {"turn.permission-lifetime", "0", nullptr},
    {"turn.channel-lifetime", "600", "600"},
    {"turn.channel-lifetime", "0", nullptr},
    {"turn.max-permissions", "256", "256"},
    {"turn.max-permissions", "257", nullptr},
    {"turn.max-channels", "1", "1"},
    {"turn.max-channels", "0", nullptr},
    {"turn.quota-user", "0", "0"},
    {"turn.quota-user", "x", nullptr},
    {"turn.quota-total", "1000000", "1000000"},
    {"turn.quota-total", "99999999999999999999", nullptr},
    {"turn.bandwidth-allocation-kbps", "3000", "3000"},
    {"turn.bandwidth-allocation-kbps", "3 000", nullptr},
    {"turn.bandwidth-user-kbps", "0010", "10"},
    {"turn.bandwidth-user-kbps", "+1", nullptr},
    {"turn.password-algorithms", "yes", "on"},
    {"turn.password-algorithms", "maybe", nullptr},
    {"turn.nonce-lifetime", "3600", "3600"},
    {"turn.nonce-lifetime", "3601", nullptr},
    {"turn.unauthenticated-rate", "0", "0"},
    {"turn.unauthenticated-rate", "10000001", nullptr},
    {"turn.unauthenticated-burst", "256", "256"},
    {"turn.unauthenticated-burst", "255", nullptr},
    {"turn.peer-allow", "10.0.0.0/8", "10.0.0.0/8"},
    {"turn.peer-allow", "10.0.0.1/8", nullptr},
    {"turn.peer-deny", "::ffff:10.0.0.0/104", "10.0.0.0/8"},
    {"turn.peer-deny", "everything", nullptr},
    {"shared.listen", "192.0.2.10:443", "192.0.2.10:443"},
    {"shared.listen", ":443", nullptr},
    {"shared.turn-name", "TURN.Example.ORG", "turn.example.org"},
    {"shared.turn-name", "xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"shared.turn-name", "*.example.org", nullptr},
    {"shared.turn-name", "turn.example.org.", nullptr},
    {"shared.turn-name", "turn..example.org", nullptr},
    {"shared.turn-name", "-turn.example.org", nullptr},
    {"shared.turn-name", "turn-.example.org", nullptr},
    {"shared.turn-name", "turn", nullptr},
    {"shared.turn-name", "192.0.2.10", nullptr},
    {"shared.turn-name",
     "b\xc3\xbc"
     "cher.example",
     nullptr},
    {"shared.turn-name", "a23456789012345678901234567890123456789012345678901234567890123.example",
     "a23456789012345678901234567890123456789012345678901234567890123.example"},
    {"shared.turn-name", "a234567890123456789012345678901234567890123456789012345678901234.example", nullptr},
    {"shared.sip-name", "sip.example.org", "sip.example.org"},
    {"shared.sip-name", "../sip.example.org", nullptr},
    {"tls.min-version", "1.3", "1.3"},
    {"tls.min-version", "1.1", nullptr},
    {"tls.peer-purpose", "client-strict", "client-strict"},
    {"tls.peer-purpose", "sip-domain", "sip-domain"},
    {"tls.peer-purpose", "any", nullptr},
    {"tls.trust", "own", "own"},
    {"tls.trust", "none", nullptr},
    {"tls.handshake-timeout", "600", "600"},
    {"tls.handshake-timeout", "0", nullptr},
    {"tls.handshakes-per-core", "1", "1"},
    {"tls.handshakes-per-core", "0", nullptr},
    {"tls.handshakes-per-source", "64", "64"},
    {"tls.handshakes-per-source", "-1", nullptr},
    {"tls.handshakes-per-turn", "64", "64"},
    {"tls.handshakes-per-turn", "65", nullptr},
    {"tls.idle-timeout", "30", "30"},
    {"tls.idle-timeout", "29", nullptr},
    {"tls.tickets", "no", "off"},
    {"tls.tickets", "once", nullptr},
    {"tls.ticket-lifetime", "86400", "86400"},
    {"tls.ticket-lifetime", "86401", nullptr},
    {"dns.server", "192.0.2.53", "192.0.2.53"},
    {"dns.server", "192.0.2.53:53", "192.0.2.53"},
    {"dns.server", "192.0.2.53:5353", "192.0.2.53:5353"},
    {"dns.server", "2001:DB8::53", "2001:db8::53"},
    {"dns.server", "[2001:db8::53]:5353", "[2001:db8::53]:5353"},
    {"dns.server", "192.0.2.53:0", nullptr},
    {"dns.server", "dns.example.org", nullptr},
    {"dns.dnssec", "required", "required"},
    {"dns.dnssec", "maybe", nullptr},
    {"dns.trust-anchor", "/etc/fedge/anchors.key", "/etc/fedge/anchors.key"},
    {"dns.trust-anchor", ". DS 20326 8 2 E06D44B8 0B8F", ". DS 20326 8 2 E06D44B80B8F"},
    {"dns.trust-anchor", "example.org. 3600 IN DS 1 13 2 00ff", "example.org. DS 1 13 2 00ff"},
    {"dns.trust-anchor", "example.org. DNSKEY 257 3 13 mdsswUyr3DPW==", "example.org. DNSKEY 257 3 13 mdsswUyr3DPW=="},
    {"dns.trust-anchor", "example.org. DS 1 13 2 00f", nullptr},
    {"dns.trust-anchor", "example.org. DS 65536 13 2 00ff", nullptr},
    {"dns.trust-anchor", "example.org. DS 1 13 2", nullptr},
    {"dns.trust-anchor", "example.org. DNSKEY 257 4 13 mdss", nullptr},
    {"dns.trust-anchor", "example.org. A 192.0.2.1", nullptr},
    {"dns.trust-anchor", "anchors.key", nullptr},
    {"dns.trust-anchor", "/etc/\n$INCLUDE", nullptr},
    {"dns.timeout", "60", "60"},
    {"dns.timeout", "0", nullptr},
    {"dns.ttl-min", "1", "1"},
    {"dns.ttl-min", "3601", nullptr},
    {"dns.ttl-max", "604800", "604800"},
    {"dns.ttl-max", "29", nullptr},
    {"dns.negative-ttl", "1", "1"},
    {"dns.negative-ttl", "86401", nullptr},
    {"dns.stale-time", "0", "0"},
    {"dns.stale-time", "604801", nullptr},
    {"dns.cache-size", "100", "100"},
    {"dns.cache-size", "99", nullptr},
    {"discovery.sip-records", "sips", "sips"},
    {"discovery.sip-records", "naptr", nullptr},
    {"discovery.per-second", "100000", "100000"},
    {"discovery.per-second", "0", nullptr},
    {"discovery.concurrent", "512", "512"},
    {"discovery.concurrent", "513", nullptr},
    {"discovery.queue", "1", "1"},
    {"discovery.queue", "0", nullptr},
    {"discovery.allow-address", "10.20.0.0/16", "10.20.0.0/16"},
    {"discovery.allow-address", "10.20.0.1/16", nullptr},
    {"discovery.deny-address", "2001:db8::/32", "2001:db8::/32"},
    {"discovery.deny-address", "everybody", nullptr},
    {"icmp.rate", "100", "100"},
    {"icmp.rate", "1.5", nullptr},
    {"icmp.echo", "off", "off"},
    {"icmp.echo", "2", nullptr},
    {"turn.measure", "off", "off"},
    {"turn.measure", "1 in 8", nullptr},
};

std::vector<Row> all_rows() {
    std::vector<Row> rows(std::begin(kRows), std::end(kRows));
    for (const Row& row : federation_rows()) rows.push_back(row);
    for (const Row& row : sip_rows()) rows.push_back(row);
    for (const Row& row : sip_filter_rows()) rows.push_back(row);
    return rows;
}

INSTANTIATE_TEST_SUITE_P(Table, SettingValue, testing::ValuesIn(all_rows()));

TEST(SettingsTable, EveryKeyHasAGoodAndABadRow) {
    std::set<std::string> good, bad;
    for (const auto& row : all_rows()) (row.canonical ? good : bad).insert(find_setting(row.key).definition->pattern);
    for (const auto& definition : definitions()) {
        EXPECT_TRUE(good.contains(definition.pattern)) << definition.pattern;
        EXPECT_TRUE(bad.contains(definition.pattern)) << definition.pattern;
    }
}

TEST(SettingsTable, ExamplesAndDefaultsAreValid) {
    for (const auto& definition : definitions()) {
        std::vector<std::string> words;
        for (size_t at = 0; at != std::string::npos;) {
            size_t space = definition.example.find(' ', at);
            words.push_back(definition.example.substr(at, space - at));
            at = space == std::string::npos ? space : space + 1;
        }
        ASSERT_GE(words.size(), 2U) << definition.pattern;
        Setting setting = find_setting(words[0]);
        EXPECT_EQ(setting.definition, &definition);
        EXPECT_EQ(checked_values(setting, Values(words.begin() + 1, words.end())).size(), words.size() - 1);
        EXPECT_FALSE(definition.help.empty());
        if (!definition.initially.empty()) {
            EXPECT_EQ(checked_values(setting, {definition.initially}), Values{definition.initially});
        }
    }
}

TEST(SettingsTable, KeysAreCanonicalAndUnknownOnesNameTheNearest) {
    EXPECT_EQ(find_setting("route.2001:DB8:0::/48").key, "route.2001:db8::/48");
    for (const char* key : {"turn.relm", "interface.a.b.role", "route.198.51.100.1/24", "interface..role", "", "."}) {
        EXPECT_THROW(find_setting(key), Refusal) << key;
    }
    try {
        find_setting("turn.relm");
    } catch (const Refusal& refusal) {
        EXPECT_NE(refusal.problem().fix.find("turn.realm"), std::string::npos);
    }
}

TEST(SettingsTable, ListsRefuseDoublesAndSingleKeysRefuseLists) {
    EXPECT_THROW(checked_values(find_setting("turn.peer-deny"), {"10.0.0.0/8", "::ffff:10.0.0.0/104"}), Refusal);
    EXPECT_THROW(checked_values(find_setting("turn.realm"), {"a", "b"}), Refusal);
    EXPECT_THROW(checked_values(find_setting("turn.realm"), {}), Refusal);
}

TEST(SettingsTable, UnsetTakesAGroup) {
    Settings settings{{"interface.a.port", {"p"}}, {"interface.a.mtu", {"1500"}}, {"interface.ab.port", {"q"}}};
    EXPECT_EQ(keys_to_unset("interface.a", settings),
              (std::vector<std::string>{"interface.a.mtu", "interface.a.port"}));
    EXPECT_EQ(keys_to_unset("turn.realm", settings), std::vector<std::string>{"turn.realm"});
    EXPECT_THROW(keys_to_unset("interface.zz", settings), Refusal);
}

Settings edge() {
    return {{"interface.inside.address", {"192.0.2.130/26"}},
            {"interface.inside.port", {"lan"}},
            {"interface.inside.role", {"internal"}},
            {"interface.outside.address", {"192.0.2.10/26", "2001:db8:0:1::10/64", "192.0.2.11/26"}},
            {"interface.outside.gateway", {"192.0.2.1", "2001:db8:0:1::1"}},
            {"interface.outside.port", {"wan"}}};
}

TEST(Compile, DefaultsServeOnFirstAddresses) {
    Compiled c = compile(edge());
    ASSERT_TRUE(c.errors.empty()) << c.errors[0].what;
    std::vector<std::string> listeners, relays;
    for (const auto& l : c.config.listeners) listeners.push_back(l.interface + " " + l.endpoint.text());
    for (const auto& r : c.config.turn.relay_addresses) relays.push_back(r.address.text());
    EXPECT_EQ(listeners, (std::vector<std::string>{"inside 192.0.2.130:3478", "outside 192.0.2.10:3478",
                                                   "outside [2001:db8:0:1::10]:3478"}));
    EXPECT_EQ(relays, (std::vector<std::string>{"192.0.2.10", "2001:db8:0:1::10"}));
    EXPECT_EQ(c.config.turn.port_first, 50000);
    EXPECT_EQ(c.config.turn.allocation_kbps, 3000U);
    EXPECT_TRUE(c.config.icmp_echo);
    EXPECT_TRUE(c.warnings.empty());
}

TEST(Compile, EmptySettingsAreValidAndSayWhatIsMissing) {
    Compiled c = compile({});
    EXPECT_TRUE(c.errors.empty());
    ASSERT_EQ(c.warnings.size(), 1U);
    EXPECT_NE(c.warnings[0].fix.find("interface.NAME.port"), std::string::npos);
}

TEST(Compile, PoolsLeaveOutNetworkAndBroadcastAddress) {
    Settings settings = edge();
    settings["turn.relay-address"] = {"192.0.2.128-192.0.2.135", "2001:db8:0:1::100"};
    settings["turn.advertise.192.0.2.129"] = {"203.0.113.9"};
    Compiled c = compile(settings);
    ASSERT_TRUE(c.errors.empty()) << c.errors[0].what;
    ASSERT_EQ(c.config.turn.relay_addresses.size(), 8U);
    EXPECT_EQ(c.config.turn.relay_addresses[0].address.text(), "192.0.2.129");
    EXPECT_EQ(c.config.turn.relay_addresses[0].advertised.text(), "203.0.113.9");
    EXPECT_EQ(c.config.turn.relay_addresses[1].advertised.text(), "192.0.2.130");
}

TEST(Compile, RelayAddressesAreAdvertisedApart) {
    struct Case {
        const char* what;
        Settings advertise;
        const char* blamed;
        const char* sentence;
    };
    const Case cases[] = {
        {"one address for two",
         {{"turn.advertise.192.0.2.20", {"203.0.113.9"}}, {"turn.advertise.192.0.2.21", {"203.0.113.9"}}},
         "turn.advertise.192.0.2.21",
         "relay addresses 192.0.2.20 and 192.0.2.21 would both be advertised as 203.0.113.9"},
        {"the address of another",
         {{"turn.advertise.192.0.2.20", {"192.0.2.21"}}},
         "turn.advertise.192.0.2.21",
         "relay addresses 192.0.2.20 and 192.0.2.21 would both be advertised as 192.0.2.21"},
        {"exchanged",
         {{"turn.advertise.192.0.2.20", {"192.0.2.21"}}, {"turn.advertise.192.0.2.21", {"192.0.2.20"}}},
         "",
         ""},
    };
    for (const Case& c : cases) {
        Settings settings = edge();
        settings["turn.relay-address"] = {"192.0.2.20-192.0.2.21"};
        settings.insert(c.advertise.begin(), c.advertise.end());
        Compiled compiled = compile(settings);
        if (!*c.blamed) {
            EXPECT_TRUE(compiled.errors.empty()) << c.what;
            continue;
        }
        ASSERT_EQ(compiled.errors.size(), 1U) << c.what;
        EXPECT_EQ(compiled.errors[0].key, c.blamed);
        EXPECT_EQ(compiled.errors[0].what, c.sentence);
        for (const char* key : {"turn.advertise.192.0.2.20", "turn.advertise.192.0.2.21"})
            EXPECT_NE(compiled.errors[0].fix.find(key), std::string::npos) << compiled.errors[0].fix;
    }
}

TEST(Compile, StreamListenersAndTlsSettings) {
    Settings settings = edge();
    settings["turn.listen-tcp"] = {"192.0.2.10:3478", "192.0.2.130:3478"};
    settings["turn.listen-tls"] = {"[2001:db8:0:1::10]:5349"};
    settings["shared.listen"] = {"192.0.2.11:443"};
    settings["shared.turn-name"] = {"turn.example.org"};
    settings["shared.sip-name"] = {"sip.example.org"};
    settings["tls.min-version"] = {"1.3"};
    settings["tls.peer-purpose"] = {"sip-domain"};
    settings["tls.trust"] = {"own"};
    settings["tls.tickets"] = {"off"};
    Compiled c = compile(settings);
    ASSERT_TRUE(c.errors.empty()) << c.errors[0].what;
    std::vector<std::string> streams;
    for (const auto& l : c.config.listeners) {
        if (l.service != Service::turn_udp)
            streams.push_back(std::string(setting_of(l.service)) + " " + l.interface + " " + l.endpoint.text());
    }
    EXPECT_EQ(streams, (std::vector<std::string>{
                           "turn.listen-tcp outside 192.0.2.10:3478", "turn.listen-tcp inside 192.0.2.130:3478",
                           "turn.listen-tls outside [2001:db8:0:1::10]:5349", "shared.listen outside 192.0.2.11:443"}));
    EXPECT_EQ(c.config.listeners.size(), 7U) << "UDP keeps its defaults";
    EXPECT_EQ(c.config.tls.min_version, TlsVersion::tls_1_3);
    EXPECT_EQ(c.config.tls.purpose, Purpose::sip_domain);
    EXPECT_FALSE(c.config.tls.system_trust);
    EXPECT_FALSE(c.config.tls.tickets);
    EXPECT_EQ(c.config.tls.handshake_timeout_s, 60U);
    EXPECT_EQ(c.config.tls.handshakes_per_source, 64U);
    EXPECT_EQ(c.config.tls.turn_names, Values{"turn.example.org"});
    EXPECT_EQ(c.config.tls.sip_names, Values{"sip.example.org"});
    EXPECT_EQ(external_tls_listener(c.config)->endpoint.text(), "[2001:db8:0:1::10]:5349");

    settings.erase("shared.listen");
    settings["turn.listen-tls"] = {"192.0.2.130:5349"};
    Compiled inside = compile(settings);
    EXPECT_EQ(external_tls_listener(inside.config), nullptr);
    EXPECT_EQ(tls_listener(inside.config)->endpoint.text(), "192.0.2.130:5349");
    settings.erase("turn.listen-tls");
    EXPECT_EQ(tls_listener(compile(settings).config), nullptr);
}

TEST(Compile, OneTcpPortHasOneService) {
    Settings settings = edge();
    settings["turn.listen-tls"] = {"192.0.2.10:443"};
    settings["shared.listen"] = {"192.0.2.10:443"};
    Compiled c = compile(settings);
    ASSERT_EQ(c.errors.size(), 1U);
    EXPECT_EQ(c.errors[0].key, "shared.listen");
    EXPECT_EQ(c.errors[0].what, "192.0.2.10:443 is in turn.listen-tls too");
    settings["shared.listen"] = {"192.0.2.11:443"};
    settings["shared.turn-name"] = {"edge.example.org"};
    settings["shared.sip-name"] = {"sip.example.org", "edge.example.org"};
    c = compile(settings);
    ASSERT_EQ(c.errors.size(), 1U);
    EXPECT_EQ(c.errors[0].key, "shared.sip-name");
    EXPECT_EQ(c.errors[0].what, "edge.example.org is in shared.turn-name too");
}

TEST(Compile, RoutesFindTheirInterfaceAndAccessRulesTheirOrder) {
    Settings settings = edge();
    settings["route.198.51.100.0/24"] = {"192.0.2.140"};
    settings["access.b.source"] = {"198.51.100.0/24", "203.0.113.0/24"};
    settings["access.a.source"] = {"198.51.100.7/32"};
    settings["access.a.action"] = {"allow"};
    settings["access.z.source"] = {"0.0.0.0/0"};
    settings["access.z.order"] = {"5"};
    Compiled c = compile(settings);
    ASSERT_TRUE(c.errors.empty()) << c.errors[0].what;
    ASSERT_EQ(c.config.routes.size(), 1U);
    EXPECT_EQ(c.config.routes[0].interface, "inside");
    std::vector<std::string> order;
    for (const auto& rule : c.config.access) order.push_back(rule.name);
    EXPECT_EQ(order, (std::vector<std::string>{"z", "a", "b", "b"}));
    EXPECT_TRUE(c.config.access[1].allow);
}

struct Wrong {
    const char* why;
    const char* key;
    Values values;
    const char* blamed;
};

class WrongTogether : public testing::TestWithParam<Wrong> {};

TEST_P(WrongTogether, NamesKeyAndFix) {
    Settings settings = edge();
    Setting setting = find_setting(GetParam().key);
    settings[setting.key] = checked_values(setting, GetParam().values);
    Compiled c = compile(settings);
    ASSERT_FALSE(c.errors.empty()) << GetParam().why;
    EXPECT_EQ(c.errors[0].key, GetParam().blamed) << c.errors[0].what;
    EXPECT_FALSE(c.errors[0].fix.empty());
}

const Wrong kWrong[] = {
    {"listener elsewhere", "turn.listen", {"192.0.2.12:3478"}, "turn.listen"},
    {"listener among relay ports", "turn.listen", {"192.0.2.10:50000"}, "turn.listen"},
    {"stream listener elsewhere", "turn.listen-tcp", {"192.0.2.12:3478"}, "turn.listen-tcp"},
    {"stream listener among relay ports", "turn.listen-tcp", {"192.0.2.10:50000"}, "turn.listen-tcp"},
    {"TLS listener among relay ports", "turn.listen-tls", {"192.0.2.10:59999"}, "turn.listen-tls"},
    {"shared listener elsewhere", "shared.listen", {"203.0.113.1:443"}, "shared.listen"},
    {"relay address off link", "turn.relay-address", {"203.0.113.1"}, "turn.relay-address"},
    {"relay address is the gateway", "turn.relay-address", {"192.0.2.1"}, "turn.relay-address"},
    {"relay pool over the gateway", "turn.relay-address", {"192.0.2.0/26"}, "turn.relay-address"},
    {"relay broadcast address", "turn.relay-address", {"192.0.2.63"}, "turn.relay-address"},
    {"pools overlap", "turn.relay-address", {"192.0.2.20-192.0.2.25", "192.0.2.25"}, "turn.relay-address"},
    {"pool too large", "turn.relay-address", {"2001:db8:0:1::/64"}, "turn.relay-address"},
    {"advertised for none of ours", "turn.advertise.192.0.2.50", {"203.0.113.1"}, "turn.advertise.192.0.2.50"},
    {"advertised family", "turn.advertise.192.0.2.10", {"2001:db8::9"}, "turn.advertise.192.0.2.10"},
    {"port range", "turn.port-first", {"60000"}, "turn.port-first"},
    {"lifetimes", "turn.lifetime-default", {"7200"}, "turn.lifetime-default"},
    {"two interfaces on one VLAN", "interface.inside.port", {"wan"}, "interface.outside.vlan"},
    {"no port", "interface.third.address", {"203.0.113.9/24"}, "interface.third.port"},
    {"no address", "interface.third.port", {"opt"}, "interface.third.address"},
    {"subnets overlap", "interface.inside.address", {"192.0.2.12/24"}, "interface.outside.address"},
    {"network address", "interface.inside.address", {"192.0.2.128/26"}, "interface.inside.address"},
    {"loopback", "interface.inside.address", {"127.0.0.1/8"}, "interface.inside.address"},
    {"gateway off link", "interface.inside.gateway", {"192.0.2.1"}, "interface.inside.gateway"},
    {"gateway is ourselves", "interface.inside.gateway", {"192.0.2.130"}, "interface.inside.gateway"},
    {"two gateways of a family",
     "interface.inside.gateway",
     {"192.0.2.140", "192.0.2.141"},
     "interface.inside.gateway"},
    {"route off link", "route.198.51.100.0/24", {"203.0.113.1"}, "route.198.51.100.0/24"},
    {"route family", "route.2001:db8:5::/48", {"192.0.2.140"}, "route.2001:db8:5::/48"},
    {"rule without source", "access.lab.action", {"deny"}, "access.lab.source"},
};

INSTANTIATE_TEST_SUITE_P(Rules, WrongTogether, testing::ValuesIn(kWrong));

TEST(Settings, DifferenceShowsWhatChanged) {
    Settings before{{"a", {"1"}}, {"b", {"1", "2"}}, {"c", {"1"}}};
    Settings after = with_edits(before, {{"b", Values{"2", "1"}}, {"c", std::nullopt}, {"d", Values{"9"}}});
    auto changes = difference(before, after);
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes[0].key, "b");
    EXPECT_EQ(changes[1].after, Values{});
    EXPECT_EQ(changes[2].before, Values{});
    EXPECT_TRUE(difference(after, after).empty());
}

}  // namespace
}  // namespace fedge::control
