// One DPDK port with a receive and a transmit queue per core.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <span>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/port/config.h"

namespace fedge::port {

struct PortStats {
    uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
    uint64_t rx_missed = 0, rx_errors = 0, tx_errors = 0, rx_nombuf = 0;
};

// Set-up, start, stop and questions about the port belong to the main thread; receive() and transmit() of queue N to
// core N.
class Port {
  public:
    // Configures, without starting, the ethdev that the EAL made of config.device: pools.size() queue pairs, queue N
    // filled from pools[N]; RSS over addresses and UDP/TCP ports onto the first `rss_queues` of them, and IPv4/UDP/TCP
    // checksums in hardware, each where the device can. Throws std::runtime_error that names the key and the fix.
    Port(const PortConfig& config, std::span<rte_mempool* const> pools, uint16_t rss_queues = UINT16_MAX);
    ~Port();  // stops and closes
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    void start();  // throws std::runtime_error
    void stop();

    uint16_t receive(uint16_t queue, std::span<rte_mbuf*> out) const {
        return rte_eth_rx_burst(id_, queue, out.data(), static_cast<uint16_t>(out.size()));
    }
    // How many were taken, from the front; the others stay with the caller.
    uint16_t transmit(uint16_t queue, std::span<rte_mbuf*> packets) const {
        return rte_eth_tx_burst(id_, queue, packets.data(), static_cast<uint16_t>(packets.size()));
    }

    uint16_t id() const { return id_; }  // DPDK port id
    uint16_t queues() const { return queues_; }
    uint16_t mtu() const { return config_.mtu; }
    const std::string& name() const { return config_.name; }
    const std::string& device() const { return config_.device; }
    const std::string& driver() const { return driver_; }
    MacAddress mac() const { return mac_; }
    int socket() const { return rte_eth_dev_socket_id(id_); }

    bool rss() const { return rss_; }
    bool rx_ipv4_checksum() const { return rx_offloads_ & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM; }
    bool rx_udp_checksum() const { return rx_offloads_ & RTE_ETH_RX_OFFLOAD_UDP_CKSUM; }
    bool tx_ipv4_checksum() const { return tx_offloads_ & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM; }
    bool tx_udp_checksum() const { return tx_offloads_ & RTE_ETH_TX_OFFLOAD_UDP_CKSUM; }
    bool tx_tcp_checksum() const { return tx_offloads_ & RTE_ETH_TX_OFFLOAD_TCP_CKSUM; }
    // In use, for people: "rss, rx-ipv4-checksum, tx-udp-checksum"; "none".
    std::string offloads() const;

    bool link_up() const;
    std::string link() const;  // "up 10 Gbps", "down"
    PortStats stats() const;

  private:
    std::string key(const char* what) const { return "port." + config_.name + "." + what; }
    void configure(std::span<rte_mempool* const> pools);
    void set_up_queues(std::span<rte_mempool* const> pools, const rte_eth_dev_info& info);
    void accept_multicast();
    void spread_over(uint16_t queues);

    PortConfig config_;
    uint16_t id_ = 0;
    uint16_t queues_ = 0;
    uint16_t rss_queues_ = 0;
    std::string driver_;
    MacAddress mac_;
    bool rss_ = false;
    uint64_t rx_offloads_ = 0;
    uint64_t tx_offloads_ = 0;
};

}  // namespace fedge::port
