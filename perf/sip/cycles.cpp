// What a MESSAGE through a whole core costs: frames in, TCP, mutual TLS, SIP, policy, filters, and out again, over ring
// ports; what of it the filters and the list of dialogs are; and how much of that rate is left while scanners send
// 100,000 packets a second.
//
//   perf-sip-cycles COUNT    so many MESSAGEs and their answers, of which 200 are under way at a time
//
// prints one JSON object per line. Partner and front end are on the same thread; their time is not counted.
#include <rte_cycles.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "dataplane/port/eal.h"
#include "dataplane/signal/sip/dialog_list.h"
#include "perf/sip/traffic.h"
#include "perf/support/median.h"
#include "tests/support/sip_edge.h"
#include "tests/support/stream_client.h"

namespace {

using namespace fedge;

constexpr uint64_t kWindow = 200;
constexpr int kRounds = 9;
constexpr double kFloodRate = 100'000;        // packets per second of the core's time
constexpr uint32_t kDialogs = 16384;          // pools.dialogs-per-core, without settings
constexpr uint64_t kDialogMessages = 40'000;  // more than the list has room for

const test::SipEdgeNames kNames{"edge.example.org",    "edge.example.org",        "home.example.org",
                                "partner.example.or?", "sip.partner.example.org", "fe1.example.org"};

std::unique_ptr<contract::FiltersT> default_filters() {
    sip::FilterSettings from;
    auto out = std::make_unique<contract::FiltersT>();
    out->link_prefixes = from.prefixes;
    out->file_extensions = from.extensions;
    out->scanners = from.scanners;
    return out;
}

// A far end: text in and out.
struct User final : tcp::StreamHandler {
    tcp::Stream* stream = nullptr;
    bool open = false;
    std::string in, out;
    std::function<void(std::string_view header)> use;

    void on_open() override { open = true; }
    void on_readable() override {
        for (Bytes bytes; !(bytes = stream->peek()).empty(); stream->consume(bytes.size())) in += text_of(bytes);
        perf::take_messages(in, use);
        on_writable();
    }
    void on_writable() override { out.erase(0, stream->write(bytes_of(out))); }
    void on_closed(tcp::CloseReason) override { throw std::runtime_error("a connection broke"); }
};
// What scanners send to a SIP edge: requests over UDP, and SYNs from everywhere.
class Flood {
  public:
    explicit Flood(test::EdgeBox& box) : box_(box) {}
    // As many packets as are due after so many cycles of the core.
    void send(double seconds) {
        for (; static_cast<double>(sent_) < seconds * kFloodRate; sent_++) {
            IpAddress source = IpAddress::v4(0xcb007100 + (random_.u32() & 0xff));
            auto port = static_cast<uint16_t>(1024 + random_.below(60000));
            if (sent_ % 2)
                box_.send(
                    test::udp_frame(box_.mac(), {source, port}, {test::kSipAccess.address, 5060}, bytes_of(kScan)));
            else
                box_.send(syn({source, port}));
        }
    }

  private:
    static constexpr std::string_view kScan =
        "OPTIONS sip:100@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-1;rport\r\n"
        "From: \"sipvicious\"<sip:100@1.1.1.1>;tag=1\r\nTo: \"sipvicious\"<sip:100@1.1.1.1>\r\nCall-ID: 1\r\n"
        "CSeq: 1 OPTIONS\r\nUser-Agent: friendly-scanner\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

    test::Frame syn(const Endpoint& source) {
        test::SentSegment segment;
        segment.source = source.address;
        segment.destination = test::kSipAccess.address;
        segment.bytes.assign(20, 0);
        store_be16(segment.bytes.data(), source.port);
        store_be16(segment.bytes.data() + 2, test::kSipAccess.port);
        store_be32(segment.bytes.data() + 4, random_.u32());
        segment.bytes[12] = 5 << 4;
        segment.bytes[13] = 0x02;
        store_be16(segment.bytes.data() + 14, 64000);
        return test::tcp_frame(box_.mac(), segment);
    }

    test::EdgeBox& box_;
    SeededRandom random_{11};
    uint64_t sent_ = 0;
};

class World {
  public:
    World() : box_(plan()) {
        publish(true);
        box_.learn_gateways();
        host_.vlan_of = test::sip_vlan_of;
        outside_.adopt(certificates_.settings(certificates_.issue({kNames.partner_server})));
        inside_.adopt(certificates_.settings(certificates_.issue({kNames.front_end})));
        inside_.server_options.peer = tls::PeerMode::required;
        outside_.client_options.sni = kNames.outside;
        outside_.client_options.expected = {kNames.outside};
        front_end_.user.use = [this](std::string_view header) { perf::answer(front_end_.user.out, header); };
        if (!inside_.listen(test::kSipFrontEnd, {}, front_end_)) throw std::runtime_error("listen");
        until([&] { return front_end_.user.open; }, "the front end's connection");
        partner_.stream = outside_.connect({test::kSipPartner, 0}, test::kSipAccess, {}, partner_);
        until([&] { return partner_.open; }, "the partner's connection");
    }

    void publish(bool filters) {
        auto snapshot = test::sip_edge_snapshot(kNames, own_);
        if (filters) snapshot.sip->filters = default_filters();
        box_.publish(snapshot);
    }

