#include "tests/sim/throughput.h"

#include <array>
#include <cstdio>

#include "tests/sim/duo.h"

namespace fedge::sim {
namespace {

constexpr uint64_t kTransfer = 4'000'000;
constexpr Duration kAtMost = 20s;
constexpr std::array<uint32_t, 6> kLossPpm{0, 100, 1'000, 5'000, 10'000, 30'000};
constexpr std::array<Duration, 4> kRtt{Duration{2ms}, Duration{20ms}, Duration{80ms}, Duration{200ms}};
constexpr uint32_t kBulkWrite = 64 * 1024;

double megabits(uint64_t bytes, Duration time) {
    return static_cast<double>(bytes) * 8 / 1e6 / std::chrono::duration<double>(time).count();
}

DuoSetup path(bool cubic, Duration rtt, uint64_t bytes_per_second, uint32_t queue, uint32_t buffer) {
    DuoSetup setup;
    setup.client_settings.cubic = setup.server_settings.cubic = cubic;
    setup.towards_server.delay = setup.towards_client.delay = rtt / 2;
    setup.towards_server.bytes_per_second = bytes_per_second;
    setup.towards_server.queue_bytes = queue;
    setup.client_options.send_buffer = setup.server_options.receive_buffer = buffer;
    return setup;
}

SessionPlan bulk(uint64_t bytes) {
    SessionPlan plan = Duo::upload(bytes);
    plan.client.write_min = plan.client.write_max = kBulkWrite;
    return plan;
}

std::string number(double value, int width, int decimals) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%*.*f", width, decimals, value);
    return text.data();
}

// From the SYN on, 4 MB or as much as 20 s carry.
double one_flow(bool cubic, Duration rtt, uint32_t loss_ppm, uint32_t buffer) {
    DuoSetup setup = path(cubic, rtt, 50'000'000 / 8, 128 * 1024, buffer);
    setup.towards_server.loss_ppm = loss_ppm;
    Duo duo{setup};
    Session& session = duo.connect(bulk(kTransfer));
    Instant start = duo.network().now();
    auto done = [&] { return session.server && session.server->received() == kTransfer; };
    duo.network().run_until(start + kAtMost, done);
    return megabits(session.server ? session.server->received() : 0, duo.network().now() - start);
}

std::string loss_by_rtt(bool cubic, uint32_t buffer) {
    std::string text = std::string{cubic ? "CUBIC" : "NewReno"} + ", buffers of " + std::to_string(buffer / 1024) +
                       " KiB; 50 Mbit/s, queue of 128 KiB; Mbit/s by RTT and loss\n   RTT ms";
    for (uint32_t loss : kLossPpm) text += number(loss / 1e4, 8, 2) + "%";
    text += "\n";
    for (Duration rtt : kRtt) {
        text += number(static_cast<double>(rtt / Duration{1ms}), 9, 0);
        for (uint32_t loss : kLossPpm) text += number(one_flow(cubic, rtt, loss, buffer), 9, 2);
        text += "\n";
    }
    return text + "\n";
}

// Each flow starts a second after the one before; what counts is from five seconds after the last start on.
std::string fairness(bool cubic, uint32_t flows) {
    Duo duo{path(cubic, 40ms, 20'000'000 / 8, 100 * 1024, tcp::kMaxBuffer)};
    std::array<uint64_t, 4> before{};
    for (uint32_t i = 0; i < flows; i++) {
        duo.connect(bulk(uint64_t{1} << 40));
        duo.network().run_for(1s);
    }
    duo.network().run_for(4s);
    const auto& sessions = duo.sessions().all();
    for (uint32_t i = 0; i < flows; i++) before[i] = sessions[i]->server->received();
    constexpr Duration kMeasured = 20s;
    duo.network().run_for(kMeasured);
    std::string text = std::string{cubic ? "CUBIC,   " : "NewReno, "} + std::to_string(flows) + " flows:";
    double sum = 0;
    double squares = 0;
    for (uint32_t i = 0; i < flows; i++) {
        double rate = megabits(sessions[i]->server->received() - before[i], kMeasured);
        sum += rate;
        squares += rate * rate;
        text += number(rate, 7, 2);
    }
    return text + "   sum " + number(sum, 6, 2) + "   Jain's index " + number(sum * sum / (flows * squares), 5, 3) +
           "\n";
}

}  // namespace

std::string throughput_table() {
    std::string text =
        "Throughput of fedge's TCP, simulated. Regenerate: sim-tcp --throughput > "
        "tests/sim/expected_throughput.txt\n\n";
    for (uint32_t buffer : {64U * 1024, tcp::kMaxBuffer})
        for (bool cubic : {false, true}) text += loss_by_rtt(cubic, buffer);
    text += "Flows that share 20 Mbit/s, queue of 100 KiB, RTT 40 ms; Mbit/s of each\n";
    for (bool cubic : {false, true})
        for (uint32_t flows : {2U, 4U}) text += fairness(cubic, flows);
    return text;
}

}  // namespace fedge::sim
