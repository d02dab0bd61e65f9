// The fast path: ChannelData and Send indications to the peer, datagrams and ICMP errors to the client (RFC 8656
// sections 11.2, 11.3, 11.5, 12.6, 12.7). What two ways have in common is inlined into both, where the direction is a
// constant.
#include <algorithm>

#include "dataplane/relay/turn_state.h"
#include "dataplane/wire/channel_data.h"

namespace fedge::relay {
namespace {

using wire::StunAttribute;

constexpr uint16_t kDataIndication = 0x0017;  // class indication, method Data
constexpr size_t kAttributeHeader = 4;

// Header and XOR-PEER-ADDRESS of a Data indication whose message goes on for `more` bytes behind them. Returns their
// size.
size_t write_data_indication(MutableBytes out, const Endpoint& peer, size_t more, Random& random) {
    Bytes address = peer.address.wire();
    size_t value = 4 + address.size();
    uint8_t* p = out.data();
    store_be16(p, kDataIndication);
    store_be16(p + 2, static_cast<uint16_t>(kAttributeHeader + value + more));
    store_be32(p + 4, wire::kStunCookie);
    random.fill({p + 8, 12});
    store_be16(p + 20, static_cast<uint16_t>(StunAttribute::xor_peer_address));
    store_be16(p + 22, static_cast<uint16_t>(value));
    p[24] = 0;
    p[25] = address.size() == 4 ? 1 : 2;
    store_be16(p + 26, static_cast<uint16_t>(peer.port ^ (wire::kStunCookie >> 16)));
    for (size_t i = 0; i < address.size(); i++) p[28 + i] = static_cast<uint8_t>(address[i] ^ p[4 + i]);
    return wire::kStunHeader + kAttributeHeader + value;
}

[[gnu::always_inline]] inline void address_to_client(Allocation& a, const ListenerSlot& listener, Forward& forward) {
    forward.source = listener.endpoint;
    forward.destination.address = a.client_address;
    forward.destination.port = a.client_port;
    forward.hop = &a.client_hop;
    forward.dont_fragment = false;
    forward.to_stream = listener.stream();
    if (forward.to_stream) [[unlikely]]
        forward.session = a.session;
}

}  // namespace

// The packet path sees only the allocation's own credit; the shared bucket is asked once per lease.
bool TurnState::lease(Instant now, Allocation& a, Direction direction, int32_t bytes) {
    constexpr int64_t kNanosecondBits = 8'000'000;  // nanoseconds that a byte takes at 1 kbit/s
    int64_t kbps = config->user_kbps;
    int64_t quantum = std::max<int64_t>(bytes, std::clamp<int64_t>(kbps * 125 / 64, 1500, 16384));
    int64_t depth = std::max<int64_t>(100'000'000, 15'000 * kNanosecondBits / kbps);
    if (!quota.lease(a.user_slot, direction, now, Duration{quantum * kNanosecondBits / kbps}, Duration{depth}))
        return false;
    a.traffic(direction).user_credit += static_cast<int32_t>(quantum);
    return true;
}

[[gnu::always_inline]] inline bool TurnState::charge(Instant now, Allocation& a, Direction direction, size_t size) {
    auto bytes = static_cast<int32_t>(size);
    Traffic& traffic = a.traffic(direction);
    if (!traffic.bucket.allow(allocation_rate, now, static_cast<uint32_t>(size))) [[unlikely]]
        return drop(a, Drop::bandwidth_allocation);
    if (config->user_kbps) {
        if (traffic.user_credit < bytes && !lease(now, a, direction, bytes)) [[unlikely]]
            return drop(a, Drop::bandwidth_user);
        traffic.user_credit -= bytes;
    }
    traffic.packets++;
    traffic.bytes += size;
    return true;
}

bool TurnState::charge_connection(Instant now, Handle handle, Direction direction, size_t size) {
    Allocation& a = pool[handle];
    auto bytes = static_cast<int32_t>(size);
    Traffic& traffic = a.traffic(direction);
    if (config->user_kbps && traffic.user_credit < bytes && !lease(now, a, direction, bytes)) return false;
    if (!traffic.bucket.allow(allocation_rate, now, static_cast<uint32_t>(size))) return false;
    if (config->user_kbps) traffic.user_credit -= bytes;
    traffic.packets++;
    traffic.bytes += size;
    return true;
}

[[gnu::always_inline]] inline bool TurnState::relay_to_peer(Instant now, Handle handle, Binding& binding, uint16_t port,
                                                            Bytes payload, Bytes data, Forward& forward) {
    Allocation& a = pool[handle];
    if (!charge(now, a, Direction::to_peer, data.size())) return false;
    const RelayPort& relay = a.relay_for(binding.address.family());
    // Field by field: an Endpoint made on the way would be read before its halves have reached the cache.
    forward.source.address = relays[relay.table].relay.address;
    forward.source.port = relay.port;
    forward.destination.address = binding.address;
    forward.destination.port = port;
    forward.hairpin = binding.own_relay != 0;
    if (forward.hairpin) [[unlikely]] {
        forward.source.address = relays[relay.table].relay.advertised;
        forward.destination.address = relays[binding.own_relay - 1U].relay.address;
        counters.add(Counter::relay_hairpin_packets);
    }
    forward.hop = &binding.hop;
    forward.data_offset = static_cast<uint16_t>(data.data() - payload.data());
    forward.data_length = static_cast<uint16_t>(data.size());
    forward.prepend_length = 0;
    forward.append_zeros = 0;
    forward.dont_fragment = false;
    counters.add(Counter::relay_to_peer_packets);
    counters.add(Counter::relay_to_peer_bytes, data.size());
    streams.update(a.streams, now, {handle, binding.number, Direction::to_peer}, data);
    return true;
}

bool TurnState::from_client_channel(Instant now, Handle handle, Bytes payload, Forward& forward) {
    Tick tick = tick_of(now);
    Allocation* a = living(handle, tick);
    if (!a) return drop(Drop::turn_no_allocation);
    auto header = wire::ChannelData::parse(payload);
    if (!header) return drop(*a, Drop::channel_malformed);
    Binding* binding = bindings.of_channel(*a, header->channel);
    if (!binding || binding->channel_until <= tick) return drop(*a, Drop::channel_unbound);
    return relay_to_peer(now, handle, *binding, binding->port, payload,
                         payload.subspan(wire::kChannelHeader, header->length), forward);
}

// The Send indication (section 11.2): never answered, so every fault is a counted drop.
bool TurnState::on_send(Instant now, Handle handle, const wire::StunMessage& message, Forward& forward) {
    Allocation* a = living(handle, tick_of(now));
    if (!a) return drop(Drop::turn_no_allocation);
    auto peer = message.address(StunAttribute::xor_peer_address);
    if (!message.unknown_required().empty() || !peer || peer->port == 0 || !message.has(StunAttribute::data) || a->tcp)
        return drop(*a, Drop::send_malformed);
    // Policy first, and here too: what was permitted once may be forbidden by now, and a refusal must be named.
    if (!peer_mark(*peer)) return drop(*a, Drop::peer_denied);
    Binding* binding = bindings.of_peer(*a, *peer);
    if (!binding || binding->permission_until <= tick_of(now)) return drop(*a, Drop::no_permission);
    if (!relay_to_peer(now, handle, *binding, peer->port, message.raw(), message.value(StunAttribute::data), forward))
        return false;
    // Section 14: the attribute counts where no translation between families takes place, and only for IPv4.
    forward.dont_fragment =
        message.has(StunAttribute::dont_fragment) && a->client_address.is_v4() && peer->address.is_v4();
    return true;
}

bool TurnState::from_peer(Instant now, Handle handle, Way way, const Endpoint& peer, Bytes payload, Forward& forward) {
    Tick tick = tick_of(now);
    Allocation* a = living(handle, tick);
    if (!a) return drop(Drop::relay_port_unused);
    Binding* binding = bindings.of_peer(*a, peer);
    if (!binding || binding->permission_until <= tick) return drop(*a, Drop::no_permission);
    // What a relay port of ours says never was on the wire. Behind a 1:1 NAT the ingress filter cannot know that.
    if (binding->own_relay && way == Way::wire) [[unlikely]]
        return drop(*a, Drop::spoofed_own_source);
    if (!charge(now, *a, Direction::to_client, payload.size())) return false;

    const ListenerSlot& listener = listeners[a->listener];
    address_to_client(*a, listener, forward);
    forward.data_offset = 0;
    forward.data_length = static_cast<uint16_t>(payload.size());
    uint8_t* head = forward.prepend.data();
    if (binding->channel && binding->port == peer.port && binding->channel_until > tick) {
        // At once, because it is read at once soon: what is read must not lie in two stores that are still under way.
        store_be32(head, uint32_t{binding->channel} << 16 | static_cast<uint16_t>(payload.size()));
        forward.prepend_length = wire::kChannelHeader;
        forward.append_zeros = static_cast<uint8_t>(-payload.size() & listener.padding);
    } else {
        forward.append_zeros = static_cast<uint8_t>(-payload.size() & 3);
        size_t size = write_data_indication(forward.prepend, peer,
                                            kAttributeHeader + payload.size() + forward.append_zeros, random);
        store_be16(head + size, static_cast<uint16_t>(StunAttribute::data));
        store_be16(head + size + 2, static_cast<uint16_t>(payload.size()));
        forward.prepend_length = static_cast<uint8_t>(size + kAttributeHeader);
    }
    counters.add(Counter::relay_to_client_packets);
    counters.add(Counter::relay_to_client_bytes, payload.size());
    streams.update(a->streams, now, {handle, binding->number, Direction::to_client}, payload);
    return true;
}

bool TurnState::on_icmp(Instant now, Handle handle, const Endpoint& peer, const IcmpError& error, Forward& forward) {
    // Section 11.5: destination unreachable and time exceeded; in ICMPv6 also packet too big.
    bool reported = peer.address.is_v4() ? error.type == 3 || error.type == 11 : error.type >= 1 && error.type <= 3;
    Allocation* a = living(handle, tick_of(now));
    if (!a || !reported) return drop(Drop::icmp_unmatched);
    Binding* binding = bindings.of_peer(*a, peer);
    if (!binding || binding->permission_until <= tick_of(now)) return drop(*a, Drop::no_permission);
    if (binding->own_relay) return drop(*a, Drop::icmp_unmatched);  // nothing of that went out
    constexpr size_t kValue = 8;
    if (!charge(now, *a, Direction::to_client, kValue)) return false;

    address_to_client(*a, listeners[a->listener], forward);
    size_t size = write_data_indication(forward.prepend, peer, kAttributeHeader + kValue, random);
    uint8_t* p = forward.prepend.data() + size;
    store_be16(p, static_cast<uint16_t>(StunAttribute::icmp));
    store_be16(p + 2, kValue);
    store_be16(p + 4, 0);
    store_be16(p + 6, static_cast<uint16_t>(error.type << 9 | error.code));  // section 18.13: 7 bits and 9 bits
    store_be32(p + 8, error.data);
    forward.prepend_length = static_cast<uint8_t>(size + kAttributeHeader + kValue);
    forward.append_zeros = 0;
    forward.data_offset = 0;
    forward.data_length = 0;
    counters.add(Counter::relay_icmp_to_client);
    return true;
}

}  // namespace fedge::relay
