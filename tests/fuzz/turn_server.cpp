// The whole TURN server under a script of messages, data, snapshots and jumps in time. Messages are made from the
// script, and authenticated on the fly, so that mutation reaches what lies behind authentication. After each step the
// books must balance; at the end everything has to have come back.
#include <rte_eal.h>

#include <cstdlib>

#include "tests/fuzz/expect.h"
#include "tests/support/turn_edge.h"

namespace fedge {
namespace {

using fuzz::expect;
using namespace test;  // NOLINT(google-build-using-namespace)

void start_eal() {
    static const int started = [] {
        const char* arguments[] = {"fuzz",           "--no-huge",   "-m", "512", "--no-pci",
                                   "--no-telemetry", "--no-shconf", "-l", "0",   "--log-level=error"};
        return rte_eal_init(static_cast<int>(std::size(arguments)), const_cast<char**>(arguments));
    }();
    expect(started >= 0, "the EAL starts");
}

EdgeSettings settings_for(uint8_t choice) {
    EdgeSettings settings;
    settings.port_last = 50031;
    settings.quarantine_s = 5;
    settings.max_permissions = 6;
    settings.max_channels = 6;
    settings.user_quota = 12;
    settings.user_kbps = choice & 1 ? 1000 : 0;
    settings.allocation_kbps = choice & 2 ? 500 : 0;
    settings.drain = choice & 4;
    if (choice & 8) settings.peer_deny = {"203.0.113.2/32"};
    if (choice & 16) settings.relays.pop_back();
    if (choice & 32) settings.relays = {{"192.0.2.11", "203.0.113.7"}, {"192.0.2.10", "192.0.2.10"}};
    if (choice & 64) settings.listeners.pop_back();
    if (choice & 128) settings.port_first = 50008;
    return settings;
}

class Script {
  public:
    explicit Script(Bytes script) : in_(script), edge_(settings_for(0), pools()) {
        for (uint16_t i = 0; i < 4; i++)
            clients_.push_back(std::make_unique<Client>(
                edge_, Endpoint{i < 2 ? addr("198.51.100.7") : addr("2001:db8:7::7"), static_cast<uint16_t>(4000 + i)},
                i % 2 ? "bob" : "alice", static_cast<uint16_t>(i / 2)));
    }

    void run() {
        for (int step = 0; step < 200 && in_.remaining(); step++) {
            act(in_.u8());
            check();
        }
        // A snapshot with everything in it, so that free ports can be compared, and time for all to end.
        edge_.reload(settings_for(0));
        edge_.now += std::chrono::hours{2};
        for (int i = 0; i < 100; i++) {
            edge_.now += 500ms;
            edge_.tick();
        }
        expect(edge_.turn.allocations() == 0, "every allocation ends");
        expect(edge_.quota.total() == 0, "every quota is given back");
        expect(edge_.free_ports() == 64, "every port comes back");
        uint64_t cursor = 0;
        std::array<StreamRow, 8> streams;
        expect(edge_.turn.list(edge_.now, cursor, std::span<StreamRow>{streams}) == 0, "no stream stays");
        // All memory for bindings is there again: as much can be installed as in a new server.
        EdgeSettings roomy = settings_for(0);
        roomy.max_permissions = 64;
        edge_.reload(roomy);
        Client& client = *clients_[0];
        expect(client.allocate().success(), "a new allocation");
        std::vector<Endpoint> peers;
        for (uint32_t i = 0; i < 26; i++) peers.push_back({IpAddress::v4(0xcb007100 + i), 1});
        expect(client.permit(peers).success(), "all bindings are free again");
        expect(client.refresh(0).success(), "and the allocation can be deleted");
    }

  private:
    using StreamRow = relay::StreamRow;
    static relay::TurnPools pools() {
        relay::TurnPools pools = small_pools(8);
        pools.extra_bindings = 21;  // eight chunks: 24 bindings and the two in line
        pools.reservations = 2;
        pools.streams = 8;
        return pools;
    }
    Endpoint peer(uint8_t choice) {
        static constexpr const char* kPeers[] = {"203.0.113.1",   "203.0.113.2", "203.0.113.3", "203.0.113.4",
                                                 "203.0.113.5",   "203.0.113.6", "203.0.113.7", "2001:db8:5::1",
                                                 "2001:db8:5::2", "127.0.0.1",   "192.0.2.10",  "::ffff:203.0.113.1"};
        IpAddress address = addr(kPeers[choice % std::size(kPeers)]);
        // 203.0.113.7 is a relay address of ours with some snapshots, 192.0.2.10 with all.
        if (address == addr("192.0.2.10") || (address == addr("203.0.113.7") && choice & 16))
            return {address, static_cast<uint16_t>(50000 + choice / 16 * 2)};
        return {address, static_cast<uint16_t>(choice / 16 * 7 % 5)};
    }

