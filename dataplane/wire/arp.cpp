#include "dataplane/wire/arp.h"

#include <cstring>

namespace fedge::wire {
namespace {

// Hardware type 1 (Ethernet), protocol type IPv4, address lengths 6 and 4.
constexpr uint8_t kPreamble[6] = {0x00, 0x01, 0x08, 0x00, 6, 4};

MacAddress load_mac(const uint8_t* p) {
    MacAddress mac;
    std::memcpy(mac.octets.data(), p, mac.octets.size());
    return mac;
}

}  // namespace

std::optional<Arp> Arp::parse(Bytes payload) {
    if (payload.size() < kArpLength) return std::nullopt;
    const uint8_t* p = payload.data();
    if (std::memcmp(p, kPreamble, sizeof(kPreamble)) != 0) return std::nullopt;
    uint16_t operation = load_be16(p + 6);
    if (operation != 1 && operation != 2) return std::nullopt;
    Arp arp{static_cast<ArpOperation>(operation), load_mac(p + 8), IpAddress::v4_bytes(p + 14), load_mac(p + 18),
            IpAddress::v4_bytes(p + 24)};
    bool mac_ok = !arp.sender_mac.is_multicast() && arp.sender_mac != MacAddress{};
    bool address_ok = !arp.sender.is_multicast() && arp.sender.v4_host_order() != 0xffffffff;
    if (!mac_ok || !address_ok) return std::nullopt;
    return arp;
}

void Arp::write(std::span<uint8_t, kArpLength> out) const {
    uint8_t* p = out.data();
    std::memcpy(p, kPreamble, sizeof(kPreamble));
    store_be16(p + 6, static_cast<uint16_t>(operation));
    std::memcpy(p + 8, sender_mac.octets.data(), 6);
    store_be32(p + 14, sender.v4_host_order());
    std::memcpy(p + 18, target_mac.octets.data(), 6);
    store_be32(p + 24, target.v4_host_order());
}

}  // namespace fedge::wire
