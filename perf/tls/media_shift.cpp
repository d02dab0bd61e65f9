// What handshakes on a signalling core do to the latency of media on a media core beside it.
//
//   perf-media-shift SECONDS
//
// The main thread plays the NIC and runs the media core: it puts a packet of media into its queue at a steady pace and
// takes the time until it is out again. On the other CPU a thread runs the signalling core and the clients that begin
// one TLS handshake after the other, in turns; their segments come in by the media core's queue, as a NIC would deliver
// them, and are handed over. Quiet and busy stretches alternate: when quiet, the signalling core turns without clients.
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_ring.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

#include "dataplane/port/eal.h"
#include "perf/relay/load.h"
#include "perf/support/median.h"
#include "tests/support/stream_client.h"
#include "tests/support/tls_world.h"

namespace {

using namespace fedge;

constexpr uint32_t kAllocations = 100;
constexpr uint32_t kHandshakes = 16;     // under way at a time
constexpr uint64_t kPerSecond = 50'000;  // packets of media
constexpr int kStretches = 10;           // of each kind
const Endpoint kServer = Endpoint::parse("192.0.2.10:5349").value();
const IpAddress kGuest = IpAddress::parse("198.51.100.9").value();

void pin(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

contract::SnapshotT snapshot() {
    auto snapshot = perf::Load::snapshot(kAllocations);
    auto listener = std::make_unique<contract::ListenerT>();
    listener->service = contract::Service::turn_tls;
    listener->interface = "outside";
    listener->address = std::make_unique<contract::Ip>(test::wire_ip(kServer.address));
    listener->port = kServer.port;
    snapshot.listeners.push_back(std::move(listener));
    snapshot.tls = std::make_unique<contract::TlsT>(test::tls_settings({{"server", &test::TlsPeople::get().server}}));
    snapshot.tls->handshakes_per_prefix = 10 * kHandshakes;
    return snapshot;
}

// Clients that only shake hands. All of it belongs to the thread of the signalling core.
class Clients final : private tls::Observer {
  public:
    Clients(test::EdgeBox& box, rte_ring* to_edge, Instant now)
        : box_(box),
          to_edge_(to_edge),
          tcp_({.limits = {.connections = 4096, .time_wait = 16384, .buffer_blocks = 8192}, .time_wait = 1s},
               Counters{block_}, random_, output_, now),
          engine_({.sessions = 4096, .handshakes = 4096}, Counters{block_}, random_, *this, now, test::kTestTime) {
        contract::TlsT settings = test::tls_settings({});
        settings.handshakes_per_turn = kHandshakes;
        settings.handshakes_per_prefix = 4096;
        engine_.adopt(test::tls_context(library_, settings));
    }

    void turn(Instant now, bool work) {
        rte_mbuf* mbuf = nullptr;
        while (box_.collect({&mbuf, 1}, 1) == 1) {
            wire::Packet packet;
            Bytes frame{rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len};
            if (!wire::parse(frame, false, packet) && packet.protocol == 6) {
                tcp::Arrival arrival{packet.source, packet.destination,
                                     frame.subspan(packet.l4_offset, packet.payload_length)};
                tcp_.receive({&arrival, 1}, now);
            } else {
                box_.answer_arp(frame);
            }
            rte_pktmbuf_free(mbuf);
        }
        tcp_.advance(now);
        engine_.turn(now, test::kTestTime);
        while (work && under_way_ < kHandshakes && begin()) under_way_++;
        tcp_.flush(now);
        for (const test::SentSegment& segment : output_.take()) send(test::tcp_frame(box_.mac(), segment));
    }
    uint64_t finished() const { return finished_; }
    uint64_t failed() const { return failed_; }

  private:
    struct User final : tcp::StreamHandler {
        Clients* clients = nullptr;
        tcp::Stream* stream = nullptr;
        void on_open() override {
            clients->finished_++;
            clients->under_way_--;
            stream->abort();
            clients->free_.push_back(this);
        }
        void on_readable() override {}
        void on_writable() override {}
        void on_closed(tcp::CloseReason) override {
            clients->failed_++;
            clients->under_way_--;
            clients->free_.push_back(this);
        }
    };

    void on_session_end(const tls::Session&, tcp::CloseReason) override {}
    bool begin() {
        if (free_.empty()) {
            users_.emplace_back();
            users_.back().clients = this;
            free_.push_back(&users_.back());
        }
        User* user = free_.back();
        user->stream = engine_.connect(tcp_, {kGuest, 0}, kServer, {}, {.sni = "server.example"}, *user);
        if (user->stream) free_.pop_back();
        return user->stream != nullptr;
    }
    void send(const test::Frame& frame) {
        rte_mbuf* mbuf = box_.allocate(1);
        if (!mbuf) return;
        std::copy(frame.begin(), frame.end(),
                  reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size()))));
        if (rte_ring_enqueue(to_edge_, mbuf) != 0) rte_pktmbuf_free(mbuf);
    }

    test::EdgeBox& box_;
    rte_ring* to_edge_;
    SeededRandom random_{11};
    contract::CounterBlock block_{};
    test::CollectingOutput output_;
    tcp::Tcp tcp_;
    std::shared_ptr<const tls::Library> library_ = std::make_shared<const tls::Library>();
    tls::Engine engine_;
    std::deque<User> users_;
    std::vector<User*> free_;
    uint32_t under_way_ = 0;
    uint64_t finished_ = 0, failed_ = 0;
};

