// A TURN load over a real interface: clients with an allocation and a channel each, and their peers, in one DPDK
// process. It knows nothing of the server but its address, so the same load goes to any TURN server.
//
//   perf-turn-load --device net_af_xdp0,iface=v0 --cpu 1 --server 198.18.0.1 --own 198.18.0.2 --user alice --password
//   secret
//                  --clients 100 --seconds 2 --rates 100000,200000        one line of JSON per rate
//                  --search 50000,1500000                                  bisects the highest rate without loss
//
// Half of the packets go from clients to peers (ChannelData), half from peers to clients; each relayed packet comes
// back here. A packet carries a sequence number and the TSC at which it was sent, so that loss and latency are exact.
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/port/port.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "tests/support/stun_client.h"

namespace {

using namespace fedge;

constexpr uint16_t kData = 172;
constexpr uint16_t kChannel = 0x4000;
constexpr uint16_t kPeerPorts = 20000;  // a client's peer has its port plus this
constexpr uint32_t kMagic = 0x46454447;
constexpr uint32_t kBurst = 32;

struct Options {
    std::string device, user, password;
    unsigned cpu = 1;
    IpAddress server, own;
    uint32_t clients = 100;
    uint16_t first_port = 10000;  // of the clients; another one for each run against the same server
    double seconds = 2;
    std::vector<uint64_t> rates;
    std::vector<uint64_t> search;
};

struct Trial {
    uint64_t offered = 0;  // per second
    uint64_t sent = 0;
    uint64_t received = 0;
    double seconds = 0;
    std::array<double, 3> latency_us{};  // p50, p99, p99.9
    uint64_t lost() const { return sent - received; }
};

double since(uint64_t tsc) {
    return static_cast<double>(rte_rdtsc() - tsc) / static_cast<double>(rte_get_tsc_hz());
}

class Wire {
  public:
    Wire(port::Port& port, rte_mempool* pool, const Options& options) : port_(port), pool_(pool), options_(options) {}

    void resolve_server() {
        for (uint64_t begin = rte_rdtsc(), asked = 0; !resolved_;) {
            if (since(begin) > 10) throw std::runtime_error("the server does not answer ARP");
            if (!asked || since(asked) > 0.2) {
                send_arp(wire::ArpOperation::request, MacAddress{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                         options_.server);
                asked = rte_rdtsc();
            }
            poll([](const wire::Packet&, Bytes) {});
        }
    }

    // Calls on_udp(packet, payload) for every UDP datagram to us.
    template <typename OnUdp>
    void poll(OnUdp&& on_udp) {
        std::array<rte_mbuf*, kBurst> burst;
        uint16_t n = port_.receive(0, burst);
        for (uint16_t i = 0; i < n; i++) {
            Bytes frame{rte_pktmbuf_mtod(burst[i], const uint8_t*), burst[i]->data_len};
            wire::Packet packet;
            if (!wire::parse(frame, true, packet)) {
                if (packet.l3 == wire::L3::arp) {
                    on_arp(frame.subspan(packet.l3_offset));
                } else if (packet.is_udp() && packet.destination == options_.own) {
                    on_udp(packet, frame.subspan(packet.payload_offset, packet.payload_length));
                }
            }
        }
        rte_pktmbuf_free_bulk(burst.data(), n);
    }

    // A datagram of `size` bytes of payload, to be filled in and sealed; nullptr when buffers are short.
    rte_mbuf* datagram(uint16_t source_port, const Endpoint& destination, uint16_t size, uint8_t*& payload) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
        if (!mbuf) return nullptr;
        auto total = static_cast<uint16_t>(wire::kEthernetHeader + wire::kIpv4Header + wire::kUdpHeader + size);
        auto* at = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, total));
        at += wire::write_ethernet(at, server_mac_, port_.mac(), 0, wire::kEtherTypeIpv4);
        wire::IpFields fields;
        fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + size);
        at += wire::write_ipv4(at, options_.own, destination.address, fields);
        payload = at + wire::write_udp(at, source_port, destination.port, size, 0);
        return mbuf;
    }
    void seal(rte_mbuf* mbuf, const IpAddress& destination) {
        auto* udp = rte_pktmbuf_mtod_offset(mbuf, uint8_t*, wire::kEthernetHeader + wire::kIpv4Header);
        Bytes segment(udp, mbuf->data_len - wire::kEthernetHeader - wire::kIpv4Header);
        uint16_t sum = wire::transport_checksum(options_.own, destination, 17, segment);
        store_be16(udp + 6, sum ? sum : 0xffff);
    }
    // Frees what the port does not take; returns how many it took.
    uint16_t send(std::span<rte_mbuf*> frames) {
        uint16_t n = port_.transmit(0, frames);
        if (n < frames.size()) rte_pktmbuf_free_bulk(frames.data() + n, static_cast<unsigned>(frames.size() - n));
        return n;
    }

  private:
    void send_arp(wire::ArpOperation operation, const MacAddress& to, const IpAddress& target) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
        if (!mbuf) return;
        auto* at = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, 60));
        std::memset(at, 0, 60);
        wire::write_ethernet(at, to, port_.mac(), 0, wire::kEtherTypeArp);
        wire::Arp arp;
        arp.operation = operation;
        arp.sender_mac = port_.mac();
        arp.sender = options_.own;
        if (operation == wire::ArpOperation::reply) arp.target_mac = to;
        arp.target = target;
        arp.write(std::span<uint8_t, wire::kArpLength>(at + wire::kEthernetHeader, wire::kArpLength));
        send({&mbuf, 1});
    }
    void on_arp(Bytes bytes) {
        auto arp = wire::Arp::parse(bytes);
        if (!arp) return;
        if (arp->sender == options_.server) {
            server_mac_ = arp->sender_mac;
            resolved_ = true;
        }
        if (arp->operation == wire::ArpOperation::request && arp->target == options_.own)
            send_arp(wire::ArpOperation::reply, arp->sender_mac, arp->sender);
    }

    port::Port& port_;
    rte_mempool* pool_;
    const Options& options_;
    MacAddress server_mac_;
    bool resolved_ = false;
};

