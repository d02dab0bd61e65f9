#include "dataplane/tcp/engine.h"

#include <new>
#include <stdexcept>

#include "dataplane/wire/checksum.h"

namespace fedge::tcp {

const char* name(State state) {
    switch (state) {
        case State::closed: return "CLOSED";
        case State::syn_sent: return "SYN-SENT";
        case State::syn_received: return "SYN-RECEIVED";
        case State::established: return "ESTABLISHED";
        case State::fin_wait_1: return "FIN-WAIT-1";
        case State::fin_wait_2: return "FIN-WAIT-2";
        case State::close_wait: return "CLOSE-WAIT";
        case State::closing: return "CLOSING";
        case State::last_ack: return "LAST-ACK";
    }
    return "";
}

Engine::Engine(const Settings& settings, Counters counters, Random& random, SegmentOutput& output, Instant now)
    : settings_(settings),
      counters_(counters),
      random_(random),
      output_(output),
      secrets_(random),
      now_(now),
      pool_(settings.limits.buffer_blocks, settings.socket),
      connections_("TCP connections", settings.limits.connections, settings.socket),
      wheel_(settings.limits.connections, kClockTick, now),
      rechecks_(settings.limits.connections, settings.socket),
      flows_("TCP flows", settings.limits.connections + settings.limits.half_open + settings.limits.time_wait,
             settings.socket, random),
      hints_(settings.limits.connections, settings.socket),
      half_open_("TCP SYN cache", settings.limits.half_open, settings.socket),
      half_open_free_(0),
      half_open_wheel_(settings.limits.half_open, 10 * kClockTick, now),
      time_wait_(settings.limits.time_wait, settings.socket),
      per_prefix_(settings.limits.connections, settings.socket, random),
      half_open_per_prefix_(settings.limits.half_open, settings.socket, random),
      path_mtu_(settings.limits.destinations, settings.socket, random),
      resets_(settings.limits.resets_per_second),
      syns_(settings.limits.syns_per_second) {
    const Limits& limits = settings.limits;
    free_.reserve(limits.connections);
    for (uint32_t i = limits.connections; i-- > 0;) {
        new (&connections_[i]) Connection();
        connections_[i].recheck_at = kNever;
        free_.push_back(i);
    }
    dirty_.reserve(limits.connections);
    starved_.reserve(limits.connections);
    released_.reserve(limits.connections);
    if (limits.listeners == 0 || limits.listeners >= 0xffff)
        throw std::invalid_argument("TCP: the limit of listeners is not between 1 and 65534");
    listeners_.resize(limits.listeners);
    listener_at_.resize(0x10000);
    for (uint32_t i = limits.listeners; i > 0; i--) {
        listeners_[i - 1].next = listener_free_;
        listener_free_ = static_cast<uint16_t>(i);
    }
    for (uint32_t i = 0; i < limits.half_open; i++) half_open_[i].next_free = i + 1;
    // What the peers of one edge choose must not decide where a stranger's search begins (RFC 6056 section 3.3.4).
    random.fill({reinterpret_cast<uint8_t*>(port_counters_.data()), sizeof(port_counters_)});
}

// Memory that a segment needs is fetched while others before it are worked on: as many as take longer than a cache
// miss, and as few as fit into the first cache.
void Engine::receive(std::span<const Arrival> burst, Instant now) {
    constexpr size_t kAhead = 6;
    constexpr size_t kUserAhead = 2;  // the connection must have come
    now_ = now;
    size_t count = parse(burst);
    counters_.add(Counter::tcp_segments_received, count);
    look_up(count);
    for (size_t i = 0; i < std::min(count, kAhead); i++) fetch(burst_[i]);
    pool_.prefetch(0, kUserAhead);
    for (size_t i = 0; i < count; i++) {
        if (i + kAhead < count) fetch(burst_[i + kAhead]);
        if (i + kUserAhead < count) fetch_user(burst_[i + kUserAhead]);
        dispatch(burst_[i]);
    }
}

size_t Engine::parse(std::span<const Arrival> burst) {
    size_t count = 0;
    for (const Arrival& arrival : burst) {
        Incoming& in = burst_[count];
        // Before anything is summed or looked up: under a flood this is most of the work.
        if (wire::opens_tcp(arrival.bytes) && !syns_.allow(now_)) {
            counters_.drop(Drop::tcp_syn_rate);
            continue;
        }
        if (!arrival.checksum_known_good &&
            !wire::transport_checksum_ok(arrival.source, arrival.destination, static_cast<uint8_t>(wire::Protocol::tcp),
                                         arrival.bytes)) {
            counters_.drop(Drop::tcp_checksum);
            continue;
        }
        if (!wire::parse_tcp(arrival.bytes, in.segment)) {
            counters_.drop(Drop::tcp_malformed);
            continue;
        }
        in.source = arrival.source;
        in.destination = arrival.destination;
        // The ports as they lie in the header: reading together what was just written apart would stall.
        in.key = FlowKey::of_arrival(arrival.destination, arrival.source, load_be32(arrival.bytes.data()));
        in.hash = flows_.hash(in.key);
        hints_.prefetch(in.hash);
        count++;
    }
    return count;
}

void Engine::look_up(size_t count) {
    std::array<FlowKey, Tcp::kBurst> keys;
    std::array<uint64_t, Tcp::kBurst> found;
    size_t unknown = 0;
    for (size_t i = 0; i < count; i++) {
        burst_[i].hint = hints_.find(burst_[i].hash);
        if (burst_[i].hint == FlowHints::kNone) keys[unknown++] = burst_[i].key;
    }
    if (unknown == 0) return;
    static_assert(Tcp::kBurst <= decltype(flows_)::kBurst);
    flows_.find({keys.data(), unknown}, found.data());
    unknown = 0;
    for (size_t i = 0; i < count; i++) {
        if (burst_[i].hint != FlowHints::kNone) continue;
        burst_[i].found = found[unknown++];
        burst_[i].found_changes = flow_changes_;
    }
}

void Engine::fetch(const Incoming& in) const {
    if (in.hint == FlowHints::kNone) return;
    const auto* line = reinterpret_cast<const char*>(&connections_[in.hint]);
    size_t lines = in.segment.payload.empty() ? Connection::kAcknowledgementLines : Connection::kRequestLines;
    for (size_t i = 0; i < lines; i++) __builtin_prefetch(line + i * RTE_CACHE_LINE_SIZE, 1);
}

// What only the connection knows of, and the block that will be taken for an answer by then.
void Engine::fetch_user(const Incoming& in) {
    if (in.hint == FlowHints::kNone || in.segment.payload.empty()) return;
    const Connection& c = connections_[in.hint];
    __builtin_prefetch(c.handler);
    // The block that is acknowledged now is the next that will be taken.
    if (c.in_flight() && c.send_bytes.blocks()) return __builtin_prefetch(c.send_bytes.first(pool_), 1);
    pool_.prefetch(2, 1);
}

void Engine::dispatch(Incoming& in) {
    if (in.hint != FlowHints::kNone) {
        Connection& c = connections_[in.hint];
        if (c.in_use && !c.detached && c.key == in.key) return on_connection_segment(c, in);
    }
    // An earlier segment of the burst may have made or ended the flow of this one.
    bool valid = in.hint == FlowHints::kNone && in.found_changes == flow_changes_;
    uint64_t found = valid ? in.found : flows_.find(in.key);
    auto index = static_cast<uint32_t>(found) - 1;
    switch (static_cast<Kind>(found >> 32)) {
        case Kind::connection: return on_connection_segment(connections_[index], in);
        case Kind::half_open: return on_half_open_segment(in, index);
        case Kind::time_wait: return on_time_wait_segment(in, index);
        case Kind::none: break;
    }
    if (Listener* listener = find_listener(in.destination, in.segment.destination_port))
        return on_listener_segment(in, *listener);
    reset_stranger(in);
}

void Engine::on_connection_segment(Connection& c, Incoming& in) {
    on_segment(c, in);
    if (c.in_use) deliver(c);
    if (c.in_use && !c.dirty) file(c);  // else flush() does, and fewer deadlines are left by then
}

Listener* Engine::find_listener(const IpAddress& address, uint16_t port) {
    Listener* any = nullptr;
    for (uint16_t at = listener_at_[port]; at; at = listeners_[at - 1U].next) {
        Listener& listener = listeners_[at - 1U];
        if (listener.local.address == address) return &listener;
        if (listener.local.address.is_unspecified() && listener.local.address.is_v4() == address.is_v4())
            any = &listener;
    }
    return any;
}

Connection* Engine::take_connection(const FlowKey& key, const StreamOptions& options) {
    if (free_.empty()) return nullptr;
    uint32_t index = free_.back();
    if (!set_flow(key, Kind::connection, index)) return nullptr;
    free_.pop_back();
    // The lists of connections with something to do may still name the place.
    bool dirty = connections_[index].dirty;
    bool starved = connections_[index].starved;
    Instant recheck_at = connections_[index].recheck_at;
    auto* c = new (&connections_[index]) Connection();
    c->dirty = dirty;
    c->starved = starved;
    c->recheck_at = recheck_at;
    c->engine = this;
    c->in_use = true;
    c->index = index;
    c->key = key;
    hints_.add(flows_.hash(key), index);
    c->options = bounded(options);
    c->assembler = kNoBlock;
    c->timer_at = c->ack_at = c->life_at = c->filed_at = kNever;
    c->opened_at = c->heard_at = c->progress_at = now_;
    c->ts_offset = secrets_.timestamp_offset(key);
    c->quick_acks = 16;
    c->rack_window_mult = 1;
    per_prefix_.add(key.remote_address());
    return c;
}

void Engine::release(Connection& c) {
    wheel_.cancel(c.index);
    if (!c.detached) remove_flow(c.key);
    hints_.remove(flows_.hash(c.key), c.index);
    per_prefix_.remove(c.key.remote_address());
    c.send_bytes.release(pool_, 0, true);
    c.receive_bytes.release(pool_, 0, true);
    c.records.release(pool_, 0, true);
    if (c.assembler != kNoBlock) pool_.put(c.assembler);
    c.in_use = false;
    c.timer_at = c.ack_at = c.life_at = kNever;
    c.state = State::closed;
    c.handler = nullptr;
    released_.push_back(c.index);
}

bool Engine::set_flow(const FlowKey& key, Kind kind, uint32_t index) {
    flow_changes_++;
    return flows_.set(key, uint64_t{static_cast<uint8_t>(kind)} << 32 | (index + 1));
}

void Engine::remove_flow(const FlowKey& key) {
    flow_changes_++;
    flows_.remove(key);
}

void Engine::mark(Connection& c) {
    if (c.dirty) return;
    c.dirty = true;
    dirty_.push_back(c.index);
}

void Engine::starve(Connection& c) {
    if (c.starved) return;
    c.starved = true;
    starved_.push_back(c.index);
}

void Engine::flush(Instant now) {
    now_ = now;
    // Whoever is still dirty after its share of this turn is looked at in the next.
    size_t count = dirty_.size();
    for (size_t i = 0; i < count; i++) {
        Connection& c = connections_[dirty_[i]];
        c.dirty = false;
        if (!c.in_use) continue;
        send_pending(c);
        if (c.pending_close) deliver(c);  // what the user had left unread is read now
        if (c.in_use) file(c);
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(count));
    free_.insert(free_.end(), released_.begin(), released_.end());
    released_.clear();
}

void Engine::deliver(Connection& c) {
    if (!c.handler) {
        if (c.pending_close) release(c);
        return;
    }
    if (c.event_readable) {
        c.event_readable = false;
        c.handler->on_readable();
        if (!c.in_use || !c.handler) return;
    }
    if (c.write_blocked && !c.pending_close && c.writable() >= std::max(c.options.send_buffer / 16, 1U)) {
        c.write_blocked = false;
        c.handler->on_writable();
        if (!c.in_use || !c.handler) return;
    }
    // In order to the end means that the user has read all of it.
    if (c.pending_close && (c.pending_reason != CloseReason::finished || c.unread() == 0)) {
        StreamHandler* handler = c.handler;
        CloseReason reason = c.pending_reason;
        tell_end(c, name(reason));
        release(c);
        handler->on_closed(reason);
    }
}

Assembler* Engine::assembler(Connection& c) {
    if (c.assembler == kNoBlock) return nullptr;
    static_assert(sizeof(Assembler) <= kBlockSize);
    return reinterpret_cast<Assembler*>(pool_.data(c.assembler));
}

uint32_t Engine::advance(Instant now, uint32_t budget) {
    now_ = now;
    recheck(budget);
    uint32_t fired = wheel_.advance(now, budget, [&](uint32_t index) {
        Connection& c = connections_[index];
        c.filed_at = kNever;
        on_timer(c);
        if (c.in_use) deliver(c);
        if (c.in_use) file(c);
    });
    fired += half_open_wheel_.advance(now, budget, [&](uint32_t index) { on_half_open_timer(index); });
    for (uint32_t gone = 0; gone < budget && time_wait_.count() > 0 && time_wait_[time_wait_.oldest()].expires <= now;
         gone++, fired++)
        remove_time_wait(time_wait_.oldest());
    while (!starved_.empty() && !pool_.scarce()) {
        Connection& c = connections_[starved_.back()];
        starved_.pop_back();
        c.starved = false;
        if (!c.in_use) continue;
        mark(c);
        deliver(c);
    }
    return fired;
}

MemoryUse Engine::memory() const {
    const Limits& limits = settings_.limits;
    return {limits.connections - static_cast<uint32_t>(free_.size() + released_.size()), half_open_count_,
            time_wait_.count(), pool_.total() - pool_.available(), pool_.total()};
}

size_t Engine::bytes_per_connection() const {
    const Limits& limits = settings_.limits;
    size_t entries = limits.connections + limits.half_open + limits.time_wait;
    // Control block, its place in the wheel, in the free, released, dirty and starved lists, and its shares of the
    // tables.
    return sizeof(Connection) + 16 + 4 * sizeof(uint32_t) + flows_.bytes() / entries +
           (per_prefix_.bytes() + rechecks_.bytes() + hints_.bytes()) / limits.connections;
}

ConnectionRow Engine::row(const Connection& c) const {
    ConnectionRow row{"own",    c.local(), c.remote(), name(c.state), c.outgoing, now_ - c.opened_at, now_ - c.heard_at,
                      c.info(), {}};
    if (c.handler) c.handler->describe(row.details);
    return row;
}

void Engine::tell_end(const Connection& c, std::string_view how) const {
    if (settings_.observer && c.handler) settings_.observer->on_end(row(c), how);
}

size_t Engine::list(std::span<ConnectionRow> out, uint32_t& cursor) const {
    size_t n = 0;
    auto& connections = const_cast<Table<Connection>&>(connections_);
    for (; cursor < connections.size() && n < out.size(); cursor++) {
        const Connection& c = connections[cursor];
        if (!c.in_use) continue;
        out[n++] = row(c);
    }
    if (cursor >= connections.size()) cursor = 0;
    return n;
}

}  // namespace fedge::tcp
