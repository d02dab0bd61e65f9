#include "dataplane/classify/ports_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <tuple>

namespace fedge::classify {
namespace {

using Kind = Target::Kind;

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

PortsPlan edge() {
    return {.addresses = {ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3"), ip("2001:db8::1")},
            .listeners = {{ip("192.0.2.1"), 3478, 0},
                          {ip("2001:db8::1"), 3478, 1},
                          {ip("192.0.2.1"), 3479, 7},
                          {ip("192.0.2.3"), 50'000, 3},
                          {ip("192.0.2.1"), 443, 9}},
            .relays = {{ip("192.0.2.1"), 0}, {ip("192.0.2.2"), 1}, {ip("2001:db8::1"), 4}},
            .relay_first = 50'000,
            .relay_last = 59'999};
}

TEST(PortsTable, FirstDecisionOfThePacketPath) {
    PortsTable table{edge()};
    struct Case {
        const char* name;
        const char* address;
        uint16_t port;
        Target target;
    };
    const Case cases[] = {
        {"listener", "192.0.2.1", 3478, {Kind::listener, 0}},
        {"second listener of an address", "192.0.2.1", 3479, {Kind::listener, 7}},
        {"third listener of an address", "192.0.2.1", 443, {Kind::listener, 9}},
        {"IPv6 listener", "2001:db8::1", 3478, {Kind::listener, 1}},
        {"first relay port", "192.0.2.1", 50'000, {Kind::relay, 0}},
        {"last relay port", "192.0.2.1", 59'999, {Kind::relay, 0}},
        {"below the relay ports", "192.0.2.1", 49'999, {Kind::closed, 0}},
        {"above the relay ports", "192.0.2.1", 60'000, {Kind::closed, 0}},
        {"port 0", "192.0.2.1", 0, {Kind::closed, 0}},
        {"port 0 of an address without listener", "192.0.2.2", 0, {Kind::closed, 0}},
        {"port 65535", "192.0.2.1", 65'535, {Kind::closed, 0}},
        {"relay address without listener", "192.0.2.2", 55'555, {Kind::relay, 1}},
        {"no listener there", "192.0.2.2", 3478, {Kind::closed, 0}},
        {"IPv6 relay", "2001:db8::1", 51'000, {Kind::relay, 4}},
        {"address without relay may listen in the range", "192.0.2.3", 50'000, {Kind::listener, 3}},
        {"and has no other port there", "192.0.2.3", 50'001, {Kind::closed, 0}},
        {"a neighbour's address", "192.0.2.4", 3478, {Kind::not_ours, 0}},
        {"our IPv4 address in compatible form is another address", "::192.0.2.1", 3478, {Kind::not_ours, 0}},
        {"unspecified", "::", 3478, {Kind::not_ours, 0}},
    };
    for (const Case& c : cases) EXPECT_EQ(table.classify(ip(c.address), c.port), c.target) << c.name;
    EXPECT_TRUE(table.is_ours(ip("192.0.2.3")));
    EXPECT_FALSE(table.is_ours(ip("192.0.2.4")));
}

TEST(PortsTable, EmptyPlanAnswersNothing) {
    PortsTable table{PortsPlan{.relay_first = 50'000, .relay_last = 50'000}};
    EXPECT_EQ(table.classify(ip("192.0.2.1"), 50'000).kind, Kind::not_ours);
    EXPECT_EQ(table.classify(IpAddress{}, 0).kind, Kind::not_ours);
}

TEST(PortsTable, RangeUpToTheLastPort) {
    PortsPlan plan{
        .addresses = {}, .listeners = {}, .relays = {{ip("192.0.2.1"), 0}}, .relay_first = 1, .relay_last = 65'535};
    PortsTable table{plan};
    EXPECT_EQ(table.classify(ip("192.0.2.1"), 1).kind, Kind::relay);
    EXPECT_EQ(table.classify(ip("192.0.2.1"), 65'535).kind, Kind::relay);
    EXPECT_EQ(table.classify(ip("192.0.2.1"), 0).kind, Kind::closed);
}

TEST(PortsTable, RefusesContradictions) {
    struct Case {
        const char* name;
        void (*spoil)(PortsPlan&);
    };
    const Case cases[] = {
        {"two listeners on one endpoint",
         [](PortsPlan& p) {
             p.listeners.push_back({ip("192.0.2.1"), 3479, 20});
         }},
        {"listener among relay ports",
         [](PortsPlan& p) {
             p.listeners.push_back({ip("192.0.2.1"), 50'000, 20});
         }},
        {"relay address twice",
         [](PortsPlan& p) {
             p.relays.push_back({ip("192.0.2.2"), 9});
         }},
        {"range upside down", [](PortsPlan& p) { p.relay_last = p.relay_first - 1; }},
        {"range from 0", [](PortsPlan& p) { p.relay_first = 0; }},
    };
    for (const Case& c : cases) {
        PortsPlan plan = edge();
        c.spoil(plan);
        EXPECT_THROW(PortsTable{plan}, std::invalid_argument) << c.name;
    }
}

// Many addresses, in both families: compared with the plan itself.
TEST(PortsTable, AgreesWithASearchOfThePlan) {
    std::mt19937 random{7};
    PortsPlan plan{.addresses = {}, .listeners = {}, .relays = {}, .relay_first = 50'000, .relay_last = 59'999};
    for (uint16_t i = 0; i < 1000; i++) {
        IpAddress address = i % 2 ? IpAddress::v4(0xc0000200 + i) : ip("2001:db8::" + std::to_string(i));
        if (i % 3) plan.addresses.push_back(address);
        if (i % 5 == 0) plan.relays.push_back({address, i});
        for (uint16_t k = 0; k < i % 4; k++)
            plan.listeners.push_back({address, uint16_t(3478 + k), uint16_t(4 * i + k)});
    }
    PortsTable table{plan};
    auto expected = [&](const IpAddress& a, uint16_t port) -> Target {
        bool ours = std::ranges::find(plan.addresses, a) != plan.addresses.end();
        for (const auto& r : plan.relays) {
            if (r.address != a) continue;
            if (port >= 50'000 && port <= 59'999) return {Kind::relay, r.id};
            ours = true;
        }
        for (const auto& l : plan.listeners) {
            if (l.address != a) continue;
            if (l.port == port) return {Kind::listener, l.id};
            ours = true;
        }
        return ours ? Target{Kind::closed, 0} : Target{};
    };
    for (int i = 0; i < 1100; i++) {
        for (uint16_t port : {uint16_t(3478), uint16_t(3479), uint16_t(3480), uint16_t(3481), uint16_t(50'000 + i),
                              uint16_t(random())}) {
            IpAddress address =
                i % 2 ? IpAddress::v4(0xc0000200U + static_cast<uint32_t>(i)) : ip("2001:db8::" + std::to_string(i));
            Target target = expected(address, port);
            ASSERT_EQ(table.classify(address, port), target) << address.text() << " " << port;
            Target quick;
            if (table.answers(address).decide(port, quick)) {
                ASSERT_EQ(quick, target) << address.text() << " " << port;
            } else {
                ASSERT_NE(target.kind, Kind::relay) << address.text() << " " << port;
            }
        }
    }
}

// The plan of a role from a snapshot.
class PortsPlanOfSnapshot : public testing::Test {
  protected:
    static contract::Ip wire(std::string_view text) {
        return contract::Ip{flatbuffers::span<const uint8_t, 16>{ip(text).octets()}};
    }
    static contract::Prefix prefix(std::string_view text) {
        Prefix p = Prefix::parse(text).value();
        return {wire(p.address.text()), p.length};
    }

    const contract::Snapshot& build() {
        std::vector<flatbuffers::Offset<contract::Interface>> interfaces;
        for (auto [name, role, address] : {std::tuple{"outside", contract::Role::external, "192.0.2.1/24"},
                                           std::tuple{"inside", contract::Role::internal, "198.51.100.1/24"}}) {
            std::vector<contract::Prefix> addresses{prefix(address)};
            auto port = builder_.CreateString("p0");
            auto text = builder_.CreateString(name);
            auto vector = builder_.CreateVectorOfStructs(addresses);
            interfaces.push_back(contract::CreateInterface(builder_, text, role, port, 0, 1500, vector));
        }
        std::vector<flatbuffers::Offset<contract::Listener>> listeners;
        for (auto [name, address] : {std::tuple{"outside", "192.0.2.1"}, std::tuple{"inside", "198.51.100.1"}}) {
            contract::Ip at = wire(address);
            listeners.push_back(contract::CreateListener(builder_, contract::Service::turn_udp,
                                                         builder_.CreateString(name), &at, 3478));
        }
        std::vector<flatbuffers::Offset<contract::RelayAddress>> relays;
        for (const char* address : {"192.0.2.9", "198.51.100.9", "203.0.113.9"}) {
            contract::Ip at = wire(address);
            relays.push_back(contract::CreateRelayAddress(builder_, &at, &at));
        }
        auto realm = builder_.CreateString("example.org");
        auto relay_vector = builder_.CreateVector(relays);
        std::vector<uint8_t> key(16);
        auto keys = builder_.CreateVector(key);
        contract::TurnBuilder turn{builder_};
        turn.add_realm(realm);
        turn.add_relay_addresses(relay_vector);
        turn.add_nonce_keys(keys);
        auto turn_offset = turn.Finish();
        auto interface_vector = builder_.CreateVector(interfaces);
        auto listener_vector = builder_.CreateVector(listeners);
        contract::SnapshotBuilder snapshot{builder_};
        snapshot.add_interfaces(interface_vector);
        snapshot.add_listeners(listener_vector);
        snapshot.add_turn(turn_offset);
        builder_.Finish(snapshot.Finish());
        return *flatbuffers::GetRoot<contract::Snapshot>(builder_.GetBufferPointer());
    }

    flatbuffers::FlatBufferBuilder builder_;
};

TEST_F(PortsPlanOfSnapshot, EachRoleAnswersOnItsOwnAddresses) {
    const contract::Snapshot& snapshot = build();
    PortsTable outside{ports_plan(snapshot, contract::Role::external)};
    PortsTable inside{ports_plan(snapshot, contract::Role::internal)};
    struct Case {
        const char* address;
        uint16_t port;
        Target outside, inside;
    };
    const Case cases[] = {
        {"192.0.2.1", 3478, {Kind::listener, 0}, {Kind::not_ours, 0}},
        {"198.51.100.1", 3478, {Kind::not_ours, 0}, {Kind::listener, 1}},
        {"192.0.2.9", 50'000, {Kind::relay, 0}, {Kind::not_ours, 0}},
        {"198.51.100.9", 50'000, {Kind::not_ours, 0}, {Kind::relay, 1}},
        {"203.0.113.9", 59'999, {Kind::relay, 2}, {Kind::not_ours, 0}},  // on no link: a pool routed to us from outside
        {"192.0.2.1", 50'000, {Kind::closed, 0}, {Kind::not_ours, 0}},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(outside.classify(ip(c.address), c.port), c.outside) << c.address;
        EXPECT_EQ(inside.classify(ip(c.address), c.port), c.inside) << c.address;
    }
}

}  // namespace
}  // namespace fedge::classify
