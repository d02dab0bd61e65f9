#include "perf/tcp/two_hosts.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>

#include <array>
#include <stdexcept>

#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/wire/packet.h"
#include "tests/support/ip_lab.h"

namespace fedge::perf {
namespace {

std::unique_ptr<const ip::Interfaces> interfaces(const std::vector<std::string>& addresses, const port::Port& port,
                                                 const MacAddress& mac) {
    std::vector<const char*> texts;
    for (const auto& address : addresses) texts.push_back(address.c_str());
    auto bytes =
        test::snapshot_bytes({.interfaces = {{.name = "net", .port = port.name().c_str(), .addresses = texts}}});
    std::array<ip::PortFacts, 1> ports{ip::PortFacts{port.name(), port.id(), mac, port.mtu()}};
    return ip::Interfaces::build(*contract::GetSnapshot(bytes.data()), ports, nullptr);
}

}  // namespace

rte_ring* make_ring(const std::string& name, uint32_t size) {
    rte_ring* ring = rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (!ring) throw std::runtime_error("no memory for ring " + name);
    return ring;
}

RingHost::RingHost(const std::string& name, rte_ring* in, rte_ring* out, const std::vector<std::string>& addresses,
                   const tcp::Settings& settings, Instant now)
    : name_(name) {
    port::MbufPoolConfig pool;
    pool.mbufs = 32767;
    pool_ = std::make_unique<port::MbufPool>(name + "-mbufs", pool, SOCKET_ID_ANY);
    if (rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0) < 0) throw std::runtime_error("no ring port");
    port::PortConfig config;
    config.name = name;
    config.device = "net_ring_" + name;
    std::array<rte_mempool*, 1> pools{pool_->get()};
    port_ = std::make_unique<port::Port>(config, pools);
    port_->start();
    // A ring port has no MAC address of its own; two hosts on one wire need two.
    static uint16_t hosts = 0;
    mac_ = {{0x02, 0, 0, 0, 0, static_cast<uint8_t>(hosts + 1)}};
    interfaces_ = interfaces(addresses, *port_, mac_);
    ip::HostConfig host;
    host.neighbors.core = hosts++;  // names its tables
    host.pool = pool_->get();
    host_ = std::make_unique<ip::Host>(host, Counters{block_}, random_, *this, now);
    host_->adopt(interfaces_.get(), {}, now);
    stack_ = std::make_unique<tcp::Stack>(settings, Counters{block_}, random_, *host_, pool_->get(), now);
}

RingHost::~RingHost() {
    stack_.reset();
    host_.reset();
    port_.reset();
    rte_vdev_uninit(("net_ring_" + name_).c_str());
}

uint32_t RingHost::turn(Instant now) {
    std::array<rte_mbuf*, tcp::Tcp::kBurst> burst;
    uint16_t n = port_->receive(0, burst);
    for (uint16_t i = 0; i < n; i++) {
        rte_mbuf* frame = burst[i];
        Bytes bytes{rte_pktmbuf_mtod(frame, const uint8_t*), frame->data_len};
        wire::Packet packet;
        uint16_t interface = 0;
        if (wire::parse(bytes, false, packet) || host_->admit(port_->id(), bytes, packet, interface)) {
            rte_pktmbuf_free(frame);
            continue;
        }
        if (packet.l3 != wire::L3::arp && !packet.fragment &&
            packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp)) {
            stack_->receive(frame, packet, now);
        } else {
            host_->on_packet(frame, packet, interface, now);
        }
    }
    host_->advance(now);
    stack_->turn(now);
    host_->flush();
    return n;
}

uint16_t RingHost::transmit(uint16_t, std::span<rte_mbuf*> frames) {
    return port_->transmit(0, frames);
}

}  // namespace fedge::perf
