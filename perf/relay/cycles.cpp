// TSC cycles per relayed packet on one media core over ring ports, next to a bare MAC swap over the same port.
//
//   perf-relay-cycles ALLOCATIONS PACKETS SUFFIX
//
// prints one JSON object per line: relay.cycles_per_packet.SUFFIX, relay.cycles_per_first_packet.SUFFIX,
// relay.mac_swap.SUFFIX, relay.limit_ratio.SUFFIX, turn.allocations_per_second.SUFFIX,
// turn.bytes_per_allocation.SUFFIX. Every packet is counted, a sample is checked to the byte. Cycles are those of the
// median batch of 256 packets: on a machine with other work the kernel takes the CPU away in the middle of some
// batches, which says nothing about the relay.
//
// The first packet of a stream makes its record and draws on the user's bandwidth; it is measured by itself, and all
// streams are under way (RFC 3550 A.1 wants two packets in sequence) before packets of random allocations are measured.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <vector>

#include "dataplane/port/eal.h"
#include "perf/relay/load.h"

namespace {

using namespace fedge;
using perf::Load;

constexpr uint32_t kBatch = 256;  // frames that wait in the ring, as a NIC's ring would hold some
constexpr uint32_t kBurst = 32;

struct Measured {
    std::vector<uint64_t> batches;  // cycles of each
    double per_packet() {
        auto middle = batches.begin() + static_cast<std::ptrdiff_t>(batches.size() / 2);
        std::nth_element(batches.begin(), middle, batches.end());
        return static_cast<double>(*middle) / kBatch;
    }
};

class Bench {
  public:
    Bench(test::EdgeBox& box, Load& load) : box_(box), load_(load), random_(7) {}

    // Of random allocations, every other packet in each direction.
    Measured relay(uint64_t packets) {
        return measure(
            packets, [&] { return random_.below(clients()); }, true, [&] { box_.core(0).iterate(); });
    }

    // One packet of every allocation in each direction.
    Measured relay_once() {
        uint32_t next = 0;
        return measure(
            2 * uint64_t{clients()}, [&] { return next++ / 2 % clients(); }, true, [&] { box_.core(0).iterate(); });
    }

    Measured mac_swap(uint64_t packets) {
        std::array<rte_mbuf*, kBurst> burst;
        return measure(
            packets, [&] { return random_.below(clients()); }, false,
            [&] {
                uint16_t n = box_.port().receive(0, burst);
                for (uint16_t i = 0; i < n; i++) {
                    auto* mac = rte_pktmbuf_mtod(burst[i], uint8_t*);
                    std::array<uint8_t, 6> kept;
                    std::memcpy(kept.data(), mac, 6);
                    std::memcpy(mac, mac + 6, 6);
                    std::memcpy(mac + 6, kept.data(), 6);
                }
                if (box_.port().transmit(0, {burst.data(), n}) != n) throw std::runtime_error("the ring is full");
            });
    }

  private:
    uint32_t clients() const { return static_cast<uint32_t>(load_.clients().size()); }

    template <typename Choose, typename Turn>
    Measured measure(uint64_t packets, Choose&& choose, bool check, Turn&& turn) {
        Measured total;
        std::array<rte_mbuf*, kBatch> frames;
        std::array<uint32_t, kBatch> indices;
        while (total.batches.size() * kBatch < packets) {
            for (uint32_t i = 0; i < kBatch; i++) {
                frames[i] = box_.allocate();
                if (!frames[i]) throw std::runtime_error("no packet buffer left");
                indices[i] = choose();
                i % 2 ? load_.write_to_client(indices[i], frames[i]) : load_.write_to_peer(indices[i], frames[i]);
            }
            box_.inject(frames);
            uint64_t begin = rte_rdtsc();
            for (uint32_t i = 0; i < kBatch / kBurst + 1; i++) turn();
            total.batches.push_back(rte_rdtsc() - begin);
            uint32_t n = collect(frames);
            if (n != kBatch)
                throw std::runtime_error("packets were lost: " + std::to_string(kBatch - n) + " of a batch");
            if (check) check_one(frames, indices);
            rte_pktmbuf_free_bulk(frames.data(), n);
        }
        return total;
    }

