// The IP host of one core under a script: frames as they are and mutated ones with their checksums made right again (so
// that the fuzzer gets behind the parser), datagrams to send, time that passes, configurations that change.
//
// Invariants: the neighbour cache and what waits in it are bounded, every mbuf is accounted for at each step, and every
// frame that is sent is well formed and comes from an address of ours.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/ip/host.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/wire/checksum.h"
#include "tests/fuzz/expect.h"
#include "tests/support/ip_lab.h"

namespace {

using namespace fedge;
using fuzz::expect;
using test::Frame;
using test::ip;
using test::mac;

constexpr uint32_t kCapacity = 16;
constexpr uint32_t kGateways = 4;
constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct Environment {
    Environment() {
        port::EalConfig config;
        config.huge = false;
        config.memory_mb = 128;
        config.cpus = {0};
        config.extra = {"--log-level=error"};
        eal = std::make_unique<port::Eal>(config, 1);
        pool = std::make_unique<port::MbufPool>("fuzz-ip-host", port::MbufPoolConfig{.mbufs = 511, .cache = 0},
                                                SOCKET_ID_ANY);
    }
    std::unique_ptr<port::Eal> eal;
    std::unique_ptr<port::MbufPool> pool;
};

std::unique_ptr<const ip::Interfaces> table_after(const ip::Interfaces* before, bool swapped, bool narrow) {
    test::SnapshotText text{
        .interfaces = {{"outside", "wan", {"192.0.2.1/24", "2001:db8:1::1/64"}, {"192.0.2.254", "2001:db8:1::fe"}},
                       {"inside", "lan", {"198.51.100.1/24"}, {}, 7}}};
    if (narrow) text.interfaces[0].mtu = 1280;
    if (swapped) std::swap(text.interfaces[0], text.interfaces[1]);
    return test::compile(text, before);
}

// Lives as long as the process: the EAL does not start twice.
Environment& environment() {
    static auto* const kEnvironment = new Environment;
    return *kEnvironment;
}

const std::vector<Frame>& templates() {
    static const auto* const kTemplates = [] {
        const test::L2 wan{mac(0xa0), mac(0x11)}, lan{mac(0xa1), mac(0x12), 7}, all{kBroadcast, mac(0x11)};
        const std::vector<uint8_t> data(40, 0x5a);
        return new std::vector<Frame>{
            test::arp_frame(all, 1, mac(0x11), ip("192.0.2.7"), {}, ip("192.0.2.1")),
            test::arp_frame(wan, 2, mac(0x11), ip("192.0.2.7"), mac(0xa0), ip("192.0.2.1")),
            test::arp_frame(wan, 2, mac(0xfe), ip("192.0.2.254"), mac(0xa0), ip("192.0.2.1")),
            test::arp_frame(lan, 1, mac(0x12), ip("198.51.100.7"), {}, ip("198.51.100.1")),
            test::solicitation(wan, ip("2001:db8:1::7"), ip("2001:db8:1::1"), mac(0x11)),
            test::solicitation(wan, ip("::"), ip("2001:db8:1::1"), std::nullopt),
            test::advertisement(wan, ip("2001:db8:1::7"), ip("2001:db8:1::1"), mac(0x11), true, true),
            test::echo_request(wan, ip("203.0.113.5"), ip("192.0.2.1"), data),
            test::echo_request(wan, ip("2001:db8:9::5"), ip("2001:db8:1::1"), data),
            test::udp_frame(wan, {ip("203.0.113.5"), 4000}, {ip("192.0.2.1"), 9}, data),
            test::udp_frame(lan, {ip("198.51.100.7"), 4000}, {ip("198.51.100.1"), 9}, data),
            test::udp_frame(wan, {ip("2001:db8:9::5"), 4000}, {ip("2001:db8:1::1"), 9}, data),
        };
    }();
    return *kTemplates;
}

// IPv4 header and ICMP checksums as the sender would have made them, where there is such a header.
void repair(Frame& frame) {
    size_t l3 = frame.size() > 18 && load_be16(frame.data() + 12) == wire::kEtherTypeVlan ? 18 : 14;
    if (frame.size() < l3 + 20) return;
    uint8_t* h = frame.data() + l3;
    Bytes rest = Bytes(frame).subspan(l3);
    if (h[0] == 0x45) {
        store_be16(h + 10, 0);
        store_be16(h + 10, wire::checksum({h, 20}));
        size_t length = std::min<size_t>(load_be16(h + 2), rest.size());
        if (h[9] != 1 || length < 28) return;
        store_be16(h + 22, 0);
        store_be16(h + 22, wire::checksum(rest.subspan(20, length - 20)));
    } else if (h[0] >> 4 == 6 && rest.size() >= 48 && h[6] == 58) {
        size_t length = std::min<size_t>(load_be16(h + 4), rest.size() - 40);
        if (length < 8) return;
        store_be16(h + 42, 0);
        store_be16(h + 42, wire::transport_checksum(IpAddress::v6_bytes(h + 8), IpAddress::v6_bytes(h + 24), 58,
                                                    rest.subspan(40, length)));
    }
}

class Run {
  public:
    explicit Run(Bytes script) : script_(script), table_(table_after(nullptr, false, false)) {
        ip::HostConfig config;
        config.neighbors.capacity = kCapacity;
        config.pool = environment().pool->get();
        config.announces = true;
        host_ = std::make_unique<ip::Host>(config, counters_, random_, wire_, now_);
        host_->adopt(table_.get(), {}, now_);
    }
    ~Run() {
        host_.reset();
        expect(environment().pool->free_count() == environment().pool->size(), "no mbuf is leaked");
    }