class Load {
  public:
    Load(Wire& wire, const Options& options) : wire_(wire), options_(options), relays_(options.clients) {
        for (uint32_t i = 0; i < options.clients; i++) set_up(i);
    }

    // The load at `rate` packets per second for the configured time, then half a second for what is still under way.
    Trial run(uint64_t rate) {
        Trial trial;
        trial.offered = rate;
        trial_id_++;
        std::vector<uint32_t> latencies;
        latencies.reserve(1U << 20);
        auto on_udp = [&](const wire::Packet& packet, Bytes payload) {
            if (packet.source == options_.server && packet.source_port == 3478 &&
                payload.size() >= wire::kChannelHeader)
                payload = payload.subspan(wire::kChannelHeader);
            if (payload.size() < kData || load_be32(payload.data() + 12) != kMagic ||
                load_be32(payload.data() + 16) != trial_id_)
                return;
            trial.received++;
            if (trial.received % 16 == 0 && latencies.size() < latencies.capacity())
                latencies.push_back(static_cast<uint32_t>(
                    std::min<uint64_t>(rte_rdtsc() - load_be64(payload.data() + 20), UINT32_MAX)));
        };
        double hz = static_cast<double>(rte_get_tsc_hz());
        uint64_t begin = rte_rdtsc();
        auto end = begin + static_cast<uint64_t>(options_.seconds * hz);
        uint64_t scheduled = 0;
        for (uint64_t now = begin; now < end; now = rte_rdtsc()) {
            auto due = static_cast<uint64_t>(static_cast<double>(now - begin) * static_cast<double>(rate) / hz);
            // Behind schedule by more than two bursts: this core is the limit, which the offered rate then says.
            if (due > scheduled + 2 * kBurst) due = scheduled + 2 * kBurst;
            while (scheduled < due) {
                auto n = static_cast<uint32_t>(std::min<uint64_t>(kBurst, due - scheduled));
                trial.sent += send_burst(n);
                scheduled += n;
            }
            wire_.poll(on_udp);
        }
        trial.seconds = since(begin);
        for (uint64_t last = rte_rdtsc(); since(last) < 0.5 && trial.received < trial.sent;) wire_.poll(on_udp);
        if (!latencies.empty()) {
            std::sort(latencies.begin(), latencies.end());
            auto at = [&](double q) {
                return latencies[static_cast<size_t>(q * static_cast<double>(latencies.size() - 1))] * 1e6 / hz;
            };
            trial.latency_us = {at(0.5), at(0.99), at(0.999)};
        }
        return trial;
    }

