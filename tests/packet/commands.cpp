// What a script can say beside segments: the application's calls, what it is told, and what can be looked at.
#include <algorithm>
#include <array>
#include <cctype>

#include "tests/packet/player.h"

namespace fedge::packet {
namespace {

// "TIME-WAIT", "time_wait" and "TimeWait" are the same.
std::string letters(std::string_view text) {
    std::string result;
    for (char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)))
            result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

tcp::CloseReason parse_reason(const std::string& text) {
    using R = tcp::CloseReason;
    struct Entry {
        std::string_view name;
        R reason;
    };
    constexpr Entry kReasons[] = {{"finished", R::finished},
                                  {"reset", R::reset},
                                  {"refused", R::refused},
                                  {"timed_out", R::timed_out},
                                  {"window_held_shut", R::window_held_shut},
                                  {"idle", R::idle},
                                  {"unreachable", R::unreachable},
                                  {"no_memory", R::no_memory},
                                  {"aborted", R::aborted}};
    for (const Entry& entry : kReasons)
        if (entry.name == text) return entry.reason;
    throw ScriptError("a stream is not closed because of '" + text + "'");
}

int64_t microseconds(Duration d) {
    return duration_cast<std::chrono::microseconds>(d).count();
}

}  // namespace

const std::vector<Player::CommandEntry>& Player::commands() {
    static const std::vector<CommandEntry> entries{{"flow", &Player::do_flow},
                                                   {"stream", &Player::do_stream},
                                                   {"mtu", &Player::do_mtu},
                                                   {"listen", &Player::do_listen},
                                                   {"unlisten", &Player::do_unlisten},
                                                   {"connect", &Player::do_connect},
                                                   {"renew", &Player::do_renew},
                                                   {"accept", &Player::do_accept},
                                                   {"write", &Player::do_write},
                                                   {"read", &Player::do_read},
                                                   {"consume", &Player::do_consume},
                                                   {"on", &Player::do_on},
                                                   {"shutdown", &Player::do_shutdown},
                                                   {"close", &Player::do_close},
                                                   {"abort", &Player::do_abort},
                                                   {"quiet", &Player::do_quiet},
                                                   {"icmp", &Player::do_icmp},
                                                   {"expect", &Player::do_expect},
                                                   {"info", &Player::do_info},
                                                   {"state", &Player::do_state},
                                                   {"memory", &Player::do_memory},
                                                   {"counter", &Player::do_counter},
                                                   {"drop", &Player::do_drop},
                                                   {"isn_after", &Player::do_isn_after},
                                                   {"port", &Player::do_port},
                                                   {"leap", &Player::do_leap},
                                                   {"stamp_differs", &Player::do_stamp_differs},
                                                   {"isn_differs", &Player::do_isn_differs}};
    return entries;
}

void Player::run_command(const Event& event) {
    Words words(event.command);
    std::string name = words.next("a command");
    const auto& all = commands();
    auto entry = std::find_if(all.begin(), all.end(), [&](const CommandEntry& e) { return e.name == name; });
    if (entry == all.end()) throw ScriptError("there is no command called '" + name + "'");
    (this->*entry->run)(flow_named(event.flow), words);
    words.expect_end();
}

tcp::Stream& Player::stream_of(Flow& flow) const {
    if (flow.stream) return *flow.stream;
    throw Failure{flow.told_closed ? "the stream was closed: " + std::string(tcp::name(flow.reason))
                                   : "the application has no stream here"};
}

void Player::demand(std::string_view what, const Number& wanted, uint64_t seen) {
    if (wanted.holds(static_cast<int64_t>(seen))) return;
    throw Failure{std::string(what) + " is " + std::to_string(seen)};
}

// flow NAME [host=N] [port=N] [local=N] [isn=N]
void Player::do_flow(Flow&, Words& words) {
    Flow& flow = flow_named(words.next("a name"));
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        int64_t number = parse_integer(value);
        if (key == "host") {
            std::string host = family_ == Family::ipv4 ? "198.51.100." + value : "2001:db8:100:" + value + "::1";
            auto address = IpAddress::parse(host);
            if (!address) throw ScriptError("there is no host " + value);
            flow.remote().address = *address;
        } else if (key == "port") {
            flow.remote().port = static_cast<uint16_t>(number);
        } else if (key == "local") {
            flow.local().port = static_cast<uint16_t>(number);
        } else if (key == "isn") {
            flow.numbering.peer_isn = static_cast<uint32_t>(number);
        } else {
            throw ScriptError("a flow has no '" + key + "'");
        }
    }
}

