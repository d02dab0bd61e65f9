// ARP for IPv4 over Ethernet (RFC 826, RFC 5227). Any other hardware or protocol type is malformed here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr size_t kArpLength = 28;

enum class ArpOperation : uint16_t { request = 1, reply = 2 };

struct Arp {
    ArpOperation operation = ArpOperation::request;
    MacAddress sender_mac;
    IpAddress sender;  // 0.0.0.0 in a probe (RFC 5227 section 2.1.1)
    MacAddress target_mac;
    IpAddress target;

    // `payload` is what follows the Ethernet header; bytes behind the 28 of ARP are padding. Empty also when the
    // sender's MAC address is a group address or zero, or its IP address is multicast or broadcast: nobody sends from
    // such.
    static std::optional<Arp> parse(Bytes payload);

    // Announces its own address (RFC 5227 section 3), request or reply.
    bool gratuitous() const { return sender == target; }

    void write(std::span<uint8_t, kArpLength> out) const;
};

}  // namespace fedge::wire
