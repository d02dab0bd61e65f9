// A TURN server of one core under virtual time, and clients that speak to it in bytes: for unit tests and fuzzers.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/relay/authenticate.h"
#include "dataplane/relay/config.h"
#include "dataplane/relay/credentials.h"
#include "dataplane/relay/digest.h"
#include "dataplane/relay/quota.h"
#include "dataplane/relay/text_digest.h"
#include "dataplane/relay/turn.h"
#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/stun.h"

namespace fedge::test {

using relay::Digest;
using wire::StunAttribute;
using wire::StunClass;
using wire::StunMethod;
using wire::StunWriter;

inline IpAddress addr(const char* text) {
    auto address = IpAddress::parse(text);
    if (!address) throw std::invalid_argument(text);
    return *address;
}
inline Endpoint at(const char* text) {
    auto endpoint = Endpoint::parse(text);
    if (!endpoint) throw std::invalid_argument(text);
    return *endpoint;
}

inline constexpr const char* kRealm = "edge.example";
inline constexpr uint64_t kUnixStart = 1'700'000'000;

// What a test wants other than the usual.
struct EdgeSettings {
    std::vector<std::string> listeners{"192.0.2.1:3478", "[2001:db8::1]:3478"};
    std::vector<std::string> stream_listeners;  // behind the others
    std::vector<std::pair<std::string, std::string>> relays{{"192.0.2.10", "192.0.2.10"},
                                                            {"2001:db8::10", "2001:db8::10"}};
    std::vector<std::string> interface_addresses{"192.0.2.1/24", "2001:db8::1/64"};
    std::vector<std::string> users{"alice", "bob"};  // sorted; the password is "secret-" and the name
    std::string shared_secret;                       // of time-limited credentials; empty: none
    std::vector<std::string> peer_allow;
    std::vector<std::string> peer_deny;
    uint16_t port_first = 50000;
    uint16_t port_last = 50999;
    uint32_t quarantine_s = 60;
    uint32_t default_lifetime_s = 600;
    uint32_t max_lifetime_s = 3600;
    uint16_t max_permissions = 64;
    uint16_t max_channels = 64;
    uint32_t user_quota = 0;
    uint32_t total_quota = 0;
    uint32_t allocation_kbps = 0;
    uint32_t user_kbps = 0;
    bool password_algorithms = false;
    uint32_t nonce_lifetime_s = 3600;
    uint32_t unauthenticated_rate = 1'000'000;
    uint32_t unauthenticated_burst = 1'000'000;
    bool drain = false;
    bool measure = true;
};

inline contract::Ip wire_ip(const IpAddress& address) {
    return contract::Ip{flatbuffers::span<const uint8_t, 16>{address.octets()}};
}

inline std::array<uint8_t, 16> md5_of(const std::string& text) {
    std::array<Bytes, 1> parts{bytes_of(text)};
    return relay::md5(parts);
}
inline std::array<uint8_t, 32> sha256_of(const std::string& text) {
    std::array<Bytes, 1> parts{bytes_of(text)};
    return relay::sha256(parts);
}
inline std::array<uint8_t, 16> md5_key(const std::string& user, const std::string& password) {
    return md5_of(user + ":" + kRealm + ":" + password);
}

inline std::string base64(Bytes bytes) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) group = group << 8 | (i + k < bytes.size() ? bytes[i + k] : 0U);
        for (size_t k = 0; k < 4; k++) text += i + k <= bytes.size() ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

