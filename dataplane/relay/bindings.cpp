#include "dataplane/relay/bindings.h"

#include <algorithm>

namespace fedge::relay {

Bindings::Bindings(uint32_t bindings, int socket)
    : chunks_("turn bindings", bindings / BindingChunk::kBindings + 2, socket) {
    for (uint32_t i = chunks(); i > 0; i--) {
        chunks_[i].next = first_free_;
        first_free_ = i;
        free_++;
    }
}

Binding* Bindings::search_peer(Allocation& a, const Endpoint& peer) {
    Binding* of_same_address = nullptr;
    Binding* exact = find(a, [&](Binding& b) {
        if (!(b.address == peer.address)) return false;
        of_same_address = &b;
        return b.port == peer.port && b.channel != 0;
    });
    return exact ? exact : of_same_address;
}

Binding& Bindings::add(Allocation& a, const IpAddress& address, uint16_t own_relay) {
    Binding* b;
    if (a.binding_count < Allocation::kInline) {
        b = a.binding_count == 0 ? &a.first : &a.second;
    } else {
        uint32_t used = used_in_head(a);
        if (used == 0 || used == BindingChunk::kBindings) {
            uint32_t taken = first_free_;
            first_free_ = chunks_[taken].next;
            free_--;
            chunks_[taken].next = a.chunk;
            a.chunk = taken;
            used = 0;
        }
        b = &chunks_[a.chunk].bindings[used];
    }
    a.binding_count++;
    *b = Binding{};
    b->address = address;
    b->own_relay = own_relay;
    // Numbers are not reused while streams of the binding that had them may be shown; after 65,536 they come round.
    b->number = a.next_number++;
    return *b;
}

bool Bindings::shares_address(Allocation& a, const Binding& binding) {
    return find(a, [&](const Binding& b) { return &b != &binding && b.address == binding.address; }) != nullptr;
}

void Bindings::remove(Allocation& a, Binding& binding, classify::StreamTable& streams) {
    if (!shares_address(a, binding)) a.permissions--;
    if (binding.channel) a.channels--;
    streams.release_peer(a.streams, binding.number);
    // The last one fills the gap, so that only the first chunk is ever partly used.
    uint32_t used = used_in_head(a);
    Binding& last = used ? chunks_[a.chunk].bindings[used - 1] : a.binding_count == 2 ? a.second : a.first;
    binding = last;
    a.binding_count--;
    if (used == 1) {
        uint32_t emptied = a.chunk;
        a.chunk = chunks_[emptied].next;
        chunks_[emptied].next = first_free_;
        first_free_ = emptied;
        free_++;
    }
}

void Bindings::clear(Allocation& a) {
    while (a.chunk) {
        uint32_t next = chunks_[a.chunk].next;
        chunks_[a.chunk].next = first_free_;
        first_free_ = a.chunk;
        free_++;
        a.chunk = next;
    }
    a.binding_count = a.channels = a.permissions = 0;
}

Binding& Bindings::permit(Allocation& a, const IpAddress& address, uint16_t own_relay, Tick until) {
    Binding* any = nullptr;
    find(a, [&](Binding& b) {
        if (b.address == address) {
            b.permission_until = until;
            b.own_relay = own_relay;
            any = &b;
        }
        return false;
    });
    if (any) return *any;
    Binding& added = add(a, address, own_relay);
    added.permission_until = until;
    a.permissions++;
    return added;
}

Binding& Bindings::bind(Allocation& a, uint16_t channel, const Endpoint& peer, uint16_t own_relay, Tick until,
                        Tick permission_until) {
    permit(a, peer.address, own_relay, permission_until);
    Binding* b = of_channel(a, channel);
    if (!b) {
        b = find(a, [&](const Binding& x) { return x.address == peer.address && x.channel == 0; });
        if (!b) {
            b = &add(a, peer.address, own_relay);
            b->permission_until = permission_until;
        }
        b->channel = channel;
        b->port = peer.port;
        a.channels++;
    }
    b->channel_until = until;
    return *b;
}

void Bindings::end_channel(Allocation& a, Binding& binding, classify::StreamTable& streams) {
    streams.release_peer(a.streams, binding.number);
    binding.channel = binding.port = 0;
    binding.channel_until = 0;
    a.channels--;
}

Tick Bindings::purge(Allocation& a, Tick now, Tick none, classify::StreamTable& streams) {
    Tick next = none;
    auto judge = [&](Binding& b) {  // true: to be removed
        if (b.channel && b.channel_until <= now) end_channel(a, b, streams);
        if (b.channel) {
            next = std::min(next, b.channel_until);
            if (b.permission_until > now) next = std::min(next, b.permission_until);
            return false;
        }
        if (b.permission_until <= now || shares_address(a, b)) return true;
        next = std::min(next, b.permission_until);
        return false;
    };
    remove_if(a, streams, judge);
    return next;
}

}  // namespace fedge::relay
