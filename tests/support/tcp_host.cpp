// A host with test services on TCP: ours on a real port (--transport own) or the kernel's (--transport kernel).
// Prints a line of JSON when it is ready, for every stream of discard, source and --exchange that has ended, for
// --requests, and at the end its counters. Ends when its clients are through, else at SIGTERM.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "dataplane/tcp/kernel_transport.h"
#include "tests/support/tcp_node.h"
#include "tests/support/tcp_requests.h"
#include "tests/support/tcp_services.h"

namespace fedge::test {
namespace {

namespace po = boost::program_options;
using nlohmann::json;

std::atomic<bool> stop{false};

void on_signal(int) {
    stop = true;
}

void print(const json& line) {
    std::cout << line.dump() << std::endl;
}

std::string reason_text(const std::optional<tcp::CloseReason>& reason) {
    return reason ? std::string(tcp::name(*reason)) : "";
}

void print_report(const StreamReport& r) {
    print({{"event", "stream"},
           {"service", r.service},
           {"local", r.local.text()},
           {"remote", r.remote.text()},
           {"sent", r.sent},
           {"received", r.received},
           {"sent_sha256", r.sent_sha256},
           {"received_sha256", r.received_sha256},
           {"ended", r.ended},
           {"closed", reason_text(r.closed)}});
}

// Either transport and its loop.
class Side {
  public:
    virtual ~Side() = default;
    virtual tcp::Transport& transport() = 0;
    virtual Instant now() = 0;
    virtual uint32_t turn(Instant now) = 0;
    virtual void rest() = 0;  // nothing to do: gives the CPU away for a moment
    // Nothing is left but TIME-WAIT.
    virtual bool settled() const = 0;
    virtual json counters() const = 0;
};

class OwnSide final : public Side {
  public:
    explicit OwnSide(const TcpNodePlan& plan) : node_(plan) {}
    tcp::Transport& transport() override { return node_.transport(); }
    Instant now() override { return node_.now(); }
    uint32_t turn(Instant now) override { return node_.turn(now); }
    void rest() override { usleep(50); }
    bool settled() const override {
        tcp::MemoryUse memory = node_.tcp().memory();
        return memory.connections == 0 && memory.half_open == 0 && memory.blocks_used == 0;
    }
    json counters() const override {
        json out{{"impaired_wire_lost", node_.lost()}};
        for (const auto& [name, value] : node_.totals()) out[name] = value;
        tcp::MemoryUse memory = node_.tcp().memory();
        out["memory"] = {{"connections", memory.connections},
                         {"half_open", memory.half_open},
                         {"time_wait", memory.time_wait},
                         {"blocks_used", memory.blocks_used}};
        return out;
    }

  private:
    TcpNode node_;
};

class KernelSide final : public Side {
  public:
    explicit KernelSide(const tcp::KernelLimits& limits) : transport_(limits, Counters{block_}, now()) {}
    tcp::Transport& transport() override { return transport_; }
    Instant now() override { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }
    uint32_t turn(Instant now) override { return transport_.turn(now); }
    void rest() override { transport_.wait(5ms); }
    bool settled() const override { return transport_.connections() == 0; }
    json counters() const override { return {{"memory", {{"connections", transport_.connections()}}}}; }