inline std::vector<uint8_t> make_snapshot(const EdgeSettings& s) {
    flatbuffers::FlatBufferBuilder b;
    auto prefixes = [&](const std::vector<std::string>& texts) {
        std::vector<contract::Prefix> list;
        for (const auto& text : texts) {
            auto p = Prefix::parse(text);
            if (!p) throw std::invalid_argument(text);
            list.emplace_back(wire_ip(p->address), p->length);
        }
        return b.CreateVectorOfStructs(list);
    };
    auto bytes = [&](Bytes v) { return b.CreateVector(v.data(), v.size()); };

    auto addresses = prefixes(s.interface_addresses);
    std::vector interfaces{contract::CreateInterface(b, b.CreateString("outside"), contract::Role::external,
                                                     b.CreateString("port0"), 0, 1500, addresses)};
    std::vector<flatbuffers::Offset<contract::Listener>> listeners;
    auto add_listeners = [&](const std::vector<std::string>& texts, contract::Service service) {
        for (const auto& text : texts) {
            Endpoint e = at(text.c_str());
            auto address = wire_ip(e.address);
            listeners.push_back(contract::CreateListener(b, service, b.CreateString("outside"), &address, e.port));
        }
    };
    add_listeners(s.listeners, contract::Service::turn_udp);
    add_listeners(s.stream_listeners, contract::Service::turn_tcp);
    std::vector<flatbuffers::Offset<contract::RelayAddress>> relays;
    for (const auto& [address, advertised] : s.relays) {
        auto a = wire_ip(addr(address.c_str()));
        auto v = wire_ip(addr(advertised.c_str()));
        relays.push_back(contract::CreateRelayAddress(b, &a, &v));
    }
    std::vector<flatbuffers::Offset<contract::TurnUser>> users;
    for (const auto& name : s.users) {
        std::string full = name + ":" + kRealm + ":secret-" + name;
        std::string for_hash = name + ":" + kRealm;
        auto md5 = md5_of(full);
        auto sha256 = sha256_of(full);
        auto userhash = sha256_of(for_hash);
        auto name_offset = b.CreateString(name);
        users.push_back(contract::CreateTurnUser(b, name_offset, bytes(md5), bytes(sha256), bytes(userhash)));
    }
    std::vector<flatbuffers::Offset<contract::TurnSecret>> secrets;
    if (!s.shared_secret.empty()) secrets.push_back(contract::CreateTurnSecret(b, 1, bytes(bytes_of(s.shared_secret))));

    auto realm = b.CreateString(kRealm);
    auto relay_vector = b.CreateVector(relays);
    auto nonce_keys = bytes(bytes_of("0123456789abcdef"));
    auto allow = prefixes(s.peer_allow);
    auto deny = prefixes(s.peer_deny);
    auto secret_vector = b.CreateVector(secrets);
    auto user_vector = b.CreateVector(users);
    contract::TurnBuilder t(b);
    t.add_realm(realm);
    t.add_relay_addresses(relay_vector);
    t.add_port_first(s.port_first);
    t.add_port_last(s.port_last);
    t.add_port_quarantine_s(s.quarantine_s);
    t.add_default_lifetime_s(s.default_lifetime_s);
    t.add_max_lifetime_s(s.max_lifetime_s);
    t.add_max_permissions(s.max_permissions);
    t.add_max_channels(s.max_channels);
    t.add_user_quota(s.user_quota);
    t.add_total_quota(s.total_quota);
    t.add_allocation_kbps(s.allocation_kbps);
    t.add_user_kbps(s.user_kbps);
    t.add_password_algorithms(s.password_algorithms);
    t.add_nonce_lifetime_s(s.nonce_lifetime_s);
    t.add_nonce_keys(nonce_keys);
    t.add_unauthenticated_rate(s.unauthenticated_rate);
    t.add_unauthenticated_burst(s.unauthenticated_burst);
    t.add_peer_allow(allow);
    t.add_peer_deny(deny);
    t.add_secrets(secret_vector);
    t.add_users(user_vector);
    t.add_measure(s.measure);
    auto turn = t.Finish();
    auto interface_vector = b.CreateVector(interfaces);
    auto listener_vector = b.CreateVector(listeners);
    contract::SnapshotBuilder snapshot(b);
    snapshot.add_revision(1);
    snapshot.add_interfaces(interface_vector);
    snapshot.add_listeners(listener_vector);
    snapshot.add_turn(turn);
    snapshot.add_drain(s.drain);
    contract::FinishSnapshotBuffer(b, snapshot.Finish());
    return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

// A response (or nothing) as the client got it.
struct Reply {
    std::vector<uint8_t> bytes;

    explicit operator bool() const { return !bytes.empty(); }
    std::optional<wire::StunMessage> message() const { return wire::StunMessage::parse(bytes); }
    bool success() const {
        auto m = message();
        return m && m->klass() == StunClass::success;
    }
    // Of an error response; 0 = not one.
    uint16_t code() const {
        auto m = message();
        if (!m || m->klass() != StunClass::error) return 0;
        Bytes v = m->value(StunAttribute::error_code);
        return v.size() < 4 ? 0 : static_cast<uint16_t>(v[2] * 100 + v[3]);
    }
    std::optional<Endpoint> address(StunAttribute a) const {
        auto m = message();
        return m ? m->address(a) : std::nullopt;
    }
    Endpoint relayed() const { return address(StunAttribute::xor_relayed_address).value_or(Endpoint{}); }
    uint32_t lifetime() const { return message() ? message()->u32(StunAttribute::lifetime).value_or(~0U) : ~0U; }
    bool has(StunAttribute a) const {
        auto m = message();
        return m && m->has(a);
    }
    std::vector<uint8_t> value(StunAttribute a) const {
        auto m = message();
        if (!m) return {};
        Bytes v = m->value(a);
        return {v.begin(), v.end()};
    }
};

// A datagram that the edge sends on: the Forward carried out on bytes.
struct Sent {
    Endpoint source;
    Endpoint destination;
    std::vector<uint8_t> payload;
    bool dont_fragment = false;
    bool hairpin = false;  // not sent, but for another relay port: see hairpin()
};

inline Sent carry_out(const relay::Forward& f, Bytes received) {
    Sent sent{f.source, f.destination, {}, f.dont_fragment, f.hairpin};
    sent.payload.assign(f.prepend.begin(), f.prepend.begin() + f.prepend_length);
    Bytes data = received.subspan(f.data_offset, f.data_length);
    sent.payload.insert(sent.payload.end(), data.begin(), data.end());
    sent.payload.insert(sent.payload.end(), f.append_zeros, 0);
    return sent;
}

// Memory of the counters of one core.
struct OwnCounters {
    contract::CounterBlock block{};
    Counters handle() { return Counters{block}; }
};

inline relay::TurnPools small_pools(uint32_t allocations = 256) {
    relay::TurnPools pools;
    pools.max_allocations = allocations;
    pools.limits = {.relay_addresses = 4, .listeners = 4};
    pools.reservations = 16;
    return pools;
}

class Edge {
  public:
    explicit Edge(const EdgeSettings& wanted = {}, relay::TurnPools pools = small_pools(), uint64_t seed = 1)
        : pools_(pools),
          random_(seed),
          own_quota_(std::make_unique<relay::SharedQuota>(1024)),
          quota(*own_quota_),
          turn(pools, now, counters_.handle(), random_, digest, quota) {
        reload(wanted);
    }
    // One of several cores that share quotas.
    Edge(const EdgeSettings& wanted, relay::TurnPools pools, relay::SharedQuota& shared, uint64_t seed)
        : pools_(pools), random_(seed), quota(shared), turn(pools, now, counters_.handle(), random_, digest, shared) {
        reload(wanted);
    }

    void reload(const EdgeSettings& wanted) {
        auto next = compile(wanted);
        if (!next) throw std::runtime_error(error);
        settings = wanted;
        turn.adopt(now, next.get());
        config_ = next;
    }
    std::shared_ptr<const relay::Config> compile(const EdgeSettings& wanted) {
        auto bytes = make_snapshot(wanted);
        return relay::Config::build(*contract::GetSnapshot(bytes.data()), pools_.limits, hash_key_, digest, error);
    }

    uint64_t unix_now() const {
        return kUnixStart + static_cast<uint64_t>(duration_cast<std::chrono::seconds>(now - start).count());
    }
    // Time goes on, with the work that a core does meanwhile.
    void pass(Duration d) {
        Instant until = now + d;
        while (now < until) {
            now = std::min(until, now + Duration{std::chrono::milliseconds{500}});
            tick();
        }
    }
    void tick() {
        while (turn.expire(now, 256) >= 256) {
        }
    }

    relay::Outcome deliver(const Endpoint& client, uint16_t listener, Bytes payload, bool handed_over = false) {
        return turn.on_stun(now, unix_now(), {client, listener, payload, handed_over}, reply_buffer, forward);
    }
    Reply ask(const Endpoint& client, uint16_t listener, Bytes payload) {
        auto outcome = deliver(client, listener, payload);
        return {{outcome.reply.begin(), outcome.reply.end()}};
    }
    relay::Handle handle(const Endpoint& client, uint16_t listener = 0) const {
        relay::FlowKey key = turn.make_key(client, listener);
        relay::Handle found = 0;
        turn.lookup_clients({&key, 1}, &found);
        return found;
    }
    // ChannelData or a Send indication from a client.
    std::optional<Sent> from_client(const Endpoint& client, Bytes payload, uint16_t listener = 0) {
        if (wire::is_channel_data(payload)) {
            if (!turn.from_client_channel(now, handle(client, listener), payload, forward)) return std::nullopt;
            return carry_out(forward, payload);
        }
        if (deliver(client, listener, payload).kind != relay::Outcome::Kind::forward) return std::nullopt;
        return carry_out(forward, payload);
    }
    uint16_t relay_index(const IpAddress& address) const {
        for (size_t i = 0; i < config_->relay_addresses.size(); i++)
            if (config_->relay_addresses[i].address == address) return static_cast<uint16_t>(i);
        return 0xffff;
    }
    std::optional<Sent> from_peer(const Endpoint& peer, const Endpoint& relay, Bytes payload) {
        relay::Handle found = relay::Turn::handle_in(turn.relay_slot(relay_index(relay.address), relay.port));
        forward.hairpin = false;  // what a peer sends leaves it as it is
        if (!turn.from_peer(now, found, peer, payload, forward)) return std::nullopt;
        return carry_out(forward, payload);
    }
    // What the core does with data from one client to the relay port of another.
    std::optional<Sent> hairpin(const Sent& sent) {
        const Endpoint& relay = sent.destination;
        relay::Handle found = relay::Turn::handle_in(turn.relay_slot(relay_index(relay.address), relay.port));
        forward.hairpin = false;
        if (!turn.from_relay(now, found, sent.source, sent.payload, forward)) return std::nullopt;
        return carry_out(forward, sent.payload);
    }

    Counters counters() { return counters_.handle(); }
    // From here on it draws what a new one would.
    void reseed(uint64_t seed) { random_ = SeededRandom(seed); }
    template <typename What>
    uint64_t count(What what) {
        return counters_.handle().value(what);
    }
    uint32_t free_ports() const {
        uint32_t sum = 0;
        for (uint16_t i = 0; i < config_->relay_addresses.size(); i++) sum += turn.free_ports(i);
        return sum;
    }

  private:
    relay::TurnPools pools_;
    SeededRandom random_;
    OwnCounters counters_;
    relay::UserHashKey hash_key_{{1, 2, 3}};
    std::unique_ptr<relay::SharedQuota> own_quota_;
    std::shared_ptr<const relay::Config> config_;

  public:
    static constexpr Instant start{std::chrono::seconds{1000}};
    Instant now = start;
    Digest digest;
    std::string error;
    EdgeSettings settings;
    std::array<uint8_t, relay::kReplyBuffer> reply_buffer{};
    relay::Forward forward;
    relay::SharedQuota& quota;
    relay::Turn turn;
};

// A client that knows its password, on one 5-tuple.
class Client {
  public:
    Client(Edge& server, const char* endpoint, const char* name = "alice", uint16_t position = 0)
        : Client(server, test::at(endpoint), name, position) {}
    Client(Edge& server, const Endpoint& endpoint, const char* name = "alice", uint16_t position = 0)
        : edge(server), self(endpoint), listener(position), user(name), password(std::string("secret-") + name) {}

    // Builds a message; `add` writes the attributes that stand before authentication.
    template <typename Add>
    std::vector<uint8_t> build(StunClass klass, StunMethod method, Add&& add, bool authenticated = true) {
        StunWriter writer{buffer, klass, static_cast<uint16_t>(method), next_transaction()};
        add(writer);
        if (authenticated && !nonce.empty()) {
            writer.attribute(StunAttribute::username, user);
            writer.attribute(StunAttribute::realm, kRealm);
            writer.attribute(StunAttribute::nonce, nonce);
            relay::IntegrityKey key;
            key.hmac = edge.digest.hmac_key(relay::HmacAlgorithm::sha1, md5_key(user, password));
            sign(writer, key, edge.digest);
        }
        if (fingerprint) writer.fingerprint();
        Bytes message = writer.finish();
        return {message.begin(), message.end()};
    }

    virtual ~Client() = default;
    // How a request gets to the edge and its answer back.
    virtual Reply ask(Bytes message) { return edge.ask(self, listener, message); }

    // Asks, and once more with the nonce if the edge wants one.
    template <typename Add>
    Reply request(StunMethod method, Add&& add) {
        for (int attempt = 0;; attempt++) {
            last_request = build(StunClass::request, method, add);
            Reply reply = ask(last_request);
            if (attempt || (reply.code() != 401 && reply.code() != 438)) return reply;
            auto fresh = reply.value(StunAttribute::nonce);
            nonce.assign(fresh.begin(), fresh.end());
        }
    }
    Reply resend() { return ask(last_request); }

    Reply allocate() {
        return allocate([](StunWriter&) {});
    }
    template <typename Add>
    Reply allocate(Add&& add) {
        return request(StunMethod::allocate, [&](StunWriter& w) {
            w.attribute_u32(StunAttribute::requested_transport, 17U << 24);
            add(w);
        });
    }
    // Just the attributes given.
    template <typename Add>
    Reply allocate_bare(Add&& add) {
        return request(StunMethod::allocate, add);
    }
    Reply refresh(std::optional<uint32_t> lifetime = std::nullopt, std::optional<uint8_t> family = std::nullopt) {
        return request(StunMethod::refresh, [&](StunWriter& w) {
            if (lifetime) w.attribute_u32(StunAttribute::lifetime, *lifetime);
            if (family) w.attribute_u32(StunAttribute::requested_address_family, uint32_t{*family} << 24);
        });
    }
    Reply permit(const std::vector<Endpoint>& peers) {
        return request(StunMethod::create_permission, [&](StunWriter& w) {
            for (const Endpoint& peer : peers) w.xor_address(StunAttribute::xor_peer_address, peer);
        });
    }
    Reply permit(const char* peer) { return permit(std::vector{test::at(peer)}); }
    Reply bind(uint16_t channel, const Endpoint& peer) {
        return request(StunMethod::channel_bind, [&](StunWriter& w) {
            w.attribute_u32(StunAttribute::channel_number, uint32_t{channel} << 16);
            w.xor_address(StunAttribute::xor_peer_address, peer);
        });
    }
    Reply bind(uint16_t channel, const char* peer) { return bind(channel, test::at(peer)); }

    std::optional<Sent> send(const Endpoint& peer, std::string_view data, bool dont_fragment = false) {
        auto message = build(
            StunClass::indication, StunMethod::send,
            [&](StunWriter& w) {
                w.xor_address(StunAttribute::xor_peer_address, peer);
                if (dont_fragment) w.attribute(StunAttribute::dont_fragment, Bytes{});
                w.attribute(StunAttribute::data, data);
            },
            false);
        return edge.from_client(self, message, listener);
    }
    std::optional<Sent> send(const char* peer, std::string_view data) { return send(test::at(peer), data); }
    std::optional<Sent> send_on(uint16_t channel, std::string_view data) {
        std::vector<uint8_t> message(4);
        store_be16(message.data(), channel);
        store_be16(message.data() + 2, static_cast<uint16_t>(data.size()));
        message.insert(message.end(), data.begin(), data.end());
        return edge.from_client(self, message, listener);
    }
    wire::TransactionId next_transaction() {
        store_be32(transaction.data(), ++transactions);
        store_be16(transaction.data() + 4, self.port);
        return transaction;
    }

    Edge& edge;
    Endpoint self;
    uint16_t listener;
    std::string user;
    std::string password;
    std::string nonce;
    bool fingerprint = false;
    std::vector<uint8_t> last_request;
    std::array<uint8_t, 2048> buffer;
    wire::TransactionId transaction{};
    uint32_t transactions = 0;
};

}  // namespace fedge::test