    void play() {
        for (int steps = 0; script_.remaining() && steps < 400; steps++) {
            step();
            host_->flush();
            check();
        }
    }

  private:
    void step() {
        switch (script_.u8() % 6) {
            case 0: {
                uint16_t port = script_.u8() & 1;
                Bytes raw = script_.bytes(std::min<size_t>(script_.u8() * 2U, script_.remaining()));
                Frame frame(raw.begin(), raw.end());
                receive(port, frame);
                break;
            }
            case 1: {
                Frame frame = templates()[script_.u8() % templates().size()];
                uint16_t port = frame[5] == 0xa1;
                for (int mutations = script_.u8() % 6; mutations > 0; mutations--) {
                    size_t at = script_.u8();
                    frame[at % frame.size()] = script_.u8();
                }
                repair(frame);
                receive(port, frame);
                break;
            }
            case 2: {
                bool v4 = script_.u8() & 1;
                auto octets = ip(v4 ? "192.0.2.0" : "2001:db8:1::").octets();
                octets[15] = script_.u8();
                if (script_.u8() % 4 == 0) octets[13] = 0x77;  // behind the gateway
                size_t length = script_.u16() % 1900;
                host_->output().send_udp(test::to_mbuf(environment().pool->get(), Frame(length)),
                                         {ip(v4 ? "192.0.2.1" : "2001:db8:1::1"), 50000},
                                         {IpAddress::v6_bytes(octets.data()), 4000}, hops_[script_.u8() % hops_.size()],
                                         now_, {.dont_fragment = length % 2 == 0});
                break;
            }
            case 3:
                now_ += Duration{10ms} * (1 + script_.u8());
                host_->advance(now_);
                break;
            case 4:
                now_ += Duration{1s} * (1 + script_.u8());
                host_->advance(now_);
                break;
            case 5: {
                uint8_t choice = script_.u8();
                auto next = table_after(table_.get(), choice & 1, choice & 2);
                host_->adopt(next.get(), {.icmp_rate = choice, .echo = (choice & 4) == 0}, now_);
                table_ = std::move(next);
                break;
            }
        }
    }

    void receive(uint16_t port, const Frame& frame) {
        wire::Packet packet;
        uint16_t interface;
        if (wire::parse(frame, false, packet) || host_->admit(port, frame, packet, interface)) return;
        expect(interface < table_->count(), "the interface exists");
        rte_mbuf* m = test::to_mbuf(environment().pool->get(), frame);
        if (packet.is_udp()) {
            host_->port_unreachable(m, packet, interface, now_);
            return;
        }
        if (auto flow = host_->on_packet(m, packet, interface, now_, frame.size() % 2))
            expect(table_->owner(flow->local.address) != ip::kNoInterface, "the quoted flow is ours");
    }

    void check() {
        ip::Neighbors& neighbors = host_->neighbors();
        expect(neighbors.size() <= kCapacity, "the cache is bounded");
        expect(neighbors.incomplete() <= kCapacity / 2 + kGateways, "entries that wait are bounded");
        std::array<ip::NeighborRow, kCapacity> rows;
        size_t filled = 0;
        expect(neighbors.list(0, rows, filled, now_) == 0, "one page holds them all");
        expect(filled == neighbors.size(), "each entry is listed");
        uint32_t waiting = 0, incomplete = 0;
        for (size_t i = 0; i < filled; i++) {
            waiting += rows[i].queued;
            incomplete += rows[i].state == ip::NeighborState::incomplete;
            expect(rows[i].queued == 0 || rows[i].state == ip::NeighborState::incomplete,
                   "packets wait for an answer only");
            expect(table_->on_link(rows[i].interface, rows[i].address), "neighbours are on-link");
            expect(table_->owner(rows[i].address) == ip::kNoInterface, "nobody is his own neighbour");
        }
        expect(incomplete == neighbors.incomplete(), "entries that wait are counted");
        expect(environment().pool->size() - environment().pool->free_count() == waiting, "every mbuf is accounted for");
        for (const auto& sent : wire_.sent) {
            wire::Packet packet;
            auto reason = wire::parse(sent.frame, false, packet);
            expect(!reason, "what is sent is well formed");
            expect(sent.frame[10] == 0 && sent.frame[11] == (sent.port == 0 ? 0xa0 : 0xa1), "from our MAC address");
            if (packet.l3 == wire::L3::arp) continue;
            uint16_t interface = table_->find(sent.port, packet.vlan);
            expect(interface != ip::kNoInterface && table_->has(interface, packet.source), "from our IP address");
        }
        wire_.sent.clear();
    }

    ByteReader script_;
    contract::CounterBlock block_{};
    Counters counters_{block_};
    SeededRandom random_{1};
    test::Wire wire_;
    Instant now_{1000s};
    std::unique_ptr<const ip::Interfaces> table_;
    std::unique_ptr<ip::Host> host_;
    std::array<ip::Hop, 4> hops_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Run({data, size}).play();
    return 0;
}