  private:
    uint32_t send_burst(uint32_t n) {
        std::array<rte_mbuf*, kBurst> frames;
        uint32_t made = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t index = next_++ % options_.clients;
            bool to_peer = next_ / options_.clients % 2;
            uint8_t* payload = nullptr;
            Endpoint server{options_.server, 3478};
            const Endpoint& destination = to_peer ? server : relays_[index];
            auto port = static_cast<uint16_t>(options_.first_port + index + (to_peer ? 0 : kPeerPorts));
            uint16_t header = to_peer ? wire::kChannelHeader : 0;
            rte_mbuf* mbuf = wire_.datagram(port, destination, static_cast<uint16_t>(kData + header), payload);
            if (!mbuf) break;
            if (to_peer) {
                store_be16(payload, kChannel);
                store_be16(payload + 2, kData);
                payload += wire::kChannelHeader;
            }
            write_rtp(payload, index, to_peer);
            wire_.seal(mbuf, destination.address);
            frames[made++] = mbuf;
        }
        return wire_.send({frames.data(), made});
    }

    void write_rtp(uint8_t* rtp, uint32_t index, bool to_peer) {
        std::memset(rtp, 0, kData);
        rtp[0] = 0x80;
        store_be16(rtp + 2, static_cast<uint16_t>(next_ / options_.clients / 2));
        store_be32(rtp + 4, static_cast<uint32_t>(next_ / options_.clients / 2 * 160));
        store_be32(rtp + 8, index << 1 | to_peer);
        store_be32(rtp + 12, kMagic);
        store_be32(rtp + 16, trial_id_);
        store_be64(rtp + 20, rte_rdtsc());
    }

    void set_up(uint32_t index) {
        test::StunAttempt allocate;
        store_be32(allocate.transaction.data(), index);
        auto challenge = ask(index, allocate);
        auto log_in = [&](test::StunAttempt& attempt) {
            attempt.log_in(options_.user, std::string(challenge->text(wire::StunAttribute::realm)), options_.password);
            attempt.nonce = std::string(challenge->text(wire::StunAttribute::nonce));
        };
        std::vector<uint8_t> kept(challenge->raw().begin(), challenge->raw().end());
        challenge = wire::StunMessage::parse(kept);
        allocate.transaction[4] = 1;
        log_in(allocate);
        auto reply = ask(index, allocate);
        auto relay = reply->address(wire::StunAttribute::xor_relayed_address);
        if (reply->klass() != wire::StunClass::success || !relay)
            throw std::runtime_error("allocation " + std::to_string(index) + " was refused");
        relays_[index] = *relay;
        test::StunAttempt bind;
        bind.method = wire::StunMethod::channel_bind;
        bind.transaction = allocate.transaction;
        bind.transaction[4] = 2;
        log_in(bind);
        bind.channel = kChannel;
        bind.peer = Endpoint{options_.own, static_cast<uint16_t>(options_.first_port + kPeerPorts + index)};
        if (ask(index, bind)->klass() != wire::StunClass::success)
            throw std::runtime_error("channel " + std::to_string(index) + " was refused");
    }

    // One request and its answer, with the retransmissions of RFC 8489 section 6.2.1 (shortened).
    std::optional<wire::StunMessage> ask(uint32_t index, const test::StunAttempt& attempt) {
        std::vector<uint8_t> request = attempt.write();
        Endpoint server{options_.server, 3478};
        for (int tries = 0; tries < 8; tries++) {
            uint8_t* payload = nullptr;
            rte_mbuf* mbuf = wire_.datagram(static_cast<uint16_t>(options_.first_port + index), server,
                                            static_cast<uint16_t>(request.size()), payload);
            if (!mbuf) throw std::runtime_error("no packet buffer");
            std::copy(request.begin(), request.end(), payload);
            wire_.seal(mbuf, server.address);
            wire_.send({&mbuf, 1});
            for (uint64_t begin = rte_rdtsc(); since(begin) < 0.3;) {
                std::optional<wire::StunMessage> answer;
                wire_.poll([&](const wire::Packet&, Bytes bytes) {
                    answer_.assign(bytes.begin(), bytes.end());
                    auto message = wire::StunMessage::parse(answer_);
                    if (message && message->transaction() == attempt.transaction) answer = message;
                });
                if (answer) return answer;
            }
        }
        throw std::runtime_error("the server does not answer");
    }

    Wire& wire_;
    const Options& options_;
    std::vector<Endpoint> relays_;
    std::vector<uint8_t> answer_;
    uint64_t next_ = 0;
    uint32_t trial_id_ = 0;
};

