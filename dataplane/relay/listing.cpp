// Allocations and streams as rows, by cursor, and ending them on request.
#include <algorithm>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {
namespace {

UserText printable(const AllocationDetails& d) {
    UserText text;
    text.length = d.user_text_size;
    std::transform(d.user_text.begin(), d.user_text.begin() + d.user_text_size, text.text.begin(), [](char c) {
        auto octet = static_cast<unsigned char>(c);
        return octet >= 0x20 && octet < 0x7f ? c : '?';
    });
    return text;
}

}  // namespace

Handle TurnState::handle_of(uint64_t id) const {
    auto handle = static_cast<Handle>(id);
    if (handle == 0 || handle >= pool.size() || pool[handle].state != Allocation::living || id_of(handle) != id)
        return 0;
    return handle;
}

void TurnState::fill_row(Instant now, Handle handle, AllocationRow& row) const {
    const Allocation& a = pool[handle];
    const AllocationDetails& d = details[handle];
    row = AllocationRow{};
    row.id = id_of(handle);
    row.user = printable(d);
    if (const Session* s = clients ? clients->session_of(a.session) : nullptr; s && listeners[a.listener].stream())
        row.transport = s->tls ? "tls" : "tcp";
    row.client = a.client();
    row.server = listeners[a.listener].endpoint;
    row.listener = listeners[a.listener].position;
    for (const RelayPort& port : a.relay) {
        if (port.table == kNoRelay) continue;
        row.relay[row.relays] = {relays[port.table].relay.address, port.port};
        row.advertised[row.relays++] = {relays[port.table].relay.advertised, port.port};
    }
    row.age = now - d.created;
    row.expires = std::max(Duration{}, instant_of(a.expires) - now);
    // What ran out since the timing wheel last looked is not shown.
    Tick tick = tick_of(now);
    bindings.for_each(a, [&](const Binding& b) { row.channels += b.channel != 0 && b.channel_until > tick; });
    row.permissions = a.permissions;
    row.to_peer_packets = a.to_peer.packets;
    row.to_peer_bytes = a.to_peer.bytes;
    row.to_client_packets = a.to_client.packets;
    row.to_client_bytes = a.to_client.bytes;
    row.dropped = a.dropped;
}

size_t Turn::list(Instant now, uint64_t& cursor, std::span<AllocationRow> rows) const {
    const TurnState& s = *state_;
    size_t count = 0;
    uint64_t at = std::max<uint64_t>(cursor, 1);
    uint64_t end = std::min<uint64_t>(s.pool.size(), at + rows.size() * 64);
    for (; at < end && count < rows.size(); at++)
        if (s.pool[at].alive(tick_of(now))) s.fill_row(now, static_cast<Handle>(at), rows[count++]);
    cursor = at < s.pool.size() ? at : 0;
    return count;
}

size_t Turn::list(Instant now, uint64_t& cursor, std::span<StreamRow> rows) const {
    const TurnState& s = *state_;
    size_t count = 0;
    if (rows.empty()) return 0;
    auto scan = static_cast<uint32_t>(rows.size() * 64);
    classify::StreamId next =
        s.streams.list(static_cast<classify::StreamId>(cursor), scan, now, [&](const classify::StreamReport& report) {
            if (count == rows.size()) return false;
            StreamRow& row = rows[count++];
            row = StreamRow{};
            row.allocation = s.id_of(report.owner);
            row.user = printable(s.details[report.owner]);
            s.bindings.for_each(s.pool[report.owner], [&](const Binding& b) {
                if (b.number == report.peer) row.peer = {b.address, b.port};
            });
            row.direction = report.direction;
            row.kind = report.kind;
            row.ssrc = report.ssrc;
            row.payload_type = report.payload_type;
            row.packets = report.packets;
            row.bytes = report.bytes;
            row.lost = report.lost;
            row.loss_percent = report.loss_percent;
            row.jitter_ms = report.jitter_ms;
            row.idle = report.idle;
            return true;
        });
    cursor = next == classify::kNoStream ? 0 : next;
    return count;
}

bool Turn::disconnect(Instant now, uint64_t id) {
    Handle handle = state_->handle_of(id);
    if (handle) state_->end(now, handle, Counter::turn_allocations_disconnected);
    return handle != 0;
}

uint32_t Turn::disconnect_user(Instant now, std::string_view user, uint64_t& cursor, uint32_t budget) {
    TurnState& s = *state_;
    if (!s.config) return cursor = 0;
    UserMatch named;
    named.name = named.user_part = user;
    UserId id = s.config->credentials->id(named);
    uint32_t ended = 0;
    uint64_t at = std::max<uint64_t>(cursor, 1);
    uint64_t last = std::min<uint64_t>(s.pool.size(), at + budget);
    for (; at < last; at++) {
        if (s.pool[at].state != Allocation::living) continue;
        if (s.details[at].user != id.name && s.details[at].user_part != id.quota) continue;
        s.end(now, static_cast<Handle>(at), Counter::turn_allocations_disconnected);
        ended++;
    }
    cursor = at < s.pool.size() ? at : 0;
    return ended;
}

}  // namespace fedge::relay
