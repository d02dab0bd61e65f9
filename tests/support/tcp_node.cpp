#include "tests/support/tcp_node.h"

#include <rte_ethdev.h>

#include <array>

#include "dataplane/wire/packet.h"
#include "tests/support/ip_lab.h"

namespace fedge::test {
namespace {

constexpr uint16_t kBurst = 32;
constexpr const char* kPort = "test";

std::unique_ptr<const ip::Interfaces> interfaces(const TcpNodePlan& plan, const port::Port& port) {
    InterfaceText text{.name = kPort, .port = kPort, .addresses = {}, .gateways = {}, .vlan = 0, .mtu = plan.mtu};
    for (const std::string& address : plan.addresses) {
        if (!Prefix::parse(address)) throw std::invalid_argument(address + ": not an address with a prefix length");
        text.addresses.push_back(address.c_str());
    }
    for (const std::string& gateway : plan.gateways) {
        if (!IpAddress::parse(gateway)) throw std::invalid_argument(gateway + ": not an address");
        text.gateways.push_back(gateway.c_str());
    }
    SnapshotText snapshot;
    snapshot.interfaces.push_back(text);
    auto bytes = snapshot_bytes(snapshot);
    ip::PortFacts facts{.name = kPort,
                        .id = port.id(),
                        .mac = port.mac(),
                        .mtu = port.mtu(),
                        .tx_ipv4_checksum = port.tx_ipv4_checksum(),
                        .tx_udp_checksum = port.tx_udp_checksum(),
                        .tx_tcp_checksum = port.tx_tcp_checksum()};
    return ip::Interfaces::build(*contract::GetSnapshot(bytes.data()), {&facts, 1}, nullptr);
}

}  // namespace

port::EalConfig TcpNode::eal_config(const TcpNodePlan& plan) {
    port::EalConfig config;
    config.huge = false;
    config.memory_mb = plan.memory_mb;
    config.file_prefix = plan.file_prefix;
    config.cpus = {0};
    config.ports = {{.name = kPort, .device = plan.device, .mtu = plan.mtu}};
    config.extra = {"--log-level=error"};
    return config;
}

TcpNode::TcpNode(const TcpNodePlan& plan)
    : eal_(eal_config(plan), 1),
      pool_("test-mbufs", {.mbufs = plan.mbufs}, -1),
      impaired_(plan.impairment.any()),
      in_(plan.impairment, plan.seed),
      out_(plan.impairment, plan.seed + 1),
      now_(clock_.now()) {
    std::array<rte_mempool*, 1> pools{pool_.get()};
    port_ =
        std::make_unique<port::Port>(port::PortConfig{.name = kPort, .device = plan.device, .mtu = plan.mtu}, pools);
    interfaces_ = interfaces(plan, *port_);
    ip::HostConfig config;
    config.pool = pool_.get();
    config.announces = true;
    host_ = std::make_unique<ip::Host>(config, counters(), random_, *this, now_);
    host_->adopt(interfaces_.get(), {}, now_);
    stack_ = std::make_unique<tcp::Stack>(plan.tcp, counters(), random_, *host_, pool_.get(), now_);
    port_->start();
}

TcpNode::~TcpNode() {
    stack_.reset();
    host_.reset();
    for (auto* wire : {&in_, &out_})
        while (auto frame = wire->take(kNever)) rte_pktmbuf_free(*frame);
}

uint32_t TcpNode::turn(Instant now) {
    now_ = now;
    std::array<rte_mbuf*, kBurst> burst;
    uint32_t work = port_->receive(0, burst);
    for (uint32_t i = 0; i < work; i++) {
        if (!impaired_ || !carries_tcp(burst[i])) {
            on_frame(burst[i], now);
        } else if (auto lost = in_.put(burst[i], now)) {
            rte_pktmbuf_free(*lost);
        }
    }
    while (auto frame = in_.take(now)) on_frame(*frame, now);
    work += stack_->turn(now);
    host_->advance(now);
    host_->flush();
    return work + send_due(now);
}

bool TcpNode::carries_tcp(const rte_mbuf* frame) const {
    wire::Packet packet;
    Bytes bytes{rte_pktmbuf_mtod(frame, const uint8_t*), frame->data_len};
    return !wire::parse(bytes, true, packet) && packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp);
}

void TcpNode::on_frame(rte_mbuf* frame, Instant now) {
    Bytes bytes{rte_pktmbuf_mtod(frame, const uint8_t*), frame->data_len};
    wire::Packet packet;
    uint16_t interface;
    auto reason = wire::parse(bytes, false, packet);
    if (!reason) reason = host_->admit(frame->port, bytes, packet, interface);
    if (reason) {
        counters().drop(*reason);
        return rte_pktmbuf_free(frame);
    }
    if (packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp) && packet.l3 != wire::L3::arp)
        return stack_->receive(frame, packet, now);
    if (packet.is_udp()) {
        counters().drop(Drop::port_closed);
        return host_->port_unreachable(frame, packet, interface, now);
    }
    auto flow = host_->on_packet(frame, packet, interface, now);
    if (flow && flow->tcp) {
        stack_->receive(*flow, now);
    } else if (flow) {
        counters().drop(Drop::icmp_unmatched);
    }
}

uint16_t TcpNode::transmit(uint16_t, std::span<rte_mbuf*> frames) {
    if (!impaired_) return port_->transmit(0, frames);
    for (rte_mbuf* frame : frames) {
        std::optional<rte_mbuf*> lost;
        if (carries_tcp(frame)) {
            lost = out_.put(frame, now_);
        } else if (port_->transmit(0, {&frame, 1}) == 0) {
            lost = frame;
        }
        if (lost) rte_pktmbuf_free(*lost);
    }
    return static_cast<uint16_t>(frames.size());
}

uint32_t TcpNode::send_due(Instant now) {
    std::array<rte_mbuf*, kBurst> burst;
    uint32_t total = 0;
    for (uint16_t count = kBurst; count == kBurst;) {
        count = 0;
        while (count < kBurst) {
            auto frame = out_.take(now);
            if (!frame) break;
            burst[count++] = *frame;
        }
        uint16_t sent = count ? port_->transmit(0, {burst.data(), count}) : uint16_t{0};
        counters().drop(Drop::tx_full, count - sent);
        rte_pktmbuf_free_bulk(burst.data() + sent, count - sent);
        total += sent;
    }
    return total;
}

std::vector<std::pair<std::string, uint64_t>> TcpNode::totals() const {
    std::vector<std::pair<std::string, uint64_t>> out;
    for (size_t i = 0; i < contract::kCounterCount; i++)
        if (block_.values[i]) out.emplace_back(contract::kCounters[i].name, block_.values[i]);
    for (size_t i = 0; i < contract::kDropCount; i++)
        if (block_.drops[i]) out.emplace_back(contract::kDrops[i].name, block_.drops[i]);
    return out;
}

}  // namespace fedge::test
