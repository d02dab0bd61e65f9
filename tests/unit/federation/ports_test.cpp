// What firewalls must let through and the DNS must say, for configurations.
#include "control/federation/ports.h"

#include <gtest/gtest.h>

#include "control/federation/dns_records.h"

namespace fedge::control {
namespace {

IpAddress address(const char* text) {
    return *IpAddress::parse(text);
}

Config edge() {
    Config config;
    InterfaceConfig outside, inside;
    outside.name = "outside";
    outside.addresses = {*Prefix::parse("192.0.2.10/26"), *Prefix::parse("2001:db8::10/64")};
    inside.name = "inside";
    inside.role = Side::internal;
    inside.addresses = {*Prefix::parse("10.0.0.10/24")};
    config.interfaces = {outside, inside};
    config.listeners = {{"outside", *Endpoint::parse("192.0.2.10:3478"), Service::turn_udp},
                        {"outside", *Endpoint::parse("192.0.2.10:443"), Service::shared_tls},
                        {"inside", *Endpoint::parse("10.0.0.10:3478"), Service::turn_udp}};
    config.turn.relay_addresses = {{address("192.0.2.10"), address("192.0.2.10")}};
    config.turn.port_first = 50000;
    config.turn.port_last = 59999;
    config.federation.enabled = true;
    config.federation.domains = {"local.example"};
    config.federation.access_names = {"sip.local.example"};
    return config;
}

std::string text(const PortRow& row) {
    const char* port = row.source_ports ? "sport " : "";
    std::string out = std::string(name_of(row.role)) + (row.side == Side::external ? " external " : " internal ") +
                      (row.udp ? "udp " : "tcp ") + port + std::to_string(row.first);
    if (row.last != row.first) out += "-" + std::to_string(row.last);
    out += std::string(row.to_edge ? " from " : " to ") + name_of(row.far);
    for (const IpAddress& one : row.addresses) out += " " + one.text();
    return out;
}

std::vector<std::string> texts(const Config& config) {
    std::vector<std::string> out;
    for (const PortRow& row : port_rows(config)) out.push_back(text(row));
    return out;
}

TEST(Ports, OfAnEdgeWithFederationAndMedia) {
    EXPECT_EQ(texts(edge()), (std::vector<std::string>{
                                 "access-federation external tcp 5061 from partners 192.0.2.10",
                                 "access-federation external tcp 5061 to partners 192.0.2.10",
                                 "front-end internal tcp 5061 from front-ends 10.0.0.10",
                                 "front-end internal tcp 5061 to front-ends 10.0.0.10",
                                 "media-udp external udp 3478 from any 192.0.2.10",
                                 "media-udp external udp 3478 to any 192.0.2.10",
                                 "media-tcp external tcp 443 from any 192.0.2.10",
                                 "relayed-udp external udp 50000-59999 from any 192.0.2.10",
                                 "relayed-udp external udp sport 50000-59999 to any 192.0.2.10",
                                 "relayed-tcp external tcp sport 50000-59999 to any 192.0.2.10",
                                 "dns external udp 53 to dns-servers",
                                 "dns external tcp 53 to dns-servers",
                                 "media-udp internal udp 3478 from inside 10.0.0.10",
                             }));
}

// An edge that serves SIP: where, and to which front ends, is the operator's word.
Config serving() {
    Config config = edge();
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.11:5061"), Service::sip_tls});
    config.listeners.push_back({"outside", *Endpoint::parse("[2001:db8::11]:5061"), Service::sip_tls});
    config.listeners.push_back({"inside", *Endpoint::parse("10.0.0.10:5071"), Service::sip_tls});
    config.sip.front_ends = {{"fe1", "fe1.local.example", {address("10.0.0.20")}, 5061, 1},
                             {"fe2", "fe2.local.example", {address("10.0.0.21")}, 5081, 1},
                             {"fe3", "fe3.local.example", {address("10.0.0.22")}, 5061, 1}};
    return config;
}

TEST(Ports, OfAnEdgeThatServesSip) {
    auto rows = texts(serving());
    ASSERT_GE(rows.size(), 5U);
    rows.resize(5);
    EXPECT_EQ(rows, (std::vector<std::string>{
                        "access-federation external tcp 5061 from partners 192.0.2.11 2001:db8::11",
                        "access-federation external tcp 5061 to partners 192.0.2.11 2001:db8::11",
                        "front-end internal tcp 5071 from front-ends 10.0.0.10",
                        "front-end internal tcp 5061 to front-ends 10.0.0.10",
                        "front-end internal tcp 5081 to front-ends 10.0.0.10",
                    }));
    for (const std::string& row : texts(serving())) {
        if (row.starts_with("media")) {
            EXPECT_EQ(row.find("50"), std::string::npos) << row << ": no media at ports of SIP";
        }
    }
}

TEST(Ports, PartnersComeToThePortThatIsServedAndAreFoundAtTheUsualOne) {
    Config config = edge();
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.11:6061"), Service::sip_tls});
    auto rows = texts(config);
    EXPECT_EQ(rows[0], "access-federation external tcp 6061 from partners 192.0.2.11");
    EXPECT_EQ(rows[1], "access-federation external tcp 5061 to partners 192.0.2.11");
    EXPECT_EQ(rows[2], "front-end internal tcp 5061 from front-ends 10.0.0.10") << "served outside only as yet";
}

TEST(Ports, RemoteUsersAloneNeedFrontEndsAsWell) {
    Config config = serving();
    config.federation.enabled = false;
    config.federation.outside_users = true;
    auto rows = texts(config);
    EXPECT_EQ(rows[0], "front-end internal tcp 5071 from front-ends 10.0.0.10");
    for (const std::string& row : rows) EXPECT_FALSE(row.starts_with("access-federation")) << row;
}

TEST(Ports, RemoteUsersComeByTheSharedPort) {
    Config config = edge();
    config.federation.outside_users = true;
    auto rows = texts(config);
    EXPECT_NE(std::find(rows.begin(), rows.end(), "access-clients external tcp 443 from clients 192.0.2.10"),
              rows.end());
}

TEST(Ports, WithoutFederationOnlyMedia) {
    Config config = edge();
    config.federation.enabled = false;
    for (const PortRow& row : port_rows(config)) {
        EXPECT_NE(row.first, 5061);
        EXPECT_NE(row.first, 53);
    }
    EXPECT_TRUE(port_rows(Config()).empty());
}

TEST(Ports, AddressesOfOneServiceShareARow) {
    Config config = edge();
    config.listeners.push_back({"outside", *Endpoint::parse("[2001:db8::10]:3478"), Service::turn_udp});
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.10:3478"), Service::turn_udp});
    auto rows = texts(config);
    EXPECT_NE(std::find(rows.begin(), rows.end(), "media-udp external udp 3478 from any 192.0.2.10 2001:db8::10"),
              rows.end());
}

std::vector<std::string> zone(const DnsPlan& plan) {
    std::vector<std::string> out;
    for (const DnsRecord& one : plan.records) out.push_back(one.name + " " + one.type + " " + one.data);
    return out;
}

TEST(DnsRecords, OfAnEdge) {
    Config config = edge();
    config.federation.outside_users = true;
    DnsPlan plan = dns_plan(config, {{{"other.example"}, "ff"}, {{"sip.local.example", "local.example"}, "0123"}});
    EXPECT_EQ(zone(plan), (std::vector<std::string>{
                              "_sipfederationtls._tcp.local.example SRV 0 0 5061 sip.local.example.",
                              "_sips._tcp.local.example SRV 0 0 5061 sip.local.example.",
                              "_sip._tls.local.example SRV 0 0 443 sip.local.example.",
                              "sip.local.example A 192.0.2.10", "_5061._tcp.sip.local.example TLSA 3 1 1 0123"}));
    EXPECT_TRUE(plan.problems.empty());
}

TEST(DnsRecords, LeadToWhereSipIsServed) {
    Config config = edge();
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.10:5061"), Service::sip_tls});
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.11:6061"), Service::sip_tls});
    config.listeners.push_back({"inside", *Endpoint::parse("10.0.0.10:5061"), Service::sip_tls});
    DnsPlan plan = dns_plan(config, {{{"sip.local.example"}, "0123"}});
    EXPECT_EQ(zone(plan), (std::vector<std::string>{
                              "_sipfederationtls._tcp.local.example SRV 0 0 5061 sip.local.example.",
                              "_sips._tcp.local.example SRV 0 0 5061 sip.local.example.",
                              "sip.local.example A 192.0.2.10", "_5061._tcp.sip.local.example TLSA 3 1 1 0123"}))
        << "one port for all addresses: the usual one";
    config.listeners.erase(config.listeners.end() - 3);
    EXPECT_EQ(
        zone(dns_plan(config, {{{"sip.local.example"}, "0123"}})),
        (std::vector<std::string>{"_sipfederationtls._tcp.local.example SRV 0 0 6061 sip.local.example.",
                                  "_sips._tcp.local.example SRV 0 0 6061 sip.local.example.",
                                  "sip.local.example A 192.0.2.11", "_6061._tcp.sip.local.example TLSA 3 1 1 0123"}));
}

TEST(DnsRecords, RemoteUsersAreNotSentToAnAddressThatDoesNotServeThem) {
    Config config = edge();
    config.federation.outside_users = true;
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.11:5061"), Service::sip_tls});
    DnsPlan plan = dns_plan(config, {{{"sip.local.example"}, "0123"}});
    for (const DnsRecord& one : plan.records) EXPECT_FALSE(one.name.starts_with("_sip._tls")) << one.data;
    ASSERT_EQ(plan.problems.size(), 1U);
    EXPECT_NE(plan.problems[0].what.find("192.0.2.10:443"), std::string::npos);
    config.listeners.push_back({"outside", *Endpoint::parse("192.0.2.11:4443"), Service::shared_tls});
    plan = dns_plan(config, {{{"sip.local.example"}, "0123"}});
    EXPECT_TRUE(plan.problems.empty());
    EXPECT_EQ(zone(plan)[2], "_sip._tls.local.example SRV 0 0 4443 sip.local.example.");
}

TEST(DnsRecords, TheWorldSeesTheAddressOfTheNat) {
    Config config = edge();
    config.turn.relay_addresses = {{address("192.0.2.10"), address("203.0.113.9")}};
    auto rows = zone(dns_plan(config, {}));
    EXPECT_NE(std::find(rows.begin(), rows.end(), "sip.local.example A 203.0.113.9"), rows.end());
}

// Each domain needs an access name in its own namespace, or partners refuse with error 1009.
TEST(DnsRecords, ADomainWithoutAnAccessNameOfItsOwnIsAProblem) {
    Config config = edge();
    config.federation.domains = {"local.example", "second.example"};
    DnsPlan plan = dns_plan(config, {{{"sip.local.example"}, "00"}});
    ASSERT_EQ(plan.problems.size(), 1u);
    EXPECT_NE(plan.problems[0].what.find("second.example"), std::string::npos);
    for (const DnsRecord& one : plan.records) EXPECT_EQ(one.name.find("second"), std::string::npos);
    config.federation.access_names.push_back("sip.second.example");
    EXPECT_EQ(zone(dns_plan(config, {}))[2], "_sipfederationtls._tcp.second.example SRV 0 0 5061 sip.second.example.");
}

TEST(DnsRecords, WhatIsMissingInTheConfigurationIsSaid) {
    Config config = edge();
    config.federation.enabled = false;
    config.federation.domains.clear();
    EXPECT_EQ(dns_plan(config, {}).problems.size(), 2u);
    Config uncertified = edge();
    ASSERT_EQ(dns_plan(uncertified, {}).problems.size(), 1u);
    EXPECT_NE(dns_plan(uncertified, {}).problems[0].what.find("no certificate of ours proves"), std::string::npos);
}

TEST(DnsRecords, WhatTheWorldSees) {
    DnsRecord record{"a.example", "SRV", "0 0 5061 sip.a.example", ""};
    EXPECT_EQ(compare(record, {"0 0 5061 SIP.a.example"}, true), Seen::there);
    EXPECT_EQ(compare(record, {"0 0 5060 sip.a.example"}, true), Seen::wrong);
    EXPECT_EQ(compare(record, {"0 0 5060 sip.a.example", "0 0 5061 sip.a.example"}, true), Seen::there);
    EXPECT_EQ(compare(record, {}, true), Seen::missing);
    EXPECT_EQ(compare(record, {}, false), Seen::unknown);
}

}  // namespace
}  // namespace fedge::control