    void attributes(StunWriter& w, uint8_t count) {
        for (uint8_t i = 0; i < count % 8; i++) {
            static constexpr StunAttribute kTypes[] = {StunAttribute::requested_transport,
                                                       StunAttribute::lifetime,
                                                       StunAttribute::requested_address_family,
                                                       StunAttribute::additional_address_family,
                                                       StunAttribute::even_port,
                                                       StunAttribute::reservation_token,
                                                       StunAttribute::dont_fragment,
                                                       StunAttribute::channel_number,
                                                       StunAttribute::xor_peer_address,
                                                       StunAttribute::data};
            uint8_t kind = in_.u8();
            if (kind >= 0xf0) {  // anything at all
                auto type = static_cast<StunAttribute>(in_.u16());
                w.attribute(type, in_.bytes(std::min<size_t>(in_.u8(), in_.remaining())));
                continue;
            }
            StunAttribute type = kTypes[kind % std::size(kTypes)];
            switch (type) {
                case StunAttribute::requested_transport:
                    w.attribute_u32(type, kind & 16 ? in_.u32() : 17U << 24);
                    break;
                case StunAttribute::lifetime: w.attribute_u32(type, kind & 16 ? in_.u32() : 0); break;
                case StunAttribute::channel_number: w.attribute_u32(type, (0x4000U + in_.u8() % 8) << 16); break;
                case StunAttribute::xor_peer_address: w.xor_address(type, peer(in_.u8())); break;
                case StunAttribute::even_port:
                    w.attribute(type, in_.bytes(std::min<size_t>(1, in_.remaining())));
                    break;
                case StunAttribute::reservation_token: w.attribute(type, Bytes{token_}); break;
                case StunAttribute::dont_fragment: w.attribute(type, Bytes{}); break;
                case StunAttribute::data:
                    w.attribute(type, in_.bytes(std::min<size_t>(in_.u8(), in_.remaining())));
                    break;
                default: w.attribute_u32(type, uint32_t{in_.u8()} % 4 << 24); break;
            }
        }
    }

    void act(uint8_t op) {
        Client& client = *clients_[op >> 6];
        switch (op & 15) {
            case 0:
            case 1: ask(client, StunMethod::allocate, true); break;
            case 2: ask(client, StunMethod::allocate, false); break;
            case 3: ask(client, StunMethod::refresh, false); break;
            case 4: ask(client, StunMethod::create_permission, false); break;
            case 5: ask(client, StunMethod::channel_bind, false); break;
            case 6: {
                uint8_t count = in_.u8();
                auto message = client.build(
                    StunClass::indication, StunMethod::send, [&](StunWriter& w) { attributes(w, count); }, false);
                sent(edge_.from_client(client.self, message, client.listener));
                break;
            }
            case 7: {
                Bytes data = in_.bytes(std::min<size_t>(in_.u8(), in_.remaining()));
                sent(client.send_on(static_cast<uint16_t>(0x4000 + in_.u8() % 8), text_of(data)));
                break;
            }
            case 8: from_peer(); break;
            case 9: {
                relay::IcmpError error{in_.u8(), in_.u8(), in_.u32()};
                edge_.turn.on_icmp(edge_.now, in_.u8() % 3, static_cast<uint16_t>(50000 + in_.u8() % 40),
                                   peer(in_.u8()), error, edge_.forward);
                break;
            }
            case 10: edge_.now += std::chrono::milliseconds{in_.u16()}; break;
            case 11: edge_.turn.expire(edge_.now, in_.u8()); break;
            case 12: edge_.pass(std::chrono::seconds{in_.u8()}); break;
            case 13: edge_.reload(settings_for(in_.u8())); break;
            case 14: {  // bytes as they are
                Bytes raw = in_.bytes(std::min<size_t>(in_.u8(), in_.remaining()));
                if (client.listener < edge_.settings.listeners.size()) edge_.deliver(client.self, client.listener, raw);
                break;
            }
            default: {
                uint64_t cursor = 0;
                edge_.turn.disconnect_user(edge_.now, client.user, cursor, 4);
            }
        }
    }

