// Our TCP on ring ports: requests and bulk on one core, and what a SYN flood costs.
//
//   perf-tcp requests CONNECTIONS REQUESTS [PAUSE]
//                                             cycles of the server per request of 64 bytes answered with 64 bytes.
//                                             PAUSE: milliseconds that the clock jumps between batches, as if users
//                                             thought; beyond 40 answers are acknowledged by segments of their own
//   perf-tcp bulk MEGABYTES                   cycles per byte of sender and receiver, segments of 1460 bytes
//   perf-tcp flood CONNECTIONS REQUESTS RATE  requests with RATE spoofed SYN/s at the same time, and without
//   perf-tcp kernel CONNECTIONS REQUESTS      CPU of both sides per request: ours on ring ports, the kernel's on
//   loopback
//
// prints one JSON object per line. Both hosts run on one thread, each is timed by itself. Every answer is checked.
#include <rte_cycles.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

#include "dataplane/port/eal.h"
#include "dataplane/tcp/kernel_transport.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/tcp.h"
#include "perf/tcp/two_hosts.h"
#include "perf/tcp/users.h"
#include "tests/support/tcp_services.h"

namespace {

using namespace fedge;
using perf::RingHost;

constexpr uint32_t kBatch = 256;  // requests under way at a time
constexpr uint16_t kPort = 5061;
constexpr uint32_t kPerAddress = 20'000;  // connections from one client address

std::string address(uint32_t last) {
    return IpAddress::v4(0x0a000000 + last).text();
}

class Bench {
  public:
    explicit Bench(uint32_t connections)
        : to_server_(perf::make_ring("to-server", 16384)),
          to_client_(perf::make_ring("to-client", 16384)),
          clients_(connections / kPerAddress + 1),
          server_("server", to_server_, to_client_, {address(1) + "/8"}, settings(connections), now()),
          client_("client", to_client_, to_server_, client_addresses(), settings(connections), now()) {}

    Instant now() const {
        double seconds = static_cast<double>(rte_rdtsc()) / static_cast<double>(rte_get_tsc_hz());
        return Instant{duration_cast<Duration>(std::chrono::duration<double>(seconds))} + jumped_;
    }
    void jump() { jumped_ += pause; }
    Duration pause{};
    RingHost& server() { return server_; }
    RingHost& client() { return client_; }
    uint64_t server_segments() const {
        return server_.counters().values[static_cast<size_t>(contract::Counter::tcp_segments_received)];
    }
    uint64_t server_cycles = 0;
    uint64_t client_cycles = 0;

    uint32_t turn_server() { return timed(server_, server_cycles); }
    uint32_t turn_client() { return timed(client_, client_cycles); }
    template <typename Done>
    void until(Done&& done, const char* what) {
        Instant deadline = now() + 60s;
        while (!done()) {
            turn_server();
            turn_client();
            if (now() > deadline) throw std::runtime_error(std::string("not in time: ") + what);
        }
    }

    void connect(std::vector<perf::Requester>& users) {
        Endpoint server{IpAddress::parse(address(1)).value(), kPort};
        for (size_t i = 0; i < users.size(); i++) {
            auto local = IpAddress::parse(address(2 + static_cast<uint32_t>(i / kPerAddress))).value();
            users[i].start(client_.tcp().connect({local, 0}, server, {}, users[i]));
            if (i % 64 == 63 || i + 1 == users.size())
                until([&] { return users[i].open() && users[i > 63 ? i - 63 : 0].open(); }, "connecting");
        }
        until([&] { return std::all_of(users.begin(), users.end(), [](const auto& u) { return u.open(); }); },
              "connecting");
    }

