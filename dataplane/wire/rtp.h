// What flows through a media port: telling kinds apart (RFC 7983, RFC 5761) and checked views of RTP and RTCP headers
// (RFC 3550 sections 5.1 and 6.4.1). Everything here holds for SRTP and SRTCP too, whose headers are in the clear.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr size_t kRtpHeader = 12;
inline constexpr size_t kRtcpHeader = 8;  // common header and the sender's SSRC: what SRTCP leaves in the clear

enum class MediaKind : uint8_t { stun, channel, dtls, rtp, rtcp, other };

// By the first byte (RFC 7983 section 7), then RTP from RTCP by the second (RFC 5761 section 4). Too short to be what
// the first byte says is `other`. ZRTP and QUIC are `other`.
MediaKind classify_payload(Bytes datagram);

// Version 2 and long enough for a fixed header; the second byte is not an RTCP packet type.
inline bool is_rtp(Bytes datagram) {
    return datagram.size() >= kRtpHeader && (datagram[0] & 0xc0) == 0x80 && (datagram[1] < 192 || datagram[1] > 223);
}
inline bool is_rtcp(Bytes datagram) {
    return datagram.size() >= kRtcpHeader && (datagram[0] & 0xc0) == 0x80 && datagram[1] >= 192 && datagram[1] <= 223;
}

struct Rtp {
    uint8_t payload_type;
    bool marker;
    bool has_padding;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t payload_offset;  // behind CSRC list and header extension
    uint16_t payload_length;  // padding (and an SRTP tag) included

    // Where the payload begins, behind CSRC list and header extension; 0 if it is not RTP or if they reach beyond the
    // datagram. Padding is not judged here: under SRTP its count is encrypted.
    static size_t payload_offset_in(Bytes datagram) {
        if (!is_rtp(datagram) || datagram.size() > UINT16_MAX) return 0;
        const uint8_t* p = datagram.data();
        size_t offset = kRtpHeader + size_t{4} * (p[0] & 0x0f);
        if (p[0] & 0x10) {
            if (offset + 4 > datagram.size()) return 0;
            offset += 4 + size_t{4} * load_be16(p + offset + 2);
        }
        return offset <= datagram.size() ? offset : 0;
    }

    // Empty where payload_offset_in() is 0.
    static std::optional<Rtp> parse(Bytes datagram) {
        size_t offset = payload_offset_in(datagram);
        if (offset == 0) return std::nullopt;
        const uint8_t* p = datagram.data();
        return Rtp{.payload_type = static_cast<uint8_t>(p[1] & 0x7f),
                   .marker = (p[1] & 0x80) != 0,
                   .has_padding = (p[0] & 0x20) != 0,
                   .sequence = load_be16(p + 2),
                   .timestamp = load_be32(p + 4),
                   .ssrc = load_be32(p + 8),
                   .payload_offset = static_cast<uint16_t>(offset),
                   .payload_length = static_cast<uint16_t>(datagram.size() - offset)};
    }

    // Payload of unencrypted RTP without its padding; empty optional if the padding count is zero or larger than what
    // is there. `datagram` is what was parsed.
    std::optional<Bytes> clear_payload(Bytes datagram) const;
};

// The first packet of a compound: all that SRTCP leaves readable.
struct Rtcp {
    uint8_t packet_type;  // 200 SR, 201 RR, 202 SDES, 203 BYE, 204 APP, 205 RTPFB, 206 PSFB, 207 XR
    uint8_t count;
    uint16_t length;  // of the first packet in bytes, header included
    uint32_t ssrc;    // of the sender

    // Empty if it is not RTCP or if the first packet's length reaches beyond the datagram or is below its own header.
    static std::optional<Rtcp> parse(Bytes datagram);
};

}  // namespace fedge::wire
