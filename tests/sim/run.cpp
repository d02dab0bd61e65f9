#include "tests/sim/run.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/sim/application.h"
#include "tests/sim/network.h"
#include "tests/sim/sessions.h"

namespace fedge::sim {
namespace {

constexpr uint16_t kPort = 5061;
constexpr uint16_t kClosedPort = 5062;
constexpr uint16_t kRefusingPort = 5063;
// Longer than any sequence of losses that is likely to be seen takes, shorter than the idle timeout.
constexpr Duration kStall = 190s;
constexpr Duration kLongest = std::chrono::hours{2};
// Streams that were close()d go on by themselves for the user timeout at most, then TIME-WAIT.
constexpr Duration kDrain = 300s + 60s + 120s;

IpAddress address(const char* text) {
    return *IpAddress::parse(text);
}

class Simulation {
  public:
    Simulation(const Plan& plan, uint64_t seed, std::FILE* trace)
        : plan_(plan), dice_(seed ^ 0x51d), network_(seed, trace) {
        client_ = &network_.add({"client",
                                 {address("192.0.2.1"), address("2001:db8::1")},
                                 settings(plan.client_cubic, false),
                                 plan.client_mtu,
                                 plan.client_turn});
        server_ = &network_.add({"server",
                                 {address("192.0.2.2"), address("2001:db8::2")},
                                 settings(plan.server_cubic, plan.cookies),
                                 plan.server_mtu,
                                 plan.server_turn});
        network_.join(*client_, *server_, plan.towards_server, plan.towards_client);
        sessions_ = std::make_unique<Sessions>(network_, *client_, *server_, plan.client_options, plan.server_options,
                                               dice_.u64());
    }

    RunReport run();

  private:
    static tcp::Settings settings(bool cubic, bool cookies);
    void listen();
    void connect(const SessionPlan& plan);
    void connect_in_vain(uint16_t port, tcp::CloseReason expected);
    void lie();
    void change_mtu(const MtuChange& change);
    bool all_over();
    void watch_for_stalls();
    void judge(const Session& session);
    void judge_side(const Application& app, const Application& other, bool disturbed);
    void judge_memory();
    RunReport report();

    struct Vain {
        std::unique_ptr<Application> app;
        tcp::CloseReason expected;
    };
    const Plan& plan_;
    Dice dice_;
    Network network_;
    Host* client_;
    Host* server_;
    std::unique_ptr<Sessions> sessions_;
    std::vector<Vain> vain_;
    size_t to_start_ = 0;
    Instant last_over_{};
    bool stalled_ = false;

