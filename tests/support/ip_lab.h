// What tests of the IP host need around it: snapshots from text, a wire that keeps what is sent, frames to receive.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/ip/tx.h"
#include "dataplane/wire/packet.h"

namespace fedge::test {

using Frame = std::vector<uint8_t>;

inline IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}
inline MacAddress mac(uint8_t last) {
    return {{0x02, 0, 0, 0, 0, last}};
}

struct InterfaceText {
    const char* name;
    const char* port;
    std::vector<const char*> addresses;
    std::vector<const char*> gateways = {};
    uint16_t vlan = 0;
    uint16_t mtu = 1500;
};

struct RouteText {
    const char* destination;
    const char* gateway;
    const char* interface;
};

struct SnapshotText {
    std::vector<InterfaceText> interfaces = {};
    std::vector<RouteText> routes = {};
    std::vector<const char*> relays = {};
};

flatbuffers::DetachedBuffer snapshot_bytes(const SnapshotText& text);
// Ports "wan" (0, MAC ...:a0) and "lan" (1, MAC ...:a1), MTU 1500.
std::span<const ip::PortFacts> two_ports();
std::unique_ptr<const ip::Interfaces> compile(const SnapshotText& text, const ip::Interfaces* previous = nullptr);

// Keeps copies of what is sent, per port in order.
class Wire : public ip::Transmitter {
  public:
    struct Sent {
        uint16_t port;
        Frame frame;
        uint64_t flags;
    };
    uint16_t transmit(uint16_t port, std::span<rte_mbuf*> frames) override;

    std::vector<Sent> sent;
    uint16_t room = UINT16_MAX;  // frames taken per call
};

// Whole frames. `vlan` 0 = untagged.
struct L2 {
    MacAddress destination;
    MacAddress source;
    uint16_t vlan = 0;
};
Frame arp_frame(const L2& l2, uint16_t operation, MacAddress sender_mac, const IpAddress& sender, MacAddress target_mac,
                const IpAddress& target);
Frame ip_frame(const L2& l2, const IpAddress& source, const IpAddress& destination, uint8_t protocol, uint8_t ttl,
               Bytes payload);
Frame udp_frame(const L2& l2, const Endpoint& source, const Endpoint& destination, Bytes payload);
Frame echo_request(const L2& l2, const IpAddress& source, const IpAddress& destination, Bytes data);
Frame solicitation(const L2& l2, const IpAddress& source, const IpAddress& target,
                   std::optional<MacAddress> source_mac);
Frame advertisement(const L2& l2, const IpAddress& target, const IpAddress& destination, MacAddress target_mac,
                    bool solicited, bool override_cached);

// Parsed, and nothing if the parser refuses it.
std::optional<wire::Packet> parsed(Bytes frame);
rte_mbuf* to_mbuf(rte_mempool* pool, Bytes bytes);

}  // namespace fedge::test