  private:
    contract::CounterBlock block_{};
    tcp::KernelTransport transport_;
};

po::options_description known_options() {
    po::options_description all("tcp-host");
    auto add = all.add_options();
    add("help", "this text");
    add("transport", po::value<std::string>()->default_value("own"), "own or kernel");
    add("device", po::value<std::string>(), "own: DPDK device, as net_af_packet0,iface=eth0");
    add("file-prefix", po::value<std::string>()->default_value("fedge-tcp-host"), "own: of the EAL");
    add("address", po::value<std::vector<std::string>>()->composing(), "own: address/length; may be repeated");
    add("gateway", po::value<std::vector<std::string>>()->composing(), "own: may be repeated");
    add("mtu", po::value<uint16_t>()->default_value(1500), "own");
    add("loss", po::value<double>()->default_value(0), "own: probability, each way");
    add("reorder", po::value<double>()->default_value(0), "own: probability, each way");
    add("delay", po::value<uint32_t>()->default_value(0), "own: milliseconds, each way");
    add("wire-seed", po::value<uint64_t>()->default_value(1), "own: of loss and reordering");
    add("newreno", "own: congestion control of RFC 5681 instead of CUBIC");
    add("time-wait", po::value<double>()->default_value(60), "own: seconds");
    add("per-prefix", po::value<uint32_t>()->default_value(20000), "connections from one address");
    add("send-buffer", po::value<uint32_t>()->default_value(256 * 1024), "bytes of each stream");
    add("receive-buffer", po::value<uint32_t>()->default_value(256 * 1024), "bytes of each stream");
    add("user-timeout", po::value<double>()->default_value(60), "seconds");
    add("idle-timeout", po::value<double>()->default_value(0), "seconds");
    add("keepalive", po::value<double>()->default_value(0), "seconds");
    add("echo", po::value<uint16_t>(), "port");
    add("discard", po::value<uint16_t>(), "port");
    add("source", po::value<uint16_t>(), "port");
    add("exchange", po::value<std::string>(), "client: sends --bytes to HOST:PORT, reads to its end");
    add("requests", po::value<std::string>(), "client: requests to the echo service at HOST:PORT");
    add("from", po::value<std::string>(), "client: local address; default: the first one of the family");
    add("bytes", po::value<uint64_t>()->default_value(0), "that source and --exchange send");
    add("unchecked", "source, discard, --exchange: no hashes, to see how fast it goes");
    add("seed", po::value<uint64_t>()->default_value(1), "of what is sent");
    add("pause-after", po::value<uint64_t>()->default_value(0),
        "discard, --exchange: stop reading after so many bytes");
    add("pause", po::value<double>()->default_value(0), "... for so many seconds");
    add("abort-after", po::value<uint64_t>()->default_value(0), "... or abort after so many, sent or received");
    add("end-after-peer", "--exchange: end only when the peer has ended");
    add("connections", po::value<uint64_t>()->default_value(1), "--requests: in total");
    add("at-once", po::value<uint32_t>()->default_value(1), "--requests: at the same time");
    add("request-bytes", po::value<uint32_t>()->default_value(64), "--requests");
    add("requests-each", po::value<uint64_t>()->default_value(1), "--requests: on each connection");
    return all;
}

template <typename T>
T get(const po::variables_map& values, const char* key) {
    return values[key].as<T>();
}
Duration seconds(const po::variables_map& values, const char* key) {
    return duration_cast<Duration>(std::chrono::duration<double>(get<double>(values, key)));
}
std::vector<std::string> list(const po::variables_map& values, const char* key) {
    return values.count(key) ? get<std::vector<std::string>>(values, key) : std::vector<std::string>{};
}

std::unique_ptr<Side> make_side(const po::variables_map& values) {
    constexpr uint32_t kConnections = 16384;
    auto per_prefix = get<uint32_t>(values, "per-prefix");
    std::string transport = get<std::string>(values, "transport");
    if (transport == "kernel")
        return std::make_unique<KernelSide>(
            tcp::KernelLimits{.connections = kConnections, .connections_per_prefix = per_prefix, .backlog = 4096});
    if (transport != "own") throw std::invalid_argument("--transport is own or kernel");
    if (!values.count("device")) throw std::invalid_argument("--device is needed");
    TcpNodePlan plan;
    plan.device = get<std::string>(values, "device");
    plan.file_prefix = get<std::string>(values, "file-prefix");
    plan.addresses = list(values, "address");
    plan.gateways = list(values, "gateway");
    plan.mtu = get<uint16_t>(values, "mtu");
    plan.impairment.loss = get<double>(values, "loss");
    plan.impairment.reorder = get<double>(values, "reorder");
    plan.impairment.delay = std::chrono::milliseconds(get<uint32_t>(values, "delay"));
    plan.seed = get<uint64_t>(values, "wire-seed");
    plan.tcp.cubic = values.count("newreno") == 0;
    plan.tcp.time_wait = seconds(values, "time-wait");
    plan.tcp.limits.connections = kConnections;
    plan.tcp.limits.time_wait = 32768;
    plan.tcp.limits.buffer_blocks = 32768;
    plan.tcp.limits.connections_per_prefix = per_prefix;
    return std::make_unique<OwnSide>(plan);
}

IpAddress source_for(const po::variables_map& values, const Endpoint& server) {
    if (values.count("from")) {
        auto address = IpAddress::parse(get<std::string>(values, "from"));
        if (!address) throw std::invalid_argument("--from is an address");
        return *address;
    }
    for (const std::string& text : list(values, "address"))
        if (auto own = Prefix::parse(text); own && own->address.is_v4() == server.address.is_v4()) return own->address;
    return server.address.is_v4() ? IpAddress::v4(0) : IpAddress{};
}

Endpoint endpoint(const po::variables_map& values, const char* key) {
    auto found = Endpoint::parse(get<std::string>(values, key));
    if (!found) throw std::invalid_argument(std::string("--") + key + " is HOST:PORT or [HOST]:PORT");
    return *found;
}

class TcpHost {
  public:
    explicit TcpHost(const po::variables_map& values) : values_(values), side_(make_side(values)) {
        options_.send_buffer = get<uint32_t>(values, "send-buffer");
        options_.receive_buffer = get<uint32_t>(values, "receive-buffer");
        options_.user_timeout = seconds(values, "user-timeout");
        options_.idle_timeout = seconds(values, "idle-timeout");
        options_.keepalive = seconds(values, "keepalive");
        ExchangePlan plan;
        plan.seed = get<uint64_t>(values, "seed");
        plan.pause_after = get<uint64_t>(values, "pause-after");
        plan.pause = seconds(values, "pause");
        plan.abort_after = get<uint64_t>(values, "abort-after");
        plan.checked = values.count("unchecked") == 0;
        plan.end_after_peer = true;
        plan.service = "discard";
        discard_ = std::make_unique<ExchangeServer>(plan, print_report);
        plan.end_after_peer = values.count("end-after-peer") > 0;
        plan.send_bytes = get<uint64_t>(values, "bytes");
        plan.service = "source";
        source_ = std::make_unique<ExchangeServer>(plan, print_report);
        plan.service = "exchange";
        if (values.count("exchange")) exchange_ = std::make_unique<Exchange>(plan, print_report);
    }

