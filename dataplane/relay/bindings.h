// Permissions and channels of an allocation (RFC 8656 sections 9 and 12): two within the allocation, more in chained
// chunks from a pool of the core. Every look-up and every expiry walks the allocation's own bindings only, whose number
// its limits bound.
#pragma once

#include <cstdint>

#include "dataplane/base/table.h"
#include "dataplane/classify/streams.h"
#include "dataplane/relay/allocation.h"

namespace fedge::relay {

class Bindings {
  public:
    Bindings(uint32_t bindings, int socket);

    // First binding that `match` accepts, or nullptr. Whether it is still in force is for the caller to look at.
    template <typename Match>
    Binding* find(Allocation& a, Match&& match) {
        return walk(chunks_, a, match);
    }
    template <typename Fn>
    void for_each(const Allocation& a, Fn&& fn) const {
        walk(chunks_, a, [&](const Binding& b) {
            fn(b);
            return false;
        });
    }

    // Nearly every allocation has one peer: the first binding is looked at here, the others by a call.
    Binding* of_channel(Allocation& a, uint16_t channel) {
        if (a.first.channel == channel && a.binding_count) [[likely]]
            return &a.first;
        return find(a, [&](const Binding& b) { return b.channel == channel; });
    }
    Binding* of_address(Allocation& a, const IpAddress& address) {
        return find(a, [&](const Binding& b) { return b.address == address; });
    }
    // The channel bound to this peer, else any binding of its address, else nullptr.
    Binding* of_peer(Allocation& a, const Endpoint& peer) {
        const Binding& first = a.first;
        if (first.address == peer.address && first.port == peer.port && first.channel && a.binding_count) [[likely]]
            return &a.first;
        return search_peer(a, peer);
    }

    // Room in the pool for that many more bindings of this allocation.
    bool room_for(const Allocation& a, uint32_t more) const {
        return chunks_for(a.binding_count + more) - chunks_for(a.binding_count) <= free_;
    }

    // Installs or refreshes the permission for an address. There must be room for one. `own_relay`: see Binding.
    Binding& permit(Allocation& a, const IpAddress& address, uint16_t own_relay, Tick until);
    // Binds or refreshes a channel, and the permission with it. There must be room for one, and no conflict.
    Binding& bind(Allocation& a, uint16_t channel, const Endpoint& peer, uint16_t own_relay, Tick until,
                  Tick permission_until);

    // Removes what ran out, with the stream measurements that hang on it. Returns the next deadline, or `none`.
    Tick purge(Allocation& a, Tick now, Tick none, classify::StreamTable& streams);
    // Removes the bindings that `match` accepts. Starts over after each removal: at worst quadratic in the allocation's
    // own bindings, and linear when all of them go.
    template <typename Match>
    void remove_if(Allocation& a, classify::StreamTable& streams, Match&& match) {
        while (Binding* b = find(a, match)) remove(a, *b, streams);
    }
    // Removes all of them; stream measurements are left to the caller.
    void clear(Allocation& a);

    uint32_t free_chunks() const { return free_; }
    uint32_t chunks() const { return static_cast<uint32_t>(chunks_.size()) - 1; }
    size_t bytes() const { return chunks_.bytes(); }

  private:
    static uint32_t chunks_for(uint32_t bindings) {
        return bindings <= Allocation::kInline
                   ? 0
                   : (bindings - Allocation::kInline + BindingChunk::kBindings - 1) / BindingChunk::kBindings;
    }
    // All chunks behind the first are full.
    static uint32_t used_in_head(const Allocation& a) {
        return a.binding_count <= Allocation::kInline
                   ? 0
                   : (a.binding_count - Allocation::kInline - 1U) % BindingChunk::kBindings + 1;
    }
    template <typename Chunks, typename A, typename Match>
    static auto walk(Chunks& chunks, A& a, Match&& match) -> decltype(&a.first) {
        if (a.binding_count == 0) return nullptr;
        if (match(a.first)) return &a.first;
        if (a.binding_count == 1) return nullptr;
        if (match(a.second)) return &a.second;
        uint32_t used = used_in_head(a);
        for (uint32_t c = a.chunk; c; c = chunks[c].next, used = BindingChunk::kBindings)
            for (uint32_t i = 0; i < used; i++)
                if (match(chunks[c].bindings[i])) return &chunks[c].bindings[i];
        return nullptr;
    }
    Binding* search_peer(Allocation& a, const Endpoint& peer);
    Binding& add(Allocation& a, const IpAddress& address, uint16_t own_relay);
    void remove(Allocation& a, Binding& binding, classify::StreamTable& streams);
    bool shares_address(Allocation& a, const Binding& binding);
    void end_channel(Allocation& a, Binding& binding, classify::StreamTable& streams);

    Table<BindingChunk> chunks_;  // [0] is not used: 0 means none
    uint32_t first_free_ = 0;
    uint32_t free_ = 0;
};

}  // namespace fedge::relay