void Player::do_stream(Flow&, Words& words) {
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        if (key == "send_buffer") {
            stream_options_.send_buffer = static_cast<uint32_t>(parse_integer(value));
        } else if (key == "receive_buffer") {
            stream_options_.receive_buffer = static_cast<uint32_t>(parse_integer(value));
        } else if (key == "user_timeout") {
            stream_options_.user_timeout = parse_duration(value);
        } else if (key == "idle_timeout") {
            stream_options_.idle_timeout = parse_duration(value);
        } else if (key == "keepalive") {
            stream_options_.keepalive = parse_duration(value);
        } else {
            throw ScriptError("a stream has no option '" + key + "'");
        }
    }
}

void Player::do_mtu(Flow&, Words& words) {
    mtu_ = of_family(parse_integer(words.next("an MTU")));
}

// listen [PORT] [any] [refuse]
void Player::do_listen(Flow&, Words& words) {
    Endpoint local{local_address_, listening_port_};
    if (!words.empty() && std::isdigit(static_cast<unsigned char>(words.peek()[0])))
        local.port = static_cast<uint16_t>(parse_integer(words.next("a port")));
    listening_port_ = local.port;
    while (!words.empty()) {
        std::string word = words.next("a word");
        if (word == "any") {
            local.address = *IpAddress::parse(family_ == Family::ipv4 ? "0.0.0.0" : "::");
        } else if (word == "refuse") {
            refuse_ = true;
        } else {
            throw ScriptError("unknown word '" + word + "' behind listen");
        }
    }
    if (!tcp_->listen(local, stream_options_, *this)) throw Failure{"listen() refused"};
}

void Player::do_unlisten(Flow&, Words&) {
    tcp_->unlisten({local_address_, listening_port_});
}

// connect [fails]: to the flow's port, from one that the engine chooses.
void Player::do_connect(Flow& flow, Words& words) {
    flow.active = true;
    flow.local().port = 0;
    flow.stream = tcp_->connect({local_address_, 0}, flow.remote(), stream_options_, flow);
    bool fails = !words.empty();
    if (fails) words.expect("fails");
    if (fails == (flow.stream != nullptr)) throw Failure{fails ? "connect() succeeded" : "connect() failed"};
    if (flow.stream) flow.local().port = flow.stream->local().port;
}

// renew N: the next connection of the same endpoints; the peer's initial sequence number moves by N.
void Player::do_renew(Flow& flow, Words& words) {
    flow.earlier_isn = flow.numbering.our_isn;
    flow.numbering.peer_isn += static_cast<uint32_t>(parse_integer(words.next("a distance")));
    flow.numbering.our_isn.reset();
    flow.numbering.our_timestamp.reset();
    flow.stream = nullptr;
    flow.written = flow.read = 0;
    flow.accepted = flow.opened = flow.readable = flow.became_writable = false;
}

void Player::do_accept(Flow& flow, Words&) {
    if (!std::exchange(flow.accepted, false)) throw Failure{"no stream was accepted"};
}

// write N...: one call each, in one turn of the loop. write N takes M: only so much finds room.
void Player::do_write(Flow& flow, Words& words) {
    do {
        auto count = static_cast<size_t>(parse_number(words.next("a count")).exact());
        Number wanted{static_cast<int64_t>(count), static_cast<int64_t>(count)};
        if (words.peek() == "takes") {
            words.next("takes");
            wanted = parse_number(words.next("a count"));
        }
        stream_of(flow);
        demand("what write() took", wanted, flow.write(count));
    } while (!words.empty());
}

void Player::check_bytes(const Flow& flow, size_t taken, Words& words, std::string_view asked) const {
    Number wanted = parse_number(asked);
    if (!words.empty()) {
        words.expect("gets");
        wanted = parse_number(words.next("a count"));
    }
    demand("what was read", wanted, taken);
    if (flow.wrong_bytes) throw Failure{"the bytes are not what the peer sent"};
}

// read N [gets M]
void Player::do_read(Flow& flow, Words& words) {
    std::string asked = words.next("a count");
    stream_of(flow);
    check_bytes(flow, flow.take(static_cast<size_t>(parse_number(asked).exact())), words, asked);
}

void Player::do_consume(Flow& flow, Words& words) {
    std::string asked = words.next("a count");
    stream_of(flow);
    check_bytes(flow, flow.consume(static_cast<size_t>(parse_number(asked).exact())), words, asked);
}

