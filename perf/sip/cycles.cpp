// What a MESSAGE through a whole core costs: frames in, TCP, mutual TLS, SIP, policy, and out again, over ring ports;
// and how much of that rate is left while scanners send 100,000 packets a second.
//
//   perf-sip-cycles COUNT    so many MESSAGEs and their answers, of which 200 are under way at a time
//
// prints one JSON object per line. Partner and front end are on the same thread; their time is not counted.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "dataplane/policy/patterns.h"
#include "dataplane/port/eal.h"
#include "perf/sip/traffic.h"
#include "tests/support/stream_client.h"
#include "tests/support/tls_world.h"

namespace {

using namespace fedge;
using contract::Service;

constexpr uint64_t kWindow = 200;
constexpr int kRounds = 9;
constexpr double kFloodRate = 100'000;  // packets per second of the core's time
constexpr uint16_t kVlan = 7;
constexpr int64_t kFarFuture = test::kTestTime + int64_t{50} * 365 * 86400;

Endpoint at(const char* text) {
    return Endpoint::parse(text).value();
}
const Endpoint kAccess = at("192.0.2.10:5061"), kInner = at("10.0.0.10:5061"), kFrontEnd = at("10.0.0.20:5061");
const IpAddress kPartner = IpAddress::parse("198.51.100.5").value();

struct Certificates {
    test::TestCertificate authority = [] {
        test::CertificatePlan plan;
        plan.common_name = "Benchmark Authority";
        plan.usage.clear();
        plan.authority = true;
        plan.to = kFarFuture;  // the core goes by the machine's clock
        return test::TestCertificate::self_signed(plan);
    }();
    contract::TlsT of(const char* name) const {
        test::CertificatePlan plan;
        plan.names = {std::string("DNS:") + name};
        plan.to = kFarFuture;
        auto own = authority.issue(plan);
        contract::TlsT out;
        auto one = std::make_unique<contract::CertificateT>();
        one->name = name;
        one->chain = own.pem();
        one->key = own.key_pem();
        out.certificates.push_back(std::move(one));
        out.trust = authority.pem();
        out.ticket_keys = test::ticket_keys({1});
        return out;
    }
};

contract::SnapshotT snapshot(const Certificates& certificates) {
    auto out = test::EdgeBox::snapshot();
    auto inside = std::make_unique<contract::InterfaceT>();
    inside->name = "inside";
    inside->role = contract::Role::internal;
    inside->port = "wan";
    inside->vlan = kVlan;
    inside->addresses = {test::wire_prefix(*Prefix::parse("10.0.0.10/24"))};
    out.interfaces.push_back(std::move(inside));
    for (auto [interface, endpoint] : {std::pair{"outside", kAccess}, {"inside", kInner}}) {
        auto listener = std::make_unique<contract::ListenerT>();
        listener->service = Service::sip_tls;
        listener->interface = interface;
        listener->address = std::make_unique<contract::Ip>(test::wire_ip(endpoint.address));
        listener->port = endpoint.port;
        out.listeners.push_back(std::move(listener));
    }
    out.tls = std::make_unique<contract::TlsT>(certificates.of("edge.example.org"));
    out.sip = std::make_unique<contract::SipT>();
    out.sip->outside_name = out.sip->inside_name = "edge.example.org";
    out.sip->token_keys = std::vector<uint8_t>(32, 9);
    auto front_end = std::make_unique<contract::FrontEndT>();
    front_end->host = "fe1.example.org";
    front_end->addresses.push_back(test::wire_ip(kFrontEnd.address));
    out.sip->front_ends.push_back(std::move(front_end));
    out.federation = std::make_unique<contract::FederationT>();
    out.federation->enabled = true;
    auto domain = std::make_unique<contract::InternalDomainT>();
    domain->name = "home.example.org";
    domain->access = contract::Access::federation;
    out.federation->domains.push_back(std::move(domain));
    auto partner = std::make_unique<contract::DomainPatternT>();
    partner->text = "partner.example.or?";
    partner->expression = policy::expression_of(partner->text);
    partner->verification = contract::Verification::always_verifiable;
    partner->via = "sip.partner.example.org";
    out.federation->patterns.push_back(std::move(partner));
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
struct Taker final : tcp::Acceptor {
    User user;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        user.stream = &stream;
        user.open = true;
        return &user;
    }
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
                box_.send(test::udp_frame(box_.mac(), {source, port}, {kAccess.address, 5060}, bytes_of(kScan)));
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
        segment.destination = kAccess.address;
        segment.bytes.assign(20, 0);
        store_be16(segment.bytes.data(), source.port);
        store_be16(segment.bytes.data() + 2, kAccess.port);
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
        box_.publish(snapshot(certificates_));
        box_.learn_gateways();
        host_.vlan_of = [](const IpAddress& edge) { return edge == kInner.address ? kVlan : uint16_t{0}; };
        outside_.adopt(certificates_.of("sip.partner.example.org"));
        inside_.adopt(certificates_.of("fe1.example.org"));
        inside_.server_options.peer = tls::PeerMode::required;
        outside_.client_options.sni = "edge.example.org";
        outside_.client_options.expected = {"edge.example.org"};
        front_end_.user.use = [this](std::string_view header) { perf::answer(front_end_.user.out, header); };
        if (!inside_.listen(kFrontEnd, {}, front_end_)) throw std::runtime_error("listen");
        until([&] { return front_end_.user.open; }, "the front end's connection");
        partner_.stream = outside_.connect({kPartner, 0}, kAccess, {}, partner_);
        until([&] { return partner_.open; }, "the partner's connection");
    }

    // Cycles of the core for `count` requests and their answers.
    double run(uint64_t count, Flood* flood) {
        perf::Caller caller("r" + std::to_string(runs_++), false, count, kWindow);
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
    Certificates certificates_;
    test::EdgeBox box_;
    Taker front_end_;
    User partner_;
    test::StreamHost host_{box_};
    test::TlsSide outside_{host_.tcp(), 1, now()}, inside_{host_.tcp(), 2, now()};
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
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
    // In turns, so that what else the machine does meets both; the medians count.
    std::vector<double> alone, beside;
    for (int round = 0; round < kRounds; round++) {
        alone.push_back(world.run(count / kRounds, nullptr));
        Flood flood(world.box());
        beside.push_back(world.run(count / kRounds, &flood));
    }
    double quiet = median(alone), flooded = median(beside);
    auto row = [](const char* metric, double value, const char* unit, const char* against, double ratio) {
        std::printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"against\": \"%s\", \"ratio\": %.3f}\n",
                    metric, value, unit, against, ratio);
    };
    auto hz = static_cast<double>(rte_get_tsc_hz());
    auto requests = static_cast<double>(count / kRounds);
    double messages = 2 * requests;
    row("cycles_per_message", quiet / messages, "cycles", "of one core's second", quiet / messages / hz);
    row("message.one_core", requests * hz / quiet, "MESSAGE/s and 200", "time of the core alone", 1);
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
