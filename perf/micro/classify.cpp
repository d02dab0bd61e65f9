// What classify/ costs, in TSC cycles per call (counter "cycles"), warm and over working sets beyond the caches. The
// benchmark's own loop is included: stream_update_off shows how much that is. The "s" behind the cycles is
// google-benchmark's unit of inverted counters and means nothing here.
//
//   ninja -C build perf/micro/micro-classify && build/perf/micro/micro-classify
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_eal.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "dataplane/classify/access_list.h"
#include "dataplane/classify/peer_policy.h"
#include "dataplane/classify/ports_table.h"
#include "dataplane/classify/streams.h"
#include "dataplane/classify/token_bucket.h"

using namespace fedge;
using namespace fedge::classify;

namespace {

// TSC cycles of CPU time per call; time that other programs got on this CPU does not count.
void report_cycles(benchmark::State& state, double calls_per_iteration = 1) {
    state.counters["cycles"] =
        benchmark::Counter(calls_per_iteration / static_cast<double>(rte_get_tsc_hz()),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

std::vector<uint8_t> rtp_packet() {
    std::vector<uint8_t> p(172);
    p[0] = 0x80;
    store_be32(p.data() + 8, 0x12345678);
    return p;
}

// A known RTP stream: the hot update. First argument: allocations, visited in random order; second: how many packets
// ahead records are prefetched, as the relay does over a burst (0 = not).
void stream_update(benchmark::State& state) {
    auto allocations = static_cast<size_t>(state.range(0));
    std::vector<Stream> memory(2 * allocations);
    StreamTable table{memory};
    std::vector<StreamLinks> links(allocations);
    std::vector<uint32_t> order(allocations);
    for (uint32_t i = 0; i < allocations; i++) order[i] = i;
    std::ranges::shuffle(order, std::mt19937{1});
    std::vector<uint8_t> packet = rtp_packet();
    uint32_t sequence = 0;
    auto ahead = static_cast<size_t>(state.range(1));
    auto round = [&](size_t i) {
        if (ahead && i + 2 * ahead < allocations) {
            __builtin_prefetch(&links[order[i + 2 * ahead]]);
            table.prefetch(links[order[i + ahead]], Direction::to_peer);
        }
        Instant now{Duration{int64_t{sequence} * 20'000'000}};
        store_be16(packet.data() + 2, static_cast<uint16_t>(sequence));
        store_be32(packet.data() + 4, sequence * 160);
        table.update(links[order[i]], now, {order[i], 1, Direction::to_peer}, packet);
    };
    for (; sequence < 4; sequence++)
        for (size_t i = 0; i < allocations; i++) round(i);
    size_t i = 0;
    for (auto _ : state) {
        round(i);
        if (++i == allocations) {
            i = 0;
            sequence++;
        }
    }
    report_cycles(state);
}
BENCHMARK(stream_update)
    ->Args({1, 0})
    ->Args({100, 0})
    ->Args({10'000, 0})
    ->Args({10'000, 8})
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 8});

// Audio, video and RTCP of both on one 5-tuple: the stream last used is often another one.
void stream_update_bundle(benchmark::State& state) {
    std::array<Stream, 8> memory;
    StreamTable table{memory};
    StreamLinks links;
    std::vector<std::vector<uint8_t>> packets(4, rtp_packet());
    for (uint32_t i = 0; i < packets.size(); i++) store_be32(packets[i].data() + 8, i / 2);
    packets[1][1] = packets[3][1] = 200;
    uint16_t sequence = 0;
    for (auto _ : state) {
        sequence++;
        for (auto& p : packets) {
            if (p[1] != 200) store_be16(p.data() + 2, sequence);
            table.update(links, Instant{Duration{sequence}}, {0, 1, Direction::to_peer}, p);
        }
    }
    report_cycles(state, 4);
}
BENCHMARK(stream_update_bundle);

void stream_update_off(benchmark::State& state) {
    std::array<Stream, 8> memory;
    StreamTable table{memory};
    table.measure_one_in(0);
    StreamLinks links;
    std::vector<uint8_t> packet = rtp_packet();
    for (auto _ : state) table.update(links, Instant{}, {0, 1, Direction::to_peer}, packet);
    report_cycles(state);
}
BENCHMARK(stream_update_off);

// Argument: addresses that are ours.
void ports_classify(benchmark::State& state) {
    PortsPlan plan{.addresses = {}, .listeners = {}, .relays = {}, .relay_first = 50'000, .relay_last = 59'999};
    std::vector<IpAddress> ours;
    for (uint16_t i = 0; i < state.range(0); i++) {
        ours.push_back(IpAddress::v4(0xc6336400U + i));
        plan.relays.push_back({ours.back(), i});
        plan.listeners.push_back({ours.back(), 3478, i});
    }
    PortsTable table{plan};
    std::mt19937 random{2};
    std::vector<Endpoint> packets(256);
    for (Endpoint& e : packets)
        e = {ours[random() % ours.size()], static_cast<uint16_t>(random() % 2 ? 3478 : 50'000 + random() % 10'000)};
    uint8_t i = 0;
    for (auto _ : state) {
        const Endpoint& e = packets[i++];
        benchmark::DoNotOptimize(table.classify(e.address, e.port));
    }
    report_cycles(state);
}
BENCHMARK(ports_classify)->Arg(1)->Arg(16)->Arg(256);

void token_bucket(benchmark::State& state) {
    TokenRate rate = TokenRate::kilobits(3000);
    TokenBucket bucket;
    int64_t now = 0;
    for (auto _ : state) benchmark::DoNotOptimize(bucket.allow(rate, Instant{Duration{now += 100'000}}, 172));
    report_cycles(state);
}
BENCHMARK(token_bucket);

// Argument: configured prefixes. Peers at random, half of them NAT64 forms.
void peer_policy(benchmark::State& state) {
    std::mt19937 random{3};
    std::vector<Prefix> deny;
    for (int64_t i = 0; i < state.range(0); i++)
        deny.push_back({IpAddress::v4(static_cast<uint32_t>(random())), static_cast<uint8_t>(104 + random() % 25)});
    PeerPolicy policy{{}, deny, {}};
    std::vector<IpAddress> peers(256);
    for (size_t i = 0; i < peers.size(); i++) {
        IpAddress v4 = IpAddress::v4(static_cast<uint32_t>(random()));
        std::array<uint8_t, 16> nat64{0, 0x64, 0xff, 0x9b};
        std::ranges::copy(v4.wire(), nat64.begin() + 12);
        peers[i] = i % 2 ? v4 : IpAddress::v6_bytes(nat64.data());
    }
    uint8_t i = 0;
    for (auto _ : state) benchmark::DoNotOptimize(policy.verdict(peers[i++]));
    report_cycles(state);
}
BENCHMARK(peer_policy)->Arg(0)->Arg(1000)->Arg(10'000);

// Argument: rules. Bursts of 32 sources; cycles per source.
void access_list(benchmark::State& state) {
    std::mt19937 random{4};
    std::vector<AccessEntry> entries;
    for (int64_t i = 0; i < state.range(0); i++)
        entries.push_back(
            {{IpAddress::v4(static_cast<uint32_t>(random())), static_cast<uint8_t>(112 + random() % 17)}, false});
    AccessList list{entries};
    std::vector<IpAddress> sources(32 * 64);
    for (IpAddress& s : sources) s = IpAddress::v4(static_cast<uint32_t>(random()));
    std::vector<const IpAddress*> pointers;
    for (const IpAddress& s : sources) pointers.push_back(&s);
    size_t burst = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(list.refused({pointers.data() + 32 * burst, 32}));
        burst = (burst + 1) % 64;
    }
    report_cycles(state, 32);
}
BENCHMARK(access_list)->Arg(0)->Arg(100)->Arg(10'000);

}  // namespace

int main(int argc, char** argv) {
    std::array<std::string, 8> words = {argv[0],    "--no-huge",      "-m",          "512",
                                        "--no-pci", "--no-telemetry", "--no-shconf", "--log-level=error"};
    std::array<char*, 8> eal;
    for (size_t i = 0; i < words.size(); i++) eal[i] = words[i].data();
    if (rte_eal_init(static_cast<int>(eal.size()), eal.data()) < 0) return 1;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return rte_eal_cleanup();
}