// on accept|open|readable REACTION
void Player::do_on(Flow& flow, Words& words) {
    struct Entry {
        std::string_view name;
        Reaction reaction;
    };
    constexpr Entry kReactions[] = {{"none", Reaction::none},   {"read", Reaction::read},
                                    {"echo", Reaction::echo},   {"shutdown", Reaction::shutdown},
                                    {"close", Reaction::close}, {"abort", Reaction::abort}};
    std::string event = words.next("an event");
    std::string name = words.next("a reaction");
    const auto* entry =
        std::find_if(std::begin(kReactions), std::end(kReactions), [&](const Entry& e) { return e.name == name; });
    if (entry == std::end(kReactions)) throw ScriptError("there is no reaction called '" + name + "'");
    if (event == "accept") {
        flow.on_accept_do = entry->reaction;
    } else if (event == "open") {
        flow.on_open_do = entry->reaction;
    } else if (event == "readable") {
        flow.on_readable_do = entry->reaction;
    } else {
        throw ScriptError("nothing can be done on '" + event + "'");
    }
}

void Player::do_shutdown(Flow& flow, Words&) {
    stream_of(flow).shutdown();
}

void Player::do_close(Flow& flow, Words&) {
    tcp::Stream& stream = stream_of(flow);
    flow.stream = nullptr;
    stream.close();
}

void Player::do_abort(Flow& flow, Words&) {
    tcp::Stream& stream = stream_of(flow);
    flow.stream = nullptr;
    stream.abort();
}

// Nothing: that nothing was sent until now has been looked at already.
void Player::do_quiet(Flow&, Words&) {}

// leap DURATION: in one step and not tick by tick; for days.
void Player::do_leap(Flow&, Words& words) {
    step(now_ + parse_duration(words.next("a duration")));
    last_ = now_;
}

// icmp too_big mtu=N seq=N | icmp hard seq=N | icmp soft seq=N
void Player::do_icmp(Flow& flow, Words& words) {
    tcp::IcmpError error;
    std::string kind = words.next("too_big, hard or soft");
    if (kind == "too_big") {
        error.kind = tcp::IcmpError::Kind::too_big;
    } else if (kind == "hard") {
        error.kind = tcp::IcmpError::Kind::unreachable_hard;
    } else if (kind == "soft") {
        error.kind = tcp::IcmpError::Kind::unreachable_soft;
    } else {
        throw ScriptError("too_big, hard or soft is expected, not '" + kind + "'");
    }
    error.local = flow.local();
    error.remote = flow.remote();
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        int64_t number = parse_integer(value);
        if (key == "mtu") {
            // 0 is what routers before RFC 1191 say, in both worlds.
            error.mtu = number == 0 ? 0 : of_family(number);
        } else if (key == "seq") {
            error.seq = flow.numbering.our_base() + static_cast<uint32_t>(number);
        } else {
            throw ScriptError("an ICMP error has no '" + key + "'");
        }
    }
    tcp_->receive(error, now_);
}

// expect [not] open | accepted | readable | writable | end | closed [REASON]
void Player::do_expect(Flow& flow, Words& words) {
    std::string what = words.next("an event");
    bool wanted = what != "not";
    if (!wanted) what = words.next("an event");
    bool seen = false;
    if (what == "open") {
        seen = std::exchange(flow.opened, false);
    } else if (what == "accepted") {
        seen = std::exchange(flow.accepted, false);
    } else if (what == "readable") {
        seen = std::exchange(flow.readable, false);
    } else if (what == "writable") {
        seen = std::exchange(flow.became_writable, false);
    } else if (what == "end") {
        seen = stream_of(flow).at_end();
    } else if (what == "closed") {
        seen = std::exchange(flow.told_closed, false);
        if (wanted && parse_reason(words.next("a reason")) != flow.reason && seen)
            throw Failure{"the stream was closed: " + std::string(tcp::name(flow.reason))};
    } else {
        throw ScriptError("there is no event called '" + what + "'");
    }
    if (seen != wanted)
        throw Failure{"the application " + std::string(seen ? "saw" : "did not see") + " '" + what + "'"};
}