void print(const Trial& t) {
    double reached = static_cast<double>(t.sent) / t.seconds;
    std::printf(
        "{\"offered\":%lu,\"pps\":%.0f,\"sent\":%lu,\"lost\":%lu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
        t.offered, reached, t.sent, t.lost(), t.latency_us[0], t.latency_us[1], t.latency_us[2]);
    std::fflush(stdout);
}

// The highest rate without loss, to 5 %. A loss counts only if it happens twice: a shared machine takes a CPU away now
// and then.
void search(Load& load, uint64_t low, uint64_t high) {
    Trial best;
    auto clean = [&](uint64_t rate) {
        for (int tries = 0; tries < 2; tries++) {
            Trial t = load.run(rate);
            print(t);
            if (t.lost() == 0 && t.sent) {
                if (t.sent > best.sent) best = t;
                // The generator did not keep up: a higher rate would not be offered either.
                return static_cast<double>(t.sent) / t.seconds > 0.97 * static_cast<double>(rate) ? 1 : 2;
            }
        }
        return 0;
    };
    while (high > low + low / 20) {
        uint64_t middle = (low + high) / 2;
        int verdict = clean(middle);
        if (verdict == 2) break;
        (verdict ? low : high) = middle;
    }
    std::printf("{\"best\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
                best.seconds > 0 ? static_cast<double>(best.sent) / best.seconds : 0.0, best.latency_us[0],
                best.latency_us[1], best.latency_us[2]);
}

std::vector<uint64_t> numbers(const std::string& text) {
    std::vector<uint64_t> out;
    for (size_t at = 0; at < text.size();) {
        size_t comma = std::min(text.find(',', at), text.size());
        out.push_back(std::stoull(text.substr(at, comma - at)));
        at = comma + 1;
    }
    return out;
}

Options read_options(int argc, char** argv) {
    namespace po = boost::program_options;
    po::options_description known;
    for (const char* name :
         {"device", "cpu", "server", "own", "user", "password", "clients", "first-port", "seconds", "rates", "search"})
        known.add_options()(name, po::value<std::string>());
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, known), values);
    auto text = [&](const char* key, const char* fallback) {
        return values.count(key) ? values[key].as<std::string>() : fallback;
    };
    Options o;
    o.device = text("device", "");
    o.cpu = static_cast<unsigned>(std::stoul(text("cpu", "1")));
    o.server = IpAddress::parse(text("server", "198.18.0.1")).value();
    o.own = IpAddress::parse(text("own", "198.18.0.2")).value();
    o.user = text("user", "alice");
    o.password = text("password", "secret");
    o.clients = static_cast<uint32_t>(std::stoul(text("clients", "100")));
    o.first_port = static_cast<uint16_t>(std::stoul(text("first-port", "10000")));
    o.seconds = std::stod(text("seconds", "2"));
    o.rates = numbers(text("rates", ""));
    o.search = numbers(text("search", ""));
    return o;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        Options options = read_options(argc, argv);
        port::EalConfig config;
        config.huge = false;
        config.memory_mb = 256;
        config.cpus = {options.cpu};
        config.file_prefix = "fedge-perf-load";
        config.extra = {"--log-level=error"};
        port::PortConfig port_config;
        port_config.name = "load";
        port_config.device = options.device;
        port_config.rx_descriptors = 4096;
        port_config.tx_descriptors = 2048;
        config.ports = {port_config};
        port::Eal eal(config, 1);
        port::MbufPoolConfig pool_config;
        pool_config.mbufs = 32767;
        port::MbufPool pool("load", pool_config, SOCKET_ID_ANY);
        rte_mempool* raw = pool.get();
        port::Port port(port_config, {&raw, 1});
        port.start();
        Wire wire(port, pool.get(), options);
        wire.resolve_server();
        Load load(wire, options);
        for (uint64_t rate : options.rates) print(load.run(rate));
        if (options.search.size() == 2) search(load, options.search[0], options.search[1]);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-turn-load: %s\n", error.what());
        return 1;
    }
}
