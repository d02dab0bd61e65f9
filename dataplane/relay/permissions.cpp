// CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).
#include <algorithm>

#include "dataplane/relay/turn_state.h"
#include "dataplane/wire/channel_data.h"

namespace fedge::relay {

using wire::StunAttribute;

// 0, or the error code. Policy before family: that a peer is forbidden is so on any allocation.
uint16_t TurnState::judge_peer(const Allocation& a, const Endpoint& peer) const {
    if (!config->peer_policy->allowed(peer.address)) return 403;
    return a.has(peer.address.family()) ? 0 : 443;
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
    for (size_t k = 0; k < count; k++)
        if (uint16_t code = judge_peer(a, {peers[k], 0})) return refuse(request, code);

    // All or nothing: nothing is installed before there is known to be room for all of them.
    bindings.purge(a, request.tick, a.expires, streams);
    std::sort(peers.begin(), peers.begin() + static_cast<ptrdiff_t>(count));
    auto last = std::unique(peers.begin(), peers.begin() + static_cast<ptrdiff_t>(count));
    auto fresh = static_cast<uint32_t>(
        std::count_if(peers.begin(), last, [&](const IpAddress& peer) { return !bindings.of_address(a, peer); }));
    if (a.permissions + fresh > config->max_permissions || !bindings.room_for(a, fresh)) return refuse(request, 508);
    Tick until = deadline_tick(request.now + config->permission_lifetime);
    for (auto peer = peers.begin(); peer != last; ++peer) bindings.permit(a, *peer, until);
    wake_by(request.handle, until);
    counters.add(Counter::turn_permissions, static_cast<uint64_t>(last - peers.begin()));
    return succeed(request);
}

Bytes TurnState::on_channel_bind(Request& request) {
    if (Bytes refused = refuse_stranger(request); !refused.empty()) return refused;
    Allocation& a = pool[request.handle];
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
    if (uint16_t code = judge_peer(a, *peer)) return refuse(request, code);
    if (!bound && a.channels >= config->max_channels) return refuse(request, 508);
    if (!of_peer && a.permissions >= config->max_permissions) return refuse(request, 508);
    // A permission without a channel becomes the channel's binding; only otherwise is there one binding more.
    bool spare = bindings.find(a, [&](const Binding& b) { return b.address == peer->address && b.channel == 0; });
    if (!bound && !spare && !bindings.room_for(a, 1)) return refuse(request, 508);

    Tick until = deadline_tick(request.now + config->channel_lifetime);
    Tick permission_until = deadline_tick(request.now + config->permission_lifetime);
    bindings.bind(a, channel, *peer, until, permission_until);
    wake_by(request.handle, std::min(until, permission_until));
    counters.add(Counter::turn_channels);
    counters.add(Counter::turn_permissions);
    return succeed(request);
}

}  // namespace fedge::relay