    // Spoofed SYNs in front of the server, as a flood brings them.
    void inject_syns(uint32_t count) {
        for (uint32_t i = 0; i < count; i++) {
            rte_mbuf* frame = rte_pktmbuf_alloc(client_.pool());
            if (!frame) return;
            auto* p = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(frame, 14 + 20 + 24));
            IpAddress source = IpAddress::v4(0x0b000000 + (random_.u32() & 0xffffff));
            IpAddress destination = IpAddress::parse(address(1)).value();
            wire::write_ethernet(p, server_.mac(), client_.mac(), 0, wire::kEtherTypeIpv4);
            wire::IpFields fields;
            fields.protocol = 6;
            fields.payload_length = 24;
            wire::write_ip(p + 14, source, destination, fields);
            wire::TcpSegment syn;
            syn.source_port = static_cast<uint16_t>(random_.u32() | 1024);
            syn.destination_port = kPort;
            syn.seq = random_.u32();
            syn.flags = wire::kSyn;
            syn.window = 65535;
            syn.options.mss = 1460;
            wire::write_tcp(p + 34, syn);
            store_be16(p + 34 + 16, wire::transport_checksum(source, destination, 6, {p + 34, 24}));
            if (rte_ring_enqueue(to_server_, frame) != 0) rte_pktmbuf_free(frame);
        }
    }

  private:
    uint32_t timed(RingHost& host, uint64_t& cycles) {
        Instant at = now();
        uint64_t begin = rte_rdtsc();
        uint32_t n = host.turn(at);
        cycles += rte_rdtsc() - begin;
        return n;
    }
    std::vector<std::string> client_addresses() const {
        std::vector<std::string> all;
        for (uint32_t i = 0; i < clients_; i++) all.push_back(address(2 + i) + "/8");
        return all;
    }
    static tcp::Settings settings(uint32_t connections) {
        tcp::Settings s;
        s.limits.connections = connections + 64;
        s.limits.connections_per_prefix = connections + 64;
        s.limits.half_open_per_prefix = s.limits.half_open;
        return s;
    }

    Duration jumped_{};  // before whatever asks for the time
    rte_ring* to_server_;
    rte_ring* to_client_;
    uint32_t clients_;
    RingHost server_;
    RingHost client_;
    SeededRandom random_{11};
};

// Asks until `count` requests are answered, a batch at a time; `turn` moves both sides on, `between` comes after each
// batch.
template <typename Turn, typename Between>
uint64_t ask(std::vector<perf::Requester>& users, uint64_t count, Turn&& turn, Between&& between) {
    static SeededRandom random(3);
    uint64_t done = 0;
    std::vector<perf::Requester*> asked;
    while (done < count) {
        asked.clear();
        while (asked.size() < std::min<size_t>(kBatch, users.size() / 2)) {
            perf::Requester& user = users[random.below(static_cast<uint32_t>(users.size()))];
            if (user.waiting()) continue;
            user.ask();
            asked.push_back(&user);
        }
        uint32_t turns = 0;
        while (std::any_of(asked.begin(), asked.end(), [](auto* u) { return u->waiting(); })) {
            turn();
            if (++turns > 10'000'000) throw std::runtime_error("requests are not answered");
        }
        done += asked.size();
        between();
    }
    return done;
}

// Cycles of the server per request; how many there were is added to `total`. With `syn_rate`, so many SYNs arrive in
// each second of the server's time.
double requests(Bench& bench, std::vector<perf::Requester>& users, uint64_t count, double syn_rate,
                uint64_t* total = nullptr) {
    bench.server_cycles = 0;
    double owed = 0;
    uint64_t charged = 0;
    auto turn = [&] {
        bench.turn_client();
        owed += static_cast<double>(bench.server_cycles - charged) / static_cast<double>(rte_get_tsc_hz()) * syn_rate;
        charged = bench.server_cycles;
        // In bursts, as a busy core finds them in its queue.
        if (owed >= tcp::Tcp::kBurst) {
            auto due = static_cast<uint32_t>(owed);
            bench.inject_syns(due);
            owed -= due;
        }
        while (bench.turn_server() > 0) {
        }
    };
    uint64_t done = ask(users, count, turn, [&] { bench.jump(); });
    if (total) *total += done;
    return static_cast<double>(bench.server_cycles) / static_cast<double>(done);
}

