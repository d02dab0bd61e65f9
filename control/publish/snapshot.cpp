#include "control/publish/snapshot.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "control/publish/federation.h"
#include "control/publish/sip.h"
#include "snapshot_generated.h"

namespace fedge::control {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Offset = flatbuffers::Offset<T>;

constexpr size_t kNonceKeyBytes = 16;
constexpr size_t kTicketKeyBytes = 80;
constexpr size_t kLeastBytes = 8;  // root offset and file identifier
constexpr flatbuffers::uoffset_t kMaxDepth = 64;
constexpr flatbuffers::uoffset_t kMaxTables = 16'000'000;

contract::Ip to_contract(const IpAddress& address) {
    return contract::Ip(flatbuffers::span<const uint8_t, 16>(address.octets()));
}

contract::Prefix to_contract(const Prefix& prefix) {
    return {to_contract(prefix.address), prefix.length};
}

contract::Role to_contract(Side side) {
    return side == Side::internal ? contract::Role::internal : contract::Role::external;
}

contract::Service to_contract(Service service) {
    switch (service) {
        case Service::turn_udp: return contract::Service::turn_udp;
        case Service::turn_tcp: return contract::Service::turn_tcp;
        case Service::turn_tls: return contract::Service::turn_tls;
        case Service::shared_tls: return contract::Service::shared_tls;
        case Service::sip_tls: return contract::Service::sip_tls;
    }
    return contract::Service::turn_udp;
}

std::vector<uint8_t> joined(const std::vector<KeyRecord>& records) {
    std::vector<uint8_t> out;
    for (const auto& record : records) out.insert(out.end(), record.key.begin(), record.key.end());
    return out;
}

std::vector<contract::Prefix> to_contract(const std::vector<Prefix>& prefixes) {
    std::vector<contract::Prefix> out;
    for (const auto& prefix : prefixes) out.push_back(to_contract(prefix));
    return out;
}

Offset<contract::Interface> add(Builder& builder, const InterfaceConfig& interface) {
    std::vector<contract::Ip> gateways;
    for (const auto& gateway : interface.gateways) gateways.push_back(to_contract(gateway));
    auto name = builder.CreateString(interface.name);
    auto port = builder.CreateString(interface.port);
    auto addresses = builder.CreateVectorOfStructs(to_contract(interface.addresses));
    auto gateway_list = builder.CreateVectorOfStructs(gateways);
    return contract::CreateInterface(builder, name, to_contract(interface.role), port, interface.vlan, interface.mtu,
                                     addresses, gateway_list);
}

template <typename Item, typename Make>
auto add_all(Builder& builder, const std::vector<Item>& items, Make make) {
    std::vector<decltype(make(items.front()))> offsets;
    for (const auto& item : items) offsets.push_back(make(item));
    return builder.CreateVector(offsets);
}

Offset<contract::Turn> add(Builder& builder, const TurnConfig& turn, const SnapshotState& state) {
    auto realm = builder.CreateString(turn.realm);
    auto relay = add_all(builder, turn.relay_addresses, [&](const RelayAddressConfig& r) {
        auto address = to_contract(r.address), advertised = to_contract(r.advertised);
        return contract::CreateRelayAddress(builder, &address, &advertised);
    });
    auto nonce_keys = builder.CreateVector(joined(state.nonce_keys));
    auto allow = builder.CreateVectorOfStructs(to_contract(turn.peer_allow));
    auto deny = builder.CreateVectorOfStructs(to_contract(turn.peer_deny));
    auto secrets = add_all(builder, state.secrets, [&](const SecretRecord& s) {
        auto key = builder.CreateVector(reinterpret_cast<const uint8_t*>(s.secret.data()), s.secret.size());
        return contract::CreateTurnSecret(builder, static_cast<uint32_t>(s.id), key);
    });
    auto users = add_all(builder, state.users, [&](const UserRecord& u) {
        auto name = builder.CreateString(u.name);
        auto md5 = builder.CreateVector(u.md5), sha256 = builder.CreateVector(u.sha256),
             hash = builder.CreateVector(u.userhash);
        return contract::CreateTurnUser(builder, name, md5, sha256, hash);
    });
    contract::TurnBuilder out(builder);
    out.add_realm(realm);
    out.add_relay_addresses(relay);
    out.add_port_first(turn.port_first);
    out.add_port_last(turn.port_last);
    out.add_port_quarantine_s(turn.port_quarantine_s);
    out.add_default_lifetime_s(turn.default_lifetime_s);
    out.add_max_lifetime_s(turn.max_lifetime_s);
    out.add_permission_lifetime_s(turn.permission_lifetime_s);
    out.add_channel_lifetime_s(turn.channel_lifetime_s);
    out.add_max_permissions(turn.max_permissions);
    out.add_max_channels(turn.max_channels);
    out.add_user_quota(turn.user_quota);
    out.add_total_quota(turn.total_quota);
    out.add_allocation_kbps(turn.allocation_kbps);
    out.add_user_kbps(turn.user_kbps);
    out.add_password_algorithms(turn.password_algorithms);
    out.add_nonce_lifetime_s(turn.nonce_lifetime_s);
    out.add_nonce_keys(nonce_keys);
    out.add_unauthenticated_rate(turn.unauthenticated_rate);
    out.add_unauthenticated_burst(turn.unauthenticated_burst);
    out.add_peer_allow(allow);
    out.add_peer_deny(deny);
    out.add_secrets(secrets);
    out.add_users(users);
    out.add_measure(turn.measure);
    return out.Finish();
}

Offset<contract::Tls> add(Builder& builder, const TlsConfig& tls, const SnapshotState& state) {
    std::vector<Offset<contract::Certificate>> list;
    for (const auto& c : state.certificates) {
        if (c.chain.empty()) continue;
        auto name = builder.CreateString(c.name), chain = builder.CreateString(c.chain),
             key = builder.CreateString(c.key);
        auto ocsp = builder.CreateVector(c.ocsp);
        list.push_back(contract::CreateCertificate(builder, name, chain, key, ocsp));
    }
    auto certificates = builder.CreateVector(list);
    auto trust = builder.CreateString(state.trust), crls = builder.CreateString(state.crls);
    auto ticket_keys = builder.CreateVector(joined(state.ticket_keys));
    auto turn_names = builder.CreateVectorOfStrings(tls.turn_names);
    auto sip_names = builder.CreateVectorOfStrings(tls.sip_names);
    contract::TlsBuilder out(builder);
    out.add_certificates(certificates);
    out.add_trust(trust);
    out.add_crls(crls);
    out.add_purpose(to_contract(tls.purpose));
    out.add_min_version(tls.min_version == TlsVersion::tls_1_3 ? contract::TlsVersion::tls_1_3
                                                               : contract::TlsVersion::tls_1_2);
    out.add_ticket_keys(ticket_keys);
    out.add_ticket_lifetime_s(tls.ticket_lifetime_s);
    out.add_handshake_timeout_s(tls.handshake_timeout_s);
    out.add_handshakes_per_core(tls.handshakes_per_core);
    out.add_handshakes_per_prefix(tls.handshakes_per_source);
    out.add_handshakes_per_turn(tls.handshakes_per_turn);
    out.add_idle_timeout_s(tls.idle_timeout_s);
    out.add_turn_names(turn_names);
    out.add_sip_names(sip_names);
    return out.Finish();
}

std::string check_tls_part(const contract::Snapshot& snapshot) {
    bool needed = false;
    if (snapshot.listeners()) {
        for (const auto* listener : *snapshot.listeners()) {
            needed |= listener->service() == contract::Service::turn_tls ||
                      listener->service() == contract::Service::shared_tls ||
                      listener->service() == contract::Service::sip_tls;
        }
    }
    const contract::Tls* tls = snapshot.tls();
    if (needed && (!tls || !tls->certificates() || tls->certificates()->size() == 0))
        return "a listener of TLS has no certificate";
    if (!tls) return {};
    if (tls->ticket_keys() && tls->ticket_keys()->size() % kTicketKeyBytes) return "ticket keys have a wrong length";
    if (tls->certificates()) {
        for (const auto* certificate : *tls->certificates()) {
            if (certificate->chain()->size() == 0 || certificate->key()->size() == 0) return "a certificate is empty";
        }
    }
    return {};
}

std::string check_turn_part(const contract::Turn& turn) {
    if (turn.realm()->size() == 0) return "the realm is empty";
    if (turn.port_first() >= turn.port_last()) return "the relay ports are no range";
    if (turn.nonce_keys()->size() == 0 || turn.nonce_keys()->size() % kNonceKeyBytes)
        return "nonce keys have a wrong length";
    if (turn.users()) {
        const flatbuffers::String* previous = nullptr;
        for (const auto* user : *turn.users()) {
            if (user->md5()->size() != 16 || user->sha256()->size() != 32 || user->userhash()->size() != 32) {
                return "a user's keys have a wrong length";
            }
            if (previous && !(previous->string_view() < user->name()->string_view())) return "the users are not sorted";
            previous = user->name();
        }
    }
    if (turn.secrets()) {
        for (const auto* secret : *turn.secrets()) {
            if (secret->key()->size() == 0) return "a secret is empty";
        }
    }
    return {};
}

template <typename List>
std::string check_prefixes(const List* prefixes, const char* where) {
    if (!prefixes) return {};
    for (const auto* prefix : *prefixes) {
        if (prefix->length() > 128) return std::string("a prefix is longer than 128 bits in ") + where;
    }
    return {};
}

}  // namespace

