#include "dataplane/port/port.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dataplane/port/device.h"
#include "dataplane/port/rss.h"

namespace fedge::port {
namespace {

constexpr uint64_t kRss = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
// Ethernet header, VLAN tag and frame check sequence: what a buffer holds besides the IP packet.
constexpr uint32_t kL2Overhead = 14 + 4 + 4;

std::string words(int error) {
    return std::strerror(error < 0 ? -error : error);
}

}  // namespace

Port::Port(const PortConfig& config, std::span<rte_mempool* const> pools, uint16_t rss_queues)
    : config_(config), queues_(static_cast<uint16_t>(pools.size())), rss_queues_(rss_queues) {
    std::string device = ethdev_name(config.device);
    if (rte_eth_dev_get_port_by_name(device.c_str(), &id_) != 0)
        throw std::runtime_error(key("device") + ": DPDK has no driver for " + device +
                                 "; the EAL's words above say why (a driver package may be missing)");
    try {
        configure(pools);
    } catch (...) {
        rte_eth_dev_close(id_);
        throw;
    }
}

Port::~Port() {
    stop();
    rte_eth_dev_close(id_);
}

void Port::configure(std::span<rte_mempool* const> pools) {
    rte_eth_dev_info info;
    if (int e = rte_eth_dev_info_get(id_, &info); e != 0)
        throw std::runtime_error(key("device") + ": the driver does not describe the device: " + words(e));
    driver_ = info.driver_name;
    uint16_t offered = std::min(info.max_rx_queues, info.max_tx_queues);
    if (queues_ > offered)
        throw std::runtime_error(key("device") + ": " + driver_ + " offers " + std::to_string(offered) +
                                 " queue pairs, the cores need " + std::to_string(queues_) + "; " +
                                 queue_advice(config_.device, queues_));
    if (config_.mtu < info.min_mtu || config_.mtu > info.max_mtu)
        throw std::runtime_error(key("mtu") + ": " + driver_ + " takes " + std::to_string(info.min_mtu) + " to " +
                                 std::to_string(info.max_mtu) + ", not " + std::to_string(config_.mtu));
    for (rte_mempool* pool : pools) {
        uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
        if (config_.mtu + kL2Overhead > room)
            throw std::runtime_error(key("mtu") + ": a packet of " + std::to_string(config_.mtu) +
                                     " bytes does not fit a packet buffer; the most is " +
                                     std::to_string(room - kL2Overhead));
    }

    rte_eth_conf conf{};
    std::array<uint8_t, kRssKey.size()> rss_key = kRssKey;  // the configuration takes it without const
    conf.rxmode.mtu = config_.mtu;
    uint64_t functions = info.flow_type_rss_offloads & kRss;
    rss_ = queues_ > 1 && functions != 0;
    if (rss_) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = functions;
        if (info.hash_key_size == rss_key.size()) {
            conf.rx_adv_conf.rss_conf.rss_key = rss_key.data();
            conf.rx_adv_conf.rss_conf.rss_key_len = rss_key.size();
        }
    }
    rx_offloads_ = info.rx_offload_capa &
                   (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
    // No MBUF_FAST_FREE: frames of one queue may come from several pools.
    tx_offloads_ = info.tx_offload_capa &
                   (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
    conf.rxmode.offloads = rx_offloads_;
    conf.txmode.offloads = tx_offloads_;
    if (int e = rte_eth_dev_configure(id_, queues_, queues_, &conf); e != 0)
        throw std::runtime_error(key("device") + ": " + driver_ + " refuses " + std::to_string(queues_) +
                                 " queue pairs with MTU " + std::to_string(config_.mtu) + ": " + words(e));
    if (int e = rte_eth_dev_set_mtu(id_, config_.mtu); e != 0 && e != -ENOTSUP)
        throw std::runtime_error(
            key("mtu") + ": " + driver_ + " refuses " + std::to_string(config_.mtu) + ": " + words(e) +
            (driver_ == "net_af_packet" ? "; lower it, or add framesz= to the device string" : "; lower it"));
    set_up_queues(pools, info);
    rte_ether_addr mac;
    if (int e = rte_eth_macaddr_get(id_, &mac); e != 0)
        throw std::runtime_error(key("device") + ": no MAC address: " + words(e));
    std::memcpy(mac_.octets.data(), mac.addr_bytes, mac_.octets.size());
}

void Port::set_up_queues(std::span<rte_mempool* const> pools, const rte_eth_dev_info& info) {
    uint16_t rx = config_.rx_descriptors;
    uint16_t tx = config_.tx_descriptors;
    if (int e = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx); e != 0)
        throw std::runtime_error(key("rx-descriptors") + ": " + driver_ + " refuses the queue sizes: " + words(e));
    rte_eth_rxconf rx_conf = info.default_rxconf;
    rte_eth_txconf tx_conf = info.default_txconf;
    rx_conf.offloads = rx_offloads_;
    tx_conf.offloads = tx_offloads_;
    auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
    for (uint16_t q = 0; q < queues_; q++) {
        if (int e = rte_eth_rx_queue_setup(id_, q, rx, socket, &rx_conf, pools[q]); e != 0)
            throw std::runtime_error(key("rx-descriptors") + ": receive queue " + std::to_string(q) + " of " + driver_ +
                                     ": " + words(e));
        if (int e = rte_eth_tx_queue_setup(id_, q, tx, socket, &tx_conf); e != 0)
            throw std::runtime_error(key("tx-descriptors") + ": transmit queue " + std::to_string(q) + " of " +
                                     driver_ + ": " + words(e));
    }
}

void Port::start() {
    if (int e = rte_eth_dev_start(id_); e != 0)
        throw std::runtime_error(key("device") + ": " + driver_ + " does not start: " + words(e));
    accept_multicast();
    if (rss_ && rss_queues_ < queues_) spread_over(rss_queues_);
}

// A device that cannot be told spreads over all queues; the cores hand over what is not theirs.
void Port::spread_over(uint16_t queues) {
    rte_eth_dev_info info;
    if (rte_eth_dev_info_get(id_, &info) != 0 || info.reta_size == 0) return;
    std::vector<rte_eth_rss_reta_entry64> table((info.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                                RTE_ETH_RETA_GROUP_SIZE);
    for (uint16_t i = 0; i < info.reta_size; i++) {
        rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
        group.mask |= uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
        group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<uint16_t>(i % queues);
    }
    (void)rte_eth_dev_rss_reta_update(id_, table.data(), info.reta_size);
}

// Neighbour solicitations come to multicast groups (RFC 4861 section 7.2); a driver that cannot pass all groups is made
// to pass everything.
void Port::accept_multicast() {
    bool all = rte_eth_allmulticast_enable(id_) == 0;
    if (config_.promiscuous || !all) {
        int e = rte_eth_promiscuous_enable(id_);
        if (e != 0 && e != -ENOTSUP && config_.promiscuous)
            throw std::runtime_error(key("promiscuous") + ": " + driver_ + " refuses: " + words(e));
    }
}

void Port::stop() {
    (void)rte_eth_dev_stop(id_);  // an error means that it was not running
}

std::string Port::offloads() const {
    std::string out;
    for (auto [on, name] : {std::pair{rss(), "rss"},
                            {rx_ipv4_checksum(), "rx-ipv4-checksum"},
                            {rx_udp_checksum(), "rx-udp-checksum"},
                            {tx_ipv4_checksum(), "tx-ipv4-checksum"},
                            {tx_udp_checksum(), "tx-udp-checksum"},
                            {tx_tcp_checksum(), "tx-tcp-checksum"}})
        if (on) out += (out.empty() ? "" : ", ") + std::string(name);
    return out.empty() ? "none" : out;
}

bool Port::link_up() const {
    rte_eth_link state{};
    return rte_eth_link_get_nowait(id_, &state) == 0 && state.link_status == RTE_ETH_LINK_UP;
}

std::string Port::link() const {
    rte_eth_link state{};
    if (rte_eth_link_get_nowait(id_, &state) != 0) return "unknown";
    if (state.link_status != RTE_ETH_LINK_UP) return "down";
    uint32_t mbps = state.link_speed;
    if (mbps == RTE_ETH_SPEED_NUM_NONE || mbps == RTE_ETH_SPEED_NUM_UNKNOWN) return "up";
    return "up " + (mbps % 1000 ? std::to_string(mbps) + " Mbps" : std::to_string(mbps / 1000) + " Gbps");
}

PortStats Port::stats() const {
    rte_eth_stats s{};
    if (rte_eth_stats_get(id_, &s) != 0) return {};
    return {s.ipackets, s.ibytes, s.opackets, s.obytes, s.imissed, s.ierrors, s.oerrors, s.rx_nombuf};
}

}  // namespace fedge::port