    // Cycles of the core for `count` requests and their answers.
    double run(uint64_t count, Flood* flood) {
        perf::Caller caller("r" + std::to_string(runs_++), perf::kInward, false, count, kWindow);
        partner_.use = [&](std::string_view header) { caller.on_response(partner_.out, header); };
        uint64_t before = host_.box_cycles();
        caller.start(partner_.out);
        partner_.on_writable();
        until(
            [&] {
                if (flood)
                    flood->send(static_cast<double>(host_.box_cycles() - before) /
                                static_cast<double>(rte_get_tsc_hz()));
                return caller.over();
            },
            "the answers");
        if (caller.failed() > 0) throw std::runtime_error(std::to_string(caller.failed()) + " requests were refused");
        return static_cast<double>(host_.box_cycles() - before);
    }
    test::EdgeBox& box() { return box_; }

  private:
    static test::EdgeBoxPlan plan() {
        test::EdgeBoxPlan plan;
        plan.signalling_from = 0;
        plan.signalling.connections = 4096;
        plan.signalling.tcp_memory_mb = 32;
        plan.signalling.dialogs = kDialogs;
        plan.mbufs = 16383;
        plan.ring = 4096;
        return plan;
    }
    static Instant now() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }
    template <typename Done>
    void until(Done done, const char* what) {
        bool good = host_.until(
            [&] {
                outside_.engine().turn(now(), test::kTestTime);
                inside_.engine().turn(now(), test::kTestTime);
                return done();
            },
            120s);
        if (!good) throw std::runtime_error(std::string("waited too long for ") + what + "; " + box_.drops());
    }

    int runs_ = 0;
    test::SipAuthority certificates_;
    contract::TlsT own_ = certificates_.settings(certificates_.issue({kNames.outside}));
    test::EdgeBox box_;
    test::Taker<User> front_end_;
    User partner_;
    test::StreamHost host_{box_};
    test::TlsSide outside_{host_.tcp(), 1, now()}, inside_{host_.tcp(), 2, now()};
};

// The list alone, with other messages than before each time: cycles for each message and for each answer.
double dialog_cycles() {
    std::vector<std::string> requests, answers;
    std::string out;
    perf::Caller caller("d", perf::kInward, false, kDialogMessages, kDialogMessages);
    caller.start(out);
    perf::take_messages(out, [&](std::string_view header) {
        requests.push_back(std::string(header) + "\r\n");
        std::string answer;
        perf::answer(answer, header);
        answers.push_back(std::move(answer));
    });
    SeededRandom random(5);
    auto counted = std::make_unique<contract::CounterBlock>();
    signal::DialogList list(kDialogs, Counters(*counted), HashKey::random(random));
    signal::DialogPartyView source{signal::PeerKind::partner, kNames.partner_server, {test::kSipPartner, 5061}, 1};
    signal::DialogPartyView destination{signal::PeerKind::front_end, kNames.front_end, test::kSipFrontEnd, 2};
    auto request = std::make_unique<sip::Message>(), answer = std::make_unique<sip::Message>();
    uint64_t cycles = 0;
    for (size_t i = 0; i < requests.size(); i++) {
        Instant now{std::chrono::microseconds(20) * static_cast<int64_t>(i)};
        request->parse(requests[i]);
        answer->parse(answers[i]);
        uint64_t begin = rte_rdtsc();
        list.on_request(*request, source, destination, now);
        list.on_response(*answer, now);
        cycles += rte_rdtsc() - begin;
    }
    return static_cast<double>(cycles) / static_cast<double>(2 * requests.size());
}

int run(uint64_t count) {
    port::EalConfig config;
    config.memory_mb = 1024;
    config.cpus = {0};
    config.file_prefix = "fedge-perf-sip";
    config.extra = {"--log-level=error"};
    port::Eal eal(config, 1);
    World world;
    world.run(count / 10, nullptr);  // warm
    // In turns, so that what else the machine does meets all; the medians count.
    std::vector<double> alone, beside, open;
    for (int round = 0; round < kRounds; round++) {
        world.publish(true);
        alone.push_back(world.run(count / kRounds, nullptr));
        Flood flood(world.box());
        beside.push_back(world.run(count / kRounds, &flood));
        world.publish(false);
        open.push_back(world.run(count / kRounds, nullptr));
    }
    double quiet = perf::median(alone), flooded = perf::median(beside), unfiltered = perf::median(open);
    auto row = [](const char* metric, double value, const char* unit, const char* against, double ratio) {
        std::printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"against\": \"%s\", \"ratio\": %.3f}\n",
                    metric, value, unit, against, ratio);
    };
    auto hz = static_cast<double>(rte_get_tsc_hz());
    auto requests = static_cast<double>(count / kRounds);
    double messages = 2 * requests, each = quiet / messages, dialogs = dialog_cycles();
    row("cycles_per_message", each, "cycles", "of one core's second", each / hz);
    row("cycles_per_message.filters", (quiet - unfiltered) / messages, "cycles", "of each message, default lists",
        (quiet - unfiltered) / quiet);
    row("cycles_per_message.dialogs", dialogs, "cycles", "of each message, listing it", dialogs / each);
    row("scanner_flood.kept", quiet / flooded, "of the rate", "without 100,000 packets/s of scanners", quiet / flooded);
    row("tsc_hz", hz, "Hz", "time stamp counter", 1);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    uint64_t count = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
    if (count < 1000) {
        std::fputs("usage: perf-sip-cycles COUNT (at least 1000)\n", stderr);
        return 2;
    }
    try {
        return run(count);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-sip-cycles: %s\n", error.what());
        return 1;
    }
}