// The median of short runs, so many that what else the machine does disturbs the fewer of them.
constexpr size_t kRuns = 101;
template <typename Measure>
double median(Measure&& measure) {
    std::array<double, kRuns> all;
    for (double& one : all) one = measure();
    std::nth_element(all.begin(), all.begin() + kRuns / 2, all.end());
    return all[kRuns / 2];
}

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

void print(const char* metric, double value, const char* unit, const char* against, double ratio) {
    std::printf("{\"metric\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"against\":\"%s\",\"ratio\":%.3f}\n", metric, value,
                unit, against, ratio);
}

void run_requests(uint32_t connections, uint64_t count, Duration pause) {
    Bench bench(connections);
    test::EchoServer echo;
    bench.server().tcp().listen({IpAddress::parse(address(1)).value(), kPort}, {}, echo);
    std::vector<perf::Requester> users(connections);
    bench.connect(users);
    bench.pause = pause;
    requests(bench, users, count / 8, 0);  // warm
    uint64_t segments = bench.server_segments();
    uint64_t asked = 0;
    double cycles = median([&] { return requests(bench, users, count / kRuns, 0, &asked); });
    segments = bench.server_segments() - segments;
    double per_second = static_cast<double>(rte_get_tsc_hz()) / cycles;
    print("cycles_per_request", cycles, "cycles", "", 0);
    print("requests_per_second", per_second, "1/s", "goal 1000000/s", per_second / 1e6);
    // More than one: clients that wait longer than 40 ms acknowledge the answer before they ask again.
    print("segments_received_per_request", static_cast<double>(segments) / static_cast<double>(asked), "segments", "",
          0);
    auto bytes = static_cast<double>(bench.server().tcp().bytes_per_connection());
    print("bytes_per_idle_connection", bytes, "bytes", "limit 1024", bytes / 1024);
    tcp::MemoryUse memory = bench.server().tcp().memory();
    print("buffer_blocks_held", memory.blocks_used, "blocks", "", 0);
}

void run_flood(uint32_t connections, uint64_t count, double rate) {
    Bench bench(connections);
    test::EchoServer echo;
    bench.server().tcp().listen({IpAddress::parse(address(1)).value(), kPort}, {}, echo);
    std::vector<perf::Requester> users(connections);
    bench.connect(users);
    requests(bench, users, count / 8, 0);
    double kept = median([&] {
        double quiet = requests(bench, users, count / kRuns, 0);
        return quiet / requests(bench, users, count / kRuns, rate);
    });
    print("synflood.kept", kept, "of requests/s", "without flood", kept);
}

// The same users on both; CPU time of the one thread that drives client and server, the kernel's share included.
void run_kernel(uint32_t connections, uint64_t count) {
    double ours;
    {
        Bench bench(connections);
        test::EchoServer echo;
        bench.server().tcp().listen({IpAddress::parse(address(1)).value(), kPort}, {}, echo);
        std::vector<perf::Requester> users(connections);
        bench.connect(users);
        requests(bench, users, count / 8, 0);
        double begin = cpu_seconds();
        requests(bench, users, count, 0);
        ours = (cpu_seconds() - begin) / static_cast<double>(count);
    }
    rlimit files{2 * connections + 1024, 2 * connections + 1024};
    setrlimit(RLIMIT_NOFILE, &files);
    contract::CounterBlock block{};
    tcp::KernelLimits limits;
    limits.connections = limits.connections_per_prefix = connections + 64;
    Instant now{1s};
    tcp::KernelTransport server(limits, Counters{block}, now);
    tcp::KernelTransport client(limits, Counters{block}, now);
    test::EchoServer echo;
    IpAddress loopback = IpAddress::v4(0x7f000001);
    if (!server.listen({loopback, kPort}, {}, echo)) throw std::runtime_error("cannot listen on loopback port 5061");
    std::vector<perf::Requester> users(connections);
    auto turn = [&] {
        now += 1us;
        client.turn(now);
        server.turn(now);
    };
    for (size_t i = 0; i < users.size(); i++) {
        users[i].start(client.connect({loopback, 0}, {loopback, kPort}, {}, users[i]));
        for (uint32_t turns = 0; i % 64 == 63 && !users[i].open(); turns++) {
            turn();
            if (turns > 10'000'000) throw std::runtime_error("cannot connect to loopback");
        }
    }
    while (!std::all_of(users.begin(), users.end(), [](const auto& u) { return u.open(); })) turn();
    ask(users, count / 8, turn, [] {});
    double begin = cpu_seconds();
    ask(users, count, turn, [] {});
    double theirs = (cpu_seconds() - begin) / static_cast<double>(count);
    print("kernel_requests_per_second", 1 / theirs, "1/CPU s", "", 0);
    print("vs_kernel.requests", 1 / ours, "1/CPU s", "kernel TCP on loopback, same users", theirs / ours);
}

