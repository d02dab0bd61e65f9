// ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, and errors with the packet that they quote. Neighbour discovery is in
// ndp.h.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr size_t kIcmpHeader = 8;

namespace icmp {  // types and codes of ICMP for IPv4
inline constexpr uint8_t kEchoReply = 0;
inline constexpr uint8_t kUnreachable = 3;
inline constexpr uint8_t kPortUnreachable = 3;      // code
inline constexpr uint8_t kFragmentationNeeded = 4;  // code; carries the next hop's MTU (RFC 1191)
inline constexpr uint8_t kAdministratively = 13;    // code (RFC 1812 section 5.2.7.1)
inline constexpr uint8_t kSourceQuench = 4;
inline constexpr uint8_t kRedirect = 5;
inline constexpr uint8_t kEchoRequest = 8;
inline constexpr uint8_t kTimeExceeded = 11;
inline constexpr uint8_t kParameterProblem = 12;
}  // namespace icmp

namespace icmpv6 {
inline constexpr uint8_t kUnreachable = 1;
inline constexpr uint8_t kPortUnreachable = 4;  // code
inline constexpr uint8_t kTooBig = 2;           // carries the MTU
inline constexpr uint8_t kTimeExceeded = 3;
inline constexpr uint8_t kParameterProblem = 4;
inline constexpr uint8_t kEchoRequest = 128;
inline constexpr uint8_t kEchoReply = 129;
inline constexpr uint8_t kNeighborSolicitation = 135;
inline constexpr uint8_t kNeighborAdvertisement = 136;
}  // namespace icmpv6

// The start of the packet that an ICMP error is about, as its sender (one of us, if the error is for us) wrote it.
struct QuotedPacket {
    IpAddress source;
    IpAddress destination;
    uint8_t protocol = 0;
    bool has_ports = false;  // UDP or TCP, first fragment, and the ports are within the quote
    uint16_t source_port = 0;
    uint16_t destination_port = 0;
    bool has_sequence = false;  // TCP, and the sequence number is within the quote
    uint32_t sequence = 0;
};

// A message whose length and checksum were proved.
class Icmp {
  public:
    enum class Kind : uint8_t { echo_request, echo_reply, error, other };

    // `message` starts at the ICMP header. Empty if shorter than 8 bytes or if the checksum is wrong.
    static std::optional<Icmp> parse_v4(Bytes message);
    static std::optional<Icmp> parse_v6(const IpAddress& source, const IpAddress& destination, Bytes message);

    Family family() const { return family_; }
    uint8_t type() const { return message_[0]; }
    uint8_t code() const { return message_[1]; }
    // Redirects and the deprecated source quench are `other`: a host behind static routes must not follow them.
    Kind kind() const;
    Bytes raw() const { return message_; }

    // Echo: identifier and sequence in host order, and the data to send back.
    uint16_t identifier() const { return load_be16(message_.data() + 4); }
    uint16_t sequence() const { return load_be16(message_.data() + 6); }
    Bytes data() const { return message_.subspan(kIcmpHeader); }

    // MTU of the next hop of ICMP "fragmentation needed" and ICMPv6 "packet too big"; 0 for all else and for routers
    // that do not say. Untrusted: the receiver applies its own floor (RFC 8201 section 4: 1280).
    uint32_t mtu() const;
    // Errors only. Empty if the quote is too short for its IP header or is not an IP header of this family. Extension
    // headers in a quoted IPv6 packet are not walked: what this edge sends has none.
    std::optional<QuotedPacket> quoted() const;

  private:
    Icmp(Family family, Bytes message) : family_(family), message_(message) {}
    Family family_;
    Bytes message_;
};

// Turns the echo request in `message` into its reply, in place: type, and checksum by difference (RFC 1624).
void turn_into_echo_reply(Family family, MutableBytes message);

// Writes an ICMP error about `offending` (a packet from its IP header on) with its checksum. Quotes as much as keeps
// the whole packet within 576 bytes (RFC 1812 section 4.3.2.3) or 1280 (RFC 4443 section 2.4) and fits `out`. `source`
// and `destination` are those of the IP header around it. Returns the length; 0 if `out` is shorter than 8 bytes. Who
// may be sent one, and how often, is the caller's decision.
size_t write_icmp_error(MutableBytes out, const IpAddress& source, const IpAddress& destination, uint8_t type,
                        uint8_t code, uint32_t mtu, Bytes offending);

}  // namespace fedge::wire
