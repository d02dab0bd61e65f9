#include "dataplane/ip/neighbors.h"

#include <rte_errno.h>
#include <rte_hash.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "dataplane/ip/messages.h"
#include "dataplane/wire/headers.h"

namespace fedge::ip {
namespace {

constexpr Duration kTick = 10ms;
constexpr uint32_t kEvictionScan = 64;  // entries looked at to make room for one

rte_hash* make_table(const NeighborSettings& settings) {
    std::string name = "neighbors-" + std::to_string(settings.core);
    rte_hash_parameters parameters{};
    parameters.name = name.c_str();
    // Twice the entries: half-full buckets always have a place.
    parameters.entries = std::max<uint32_t>(2 * settings.capacity, 16);
    parameters.key_len = 20;
    parameters.socket_id = settings.socket;
    rte_hash* table = rte_hash_create(&parameters);
    if (!table) throw std::runtime_error("neighbour cache " + name + ": " + rte_strerror(rte_errno));
    return table;
}

}  // namespace

const char* name_of(NeighborState state) {
    switch (state) {
        case NeighborState::none: return "none";
        case NeighborState::incomplete: return "incomplete";
        case NeighborState::reachable: return "reachable";
        case NeighborState::stale: return "stale";
        case NeighborState::probe: return "probe";
        case NeighborState::failed: return "failed";
    }
    return "unknown";
}

Neighbors::Neighbors(const NeighborSettings& settings, Counters counters, Random& random, TxBuffers& tx,
                     rte_mempool* pool, Instant now)
    : settings_(settings),
      counters_(counters),
      tx_(tx),
      pool_(pool),
      hash_key_(HashKey::random(random)),
      requests_(settings.requests_per_second),
      table_(make_table(settings)),
      targets_(std::make_unique<HopTarget[]>(settings.capacity)),
      entries_(settings.capacity),
      wheel_(settings.capacity, kTick, now) {
    static_assert(sizeof(Key) == 20);
    free_.reserve(settings.capacity);
    for (uint32_t slot = settings.capacity; slot > 0; slot--) free_.push_back(slot - 1);
}

Neighbors::~Neighbors() {
    for (Entry& e : entries_) rte_pktmbuf_free_bulk(e.queue.data(), e.queued);
    rte_hash_free(table_);
}

Neighbors::Key Neighbors::key_of(const IpAddress& address, uint16_t interface) {
    return {address.octets(), interface};
}

uint32_t Neighbors::hash(const Key& key) const {
    return keyed_hash(hash_key_, load_be64(key.address.data()), load_be64(key.address.data() + 8), key.interface);
}

uint32_t Neighbors::find(const IpAddress& address, uint16_t interface) const {
    Key key = key_of(address, interface);
    void* slot = nullptr;
    if (rte_hash_lookup_with_hash_data(table_, &key, hash(key), &slot) < 0) return kNone;
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(slot));
}

bool Neighbors::index(uint32_t slot) {
    Key key = key_of(entries_[slot].address, entries_[slot].interface);
    return rte_hash_add_key_with_hash_data(table_, &key, hash(key), reinterpret_cast<void*>(uintptr_t{slot})) == 0;
}

void Neighbors::unindex(uint32_t slot) {
    Key key = key_of(entries_[slot].address, entries_[slot].interface);
    rte_hash_del_key_with_hash(table_, &key, hash(key));
}

void Neighbors::adopt(const Interfaces* interfaces) {
    const Interfaces* before = interfaces_;
    interfaces_ = interfaces;
    if (!before) return;
    rte_hash_reset(table_);
    for (uint32_t slot = 0; slot < settings_.capacity; slot++) {
        Entry& e = entries_[slot];
        if (e.state == NeighborState::none) continue;
        e.interface = interfaces->renumber(e.interface);
        bool keeps = e.interface != kNoInterface && interfaces->on_link(e.interface, e.address) &&
                     interfaces->owner(e.address) == kNoInterface && index(slot);
        if (!keeps) {
            release(slot);
        } else if (targets_[slot].generation) {
            publish(slot);
        }
    }
}

uint32_t Neighbors::make(const IpAddress& address, uint16_t interface) {
    if (free_.empty() && !make_room()) return kNone;
    uint32_t slot = free_.back();
    Entry& e = entries_[slot];
    e.address = address;
    e.interface = interface;
    if (!index(slot)) return kNone;
    free_.pop_back();
    return slot;
}

// Gives up an entry that nobody misses: failed, or stale and not used since. Reachable entries and those being resolved
// stay, so that neither a flood of destinations nor a flood of requests displaces a neighbour that works.
bool Neighbors::make_room() {
    for (uint32_t i = 0; i < std::min(kEvictionScan, settings_.capacity); i++) {
        hand_ = hand_ + 1 < settings_.capacity ? hand_ + 1 : 0;
        const Entry& e = entries_[hand_];
        bool unused = e.state == NeighborState::stale && targets_[hand_].last_used <= e.since;
        if (e.state != NeighborState::failed && !unused) continue;
        unindex(hand_);
        release(hand_);
        return true;
    }
    return false;
}