std::vector<uint8_t> build_snapshot(const Config& config, const SnapshotState& state) {
    Builder builder(64 * 1024);
    auto interfaces = add_all(builder, config.interfaces, [&](const InterfaceConfig& i) { return add(builder, i); });
    auto routes = add_all(builder, config.routes, [&](const RouteConfig& r) {
        auto destination = to_contract(r.destination);
        auto gateway = to_contract(r.gateway);
        return contract::CreateRoute(builder, &destination, &gateway, builder.CreateString(r.interface));
    });
    auto listeners = add_all(builder, config.listeners, [&](const ListenerConfig& l) {
        auto address = to_contract(l.endpoint.address);
        auto interface = builder.CreateString(l.interface);
        return contract::CreateListener(builder, to_contract(l.service), interface, &address, l.endpoint.port);
    });
    auto access = add_all(builder, config.access, [&](const AccessConfig& a) {
        auto source = to_contract(a.source);
        return contract::CreateAccessRule(builder, to_contract(a.role), &source, a.allow);
    });
    auto turn = add(builder, config.turn, state);
    // Not for nothing: it is large with the authorities of the system in it.
    auto tls = tls_listener(config) ? add(builder, config.tls, state) : Offset<contract::Tls>();
    auto federation = add_federation(builder, config.federation, state.patterns);
    auto sip = add_sip(builder, config.sip, state.token_keys);
    auto root = contract::CreateSnapshot(builder, state.revision, interfaces, routes, listeners, access, turn,
                                         state.drain, config.icmp_rate, config.icmp_echo, tls, federation, sip);
    contract::FinishSnapshotBuffer(builder, root);
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string verify_snapshot(std::span<const uint8_t> bytes) {
    flatbuffers::Verifier verifier(bytes.data(), bytes.size(), kMaxDepth, kMaxTables);
    if (bytes.size() < kLeastBytes || !contract::VerifySnapshotBuffer(verifier)) return "not a snapshot";
    const contract::Snapshot* snapshot = contract::GetSnapshot(bytes.data());
    for (const auto* interface : *snapshot->interfaces()) {
        if (std::string bad = check_prefixes(interface->addresses(), "an interface"); !bad.empty()) return bad;
    }
    if (snapshot->routes()) {
        for (const auto* route : *snapshot->routes()) {
            if (route->destination()->length() > 128) return "a route is longer than 128 bits";
        }
    }
    if (snapshot->access()) {
        for (const auto* rule : *snapshot->access()) {
            if (rule->source()->length() > 128) return "an access rule is longer than 128 bits";
        }
    }
    const contract::Turn& turn = *snapshot->turn();
    for (const auto* list : {turn.peer_allow(), turn.peer_deny()}) {
        if (std::string bad = check_prefixes(list, "a peer list"); !bad.empty()) return bad;
    }
    if (std::string bad = check_turn_part(turn); !bad.empty()) return bad;
    if (std::string bad = check_tls_part(*snapshot); !bad.empty()) return bad;
    if (std::string bad = check_sip_part(*snapshot); !bad.empty()) return bad;
    return check_federation_part(snapshot->federation());
}

contract::Descriptor sealed_memory(std::span<const uint8_t> bytes) {
    auto fail = [](const char* what) { throw std::system_error(errno, std::generic_category(), what); };
    contract::Descriptor memory(memfd_create("fedge-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) fail("memfd for the snapshot");
    size_t done = 0;
    while (done < bytes.size()) {
        ssize_t written = ::write(memory.get(), bytes.data() + done, bytes.size() - done);
        if (written < 0 && errno != EINTR) fail("writing the snapshot");
        if (written > 0) done += static_cast<size_t>(written);
    }
    if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        fail("sealing the snapshot");
    return memory;
}

}  // namespace fedge::control