    void ask(Client& client, StunMethod method, bool transport) {
        uint8_t count = in_.u8();
        // The same script bytes for both attempts of the nonce dance: attributes are drawn once.
        std::array<uint8_t, 1024> drawn;
        StunWriter draft{drawn, StunClass::request, 0, {}};
        if (transport) draft.attribute_u32(StunAttribute::requested_transport, 17U << 24);
        attributes(draft, count);
        Bytes all = draft.finish();
        if (all.empty()) return;
        client.fingerprint = count & 128;
        Reply reply = client.request(method, [&](StunWriter& w) {
            for (size_t at = wire::kStunHeader; at < all.size();) {
                auto type = static_cast<StunAttribute>(load_be16(all.data() + at));
                size_t length = load_be16(all.data() + at + 2);
                if (type == StunAttribute::xor_peer_address && length == 8 && drawn_by_us(all, at)) {
                    w.xor_address(type, decode(all, at));
                } else {
                    w.attribute(type, all.subspan(at + 4, length));
                }
                at += 4 + ((length + 3) & ~size_t{3});
            }
        });
        if (!reply) return;
        auto message = reply.message();
        expect(message.has_value(), "replies are well formed");
        expect(message->fingerprint_ok() != false, "fingerprints are right");
        if (reply.success() && reply.has(StunAttribute::reservation_token)) {
            auto value = reply.value(StunAttribute::reservation_token);
            std::copy(value.begin(), value.end(), token_.begin());
        }
    }
    // The draft's transaction id is zero, so an IPv4 address in it is masked with the cookie alone, as in any message.
    static bool drawn_by_us(Bytes all, size_t at) { return all[at + 5] == 1; }
    static Endpoint decode(Bytes all, size_t at) {
        return {IpAddress::v4(load_be32(all.data() + at + 8) ^ wire::kStunCookie),
                static_cast<uint16_t>(load_be16(all.data() + at + 6) ^ (wire::kStunCookie >> 16))};
    }

    void from_peer() {
        std::array<relay::AllocationRow, 8> rows;
        uint64_t cursor = 0;
        size_t count = edge_.turn.list(edge_.now, cursor, std::span<relay::AllocationRow>{rows});
        Endpoint from = peer(in_.u8());
        Bytes data = in_.bytes(std::min<size_t>(in_.u8(), in_.remaining()));
        for (size_t i = 0; i < count; i++) sent(edge_.from_peer(from, rows[i].relay[0], data));
    }

    void sent(const std::optional<Sent>& s) {
        if (!s) return;
        if (s->hairpin) {
            bool relay_port = s->destination.port >= 50000 && s->destination.port <= 50031;
            expect(relay_port, "hairpins are for relay ports");
            auto arrived = edge_.hairpin(*s);
            expect(!arrived || !arrived->hairpin, "one hairpin, not two");
            return sent(arrived);
        }
        bool to_client = std::ranges::any_of(clients_, [&](const auto& c) { return c->self == s->destination; });
        bool to_peer = s->destination.address == addr("192.0.2.10") || s->destination.address == addr("127.0.0.1");
        expect(to_client || !to_peer, "nothing goes to a forbidden address");
    }

    void check() {
        expect(edge_.turn.allocations() <= 8, "the pool is the limit");
        std::array<relay::AllocationRow, 16> rows;
        uint64_t cursor = 0;
        size_t count = edge_.turn.list(edge_.now, cursor, std::span<relay::AllocationRow>{rows});
        expect(count <= edge_.turn.allocations(), "rows are of living allocations");
        expect(edge_.quota.total() >= edge_.turn.allocations(), "each allocation counts in the quota");
        for (size_t i = 0; i < count; i++) {
            const relay::AllocationRow& row = rows[i];
            expect(row.relays >= 1, "an allocation has a relayed address");
            expect(row.permissions <= 6, "no more permissions than allowed");
            expect(row.channels <= 6, "no more channels than allowed");
            for (uint8_t k = 0; k < row.relays; k++) {
                uint16_t index = edge_.relay_index(row.relay[k].address);
                if (index == 0xffff) continue;  // gone with a snapshot, the sweep will find it
                const uint32_t* slot = edge_.turn.relay_slot(index, row.relay[k].port);
                expect(slot && relay::Turn::handle_in(slot) == (row.id & 0xffffffff), "its port leads to it");
            }
        }
    }

    ByteReader in_;
    Edge edge_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::array<uint8_t, 8> token_{0, 0, 0, 1};
};

}  // namespace
}  // namespace fedge

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fedge::start_eal();
    fedge::Script{{data, size}}.run();
    return 0;
}