// The entry must be out of the table already.
void Neighbors::release(uint32_t slot) {
    Entry& e = entries_[slot];
    if (e.state == NeighborState::incomplete) incomplete_--;
    drop_queue(e);
    wheel_.cancel(slot);
    targets_[slot] = HopTarget{};
    e = Entry{};
    free_.push_back(slot);
}

void Neighbors::enter(uint32_t slot, NeighborState state, Instant now) {
    Entry& e = entries_[slot];
    incomplete_ += static_cast<uint32_t>(state == NeighborState::incomplete);
    incomplete_ -= static_cast<uint32_t>(e.state == NeighborState::incomplete);
    e.state = state;
    e.since = now;
    e.tries = 0;
    Duration wait{};
    switch (state) {
        case NeighborState::none: return;
        case NeighborState::incomplete:
        case NeighborState::probe:
            e.tries = ask(e, now) ? 1 : 0;
            wait = kRetransmit;
            break;
        case NeighborState::reachable:
            e.confirmed = now;
            wait = kReachable;
            break;
        case NeighborState::stale: wait = kStaleCheck; break;
        case NeighborState::failed:
            drop_queue(e);
            targets_[slot].generation = 0;
            wait = kFailedHold;
            break;
    }
    wheel_.arm(slot, now + wait);
}

void Neighbors::learn(uint32_t slot, const MacAddress& mac, NeighborState state, Instant now) {
    Entry& e = entries_[slot];
    bool known = targets_[slot].generation != 0;
    bool changed = e.mac != mac;
    e.mac = mac;
    enter(slot, state, now);
    if (!known || changed) publish(slot);
    send_queue(slot);
}

// A new generation: every Hop that points here is resolved anew.
void Neighbors::publish(uint32_t slot) {
    const Entry& e = entries_[slot];
    const Interface& i = (*interfaces_)[e.interface];
    HopTarget& t = targets_[slot];
    t.generation = next_generation();
    t.port = i.port;
    t.mtu = i.mtu;
    t.ipv6 = !e.address.is_v4();
    t.tx_ipv4_checksum = i.tx_ipv4_checksum;
    t.tx_udp_checksum = i.tx_udp_checksum;
    t.tx_tcp_checksum = i.tx_tcp_checksum;
    t.tx_flags = t.ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (!t.ipv6 && t.tx_ipv4_checksum) t.tx_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    Family family = e.address.family();
    t.l2_length =
        static_cast<uint8_t>(wire::write_ethernet(t.l2.data(), e.mac, i.mac, i.vlan, wire::ether_type(family)));
    t.tx_offload = rte_mbuf_tx_offload(t.l2_length, wire::ip_header_length(family), 0, 0, 0, 0, 0);
}

void Neighbors::enqueue(Entry& e, rte_mbuf* packet) {
    if (e.queued == kQueue) {
        // The latest packets are worth more than the oldest (RFC 1122 section 2.3.2.2).
        rte_pktmbuf_free(e.queue[0]);
        counters_.drop(Drop::neighbor_queue_full);
        std::move(e.queue.begin() + 1, e.queue.end(), e.queue.begin());
        e.queued--;
    }
    e.queue[e.queued++] = packet;
}

void Neighbors::drop_queue(Entry& e) {
    if (e.queued) counters_.drop(Drop::neighbor_failed, e.queued);
    rte_pktmbuf_free_bulk(e.queue.data(), e.queued);
    e.queued = 0;
}

void Neighbors::send_queue(uint32_t slot) {
    Entry& e = entries_[slot];
    HopTarget& t = targets_[slot];
    for (uint8_t i = 0; i < e.queued; i++) {
        rte_mbuf* m = e.queue[i];
        char* l2 = rte_pktmbuf_prepend(m, t.l2_length);
        if (!l2) {
            rte_pktmbuf_free(m);
            counters_.drop(Drop::no_mbuf);
            continue;
        }
        std::memcpy(l2, t.l2.data(), t.l2_length);
        tx_.send(t.port, m);
        t.last_used = e.since;
    }
    e.queued = 0;
}

bool Neighbors::resolve(const NextHop& next, rte_mbuf* ip_packet, Hop& hop, Instant now) {
    auto drop = [&](Drop reason) {
        rte_pktmbuf_free(ip_packet);
        counters_.drop(reason);
        return false;
    };
    uint32_t slot = find(next.address, next.interface);
    if (slot == kNone) {
        // At most half of the cache waits for answers that may never come. A gateway is never held up by that: there
        // are few, and all traffic depends on them.
        if (incomplete_ >= settings_.capacity / 2 && !next.gateway) return drop(Drop::neighbor_cache_full);
        slot = make(next.address, next.interface);
        if (slot == kNone) return drop(Drop::neighbor_cache_full);
        entries_[slot].gateway = next.gateway;
        enter(slot, NeighborState::incomplete, now);
    }
    Entry& e = entries_[slot];
    e.gateway = e.gateway || next.gateway;
    if (e.state == NeighborState::failed) return drop(Drop::neighbor_failed);
    if (e.state == NeighborState::incomplete) {
        enqueue(e, ip_packet);
        return false;
    }
    hop = {slot, targets_[slot].generation};
    targets_[slot].last_used = now;
    return true;
}

