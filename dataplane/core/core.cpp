#include "dataplane/core/core.h"

#include <rte_cycles.h>
#include <unistd.h>

namespace fedge::core {
namespace {

std::string name(const char* what, uint16_t index) {
    return std::string(what) + "-" + std::to_string(index);
}

relay::TurnPools turn_pools(const CoreSetup& setup) {
    relay::TurnPools pools;
    pools.core = setup.index;
    pools.cores = setup.cores;
    pools.max_allocations = setup.max_allocations;
    pools.limits = setup.limits;
    pools.socket = setup.socket;
    return pools;
}

ip::HostConfig host_config(const CoreSetup& setup) {
    ip::HostConfig config;
    config.neighbors.core = setup.index;
    config.neighbors.socket = setup.socket;
    config.pool = setup.pool->get();
    config.announces = setup.index == 0;
    return config;
}

}  // namespace

Core::Core(const CoreSetup& setup, Counters counters, const TscClock& clock)
    : setup_(setup),
      counters_(counters),
      clock_(clock),
      now_(clock_.now()),
      unix_now_(clock_.unix_seconds(now_)),
      next_resync_(now_ + 1s),
      turn_(turn_pools(setup), now_, counters, random_, digest_, *setup.quota),
      host_(host_config(setup), counters, random_, *this, now_),
      inbox_(name("inbox", setup.index), kInboxSize, setup.socket),
      requests_(name("requests", setup.index), 64, setup.socket) {
    inboxes_.push_back(&inbox_);
    if (!setup_.signalling) return;
    inquiries_ = std::make_unique<InquiryDesk>(setup_.index, setup_.socket, *setup_.inquiries, counters_, random_);
    Signalling::Setup part;
    part.plan = setup_.signalling;
    part.core = setup_.index;
    part.socket = setup_.socket;
    part.pool = setup_.pool->get();
    part.turn = &turn_;
    part.peers = this;
    part.local = this;
    part.questions = &inquiries_->questions();
    part.partners = setup_.partners;
    part.attempts = &inquiries_->attempts();
    part.post = this;
    post_box_ = std::make_unique<signal::SipPostBox>(name("sip", setup_.index), kPostSize, setup_.socket);
    part.unix_now = unix_now_;
    part.log = &log_;
    part.arrives_here = [this](const Endpoint& local, const Endpoint& remote) {
        return tcp_owner(local, remote).core == setup_.index;
    };
    part.arrives_here_for_us = [this](const Endpoint& local, const Endpoint& remote) {
        TcpOwner owner = tcp_owner(local, remote);
        return owner.core == setup_.index && !owner.relay;
    };
    signalling_ = std::make_unique<Signalling>(part, counters_, random_, host_, now_);
}

Core::~Core() {
    std::array<rte_mbuf*, kBurst> left;
    while (uint32_t n = inbox_.receive(left)) rte_pktmbuf_free_bulk(left.data(), n);
    signal::SipParcel* parcel = nullptr;
    while (post_box_ && post_box_->receive({&parcel, 1})) delete parcel;
}

uint32_t Core::iterate() {
    uint64_t begin = rte_rdtsc();
    now_ = clock_.now();
    if (now_ >= next_resync_) {
        clock_.resync();
        next_resync_ = now_ + 1s;
    }
    unix_now_ = clock_.unix_seconds(now_);
    adopt();

    if (signalling_) signalling_->begin(now_, unix_now_);
    uint32_t packets = receive();
    uint32_t work = packets;
    if (config_) {
        work += turn_.expire(now_, kExpireBudget);
        host_.advance(now_);
        if (signalling_) {
            work += inquiries_->turn(now_);
            work += take_post();
            work += signalling_->turn(now_, unix_now_);
            if (test_) end_test();
        }
    }
    answer_requests();
    host_.flush();

    uint64_t cycles = rte_rdtsc() - begin;
    CoreStats::add(stats_.iterations, 1);
    CoreStats::add(stats_.total_cycles, cycles);
    if (work) {
        CoreStats::add(stats_.busy_cycles, cycles);
        CoreStats::add(stats_.busy_packets, packets);
        stats_.allocations.store(turn_.allocations(), std::memory_order_relaxed);
        if (signalling_) note_connections();
    }
    stats_.heartbeat_ns.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
    return work;
}

void Core::note_connections() {
    const signal::SipConnections& connections = signalling_->sip().connections();
    for (size_t kind = 0; kind < signal::kPeerKinds; kind++)
        stats_.sip_connections[kind].store(connections.count(static_cast<signal::PeerKind>(kind)),
                                           std::memory_order_relaxed);
}

void Core::run(const std::atomic<bool>& stop) {
    constexpr uint32_t kSpins = 64;       // empty polls before the first sleep
    constexpr useconds_t kLongest = 250;  // bounds the latency that sleeping adds
    uint32_t empty = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        if (iterate()) {
            empty = 0;
            continue;
        }
        if (setup_.idle == Idle::poll || ++empty < kSpins) continue;
        useconds_t nap = std::min<useconds_t>(kLongest, 10 + (empty - kSpins));
        uint64_t begin = rte_rdtsc();
        usleep(nap);
        CoreStats::add(stats_.total_cycles, rte_rdtsc() - begin);
    }
}

uint32_t Core::receive() {
    uint32_t total = 0;
    std::array<rte_mbuf*, kBurst> burst;
    for (port::Port* port : setup_.ports) {
        uint16_t n = port->receive(setup_.index, burst);
        if (n) process({burst.data(), n}, Origin::port);
        total += n;
    }
    if (setup_.cores > 1 || signalling_) {
        uint32_t n = inbox_.receive(burst);
        if (n) {
            counters_.add(Counter::handover_received, n);
            if (uint32_t others = take_hairpins({burst.data(), n})) process({burst.data(), others}, Origin::handover);
        }
        total += n;
    }
    return total;
}

