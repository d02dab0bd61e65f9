#include "dataplane/relay/stream_clients.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {
namespace {

constexpr uint32_t kMaxPlaces = 1U << 20;
constexpr uint32_t kTimersPerTurn = 256;

const StreamLimits& checked(const StreamLimits& limits) {
    if (limits.sessions == 0 || limits.sessions > kMaxPlaces)
        throw std::invalid_argument("TURN over streams: the limit of sessions is not between 1 and 2^20");
    if (limits.peers == 0 || limits.peers > kMaxPlaces)
        throw std::invalid_argument("TURN over streams: the limit of peers is not between 1 and 2^20");
    if (limits.tcp_allocations == 0 || limits.tcp_allocations > 65534)
        throw std::invalid_argument("TURN over streams: the limit of TCP allocations is not between 1 and 65534");
    if (limits.messages_per_turn == 0 || limits.bytes_per_turn < kMaxFrame)
        throw std::invalid_argument("TURN over streams: less than a message may be read in a turn");
    return limits;
}

// So that the first place is given out first.
std::vector<uint32_t> places(uint32_t first, uint32_t end) {
    std::vector<uint32_t> free;
    for (uint32_t i = end; i-- > first;) free.push_back(i);
    return free;
}

}  // namespace

StreamState::StreamState(const StreamLimits& wanted, Instant start, Counters core_counters, Random& core_random,
                         TurnState& turn_state, PeerOutput& peer_output, tcp::Transport& transport)
    : limits(checked(wanted)),
      counters(core_counters),
      random(core_random),
      turn(turn_state),
      output(peer_output),
      relay(transport),
      now(start),
      sessions(std::make_unique<Session[]>(limits.sessions)),
      peers(std::make_unique<PeerConnection[]>(limits.peers)),
      allocations(std::make_unique<TcpAllocation[]>(limits.tcp_allocations + 1)),
      free_sessions(places(0, limits.sessions)),
      free_peers(places(0, limits.peers)),
      free_allocations(places(1, limits.tcp_allocations + 1)),
      pieces("TURN messages in pieces", limits.sessions, turn_state.pools.socket),
      ids("CONNECTION-IDs", limits.peers, turn_state.pools.socket, core_random),
      wheel(limits.sessions + limits.peers, kRetry, start) {
    for (uint32_t i = 0; i < limits.sessions; i++) {
        sessions[i].state = this;
        sessions[i].index = i;
    }
    for (uint32_t i = 0; i < limits.peers; i++) {
        peers[i].state = this;
        peers[i].index = i;
    }
    for (uint32_t i = 0; i <= limits.tcp_allocations; i++) {
        allocations[i].state = this;
        allocations[i].index = i;
    }
    ready.reserve(limits.sessions + limits.peers);
    running.reserve(limits.sessions + limits.peers);
    turn.clients = this;
}

StreamState::~StreamState() {
    for (uint32_t i = 0; i < limits.sessions; i++)
        if (sessions[i].role == Session::Role::control) end_session(sessions[i], How::abort, "the edge stops");
    turn.clients = nullptr;
}

Session* StreamState::open_session(tcp::Stream& stream, uint16_t listener, bool tls) {
    auto refuse = [&](Drop reason) {
        counters.drop(reason);
        return nullptr;
    };
    if (!turn.config || listener >= turn.config->listeners.size() || turn.listener_at[listener] == kGone ||
        !turn.config->listeners[listener].stream)
        return refuse(Drop::no_snapshot);
    if (free_sessions.empty() || unproven >= limits.unproven) return refuse(Drop::tcp_no_room);
    Session& s = sessions[free_sessions.back()];
    free_sessions.pop_back();
    s.stream = &stream;
    s.client = stream.remote();
    s.server = turn.config->listeners[listener].endpoint;
    s.key = {s.client.address.octets(), s.client.port, turn.listener_at[listener], 0};
    s.role = Session::Role::control;
    s.tls = tls;
    s.proven = false;
    s.held = 0;
    s.skip = 0;
    s.turn = 0;
    s.why = "";
    unproven++;
    s.deadline = now + limits.unproven_for;
    wheel.arm(s.index, s.deadline);
    counters.add(Counter::turn_streams_opened);
    // Who handed the stream over may have left something in it.
    later(s);
    return &s;
}

void StreamState::prove(Session& s, bool proven) {
    if (s.proven == proven) return;
    s.proven = proven;
    unproven = proven ? unproven - 1 : unproven + 1;
}

void StreamState::free_session(Session& s) {
    prove(s, true);
    wheel.cancel(s.index);
    s.role = Session::Role::free;
    s.stream = nullptr;
    s.generation++;
    free_sessions.push_back(s.index);
}

void StreamState::end_session(Session& s, How how, const char* why) {
    if (s.role == Session::Role::data) return end_peer(peers[s.peer], how, why);
    // Its observers ask for the reason and the allocation: as long as there are both.
    s.why = why;
    if (how == How::close) s.stream->close();
    if (how == How::abort) s.stream->abort();
    turn.end_client(now, s.key);
    free_session(s);
}