void Neighbors::on_advertisement(const Advertisement& a, Instant now) {
    uint32_t slot = find(a.address, a.interface);
    if (slot == kNone) return;  // nobody asked (RFC 4861 7.2.5)
    Entry& e = entries_[slot];
    NeighborState told = a.solicited ? NeighborState::reachable : NeighborState::stale;
    if (e.state == NeighborState::incomplete || e.state == NeighborState::failed) {
        if (a.mac) learn(slot, *a.mac, told, now);
        return;
    }
    bool changed = a.mac && *a.mac != e.mac;
    if (changed && !a.override_cached) {
        if (e.state == NeighborState::reachable) enter(slot, NeighborState::stale, now);
        return;
    }
    // Two that fight over an address do not make it flap with every packet.
    if (changed && e.state == NeighborState::reachable && now - e.confirmed < kLock) return;
    if (changed || a.solicited) learn(slot, changed ? *a.mac : e.mac, told, now);
}

void Neighbors::on_solicitation(uint16_t interface, const IpAddress& address, const MacAddress& mac, Instant now) {
    uint32_t slot = find(address, interface);
    if (slot == kNone) {
        slot = make(address, interface);
        if (slot != kNone) learn(slot, mac, NeighborState::stale, now);
        return;
    }
    const Entry& e = entries_[slot];
    bool unresolved = e.state == NeighborState::incomplete || e.state == NeighborState::failed;
    bool locked = e.state == NeighborState::reachable && now - e.confirmed < kLock;
    if (unresolved || (e.mac != mac && !locked)) learn(slot, mac, NeighborState::stale, now);
}

bool Neighbors::ask(const Entry& e, Instant now) {
    // Gateways and neighbours that answered before are asked in any case, once a second each: a flood of destinations
    // that do not exist must not use up their share.
    bool unicast = e.state == NeighborState::probe;
    if (!unicast && !e.gateway && !requests_.allow(now)) return false;
    const Interface& i = (*interfaces_)[e.interface];
    auto source = interfaces_->source_for(e.interface, e.address);
    if (!source) return false;
    rte_mbuf* frame = e.address.is_v4() ? arp_frame(pool_, i, unicast ? e.mac : kBroadcast,
                                                    {.operation = wire::ArpOperation::request,
                                                     .sender_mac = i.mac,
                                                     .sender = *source,
                                                     .target = e.address})
                                        : solicitation_frame(pool_, i, *source, e.address, unicast ? &e.mac : nullptr);
    if (!frame) {
        counters_.drop(Drop::no_mbuf);
        return false;
    }
    counters_.add(Counter::arp_requests_sent);
    tx_.send(i.port, frame);
    return true;
}

void Neighbors::advance(Instant now, uint32_t budget) {
    wheel_.advance(now, budget, [&](uint32_t slot) { on_deadline(slot, now); });
}

void Neighbors::on_deadline(uint32_t slot, Instant now) {
    Entry& e = entries_[slot];
    Instant used = targets_[slot].last_used;
    switch (e.state) {
        case NeighborState::none: return;
        case NeighborState::incomplete:
        case NeighborState::probe:
            if (e.tries < kTries && now - e.since < kGiveUp) {
                e.tries = static_cast<uint8_t>(e.tries + (ask(e, now) ? 1 : 0));
                wheel_.arm(slot, now + kRetransmit);
            } else if (e.state == NeighborState::incomplete) {
                enter(slot, NeighborState::failed, now);
            } else {  // gone or moved: the next packet starts over
                unindex(slot);
                release(slot);
            }
            return;
        case NeighborState::reachable:
            if (e.confirmed + kReachable > now) {
                wheel_.arm(slot, e.confirmed + kReachable);
            } else {
                enter(slot, used > e.confirmed ? NeighborState::probe : NeighborState::stale, now);
            }
            return;
        case NeighborState::stale:
            if (used > e.since) {
                enter(slot, NeighborState::probe, now);
            } else if (now - e.since >= kUnused) {
                unindex(slot);
                release(slot);
            } else {
                wheel_.arm(slot, now + kStaleCheck);
            }
            return;
        case NeighborState::failed:
            unindex(slot);
            release(slot);
            return;
    }
}

uint32_t Neighbors::list(uint32_t cursor, std::span<NeighborRow> out, size_t& filled, Instant now) const {
    filled = 0;
    for (uint32_t slot = cursor; slot < settings_.capacity; slot++) {
        const Entry& e = entries_[slot];
        if (e.state == NeighborState::none) continue;
        if (filled == out.size()) return slot;
        Instant known = e.confirmed == Instant{} ? e.since : e.confirmed;
        out[filled++] = {e.interface, e.address, e.mac, e.state, now - known, e.queued};
    }
    return 0;
}

}  // namespace fedge::ip
