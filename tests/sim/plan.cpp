#include "tests/sim/plan.h"

#include <algorithm>

#include "tests/sim/dice.h"

namespace fedge::sim {
namespace {

using Ending = Behaviour::Ending;

// A run must end in virtual time that is not spent on waiting for a hopeless wire.
constexpr uint64_t kTotalBytes = 3'000'000;
constexpr uint32_t kBlocks = 8192;

LinkConditions draw_link(Dice& dice) {
    LinkConditions c;
    c.delay = dice.pick<Duration>({0ns, 100us, 2ms, 10ms, 10ms, 40ms, 100ms, 300ms});
    if (dice.one_in(2)) c.jitter = dice.between(Duration{0}, c.delay / 2 + 1ms);
    c.loss_ppm = dice.pick<uint32_t>({0, 0, 1'000, 10'000, 30'000, 100'000});
    if (dice.one_in(6)) {
        c.outage_every = dice.between(Duration{500ms}, Duration{5s});
        c.outage_length = dice.between(Duration{1ms}, c.outage_every / 6);
    }
    if (dice.one_in(3)) {
        c.reorder_ppm = dice.pick<uint32_t>({1'000, 20'000, 200'000});
        c.reorder_by = dice.between(Duration{10us}, c.delay + 5ms);
    }
    if (dice.one_in(4)) c.duplicate_ppm = dice.pick<uint32_t>({1'000, 50'000, 300'000});
    if (dice.one_in(5)) c.corrupt_ppm = dice.pick<uint32_t>({1'000, 20'000, 50'000});
    if (dice.one_in(3)) {
        c.bytes_per_second = dice.pick<uint64_t>({50'000, 250'000, 1'250'000, 12'500'000});
        c.queue_bytes = dice.pick<uint32_t>({6'000, 20'000, 64'000, 256'000});
    }
    return c;
}

bool loses(const LinkConditions& c) {
    return c.loss_ppm || c.reorder_ppm || c.corrupt_ppm || c.outage_every != Duration{0} || c.bytes_per_second;
}

// Bytes that such a wire carries within a minute or two.
uint64_t affordable(const LinkConditions& a, const LinkConditions& b) {
    uint64_t bad = a.loss_ppm + b.loss_ppm + a.corrupt_ppm + b.corrupt_ppm;
    Duration rtt = a.delay + b.delay + a.jitter + b.jitter;
    uint64_t bytes = kTotalBytes;
    if (bad > 50'000 || a.outage_every != Duration{0} || b.outage_every != Duration{0}) bytes /= 8;
    if (rtt > 100ms) bytes /= 2;
    if (rtt > 300ms && bad > 10'000) bytes /= 4;
    return bytes;
}

Behaviour draw_behaviour(Dice& dice, uint64_t bytes) {
    Behaviour b;
    // Small transfers are as interesting as large ones.
    b.to_send = dice.u64() % (1 + (bytes >> dice.between(0, 8)));
    if (dice.one_in(8)) b.to_send = 0;
    b.write_max = dice.pick<uint32_t>({1, 100, 1460, 4096, 16384, 200'000});
    b.write_min = dice.one_in(2) ? b.write_max : 1;
    if (dice.one_in(4)) b.write_pause = dice.between(Duration{10us}, Duration{60ms});
    b.read_max = dice.pick<uint32_t>({1, 700, 4096, 65536, 65536});
    if (dice.one_in(4)) b.read_pause = dice.between(Duration{10us}, Duration{100ms});
    b.peeks = dice.one_in(3);
    // At most so many pieces, and half a minute of pauses.
    uint64_t pieces = 20'000;
    if (b.write_pause != Duration{0}) pieces = std::min<uint64_t>(pieces, Duration{30s} / b.write_pause);
    b.to_send = std::min<uint64_t>(b.to_send, pieces * ((b.write_min + b.write_max + 1) / 2));
    b.early = dice.between(Duration{0}, dice.pick<Duration>({1ms, 100ms, 3s}));
    return b;
}

// A reader that takes small pieces must not be given more than it reads within half a minute.
void limit_to_reader(Behaviour& writer, const Behaviour& reader) {
    uint64_t pieces = 20'000;
    if (reader.read_pause != Duration{0}) pieces = std::min<uint64_t>(pieces, Duration{30s} / reader.read_pause);
    writer.to_send = std::min<uint64_t>(writer.to_send, pieces * reader.read_max);
}

void draw_endings(Dice& dice, SessionPlan& pair) {
    auto orderly = [&] { return dice.one_in(2) ? Ending::shutdown : Ending::shutdown_then_close; };
    pair.client.ending = orderly();
    pair.server.ending = orderly();
    switch (dice.between(0, 9)) {
        case 0: pair.client.ending = Ending::close_early; break;
        case 1: pair.server.ending = Ending::close_early; break;
        case 2: pair.client.ending = Ending::abort_early; break;
        case 3: pair.server.ending = Ending::abort_early; break;
        case 4: pair.client.ending = pair.server.ending = Ending::close_early; break;
        case 5: pair.server.ending = Ending::close_at_end; break;
        case 6: pair.client.ending = Ending::close_at_end; break;
        default: break;
    }
    pair.server.waits_for_end = dice.one_in(5) && pair.client.ending != Ending::close_at_end;
}

}  // namespace

Plan draw_plan(uint64_t seed) {
    Dice dice{seed};
    Plan plan;
    plan.towards_server = draw_link(dice);
    plan.towards_client = dice.one_in(3) ? draw_link(dice) : plan.towards_server;
    plan.client_cubic = dice.one_in(2);
    plan.server_cubic = dice.one_in(2);
    if (dice.one_in(3)) plan.client_turn = dice.between(Duration{1us}, Duration{500us});
    if (dice.one_in(3)) plan.server_turn = dice.between(Duration{1us}, Duration{500us});
    plan.client_mtu = dice.pick<uint16_t>({1500, 1500, 1500, 1400, 9000});
    plan.server_mtu = dice.pick<uint16_t>({1500, 1500, 1500, 1400, 9000});
    plan.towards_server.mtu = plan.towards_client.mtu = std::max(plan.client_mtu, plan.server_mtu);
    // A queue that has no room for one packet would be a black hole.
    for (LinkConditions* link : {&plan.towards_server, &plan.towards_client})
        link->queue_bytes = std::max<uint32_t>(link->queue_bytes, 4U * link->mtu);
    auto count = dice.pick<uint32_t>({1, 2, 4, 8, 16, 32});
    // All queues full at once still fit into the blocks, or connections would rightly be refused.
    auto buffer = [&] {
        return std::min(dice.pick<uint32_t>({4096, 16384, 65536, 65536, 262144, tcp::kMaxBuffer}),
                        kBlocks * 2048 / count / 4);
    };
    for (tcp::StreamOptions* options : {&plan.client_options, &plan.server_options}) {
        options->send_buffer = buffer();
        options->receive_buffer = buffer();
        options->user_timeout = 300s;
        options->idle_timeout = 200s;
        if (dice.one_in(6)) options->keepalive = dice.between(Duration{1s}, Duration{20s});
    }
    uint64_t bytes = affordable(plan.towards_server, plan.towards_client) / (2 * count);
    for (uint32_t i = 0; i < count; i++) {
        SessionPlan pair;
        pair.ipv6 = dice.one_in(2);
        Duration starts = dice.between(Duration{0}, Duration{2s});
        pair.client = draw_behaviour(dice, bytes);
        pair.server = draw_behaviour(dice, bytes);
        limit_to_reader(pair.client, pair.server);
        limit_to_reader(pair.server, pair.client);
        draw_endings(dice, pair);
        plan.sessions.push_back({starts, pair});
    }
    if (dice.one_in(4)) {
        for (uint32_t i = dice.between(1, 4); i > 0; i--)
            plan.mtu_changes.push_back({dice.between(Duration{0}, Duration{5s}), dice.one_in(2),
                                        static_cast<uint16_t>(dice.between(1280, 1500))});
    }
    if (dice.one_in(3)) plan.lies_every = dice.between(Duration{1ms}, Duration{100ms});
    // A cookie is read from the first segment that arrives: when that is not the first that was sent, the connection is
    // lost, here as with everybody.
    plan.cookies = dice.one_in(2) && !loses(plan.towards_server) && plan.mtu_changes.empty();
    if (dice.one_in(4)) plan.closed_ports = dice.between(1, 3);
    if (dice.one_in(4)) plan.refused_accepts = dice.between(1, 3);
    return plan;
}

namespace {

std::string text_of(const LinkConditions& c) {
    auto us = [](Duration d) { return std::to_string(duration_cast<std::chrono::microseconds>(d).count()) + " us"; };
    return "delay " + us(c.delay) + "+" + us(c.jitter) + ", loss " + std::to_string(c.loss_ppm) + " ppm, outages " +
           us(c.outage_length) + " every " + us(c.outage_every) + ", reorder " + std::to_string(c.reorder_ppm) +
           " ppm by " + us(c.reorder_by) + ", duplicate " + std::to_string(c.duplicate_ppm) + " ppm, corrupt " +
           std::to_string(c.corrupt_ppm) + " ppm, rate " + std::to_string(c.bytes_per_second) + " B/s queue " +
           std::to_string(c.queue_bytes) + ", mtu " + std::to_string(c.mtu);
}

std::string text_of(const tcp::StreamOptions& o) {
    return "send buffer " + std::to_string(o.send_buffer) + ", receive buffer " + std::to_string(o.receive_buffer);
}

}  // namespace

std::string text_of(const Plan& plan) {
    std::string text = "towards server: " + text_of(plan.towards_server) +
                       "\ntowards client: " + text_of(plan.towards_client) +
                       "\nclient: " + (plan.client_cubic ? "CUBIC, " : "NewReno, ") + text_of(plan.client_options) +
                       ", mtu " + std::to_string(plan.client_mtu) +
                       "\nserver: " + (plan.server_cubic ? "CUBIC, " : "NewReno, ") + text_of(plan.server_options) +
                       ", mtu " + std::to_string(plan.server_mtu) + (plan.cookies ? ", cookies" : "") + "\n";
    for (const MtuChange& change : plan.mtu_changes)
        text += std::string{"mtu towards "} + (change.towards_server ? "server" : "client") + " becomes " +
                std::to_string(change.mtu) + "\n";
    for (size_t i = 0; i < plan.sessions.size(); i++) {
        text += "client " + std::to_string(i) + ": " + text_of(plan.sessions[i].session.client) + "\n";
        text += "server " + std::to_string(i) + ": " + text_of(plan.sessions[i].session.server) + "\n";
    }
    return text;
}

}  // namespace fedge::sim