class Media {
  public:
    Media(test::EdgeBox& box, perf::Load& load, rte_ring* to_edge) : box_(box), load_(load), to_edge_(to_edge) {}

    // Latencies in cycles.
    std::vector<uint64_t> run(double seconds) {
        std::vector<uint64_t> latencies;
        uint64_t hz = rte_get_tsc_hz(), pace = hz / kPerSecond;
        uint64_t begin = rte_rdtsc(), end = begin + static_cast<uint64_t>(seconds * static_cast<double>(hz));
        uint64_t due = begin;
        while (uint64_t now = rte_rdtsc()) {
            if (now > end && sent_.empty()) break;
            pass_segments();
            if (now >= due && now <= end) {
                inject();
                due += pace;
                // Nobody catches up on what a stolen CPU has missed: that would measure the CPU's owner.
                if (now > due + 100 * pace) due = now;
            }
            box_.core(0).iterate();
            collect(latencies);
            if (now > end + hz) {
                lost_ += sent_.size();
                sent_.clear();
            }
        }
        return latencies;
    }
    uint64_t lost() const { return lost_; }

  private:
    void inject() {
        rte_mbuf* mbuf = box_.allocate(0);
        if (!mbuf) throw std::runtime_error("no packet buffer left");
        uint32_t index = next_++ % kAllocations;
        next_ % 2 ? load_.write_to_client(index, mbuf) : load_.write_to_peer(index, mbuf);
        sent_.push_back(rte_rdtsc());
        if (!box_.inject({&mbuf, 1}, 0)) throw std::runtime_error("the ring is full");
    }
    void pass_segments() {
        rte_mbuf* mbuf = nullptr;
        for (int i = 0; i < 32 && rte_ring_dequeue(to_edge_, reinterpret_cast<void**>(&mbuf)) == 0; i++)
            if (!box_.inject({&mbuf, 1}, 0)) rte_pktmbuf_free(mbuf);
    }
    void collect(std::vector<uint64_t>& latencies) {
        rte_mbuf* mbuf = nullptr;
        while (box_.collect({&mbuf, 1}, 0) == 1) {
            Bytes frame{rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len};
            if (load_be16(frame.data() + 12) == wire::kEtherTypeIpv4 && !sent_.empty()) {
                latencies.push_back(rte_rdtsc() - sent_.front());
                sent_.pop_front();
            } else {
                box_.answer_arp(frame);
            }
            rte_pktmbuf_free(mbuf);
        }
    }