    // What was relayed. The edge also speaks for itself, to its gateway and about its addresses: answered and left out.
    uint32_t collect(std::span<rte_mbuf*> out) {
        uint32_t n = 0;
        rte_mbuf* frame = nullptr;
        while (n < out.size() && box_.collect({&frame, 1}) == 1) {
            Bytes bytes{rte_pktmbuf_mtod(frame, const uint8_t*), frame->data_len};
            if (load_be16(bytes.data() + 12) == wire::kEtherTypeIpv4) {
                out[n++] = frame;
                continue;
            }
            box_.answer_arp(bytes);
            rte_pktmbuf_free(frame);
        }
        return n;
    }

    void check_one(const std::array<rte_mbuf*, kBatch>& frames, const std::array<uint32_t, kBatch>& indices) {
        uint32_t i = random_.below(kBatch);
        Bytes frame{rte_pktmbuf_mtod(frames[i], const uint8_t*), frames[i]->data_len};
        bool right = i % 2 ? load_.right_to_client(indices[i], frame) : load_.right_to_peer(indices[i], frame);
        if (!right) throw std::runtime_error("a relayed packet is wrong");
    }

    test::EdgeBox& box_;
    Load& load_;
    SeededRandom random_;
};

void print(const char* metric, const char* suffix, double value, const char* unit, const char* against, double ratio) {
    std::printf("{\"metric\":\"%s.%s\",\"value\":%.1f,\"unit\":\"%s\",\"against\":\"%s\",\"ratio\":%.3f}\n", metric,
                suffix, value, unit, against, ratio);
}

void run(uint32_t allocations, uint64_t packets, const char* suffix) {
    test::EdgeBoxPlan plan;
    plan.allocations_per_core = allocations;
    plan.relay_addresses = allocations / 9000 + 1;
    test::EdgeBox box(plan);
    box.publish(Load::snapshot(allocations));
    box.learn_gateways();
    Load load(box, allocations);
    Bench bench(box, load);
    Measured first = bench.relay_once();
    bench.relay_once();
    Measured swap = bench.mac_swap(packets);
    Measured relay = bench.relay(packets);
    double hz = static_cast<double>(rte_get_tsc_hz());
    double per_second = hz * allocations / static_cast<double>(load.cost().allocate_cycles);
    auto bytes = static_cast<double>(box.core(0).turn().bytes_per_allocation());
    double limit = allocations > 100'000 ? 350 : 200;
    double relay_cycles = relay.per_packet(), swap_cycles = swap.per_packet();
    print("relay.cycles_per_packet", suffix, relay_cycles, "cycles", "target", relay_cycles / limit);
    print("relay.cycles_per_first_packet", suffix, first.per_packet(), "cycles", "relay",
          first.per_packet() / relay_cycles);
    print("relay.mac_swap", suffix, swap_cycles, "cycles", "relay", swap_cycles / relay_cycles);
    print("relay.limit_ratio", suffix, relay_cycles / swap_cycles, "x", "MAC swap", relay_cycles / swap_cycles);
    print("turn.allocations_per_second", suffix, per_second, "1/s", "target 50000/s", per_second / 50000);
    print("turn.bytes_per_allocation", suffix, bytes, "bytes", "limit 1024", bytes / 1024);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: perf-relay-cycles ALLOCATIONS PACKETS SUFFIX\n", stderr);
        return 2;
    }
    try {
        auto allocations = static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10));
        port::EalConfig config;
        config.memory_mb = 512 + allocations / 600;
        config.cpus = {0};
        config.file_prefix = "fedge-perf";
        config.extra = {"--log-level=error"};
        port::Eal eal(config, 1);
        if (!eal.hugepages()) std::fputs("note: no hugepages; address translation adds to every figure\n", stderr);
        run(allocations, std::strtoull(argv[2], nullptr, 10), argv[3]);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-relay-cycles: %s\n", error.what());
        return 1;
    }
}
