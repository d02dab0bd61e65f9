// Device strings: which kind of device one names, and the queue arguments that a virtual device needs for several
// cores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fedge::port {

// "0000:03:00.0" or "03:00.0", with driver arguments or without.
bool is_pci(std::string_view device);

// "net_af_packet" of "net_af_packet0,iface=eth0"; empty for PCI.
std::string_view vdev_driver(std::string_view device);

// The name that the ethdev will have: the PCI address with its domain, or the vdev's name up to the first comma.
std::string ethdev_name(std::string_view device);

// Value of a key of the driver arguments.
std::optional<std::string> argument(std::string_view device, std::string_view key);

// `device` with the argument that makes its driver offer `queues` queue pairs, where the driver has one (af_packet:
// qpairs, af_xdp: queue_count) and the string does not set it already. Other devices come back as they are.
std::string with_queues(std::string_view device, uint16_t queues);

// How a person raises the number of queues of this device, for error texts.
std::string queue_advice(std::string_view device, uint16_t queues);

// What is wrong with the device on this machine before the EAL is asked: no such PCI device, not bound to a user-space
// driver, no such network interface. Empty if nothing is. `sys` is the root of sysfs ("/sys"); `key` is the
// configuration key to name, for example "port.wan.device".
std::string device_problem(const std::string& key, std::string_view device, const std::string& sys = "/sys");

}  // namespace fedge::port