    // True if everything that its clients wanted was done.
    bool run() {
        serve("echo", echo_);
        serve("discard", *discard_);
        serve("source", *source_);
        print({{"event", "ready"}, {"pid", getpid()}});
        begin_clients();
        bool has_clients = exchange_ || requests_;
        Instant begin = side_->now();
        while (!stop) {
            Instant now = side_->now();
            if (requests_) requests_->advance();
            if (exchange_) exchange_->advance(now);
            discard_->advance(now);
            source_->advance(now);
            if (side_->turn(now) == 0) side_->rest();
            bool done = (!exchange_ || exchange_->done()) && (!requests_ || requests_->done());
            if (has_clients && done) break;
        }
        bool good = report_requests(side_->now() - begin);
        // Our last acknowledgements are still to be sent, and those of the peer may have to be asked for again.
        turn_until(side_->now() + 20ms, [] { return false; });
        turn_until(side_->now() + 3s, [&] { return side_->settled(); });
        print({{"event", "counters"}, {"counters", side_->counters()}});
        return good;
    }

  private:
    void turn_until(Instant end, const std::function<bool()>& done) {
        while (side_->now() < end && !done())
            if (side_->turn(side_->now()) == 0) side_->rest();
    }

    void serve(const char* service, tcp::Acceptor& acceptor) {
        if (!values_.count(service)) return;
        auto port = get<uint16_t>(values_, service);
        for (const IpAddress& any : {IpAddress::v4(0), IpAddress{}})
            if (!side_->transport().listen({any, port}, options_, acceptor))
                throw std::runtime_error(std::string(service) + ": cannot listen on port " + std::to_string(port));
    }

    void begin_clients() {
        if (exchange_) {
            Endpoint server = endpoint(values_, "exchange");
            if (!exchange_->connect(side_->transport(), source_for(values_, server), server, options_))
                throw std::runtime_error("--exchange: no port or memory left");
        }
        if (values_.count("requests")) {
            RequestPlan plan;
            plan.server = endpoint(values_, "requests");
            plan.local = source_for(values_, plan.server);
            plan.connections = get<uint64_t>(values_, "connections");
            plan.at_once = get<uint32_t>(values_, "at-once");
            plan.request_bytes = get<uint32_t>(values_, "request-bytes");
            plan.requests_per_connection = get<uint64_t>(values_, "requests-each");
            plan.options = options_;
            requests_ = std::make_unique<RequestClient>(side_->transport(), plan);
        }
    }

    bool report_requests(Duration took) {
        if (!requests_) return !exchange_ || exchange_->done();
        const RequestStats& stats = requests_->stats();
        json reasons = json::object();
        for (size_t i = 0; i < stats.reasons.size(); i++)
            if (stats.reasons[i]) reasons[std::string(tcp::name(static_cast<tcp::CloseReason>(i)))] = stats.reasons[i];
        print({{"event", "requests"},
               {"opened", stats.opened},
               {"finished", stats.finished},
               {"broken", stats.broken},
               {"replies", stats.replies},
               {"wrong", stats.wrong},
               {"no_room", stats.no_room},
               {"closed", reasons},
               {"seconds", std::chrono::duration<double>(took).count()}});
        return requests_->done() && stats.broken == 0 && stats.wrong == 0;
    }

    const po::variables_map& values_;
    std::unique_ptr<Side> side_;
    tcp::StreamOptions options_;
    EchoServer echo_;
    std::unique_ptr<ExchangeServer> discard_;
    std::unique_ptr<ExchangeServer> source_;
    std::unique_ptr<Exchange> exchange_;
    std::unique_ptr<RequestClient> requests_;
};

}  // namespace
}  // namespace fedge::test

int main(int argc, char** argv) {
    using namespace fedge::test;
    try {
        po::variables_map values;
        auto known = known_options();
        po::store(po::command_line_parser(argc, argv).options(known).run(), values);
        po::notify(values);
        if (values.count("help")) {
            std::cout << known;
            return 0;
        }
        struct sigaction action {};
        action.sa_handler = on_signal;
        sigaction(SIGTERM, &action, nullptr);
        sigaction(SIGINT, &action, nullptr);
        return TcpHost(values).run() ? 0 : 1;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "tcp-host: %s\n", problem.what());
        return 2;
    }
}
