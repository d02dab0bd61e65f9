#include "dataplane/wire/rtp.h"

#include "dataplane/wire/channel_data.h"

namespace fedge::wire {

MediaKind classify_payload(Bytes datagram) {
    if (datagram.empty()) return MediaKind::other;
    uint8_t first = datagram[0];
    if (first < 4) return datagram.size() >= 20 ? MediaKind::stun : MediaKind::other;
    if (first >= 20 && first < 64) return datagram.size() >= 13 ? MediaKind::dtls : MediaKind::other;
    if (first >= 64 && first < 80) return datagram.size() >= kChannelHeader ? MediaKind::channel : MediaKind::other;
    if (is_rtcp(datagram)) return MediaKind::rtcp;
    if (is_rtp(datagram)) return MediaKind::rtp;
    return MediaKind::other;
}

std::optional<Bytes> Rtp::clear_payload(Bytes datagram) const {
    if (size_t{payload_offset} + payload_length > datagram.size()) return std::nullopt;
    Bytes payload = datagram.subspan(payload_offset, payload_length);
    if (!has_padding) return payload;
    if (payload.empty() || payload.back() == 0 || payload.back() > payload.size()) return std::nullopt;
    return payload.first(payload.size() - payload.back());
}

std::optional<Rtcp> Rtcp::parse(Bytes datagram) {
    if (!is_rtcp(datagram)) return std::nullopt;
    const uint8_t* p = datagram.data();
    size_t length = size_t{4} * (load_be16(p + 2) + size_t{1});
    if (length < kRtcpHeader || length > datagram.size() || length > UINT16_MAX) return std::nullopt;
    return Rtcp{p[1], static_cast<uint8_t>(p[0] & 0x1f), static_cast<uint16_t>(length), load_be32(p + 4)};
}

}  // namespace fedge::wire
