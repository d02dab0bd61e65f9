#include "control/publish/snapshot.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot_generated.h"

namespace fedge::control {
namespace {

Config full_config() {
    Settings settings{{"interface.inside.address", {"192.0.2.130/26"}},
                      {"interface.inside.port", {"lan"}},
                      {"interface.inside.role", {"internal"}},
                      {"interface.inside.vlan", {"7"}},
                      {"interface.outside.address", {"192.0.2.10/26", "2001:db8:0:1::10/64"}},
                      {"interface.outside.gateway", {"192.0.2.1"}},
                      {"interface.outside.port", {"wan"}},
                      {"route.198.51.100.0/24", {"192.0.2.140"}},
                      {"access.lab.source", {"203.0.113.0/24"}},
                      {"turn.realm", {"example.org"}},
                      {"turn.advertise.192.0.2.10", {"203.0.113.10"}},
                      {"turn.peer-deny", {"198.51.100.0/24"}},
                      {"turn.quota-user", {"7"}},
                      {"turn.password-algorithms", {"off"}},
                      {"turn.measure", {"off"}},
                      {"turn.listen-tcp", {"192.0.2.10:3478"}},
                      {"turn.listen-tls", {"192.0.2.10:5349"}},
                      {"shared.listen", {"192.0.2.10:443"}},
                      {"shared.turn-name", {"turn.example.org"}},
                      {"shared.sip-name", {"sip.example.org"}},
                      {"tls.min-version", {"1.3"}},
                      {"tls.peer-purpose", {"client-strict"}},
                      {"tls.handshake-timeout", {"11"}},
                      {"tls.handshakes-per-core", {"12"}},
                      {"tls.handshakes-per-source", {"13"}},
                      {"tls.handshakes-per-turn", {"14"}},
                      {"tls.idle-timeout", {"35"}},
                      {"tls.ticket-lifetime", {"616"}},
                      {"icmp.rate", {"9"}},
                      {"icmp.echo", {"off"}}};
    Compiled compiled = compile(settings);
    EXPECT_TRUE(compiled.errors.empty());
    return compiled.config;
}

SnapshotState full_state() {
    SnapshotState state;
    state.revision = 42;
    state.drain = true;
    std::vector<uint8_t> md5(16, 1), sha256(32, 2), userhash(32, 3);
    state.users = {{"alice", "example.org", md5, sha256, userhash, 0, ""},
                   {"bob", "example.org", md5, sha256, userhash, 0, ""}};
    state.secrets = {{3, "sesame", 0, {}}};
    state.nonce_keys = {{std::vector<uint8_t>(16, 9), 2}, {std::vector<uint8_t>(16, 8), 1}};
    state.ticket_keys = {{std::vector<uint8_t>(80, 7), 2}, {std::vector<uint8_t>(80, 6), 1}};
    state.certificates = {{"edge", "CHAIN", "KEY", "", {1, 2, 3}, 0, ""}, {"waiting", "", "", "KEY", {}, 0, ""}};
    state.trust = "TRUST";
    state.crls = "CRLS";
    return state;
}

IpAddress address(const contract::Ip* ip) {
    return IpAddress::v6_bytes(ip->octets()->data());
}

TEST(Snapshot, CarriesEverythingRoundTrip) {
    auto bytes = build_snapshot(full_config(), full_state());
    ASSERT_EQ(verify_snapshot(bytes), "");
    const auto* s = contract::GetSnapshot(bytes.data());
    EXPECT_EQ(s->revision(), 42U);
    EXPECT_TRUE(s->drain());
    EXPECT_EQ(s->icmp_rate(), 9U);
    EXPECT_FALSE(s->echo());
    ASSERT_EQ(s->interfaces()->size(), 2U);
    const auto* inside = s->interfaces()->Get(0);
    EXPECT_EQ(inside->name()->str(), "inside");
    EXPECT_EQ(inside->role(), contract::Role::internal);
    EXPECT_EQ(inside->vlan(), 7);
    EXPECT_EQ(inside->port()->str(), "lan");
    const auto* outside = s->interfaces()->Get(1);
    EXPECT_EQ(outside->addresses()->Get(0)->length(), 96 + 26);
    EXPECT_EQ(address(&outside->addresses()->Get(0)->address()).text(), "192.0.2.10");
    EXPECT_EQ(outside->addresses()->Get(1)->length(), 64);
    EXPECT_EQ(address(outside->gateways()->Get(0)).text(), "192.0.2.1");
    ASSERT_EQ(s->routes()->size(), 1U);
    EXPECT_EQ(s->routes()->Get(0)->interface()->str(), "inside");
    EXPECT_EQ(s->routes()->Get(0)->destination()->length(), 120);
    ASSERT_EQ(s->listeners()->size(), 6U);
    EXPECT_EQ(s->listeners()->Get(0)->port(), 3478);
    EXPECT_EQ(s->listeners()->Get(0)->service(), contract::Service::turn_udp);
    EXPECT_EQ(s->listeners()->Get(3)->service(), contract::Service::turn_tcp);
    EXPECT_EQ(s->listeners()->Get(4)->service(), contract::Service::turn_tls);
    EXPECT_EQ(s->listeners()->Get(5)->service(), contract::Service::shared_tls);
    EXPECT_EQ(s->listeners()->Get(5)->port(), 443);
    ASSERT_EQ(s->access()->size(), 1U);
    EXPECT_FALSE(s->access()->Get(0)->allow());
    const auto* turn = s->turn();
    EXPECT_EQ(turn->realm()->str(), "example.org");
    EXPECT_EQ(address(turn->relay_addresses()->Get(0)->advertised()).text(), "203.0.113.10");
    EXPECT_EQ(turn->port_first(), 50000);
    EXPECT_EQ(turn->user_quota(), 7U);
    EXPECT_EQ(turn->user_kbps(), 10000U);
    EXPECT_FALSE(turn->password_algorithms());
    EXPECT_FALSE(turn->measure());
    EXPECT_EQ(turn->nonce_keys()->size(), 32U);
    EXPECT_EQ(turn->nonce_keys()->Get(0), 9) << "the newest signs";
    EXPECT_EQ(turn->peer_deny()->size(), 1U);
    EXPECT_EQ(turn->secrets()->Get(0)->id(), 3U);
    EXPECT_EQ(std::string(turn->secrets()->Get(0)->key()->begin(), turn->secrets()->Get(0)->key()->end()), "sesame");
    EXPECT_EQ(turn->users()->Get(1)->name()->str(), "bob");
    EXPECT_EQ(turn->users()->Get(1)->userhash()->size(), 32U);
}

TEST(Snapshot, CarriesTlsRoundTrip) {
    auto bytes = build_snapshot(full_config(), full_state());
    const auto* tls = contract::GetSnapshot(bytes.data())->tls();
    ASSERT_NE(tls, nullptr);
    ASSERT_EQ(tls->certificates()->size(), 1U) << "a request is no certificate";
    const auto* certificate = tls->certificates()->Get(0);
    EXPECT_EQ(certificate->name()->str(), "edge");
    EXPECT_EQ(certificate->chain()->str(), "CHAIN");
    EXPECT_EQ(certificate->key()->str(), "KEY");
    EXPECT_EQ(certificate->ocsp()->size(), 3U);
    EXPECT_EQ(tls->trust()->str(), "TRUST");
    EXPECT_EQ(tls->crls()->str(), "CRLS");
    EXPECT_EQ(tls->purpose(), contract::Purpose::client_strict);
    EXPECT_EQ(tls->min_version(), contract::TlsVersion::tls_1_3);
    ASSERT_EQ(tls->ticket_keys()->size(), 160U);
    EXPECT_EQ(tls->ticket_keys()->Get(0), 7) << "the newest encrypts";
    EXPECT_EQ(tls->ticket_lifetime_s(), 616U);
    EXPECT_EQ(tls->handshake_timeout_s(), 11U);
    EXPECT_EQ(tls->handshakes_per_core(), 12U);
    EXPECT_EQ(tls->handshakes_per_prefix(), 13U);
    EXPECT_EQ(tls->handshakes_per_turn(), 14U);
    EXPECT_EQ(tls->idle_timeout_s(), 35U);
    EXPECT_EQ(tls->turn_names()->Get(0)->str(), "turn.example.org");
    EXPECT_EQ(tls->sip_names()->Get(0)->str(), "sip.example.org");

    Config plain = full_config();
    std::erase_if(plain.listeners, [](const ListenerConfig& l) { return speaks_tls(l.service); });
    auto without = build_snapshot(plain, full_state());
    EXPECT_EQ(contract::GetSnapshot(without.data())->tls(), nullptr);
    EXPECT_EQ(verify_snapshot(without), "");
}

TEST(Snapshot, VerifierRefusesDamage) {
    auto good = build_snapshot(full_config(), full_state());
    EXPECT_NE(verify_snapshot({}), "");
    EXPECT_NE(verify_snapshot(std::span(good).first(good.size() / 2)), "");
    auto wrong_type = good;
    wrong_type[4] = 'X';
    EXPECT_NE(verify_snapshot(wrong_type), "");

    SnapshotState unsorted = full_state();
    std::swap(unsorted.users[0], unsorted.users[1]);
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), unsorted)), "the users are not sorted");
    SnapshotState short_key = full_state();
    short_key.users[0].md5.pop_back();
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), short_key)), "a user's keys have a wrong length");
    SnapshotState no_nonce_key = full_state();
    no_nonce_key.nonce_keys.clear();
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), no_nonce_key)), "nonce keys have a wrong length");
    SnapshotState ticket_key = full_state();
    ticket_key.ticket_keys[0].key.pop_back();
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), ticket_key)), "ticket keys have a wrong length");
    SnapshotState no_certificate = full_state();
    no_certificate.certificates.clear();
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), no_certificate)), "a listener of TLS has no certificate");
    SnapshotState no_key = full_state();
    no_key.certificates[0].key.clear();
    EXPECT_EQ(verify_snapshot(build_snapshot(full_config(), no_key)), "a certificate is empty");
}

TEST(Snapshot, SealedMemoryCannotBeChanged) {
    auto bytes = build_snapshot(full_config(), full_state());
    contract::Descriptor memory = sealed_memory(bytes);
    EXPECT_EQ(lseek(memory.get(), 0, SEEK_END), static_cast<off_t>(bytes.size()));
    EXPECT_EQ(pwrite(memory.get(), "x", 1, 0), -1);
    EXPECT_NE(ftruncate(memory.get(), 1), 0);
    EXPECT_NE(ftruncate(memory.get(), static_cast<off_t>(bytes.size() + 1)), 0);
    EXPECT_EQ(mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0), MAP_FAILED);
    EXPECT_NE(fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE), 0) << "the seals are sealed";
    std::vector<uint8_t> read_back(bytes.size());
    ASSERT_EQ(pread(memory.get(), read_back.data(), read_back.size(), 0), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(read_back, bytes);
}

}  // namespace
}  // namespace fedge::control