    test::EdgeBox& box_;
    perf::Load& load_;
    rte_ring* to_edge_;
    std::deque<uint64_t> sent_;
    uint32_t next_ = 0;
    uint64_t lost_ = 0;
};

double p999(std::vector<uint64_t>& latencies) {
    if (latencies.empty()) return 0;
    auto at = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() * 999 / 1000);
    std::nth_element(latencies.begin(), at, latencies.end());
    return static_cast<double>(*at) * 1e6 / static_cast<double>(rte_get_tsc_hz());
}

void print(const char* metric, double value, const char* unit, const char* against, double ratio) {
    std::printf("{\"metric\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"against\":\"%s\",\"ratio\":%.3f}\n", metric, value,
                unit, against, ratio);
}

void run(double seconds) {
    test::EdgeBoxPlan plan;
    plan.cores = 2;
    plan.media = 1;
    plan.signalling_from = 1;
    plan.mbufs = 16383;
    plan.allocations_per_core = kAllocations;
    test::EdgeBox box(plan);
    box.publish(snapshot());
    box.learn_gateways();
    perf::Load load(box, kAllocations);
    rte_ring* to_edge = rte_ring_create("to-edge", 4096, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (!to_edge) throw std::runtime_error("no memory for a ring");

    std::atomic<bool> stop{false}, busy{false};
    std::atomic<uint64_t> handshakes{0}, failures{0};
    std::thread signalling([&] {
        pin(0);
        Instant start{std::chrono::steady_clock::now().time_since_epoch()};
        Clients clients(box, to_edge, start);
        while (!stop.load(std::memory_order_relaxed)) {
            box.core(1).iterate();
            clients.turn(Instant{std::chrono::steady_clock::now().time_since_epoch()},
                         busy.load(std::memory_order_relaxed));
            handshakes.store(clients.finished(), std::memory_order_relaxed);
            failures.store(clients.failed(), std::memory_order_relaxed);
        }
    });
    pin(1);
    Media media(box, load, to_edge);
    media.run(0.2);
    double each = seconds / (2 * kStretches);
    std::vector<double> quiet, loaded;
    uint64_t before = handshakes;
    for (int i = 0; i < kStretches; i++) {
        busy = false;
        media.run(each / 10);  // what was under way ends
        auto without = media.run(each);
        busy = true;
        media.run(each / 10);
        auto with = media.run(each);
        quiet.push_back(p999(without));
        loaded.push_back(p999(with));
    }
    stop = true;
    signalling.join();
    if (handshakes == before) throw std::runtime_error("no handshake was finished");
    double shift = perf::median(loaded) - perf::median(quiet);
    print("relay.p999_shift_us", shift, "us", "limit 20", shift / 20);
    print("relay.p999_quiet_us", perf::median(quiet), "us", "", 0);
    print("relay.p999_busy_us", perf::median(loaded), "us", "quiet", perf::median(loaded) / perf::median(quiet));
    print("relay.lost_beside_handshakes", static_cast<double>(media.lost()), "packets", "limit 0", 0);
    print("tls.handshakes_beside_media", static_cast<double>(handshakes - before) / (seconds / 2 * 1.1), "1/s",
          "clients on the same CPU", 0);
    if (failures) std::fprintf(stderr, "%llu handshakes failed\n", static_cast<unsigned long long>(failures.load()));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) throw std::runtime_error("usage: perf-media-shift SECONDS");
        port::EalConfig config;
        config.cpus = {1};
        config.file_prefix = "fedge-perf-shift";
        config.memory_mb = 1024;
        config.extra = {"--log-level=error"};
        port::Eal eal(config, 2);
        run(std::atof(argv[1]));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-media-shift: %s\n", error.what());
        return 1;
    }
}