void Core::adopt() {
    if (const auto* traces = traces_.offered.load(std::memory_order_acquire);
        traces != traces_.adopted.load(std::memory_order_relaxed)) {
        signalling_->sip().trace().adopt(traces);
        traces_.adopted.store(traces, std::memory_order_release);
    }
    const RunConfig* offered = setup_.config->offered.load(std::memory_order_acquire);
    if (offered == config_) return;
    config_ = offered;
    host_.adopt(config_->interfaces.get(), {config_->icmp_rate, config_->echo}, now_);
    turn_.adopt(now_, config_->relay.get());
    if (signalling_) signalling_->adopt(*config_, now_);
    stats_.revision.store(config_->revision, std::memory_order_relaxed);
    setup_.config->adopted.store(config_, std::memory_order_release);
}

void Core::answer_requests() {
    std::array<CoreRequest*, 1> request;  // one an iteration: listing is never in a hurry, packets are
    if (requests_.empty() || requests_.receive(request) == 0) return;
    if (request[0]->kind == CoreRequest::Kind::test_partner && begin_test(*request[0])) return;
    answer(*request[0]);
    // The reply box holds as many as there are requests in the world, so this cannot fail.
    setup_.replies->send(request[0]);
}

void Core::answer(CoreRequest& request) {
    uint32_t limit = std::min(request.limit, kRowsPerRequest);
    switch (request.kind) {
        case CoreRequest::Kind::allocations:
            request.count =
                static_cast<uint32_t>(turn_.list(now_, request.cursor, std::span(request.allocations).first(limit)));
            break;
        case CoreRequest::Kind::streams:
            request.count =
                static_cast<uint32_t>(turn_.list(now_, request.cursor, std::span(request.streams).first(limit)));
            break;
        case CoreRequest::Kind::neighbors: {
            size_t filled = 0;
            request.cursor = host_.neighbors().list(static_cast<uint32_t>(request.cursor),
                                                    std::span(request.neighbors).first(limit), filled, now_);
            request.count = static_cast<uint32_t>(filled);
            break;
        }
        case CoreRequest::Kind::connections:
        case CoreRequest::Kind::endings: {
            auto rows = std::span(request.connections).first(limit);
            request.count = 0;
            if (!signalling_) {
                request.cursor = 0;
            } else if (request.kind == CoreRequest::Kind::connections) {
                request.count = signalling_->list(rows, request.cursor);
            } else {
                request.count = signalling_->list_ended(rows, request.cursor, now_);
            }
            break;
        }
        case CoreRequest::Kind::dialogs:
            if (!signalling_) request.cursor = 0;
            request.count =
                signalling_ ? signalling_->sip().list_dialogs(std::span(request.dialogs).first(limit), request.cursor)
                            : 0;
            break;
        case CoreRequest::Kind::next_hops:
            if (!signalling_) request.cursor = 0;
            request.count = signalling_ ? signalling_->sip().list_next_hops(std::span(request.next_hops).first(limit),
                                                                            request.cursor)
                                        : 0;
            break;
        case CoreRequest::Kind::scanners:
            if (!signalling_) request.cursor = 0;
            request.count =
                signalling_ ? signalling_->sip().list_scanners(std::span(request.scanners).first(limit), request.cursor)
                            : 0;
            break;
        case CoreRequest::Kind::test_partner: break;
        case CoreRequest::Kind::verdict: request.verdict = verdict(request.name.view()); break;
        case CoreRequest::Kind::disconnect_id:
            request.count = turn_.disconnect(now_, request.allocation);
            request.cursor = 0;
            break;
        case CoreRequest::Kind::disconnect_user:
            request.count = turn_.disconnect_user(now_, request.user.view(), request.cursor, 4096);
            break;
    }
}

bool Core::begin_test(CoreRequest& request) {
    request.tested = {};
    request.tested.error = !signalling_ || !config_ ? "the core has no signalling part, or no configuration yet"
                           : test_                  ? "another test is under way; try again in some seconds"
                                                    : "";
    if (!request.tested.error.empty()) return false;
    test_ = &request;
    signalling_->start_test(std::move(request.test), now_);
    return true;
}

void Core::end_test() {
    if (!signalling_->turn_test(now_)) return;
    test_->tested = std::move(signalling_->tested());
    setup_.replies->send(test_);  // as above
    test_ = nullptr;
}

VerdictRow Core::verdict(std::string_view name) const {
    VerdictRow row;
    if (!config_) return row;
    row.revision = config_->revision;
    row.base = config_->verdicts.base_id;
    row.delta = config_->verdicts.delta_id;
    contract::Verdicts verdicts = config_->verdicts.view();
    if (name.find('@') != std::string_view::npos) {
        auto access = verdicts.user(name);
        row.user = access.has_value();
        row.access = access.value_or(contract::Access{});
        return row;
    }
    contract::DomainVerdict found = verdicts.domain(name);
    row.rule = found.rule;
    row.entry = found.entry;
    row.via = found.via;
    return row;
}

const char* Core::role() const {
    return !signalling_ ? "media" : setup_.media ? "media+signalling" : "signalling";
}

uint16_t Core::transmit(uint16_t port, std::span<rte_mbuf*> frames) {
    return rte_eth_tx_burst(port, setup_.index, frames.data(), static_cast<uint16_t>(frames.size()));
}

}  // namespace fedge::core