    struct Refusing final : tcp::Acceptor {
        tcp::StreamHandler* on_accept(tcp::Stream&) override { return nullptr; }
    };
    Refusing refusing_;
};

tcp::Settings Simulation::settings(bool cubic, bool cookies) {
    tcp::Settings settings;
    settings.limits.connections = 64;
    settings.limits.half_open = cookies ? 1 : 64;
    settings.limits.time_wait = 128;
    settings.limits.buffer_blocks = 8192;
    settings.limits.destinations = 64;
    settings.cubic = cubic;
    return settings;
}

void Simulation::listen() {
    sessions_->listen(kPort);
    if (plan_.cookies) sessions_->expect_ghosts();
    if (!server_->tcp().listen({address_of(*server_, false), kRefusingPort}, plan_.server_options, refusing_))
        network_.findings().add(network_.now(), "cannot listen");
}

void Simulation::connect(const SessionPlan& plan) {
    to_start_--;
    sessions_->connect(plan, kPort);
}

void Simulation::connect_in_vain(uint16_t port, tcp::CloseReason expected) {
    to_start_--;
    Behaviour behaviour;
    behaviour.to_send = port == kRefusingPort ? 1000 : 0;
    vain_.push_back(
        {std::make_unique<Application>(network_, *client_, "client in vain " + std::to_string(vain_.size()),
                                       dice_.u64(), behaviour, plan_.client_options, Content{0}, Content{0}),
         expected});
    Application& app = *vain_.back().app;
    tcp::Stream* stream = client_->tcp().connect({address_of(*client_, false), 0}, {address_of(*server_, false), port},
                                                 plan_.client_options, app);
    if (!stream) return network_.findings().add(network_.now(), app.name() + ": connect() failed");
    app.start(*stream, false);
    client_->flush();
}

// Whoever lies may even know a sequence number that is in flight.
void Simulation::lie() {
    if (all_over()) return;
    network_.scheduler().after(dice_.between(Duration{1}, 2 * plan_.lies_every), [this] { lie(); });
    if (sessions_->all().empty()) return;
    const auto& session = sessions_->all()[dice_.between(0, static_cast<uint32_t>(sessions_->all().size() - 1))];
    const Application* app = dice_.one_in(2) ? session->client.get() : session->server.get();
    if (!app || !app->opened() || app->over()) return;
    tcp::IcmpError error;
    error.kind = dice_.pick({tcp::IcmpError::Kind::too_big, tcp::IcmpError::Kind::unreachable_hard,
                             tcp::IcmpError::Kind::unreachable_soft});
    error.local = app->local();
    error.remote = app->remote();
    error.seq = dice_.u32();
    if (auto last = network_.checks().last_sent(error.local, error.remote); last && dice_.one_in(2))
        error.seq = *last + dice_.pick<uint32_t>(
                                {0, 0, 0, 1, static_cast<uint32_t>(-1), 100'000, static_cast<uint32_t>(-100'000)});
    error.mtu = dice_.pick<uint32_t>({0, 1, 68, 296, 552, 576, 1280, 1400, 1500, 9000, 65535, 0xffffffff});
    network_.inject(error);
}

void Simulation::change_mtu(const MtuChange& change) {
    Link& link = change.towards_server ? network_.link(*client_, *server_) : network_.link(*server_, *client_);
    network_.note("the mtu becomes " + std::to_string(change.mtu));
    link.conditions().mtu = change.mtu;
}

bool Simulation::all_over() {
    return to_start_ == 0 && sessions_->all_over() &&
           std::ranges::all_of(vain_, [](const Vain& vain) { return vain.app->over(); });
}

void Simulation::watch_for_stalls() {
    if (stalled_ || all_over()) return;
    network_.scheduler().after(1s, [this] { watch_for_stalls(); });
    // A side that has nothing to do rightly waits for the other; where both wait there is a stall.
    auto check = [&](const Application* app, const Application* other) {
        if (!app || app->over()) return;
        Instant last = app->last_progress();
        if (other) last = std::max(last, other->last_progress());
        if (network_.now() - last < kStall) return;
        stalled_ = true;
        network_.findings().add(network_.now(), app->name() + ": no progress since" + text_of(last) + ", read " +
                                                    std::to_string(app->received()) + ", written " +
                                                    std::to_string(app->written()) + ", unsent " +
                                                    std::to_string(app->info().unsent) + ", in flight " +
                                                    std::to_string(app->info().in_flight));
    };
    for (const auto& session : sessions_->all()) {
        // A peer that was aborted, whose reset was lost, is ended by its idle timeout.
        if (session->plan.client.disturbs() || session->plan.server.disturbs()) continue;
        check(session->client.get(), session->server.get());
        check(session->server.get(), session->client.get());
    }
}

void Simulation::judge(const Session& session) {
    bool disturbed = session.plan.client.disturbs() || session.plan.server.disturbs();
    if (!session.server) {
        if (!disturbed) network_.findings().add(network_.now(), session.client->name() + " was never accepted");
        return;
    }
    judge_side(*session.client, *session.server, disturbed);
    judge_side(*session.server, *session.client, disturbed);
}

void Simulation::judge_side(const Application& app, const Application& other, bool disturbed) {
    auto fault = [&](const std::string& what) { network_.findings().add(network_.now(), app.name() + " " + what); };
    if (!app.over()) fault("is not over");
    if (app.received() > other.written()) fault("received more than was written");
    if (app.saw_end() && app.received() != other.written() && !other.behaviour().disturbs())
        fault("saw the end of an unfinished stream");
    if (disturbed) {
        // Own aborts do not come back; memory is ample; both ends of the wire answer.
        bool plausible = !app.closed() ||
                         (app.reason() != tcp::CloseReason::aborted && app.reason() != tcp::CloseReason::no_memory &&
                          app.reason() != tcp::CloseReason::refused && app.reason() != tcp::CloseReason::unreachable);
        if (!plausible) fault("was closed with an odd reason: " + std::string{tcp::name(app.reason())});
        return;
    }
    if (app.written() != app.behaviour().to_send) fault("did not write everything");
    if (app.received() != other.behaviour().to_send)
        fault("received " + std::to_string(app.received()) + " of " + std::to_string(other.behaviour().to_send));
    if (!app.saw_end()) fault("did not see the end");
    if (app.closed() && app.reason() != tcp::CloseReason::finished)
        fault("was closed: " + std::string{tcp::name(app.reason())});
    if (network_.checks().broke(app.local(), app.remote())) fault("reset an orderly connection");
}

void Simulation::judge_memory() {
    auto empty = [](const tcp::MemoryUse& use) {
        return use.connections == 0 && use.half_open == 0 && use.time_wait == 0 && use.blocks_used == 0;
    };
    auto both_empty = [&] { return empty(client_->tcp().memory()) && empty(server_->tcp().memory()); };
    network_.run_until(network_.now() + kDrain, both_empty, 20ms);
    for (Host* host : {client_, server_}) {
        tcp::MemoryUse use = host->tcp().memory();
        if (empty(use)) continue;
        network_.findings().add(network_.now(),
                                host->setup().name + " keeps memory: connections " + std::to_string(use.connections) +
                                    ", half open " + std::to_string(use.half_open) + ", TIME-WAIT " +
                                    std::to_string(use.time_wait) + ", blocks " + std::to_string(use.blocks_used));
    }
}

RunReport Simulation::run() {
    network_.note("\n" + text_of(plan_));
    Instant started = network_.now();
    listen();
    auto start = [&](Duration at, std::function<void()> what) {
        to_start_++;
        network_.scheduler().after(at, std::move(what));
    };
    for (const PlannedSession& planned : plan_.sessions)
        start(planned.starts, [this, &planned] { connect(planned.session); });
    for (uint32_t i = 0; i < plan_.closed_ports; i++)
        start(dice_.between(Duration{0}, Duration{2s}),
              [this] { connect_in_vain(kClosedPort, tcp::CloseReason::refused); });
    for (uint32_t i = 0; i < plan_.refused_accepts; i++)
        start(dice_.between(Duration{0}, Duration{2s}),
              [this] { connect_in_vain(kRefusingPort, tcp::CloseReason::reset); });
    for (const MtuChange& change : plan_.mtu_changes)
        network_.scheduler().after(change.at, [this, &change] { change_mtu(change); });
    if (plan_.lies_every != Duration{0}) network_.scheduler().after(plan_.lies_every, [this] { lie(); });
    watch_for_stalls();
    network_.run_until(started + kLongest, [this] { return stalled_ || all_over(); });
    last_over_ = network_.now();
    for (const auto& session : sessions_->all()) judge(*session);
    for (const Vain& vain : vain_)
        if (!vain.app->closed() || vain.app->reason() != vain.expected)
            network_.findings().add(network_.now(), vain.app->name() +
                                                        (vain.app->closed() ? " was closed: " : " is still there: ") +
                                                        std::string{tcp::name(vain.app->reason())} + ", expected " +
                                                        std::string{tcp::name(vain.expected)});
    if (!stalled_) judge_memory();
    RunReport result = report();
    result.took = last_over_ - started;
    return result;
}

RunReport Simulation::report() {
    RunReport r;
    r.ok = network_.findings().empty();
    r.findings = network_.findings().text();
    r.connections = static_cast<uint32_t>(sessions_->all().size() + vain_.size());
    for (const auto& session : sessions_->all())
        r.bytes += session->client->received() + (session->server ? session->server->received() : 0);
    r.packets = network_.link(*client_, *server_).counters().sent + network_.link(*server_, *client_).counters().sent;
    r.retransmitted_bytes = network_.checks().retransmitted_bytes();
    r.resets = network_.checks().resets();
    return r;
}

}  // namespace

std::string RunReport::text() const {
    std::string line = "seed " + std::to_string(seed) + (ok ? " ok" : " FAILED") + ": connections " +
                       std::to_string(connections) + ", bytes " + std::to_string(bytes) + ", packets " +
                       std::to_string(packets) + ", retransmitted bytes " + std::to_string(retransmitted_bytes) +
                       ", resets " + std::to_string(resets) + ", virtual seconds " +
                       std::to_string(duration_cast<std::chrono::seconds>(took).count()) + "\n";
    if (!ok) line += findings + "replay: sim-tcp --seed " + std::to_string(seed) + " --verbose\n";
    return line;
}

RunReport run(const Plan& plan, uint64_t seed, std::FILE* trace) {
    RunReport report = Simulation{plan, seed, trace}.run();
    report.seed = seed;
    return report;
}

RunReport run(uint64_t seed, std::FILE* trace) {
    return run(draw_plan(seed), seed, trace);
}

}  // namespace fedge::sim
