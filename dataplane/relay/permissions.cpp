// CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).
#include <algorithm>

#include "dataplane/relay/turn_state.h"
#include "dataplane/wire/channel_data.h"

namespace fedge::relay {

using wire::StunAttribute;

// Binding::own_relay for this peer; nothing if it may not be one. A permission is for all ports of its address, so what
// may come of it is decided where the port is known: peer_mark of the endpoint.
std::optional<uint16_t> TurnState::peer_mark(const IpAddress& peer) const {
    switch (config->peer_policy->verdict(peer)) {
        case classify::PeerVerdict::allowed: return uint16_t{0};
        case classify::PeerVerdict::own_relay: break;
        default: return std::nullopt;
    }
    // What clients are told comes first, should one relay address be advertised as what another one is.
    for (auto form : {&RelayAddress::advertised, &RelayAddress::address})
        for (size_t i = 0; i < relays.size(); i++)
            if (relays[i].position != kGone && relays[i].relay.*form == peer) return static_cast<uint16_t>(i + 1);
    return std::nullopt;
}

// On a relay address only relay ports are peers: the address may be a listener's or an interface's as well, and the
// server is no peer of its clients. That, and that nothing but relay ports is found behind a relay port, is why data
// between clients cannot go round in circles: it ends at the 5-tuple of a client, which is never one of ours.
std::optional<uint16_t> TurnState::peer_mark(const Endpoint& peer) const {
    auto mark = peer_mark(peer.address);
    if (mark && *mark && (peer.port < config->port_first || peer.port > config->port_last)) return std::nullopt;
    return mark;
}

Bytes TurnState::on_create_permission(Request& request) {
    if (Bytes refused = refuse_stranger(request); !refused.empty()) return refused;
    Allocation& a = pool[request.handle];
    std::array<IpAddress, wire::StunMessage::kMaxAttributes> peers;
    size_t count = request.message.peer_addresses();
    if (count == 0) return refuse(request, 400);
    for (size_t k = 0; k < count; k++) {
        auto peer = request.message.peer_address(k);
        if (!peer) return refuse(request, 400);
        peers[k] = peer->address;
    }
    // Policy before family: that a peer is forbidden is so on any allocation.
    for (size_t k = 0; k < count; k++) {
        if (!peer_mark(peers[k])) return refuse(request, 403);
        if (!a.has(peers[k].family())) return refuse(request, 443);
    }

    // All or nothing: nothing is installed before there is known to be room for all of them.
    bindings.purge(a, request.tick, a.expires, streams);
    std::sort(peers.begin(), peers.begin() + static_cast<ptrdiff_t>(count));
    auto last = std::unique(peers.begin(), peers.begin() + static_cast<ptrdiff_t>(count));
    auto fresh = static_cast<uint32_t>(
        std::count_if(peers.begin(), last, [&](const IpAddress& peer) { return !bindings.of_address(a, peer); }));
    if (a.permissions + fresh > config->max_permissions || !bindings.room_for(a, fresh)) return refuse(request, 508);
    Tick until = deadline_tick(request.now + config->permission_lifetime);
    for (auto peer = peers.begin(); peer != last; ++peer) bindings.permit(a, *peer, *peer_mark(*peer), until);
    wake_by(request.handle, until);
    counters.add(Counter::turn_permissions, static_cast<uint64_t>(last - peers.begin()));
    return succeed(request);
}

Bytes TurnState::on_channel_bind(Request& request) {
    if (Bytes refused = refuse_stranger(request); !refused.empty()) return refused;
    Allocation& a = pool[request.handle];
    if (a.tcp) return refuse(request, 400);
    auto number = request.message.u32(StunAttribute::channel_number);
    auto peer = request.message.peer_address(0);
    if (!number || !peer || peer->port == 0) return refuse(request, 400);
    auto channel = static_cast<uint16_t>(*number >> 16);
    if (channel < wire::kChannelFirst || channel > wire::kChannelLast) return refuse(request, 400);

    bindings.purge(a, request.tick, a.expires, streams);
    Binding* bound = bindings.of_channel(a, channel);
    if (bound && Endpoint{bound->address, bound->port} != *peer) return refuse(request, 400);
    Binding* of_peer = bindings.of_peer(a, *peer);
    bool other_channel = of_peer && of_peer->channel && of_peer->port == peer->port && of_peer->channel != channel;
    if (other_channel) return refuse(request, 400);
    auto mark = peer_mark(*peer);
    if (!mark) return refuse(request, 403);
    if (!a.has(peer->address.family())) return refuse(request, 443);
    if (!bound && a.channels >= config->max_channels) return refuse(request, 508);
    if (!of_peer && a.permissions >= config->max_permissions) return refuse(request, 508);
    // A permission without a channel becomes the channel's binding; only otherwise is there one binding more.
    bool spare = bindings.find(a, [&](const Binding& b) { return b.address == peer->address && b.channel == 0; });
    if (!bound && !spare && !bindings.room_for(a, 1)) return refuse(request, 508);

    Tick until = deadline_tick(request.now + config->channel_lifetime);
    Tick permission_until = deadline_tick(request.now + config->permission_lifetime);
    bindings.bind(a, channel, *peer, *mark, until, permission_until);
    wake_by(request.handle, std::min(until, permission_until));
    counters.add(Counter::turn_channels);
    counters.add(Counter::turn_permissions);
    return succeed(request);
}

}  // namespace fedge::relay
