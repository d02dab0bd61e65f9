// Refresh (RFC 8656 section 8.2).
#include "dataplane/relay/turn_state.h"

namespace fedge::relay {

using wire::StunAttribute;

// One half of a dual allocation goes, with the peers that were reached through it.
void TurnState::end_family(Handle handle, Family family, Instant now) {
    Allocation& a = pool[handle];
    RelayPort& port = a.relay[static_cast<size_t>(family)];
    ports.release(port.table, port.port, now);
    port = {kNoRelay, 0};
    bindings.remove_if(a, streams, [&](const Binding& b) { return b.address.family() == family; });
}

Bytes TurnState::on_refresh(Request& request) {
    if (Bytes refused = refuse_stranger(request); !refused.empty()) return refused;
    Allocation& a = pool[request.handle];
    std::optional<Family> family;
    if (Bytes value = request.message.value(StunAttribute::requested_address_family); !value.empty()) {
        if (value[0] == 1) family = Family::ipv4;
        if (value[0] == 2) family = Family::ipv6;
        if (!family || !a.has(*family)) return refuse(request, 443);
    }
    uint32_t seconds = 0;
    if (request.message.u32(StunAttribute::lifetime) == 0U) {
        bool other_family_stays = family && a.has(*family == Family::ipv4 ? Family::ipv6 : Family::ipv4);
        if (other_family_stays) {
            end_family(request.handle, *family, request.now);
        } else {
            end(request.now, request.handle, Counter::turn_allocations_deleted);
        }
    } else {
        seconds = lifetime(request.message);
        a.expires = deadline_tick(request.now + std::chrono::seconds{seconds});
        wake_by(request.handle, a.expires);
    }
    counters.add(Counter::turn_refreshes);
    return succeed(request, [&](wire::StunWriter& w) { w.attribute_u32(StunAttribute::lifetime, seconds); });
}

}  // namespace fedge::relay
