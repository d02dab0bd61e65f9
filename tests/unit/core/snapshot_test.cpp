#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/contract/channel.h"
#include "tests/support/edge_box.h"

namespace fedge::core {
namespace {

using test::EdgeBox;

SnapshotContext& context() {
    static SnapshotContext* one = [] {
        auto* c = new SnapshotContext;
        SeededRandom random(1);
        c->ports.push_back({"wan", 0, MacAddress{{2, 0, 0, 0, 0, 9}}, 1500, false, false});
        c->user_key = relay::UserHashKey::random(random);
        return c;
    }();
    return *one;
}

std::vector<uint8_t> pack(const contract::SnapshotT& snapshot) {
    flatbuffers::FlatBufferBuilder builder;
    contract::FinishSnapshotBuffer(builder, contract::Snapshot::Pack(builder, &snapshot));
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string refusal(const contract::SnapshotT& snapshot) {
    try {
        compile_snapshot(pack(snapshot), context(), nullptr);
    } catch (const SnapshotError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(Snapshot, CompilesTheDefault) {
    auto config = compile_snapshot(pack(EdgeBox::snapshot()), context(), nullptr);
    EXPECT_EQ(config->revision, 1u);
    EXPECT_EQ(config->interfaces->count(), 1);
    auto target = config->role(contract::Role::external).targets.classify(*IpAddress::parse("192.0.2.10"), 3478);
    EXPECT_EQ(target.kind, classify::Target::Kind::listener);
    target = config->role(contract::Role::internal).targets.classify(*IpAddress::parse("192.0.2.10"), 3478);
    EXPECT_EQ(target.kind, classify::Target::Kind::not_ours);
}

TEST(Snapshot, FiltersAreCompiledOnlyWhenTheirSettingsChange) {
    SnapshotContext own;
    own.ports = context().ports;
    own.user_key = context().user_key;
    own.tls_libraries = {nullptr, std::make_shared<tls::Library>()};
    contract::SnapshotT snapshot = EdgeBox::snapshot();
    snapshot.sip = std::make_unique<contract::SipT>();
    snapshot.sip->outside_name = snapshot.sip->inside_name = "edge.example";
    snapshot.sip->token_keys.assign(32, 1);
    auto without = compile_snapshot(pack(snapshot), own, nullptr);
    EXPECT_EQ(without->sip_filters.of_core(1), nullptr);

    snapshot.sip->filters = std::make_unique<contract::FiltersT>();
    snapshot.sip->filters->link_prefixes = {"http:"};
    snapshot.sip->filters->link_action = contract::LinkAction::warn;
    snapshot.sip->filters->warn_message = "Careful.";
    auto first = compile_snapshot(pack(snapshot), own, without.get());
    ASSERT_NE(first->sip_filters.of_core(1), nullptr);
    EXPECT_EQ(first->sip_filters.of_core(0), nullptr) << "no signalling core";
    EXPECT_EQ(first->sip_filters.database->message(), "Careful.");
    snapshot.revision++;
    auto same = compile_snapshot(pack(snapshot), own, first.get());
    EXPECT_EQ(same->sip_filters.database, first->sip_filters.database);
    EXPECT_EQ(same->sip_filters.of_core(1), first->sip_filters.of_core(1));
    snapshot.sip->filters->scanners = {"nosy"};
    auto other = compile_snapshot(pack(snapshot), own, same.get());
    EXPECT_NE(other->sip_filters.database, first->sip_filters.database);
    snapshot.sip->filters->link_prefixes = {"no prefix"};
    try {
        compile_snapshot(pack(snapshot), own, other.get());
        FAIL() << "accepted";
    } catch (const SnapshotError& error) {
        EXPECT_NE(std::string(error.what()).find("link prefix \"no prefix\""), std::string::npos) << error.what();
    }
}

// The plain case of reception goes by ipv4_answers, all others by the tables of the roles.
TEST(Snapshot, AnswersOfIpv4AddressesAreThoseOfTheirRole) {
    auto config = compile_snapshot(pack(EdgeBox::snapshot()), context(), nullptr);
    auto locals = config->interfaces->ipv4_locals();
    ASSERT_EQ(config->ipv4_answers.size(), locals.size());
    std::vector<std::string> addresses;
    for (size_t i = 0; i < locals.size(); i++) {
        if (locals[i].interface == ip::kNoInterface) {
            EXPECT_FALSE(config->ipv4_answers[i].ours);
            continue;
        }
        IpAddress address = IpAddress::v4_bytes(reinterpret_cast<const uint8_t*>(&locals[i].address));
        addresses.push_back(address.text());
        EXPECT_TRUE(config->ipv4_answers[i].ours);
        for (uint16_t port : {3478, 50000, 54321}) {
            classify::Target target;
            bool decided = config->ipv4_answers[i].decide(port, target);
            auto general = config->role(contract::Role::external).targets.classify(address, port);
            if (decided) {
                EXPECT_EQ(target, general) << address.text() << ":" << port;
            } else {
                EXPECT_EQ(general.kind, classify::Target::Kind::closed) << address.text() << ":" << port;
            }
        }
    }
    std::ranges::sort(addresses);
    EXPECT_EQ(addresses, (std::vector<std::string>{"192.0.2.10", "192.0.2.20"}));
}

TEST(Snapshot, RefusalsNameTheSetting) {
    struct Row {
        const char* what;
        void (*change)(contract::SnapshotT&);
        const char* word;
    };
    const Row rows[] = {
        {"unknown port", [](contract::SnapshotT& s) { s.interfaces[0]->port = "nowhere"; }, "nowhere"},
        {"gateway not on-link",
         [](contract::SnapshotT& s) { s.interfaces[0]->gateways[0] = test::wire_ip(*IpAddress::parse("203.0.113.1")); },
         "203.0.113.1"},
        {"ports reversed", [](contract::SnapshotT& s) { s.turn->port_first = 60000; }, "port"},
        {"two listeners on one endpoint",
         [](contract::SnapshotT& s) { s.listeners.push_back(std::make_unique<contract::ListenerT>(*s.listeners[0])); },
         "3478"},
        {"two relay addresses behind one",
         [](contract::SnapshotT& s) {
             auto second = std::make_unique<contract::RelayAddressT>(*s.turn->relay_addresses[0]);
             *second->address = test::wire_ip(*IpAddress::parse("192.0.2.21"));
             s.turn->relay_addresses.push_back(std::move(second));
         },
         "192.0.2.20 is advertised for both 192.0.2.20 and 192.0.2.21"},
        {"no nonce key", [](contract::SnapshotT& s) { s.turn->nonce_keys.clear(); }, "nonce"},
    };
    for (const Row& row : rows) {
        contract::SnapshotT snapshot = EdgeBox::snapshot();
        row.change(snapshot);
        std::string text = refusal(snapshot);
        EXPECT_NE(text, "accepted") << row.what;
        EXPECT_NE(text.find(row.word), std::string::npos) << row.what << ": " << text;
    }
}

TEST(Snapshot, DamagedBuffersAreRefused) {
    std::vector<uint8_t> good = pack(EdgeBox::snapshot());
    EXPECT_THROW(compile_snapshot(Bytes{}, context(), nullptr), SnapshotError);
    EXPECT_THROW(compile_snapshot(Bytes{good}.first(good.size() / 2), context(), nullptr), SnapshotError);
    good[4] ^= 1;  // the file identifier
    EXPECT_THROW(compile_snapshot(good, context(), nullptr), SnapshotError);
}

TEST(Snapshot, OnlySealedMemoryIsMapped) {
    std::vector<uint8_t> bytes = pack(EdgeBox::snapshot());
    contract::Descriptor memory(memfd_create("snapshot-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_THROW(load_snapshot(memory.get(), context(), nullptr), SnapshotError);
    ASSERT_EQ(fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    EXPECT_EQ(load_snapshot(memory.get(), context(), nullptr)->revision, 1u);
}

}  // namespace
}  // namespace fedge::core
