// Media payloads: kinds agree with the parsers, and nothing named lies beyond the datagram.
#include "dataplane/wire/rtp.h"

#include "dataplane/wire/channel_data.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes datagram{data, size};
    auto kind = wire::classify_payload(datagram);
    auto rtp = wire::Rtp::parse(datagram);
    auto rtcp = wire::Rtcp::parse(datagram);
    expect(!rtp || kind == wire::MediaKind::rtp, "RTP is classified as RTP");
    expect(!rtcp || kind == wire::MediaKind::rtcp, "RTCP is classified as RTCP");
    // RFC 7983 knows channels of RFC 8656 only; the older ones (channel_data.h) never travel inside media.
    bool channel = wire::ChannelData::parse(datagram) && datagram[0] < 80;
    expect(!channel || kind == wire::MediaKind::channel, "ChannelData is classified so");
    if (rtp) {
        expect(size_t{rtp->payload_offset} + rtp->payload_length == size, "payload up to the end");
        expect(rtp->payload_offset >= wire::kRtpHeader + 4U * (data[0] & 0x0f), "behind the CSRC list");
        if (auto clear = rtp->clear_payload(datagram)) {
            expect(fuzz::inside(datagram, *clear), "clear payload inside");
            expect(rtp->has_padding ? clear->size() < rtp->payload_length : clear->size() == rtp->payload_length,
                   "padding has at least one byte");
        }
    }
    if (rtcp) expect(rtcp->length >= wire::kRtcpHeader && rtcp->length <= size, "first packet inside");
    return 0;
}
