#include "dataplane/ip/tx.h"

namespace fedge::ip {

TxBuffers::~TxBuffers() {
    for (Buffer& b : buffers_) rte_pktmbuf_free_bulk(b.frames.data(), b.count);
}

void TxBuffers::flush(uint16_t port) {
    Buffer& b = buffers_[port];
    if (b.count == 0) return;
    // Lengths are summed before: a frame that was taken is not ours any more.
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < b.count; i++) bytes += rte_pktmbuf_pkt_len(b.frames[i]);
    uint16_t sent = transmitter_.transmit(port, std::span(b.frames).first(b.count));
    for (uint16_t i = sent; i < b.count; i++) {
        bytes -= rte_pktmbuf_pkt_len(b.frames[i]);
        rte_pktmbuf_free(b.frames[i]);
    }
    counters_.add(Counter::tx_packets, sent);
    counters_.add(Counter::tx_bytes, bytes);
    if (sent < b.count) counters_.drop(Drop::tx_full, b.count - sent);
    b.count = 0;
}

}  // namespace fedge::ip