Session* StreamState::session_of(uint32_t id) {
    uint32_t index = id & (kMaxPlaces - 1);
    if (index >= limits.sessions) return nullptr;
    Session& s = sessions[index];
    return s.role == Session::Role::control && s.id() == id ? &s : nullptr;
}

void StreamState::on_session_timer(Session& s) {
    if (now < s.deadline) {
        wheel.arm(s.index, s.deadline);
        return serve(s);
    }
    bool proven = turn.living(turn.flows.find(s.key), tick_of(now)) != nullptr;
    if (!proven && !s.proven) return end_session(s, How::close, "no allocation was made in time");
    prove(s, proven);  // an allocation that has ended may be followed by another
    s.deadline = now + limits.unproven_for;
    wheel.arm(s.index, s.deadline);
}

void StreamState::later(Session& s) {
    if (std::exchange(s.queued, true)) return;
    ready.push_back(s.index);
}

void StreamState::later(PeerConnection& c) {
    if (std::exchange(c.queued, true)) return;
    ready.push_back(limits.sessions + c.index);
}

uint32_t StreamState::run() {
    turn_number++;
    uint32_t done = wheel.advance(now, kTimersPerTurn, [&](uint32_t item) {
        if (item < limits.sessions) return on_session_timer(sessions[item]);
        on_peer_timer(peers[item - limits.sessions]);
    });
    std::swap(ready, running);
    for (uint32_t item : running) {
        if (item < limits.sessions) {
            sessions[item].queued = false;
            serve(sessions[item]);
        } else {
            PeerConnection& c = peers[item - limits.sessions];
            c.queued = false;
            splice(c);
        }
    }
    done += static_cast<uint32_t>(running.size());
    running.clear();
    return done;
}

void StreamState::adopt() {
    for (uint32_t i = 0; i < limits.sessions; i++) {
        Session& s = sessions[i];
        if (s.role == Session::Role::free) continue;
        const ListenerSlot& listener = turn.listeners[s.key.listener];
        if (listener.position == kGone || listener.endpoint != s.server || !listener.stream())
            end_session(s, How::close, "the listener is gone");
    }
    for (uint32_t i = 0; i < limits.peers; i++) {
        PeerConnection& c = peers[i];
        if (c.phase == PeerConnection::Phase::free || turn.peer_mark(c.peer)) continue;
        if (c.phase == PeerConnection::Phase::connecting) {
            on_connect_failed(c);
        } else {
            end_peer(c, How::abort, "the peer is no longer allowed");
        }
    }
}

void Session::on_readable() {
    if (role == Role::data) return state->splice(state->peers[peer]);
    state->serve(*this);
}

void Session::on_writable() {
    on_readable();
}

void Session::on_closed(tcp::CloseReason reason) {
    if (role == Role::data) return state->end_spliced(state->peers[peer], Direction::to_client, reason);
    state->end_session(*this, StreamState::How::gone, "");
}

void Session::describe(tcp::StreamDetails& details) const {
    details.service = tls ? "turn-tls" : "turn-tcp";
    details.why = why;
    const TurnState& server_side = state->turn;
    Handle handle =
        role == Role::data ? state->allocations[state->peers[peer].allocation].handle : server_side.flows.find(key);
    details.allocation = handle ? server_side.id_of(handle) : 0;
}

StreamClients::StreamClients(const StreamLimits& limits, Instant start, Counters counters, Random& random, Turn& turn,
                             PeerOutput& output, tcp::Transport& relay)
    : state_(std::make_unique<StreamState>(limits, start, counters, random, *turn.state_, output, relay)) {}

StreamClients::~StreamClients() = default;

void StreamClients::set_time(Instant now, uint64_t unix_now) {
    state_->now = now;
    state_->unix_now = unix_now;
}

tcp::StreamHandler* StreamClients::accept(tcp::Stream& stream, uint16_t listener, bool tls) {
    return state_->open_session(stream, listener, tls);
}

void StreamClients::to_client(const Forward& forward, Bytes data, Instant now) {
    state_->now = now;
    state_->to_client(forward, data);
}

uint32_t StreamClients::turn(Instant now, uint64_t unix_now) {
    set_time(now, unix_now);
    return state_->run();
}

void StreamClients::adopt(Instant now) {
    state_->now = now;
    state_->adopt();
}

uint32_t StreamClients::sessions() const {
    return state_->limits.sessions - static_cast<uint32_t>(state_->free_sessions.size());
}

uint32_t StreamClients::unproven() const {
    return state_->unproven;
}

uint32_t StreamClients::peers() const {
    return state_->limits.peers - static_cast<uint32_t>(state_->free_peers.size());
}

size_t StreamClients::bytes() const {
    const StreamState& s = *state_;
    constexpr size_t kWheelNode = 16;
    return s.limits.sessions * (sizeof(Session) + sizeof(uint32_t) + kWheelNode) + s.pieces.bytes() + s.ids.bytes() +
           s.limits.peers * (sizeof(PeerConnection) + sizeof(uint32_t) + kWheelNode) +
           s.limits.tcp_allocations * (sizeof(TcpAllocation) + sizeof(uint32_t));
}

}  // namespace fedge::relay
