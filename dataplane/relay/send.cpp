// The Send indication (RFC 8656 section 11.2): never answered, so every fault is a counted drop.
#include "dataplane/relay/turn_state.h"

namespace fedge::relay {

using wire::StunAttribute;

bool TurnState::on_send(Instant now, Handle handle, const wire::StunMessage& message, Forward& forward) {
    Allocation* a = living(handle, tick_of(now));
    if (!a) return drop(Drop::turn_no_allocation);
    auto peer = message.address(StunAttribute::xor_peer_address);
    if (!message.unknown_required().empty() || !peer || peer->port == 0 || !message.has(StunAttribute::data))
        return drop(*a, Drop::send_malformed);
    // Policy first, and here too: what was permitted once may be forbidden by now, and a refusal must be named.
    if (!peer_mark(*peer)) return drop(*a, Drop::peer_denied);
    Binding* binding = bindings.of_peer(*a, *peer);
    if (!binding || binding->permission_until <= tick_of(now)) return drop(*a, Drop::no_permission);
    if (!relay_to_peer(now, handle, *binding, *peer, message.raw(), message.value(StunAttribute::data), forward))
        return false;
    // Section 14: the attribute counts where no translation between families takes place, and only for IPv4.
    forward.dont_fragment =
        message.has(StunAttribute::dont_fragment) && a->client_address.is_v4() && peer->address.is_v4();
    return true;
}

}  // namespace fedge::relay
