// What the boot configuration says about one port.
#pragma once

#include <cstdint>
#include <string>

namespace fedge::port {

// Any DPDK ethdev under one key: `device` is a PCI address ("0000:03:00.0", given to the EAL as -a) or a virtual device
// ("net_af_packet0,iface=eth0", given as --vdev), each with its driver's arguments behind commas.
struct PortConfig {
    std::string name;  // [port.NAME] of the boot configuration; interfaces refer to it
    std::string device;
    uint16_t mtu = 1500;  // bytes of IP packet
    uint16_t rx_descriptors = 1024;
    uint16_t tx_descriptors = 1024;
    bool promiscuous = false;
};

}  // namespace fedge::port