void run_bulk(uint64_t megabytes) {
    Bench bench(16);
    perf::DiscardServer discard;
    tcp::StreamOptions options;
    options.send_buffer = options.receive_buffer = 512 * 1024;
    bench.server().tcp().listen({IpAddress::parse(address(1)).value(), kPort}, options, discard);
    perf::Source source;
    source.stream = bench.client().tcp().connect({IpAddress::parse(address(2)).value(), 0},
                                                 {IpAddress::parse(address(1)).value(), kPort}, options, source);
    bench.until([&] { return source.open; }, "connecting");
    source.fill();
    bench.until([&] { return discard.bytes() > megabytes * 100'000; }, "warming up");
    uint64_t begin = discard.bytes();
    bench.server_cycles = bench.client_cycles = 0;
    bench.until([&] { return discard.bytes() - begin > megabytes * 1'000'000; }, "bulk");
    auto bytes = static_cast<double>(discard.bytes() - begin);
    auto gbit = [&](uint64_t cycles) {
        return bytes * 8 / (static_cast<double>(cycles) / static_cast<double>(rte_get_tsc_hz())) / 1e9;
    };
    double slower = std::min(gbit(bench.server_cycles), gbit(bench.client_cycles));
    print("bulk_send_gbit", gbit(bench.client_cycles), "Gbit/s", "", 0);
    print("bulk_receive_gbit", gbit(bench.server_cycles), "Gbit/s", "", 0);
    print("bulk_gbit", slower, "Gbit/s", "goal 10 Gbit/s", slower / 10);
}

}  // namespace

int main(int argc, char** argv) {
    std::string mode = argc > 1 ? argv[1] : "";
    auto number = [&](int i) { return i < argc ? std::strtoull(argv[i], nullptr, 10) : 0; };
    bool known = (mode == "requests" && (argc == 4 || argc == 5)) || (mode == "bulk" && argc == 3) ||
                 (mode == "flood" && argc == 5) || (mode == "kernel" && argc == 4);
    if (!known) {
        std::fputs(
            "usage: perf-tcp requests CONNECTIONS REQUESTS [PAUSE] | bulk MEGABYTES | flood CONNECTIONS REQUESTS RATE "
            "| kernel CONNECTIONS REQUESTS\n",
            stderr);
        return 2;
    }
    try {
        port::EalConfig config;
        config.memory_mb = 768 + static_cast<uint32_t>(mode == "bulk" ? 0 : number(2) / 200);
        config.cpus = {0};
        config.file_prefix = "fedge-perf-tcp";
        config.extra = {"--log-level=error"};
        port::Eal eal(config, 1);
        if (!eal.hugepages()) std::fputs("note: no hugepages; address translation adds to every figure\n", stderr);
        if (mode == "requests") run_requests(static_cast<uint32_t>(number(2)), number(3), number(4) * 1ms);
        if (mode == "flood") run_flood(static_cast<uint32_t>(number(2)), number(3), static_cast<double>(number(4)));
        if (mode == "bulk") run_bulk(number(2));
        if (mode == "kernel") run_kernel(static_cast<uint32_t>(number(2)), number(3));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-tcp: %s\n", error.what());
        return 1;
    }
}
