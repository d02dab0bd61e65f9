// A control connection: its bytes as messages, one after the other, and what they are answered with.
#include <algorithm>
#include <cstring>

#include "dataplane/relay/stream_state.h"
#include "dataplane/wire/turn_frame.h"

namespace fedge::relay {

using wire::TurnFrame;

namespace {

constexpr const char* kNotTurn = "what came is neither STUN nor ChannelData";
constexpr const char* kTooLong = "a STUN message is too long";
constexpr const char* kNoAllocation = "ChannelData came before there was an allocation";

// Requests alone are answered: the two class bits are zero (RFC 8489 section 5).
bool is_request(Bytes message) {
    return (load_be16(message.data()) & 0x0110) == 0;
}

}  // namespace

void StreamState::serve(Session& s) {
    if (s.role != Session::Role::control) return;
    if (s.turn != turn_number) {
        s.turn = turn_number;
        s.messages = limits.messages_per_turn;
        s.bytes = limits.bytes_per_turn;
    }
    uint32_t generation = s.generation;
    while (true) {
        if (s.messages == 0 || s.bytes == 0) return later(s);
        Bytes message;
        bool in_place = false;
        Next next = next_message(s, message, in_place);
        if (next == Next::broken) {
            counters.add(Counter::turn_streams_broken);
            return end_session(s, How::abort, s.why);
        }
        if (next == Next::nothing) {
            if (s.stream->at_end()) end_session(s, How::close, "the client has ended it");
            return;
        }
        bool done = on_message(s, message);
        if (s.generation != generation) return;
        if (!done) return wheel.arm(s.index, std::min(s.deadline, now + kRetry));
        s.messages--;
        s.bytes -= std::min<uint32_t>(s.bytes, static_cast<uint32_t>(message.size()));
        if (in_place) s.stream->consume(message.size());
        s.held = 0;
        if (s.role == Session::Role::data) return splice(peers[s.peer]);
    }
}

// What lies together is used where it lies; what does not is put together in the session's place of `pieces`, never
// more than the one message.
StreamState::Next StreamState::next_message(Session& s, Bytes& message, bool& in_place) {
    std::array<uint8_t, kMaxFrame>& held = pieces[s.index];
    while (true) {
        Bytes view = s.held ? Bytes{held}.first(s.held) : s.stream->peek();
        if (s.skip) {
            uint32_t n = std::min({s.skip, s.bytes, static_cast<uint32_t>(view.size())});
            if (n == 0) {
                if (s.bytes == 0) later(s);
                return Next::nothing;
            }
            s.stream->consume(n);
            s.skip -= n;
            s.bytes -= n;
            continue;
        }
        if (view.empty()) return Next::nothing;
        // Half of what strangers may say begins like ChannelData: "GET " would be the head of 21 KB.
        if (!s.proven && wire::is_channel_data(view)) {
            s.why = kNoAllocation;
            return Next::broken;
        }
        TurnFrame frame = wire::turn_frame(view);
        if (frame.kind == TurnFrame::Kind::broken || (frame.kind == TurnFrame::Kind::stun && frame.size > kMaxFrame)) {
            s.why = frame.kind == TurnFrame::Kind::broken ? kNotTurn : kTooLong;
            return Next::broken;
        }
        if (frame.size > kMaxFrame) {  // no datagram could carry that
            counters.drop(Drop::too_big);
            s.skip = frame.size - s.held;
            s.held = 0;
            continue;
        }
        if (frame.kind != TurnFrame::Kind::incomplete && view.size() >= frame.size) {
            message = view.first(frame.size);
            in_place = s.held == 0;
            return Next::message;
        }
        size_t n = s.stream->read(MutableBytes{held}.subspan(s.held, frame.size - s.held));
        if (n == 0) return Next::nothing;
        s.held = static_cast<uint16_t>(s.held + n);
    }
}

bool StreamState::on_message(Session& s, Bytes message) {
    if (wire::is_channel_data(message)) {
        on_channel_data(s, message);
        return true;
    }
    return on_stun(s, message);
}

void StreamState::on_channel_data(Session& s, Bytes message) {
    if (!turn.from_client_channel(now, turn.flows.find(s.key), message, forward)) return;
    output.send(forward, message.subspan(forward.data_offset, forward.data_length), now);
}

bool StreamState::on_stun(Session& s, Bytes message) {
    bool request = is_request(message);
    if (request && s.stream->writable() < kReplyBuffer) return false;
    uint16_t position = turn.listeners[s.key.listener].position;
    ClientDatagram datagram{s.client, position, message, false, s.id(), s.tls};
    Outcome outcome = turn.on_stun(now, unix_now, datagram, reply, forward);
    if (outcome.kind == Outcome::Kind::forward)
        output.send(forward, message.subspan(forward.data_offset, forward.data_length), now);
    if (!request) return true;
    uint32_t generation = s.generation;
    if (outcome.kind == Outcome::Kind::reply && !write(s, outcome.reply)) {
        if (s.generation == generation) end_session(s, How::abort, "no memory for an answer");
        return true;
    }
    if (outcome.connection) {
        bind(peers[outcome.connection - 1], s);
    } else if (turn.living(turn.flows.find(s.key), tick_of(now))) {
        prove(s, true);
    }
    return true;
}

bool StreamState::write(Session& s, Bytes message) {
    if (s.stream->writable() < message.size()) return false;
    size_t taken = s.stream->write(message);
    if (taken == message.size()) return true;
    // Half a message: whatever followed would be taken for its rest.
    if (taken) end_session(s, How::abort, "no memory for a whole message");
    return false;
}

void StreamState::to_client(const Forward& f, Bytes data) {
    Session* s = session_of(f.session);
    if (!s) return counters.drop(Drop::turn_no_allocation);
    size_t size = f.prepend_length + data.size() + f.append_zeros;
    if (size > outgoing.size()) return counters.drop(Drop::too_big);
    std::memcpy(outgoing.data(), f.prepend.data(), f.prepend_length);
    if (!data.empty()) std::memcpy(outgoing.data() + f.prepend_length, data.data(), data.size());
    std::memset(outgoing.data() + f.prepend_length + data.size(), 0, f.append_zeros);
    // The last of the room is for answers: media must not keep a client from its Refresh.
    if (s->stream->writable() < size + kReplyBuffer || !write(*s, Bytes{outgoing}.first(size)))
        counters.drop(Drop::stream_full);
}

}  // namespace fedge::relay