// info KEY=NUMBER...; srtt in microseconds.
void Player::do_info(Flow& flow, Words& words) {
    tcp::StreamInfo info = stream_of(flow).info();
    struct Entry {
        std::string_view key;
        uint64_t value;
    };
    const Entry entries[] = {{"srtt", static_cast<uint64_t>(microseconds(info.smoothed_rtt))},
                             {"cwnd", info.congestion_window},
                             {"in_flight", info.in_flight},
                             {"unsent", info.unsent},
                             {"unread", info.unread},
                             {"mss", info.mss},
                             {"buffer", info.buffer_bytes},
                             {"retransmits", info.retransmits},
                             {"writable", stream_of(flow).writable()}};
    while (!words.empty()) {
        Pair pair = next_pair(words);
        auto entry =
            std::find_if(std::begin(entries), std::end(entries), [&](const Entry& e) { return e.key == pair.key; });
        if (entry == std::end(entries)) throw ScriptError("info has no '" + pair.key + "'");
        demand(pair.key, parse_number(pair.value), entry->value);
    }
}

// state NAME: as the list of connections shows it; "none" when it does not.
void Player::do_state(Flow& flow, Words& words) {
    std::string wanted = letters(words.next("a state"));
    std::string seen = "none";
    std::array<tcp::ConnectionRow, 16> rows;
    uint32_t cursor = 0;
    do {
        size_t count = tcp_->list(rows, cursor);
        for (size_t i = 0; i < count; i++)
            if (rows[i].local == flow.local() && rows[i].remote == flow.remote()) seen = letters(rows[i].state);
    } while (cursor != 0);
    if (seen != wanted) throw Failure{"the state is " + seen};
}

// memory KEY=NUMBER...
void Player::do_memory(Flow&, Words& words) {
    tcp::MemoryUse use = tcp_->memory();
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        Number wanted = parse_number(value);
        if (key == "connections") {
            demand(key, wanted, use.connections);
        } else if (key == "half_open") {
            demand(key, wanted, use.half_open);
        } else if (key == "time_wait") {
            demand(key, wanted, use.time_wait);
        } else if (key == "blocks") {
            demand(key, wanted, use.blocks_used);
        } else {
            throw ScriptError("memory has no '" + key + "'");
        }
    }
}

void Player::do_counter(Flow&, Words& words) {
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        size_t i = 0;
        while (i < contract::kCounterCount && key != contract::kCounters[i].name) i++;
        if (i == contract::kCounterCount) throw ScriptError("there is no counter called '" + key + "'");
        demand(key, parse_number(value), counter_block_->values[i]);
    }
}

void Player::do_drop(Flow&, Words& words) {
    while (!words.empty()) {
        auto [key, value] = next_pair(words);
        size_t i = 0;
        while (i < contract::kDropCount && key != contract::kDrops[i].name) i++;
        if (i == contract::kDropCount) throw ScriptError("there is no drop called '" + key + "'");
        demand(key, parse_number(value), counter_block_->drops[i]);
    }
}

// isn_after NUMBER: how far our initial sequence number is ahead of that before the flow was renewed.
void Player::do_isn_after(Flow& flow, Words& words) {
    if (!flow.earlier_isn || !flow.numbering.our_isn) throw ScriptError("there are no two connections to compare");
    demand("the distance", parse_number(words.next("a distance")), *flow.numbering.our_isn - *flow.earlier_isn);
}

// isn_differs FLOW: our initial sequence numbers of the two flows are not the same.
void Player::do_isn_differs(Flow& flow, Words& words) {
    const Flow& other = flow_named(words.next("a flow"));
    if (!flow.numbering.our_isn || !other.numbering.our_isn)
        throw ScriptError("there are no two connections to compare");
    if (*flow.numbering.our_isn == *other.numbering.our_isn) throw Failure{"the initial numbers are the same"};
}

// stamp_differs FLOW: the timestamp clocks of the two flows do not show the same at the same time.
void Player::do_stamp_differs(Flow& flow, Words& words) {
    const Flow& other = flow_named(words.next("a flow"));
    if (!flow.numbering.our_timestamp || !other.numbering.our_timestamp)
        throw ScriptError("there are no two clocks to compare");
    if (*flow.numbering.our_timestamp == *other.numbering.our_timestamp) throw Failure{"the clocks show the same"};
}

// port NUMBER | port differs FLOW | port multiple NUMBER: the source port that the engine chose.
void Player::do_port(Flow& flow, Words& words) {
    std::string word = words.next("a port");
    uint16_t port = flow.local().port;
    if (word == "differs") {
        if (port == flow_named(words.next("a flow")).local().port) throw Failure{"the ports are the same"};
    } else if (word == "multiple") {
        if (port % parse_integer(words.next("a number")) != 0) throw Failure{"the port is " + std::to_string(port)};
    } else {
        demand("the port", parse_number(word), port);
    }
}

}  // namespace fedge::packet
