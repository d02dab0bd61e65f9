// One SIP connection of a core: whole messages from the bytes of a stream, and messages onto it.
//
// A message is gathered whole before anybody hears of it, and goes out whole: between two messages of others a body
// that dribbles in would hold a connection that many share. What lies together in one TLS record is read where it is;
// only what does not is copied (onto the heap, within a bound of the core).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/time.h"
#include "dataplane/signal/sip/dialog_list.h"
#include "dataplane/signal/sip/send_queue.h"
#include "dataplane/signal/sip/sip_config.h"
#include "dataplane/sip/framing.h"
#include "dataplane/tcp/stream.h"
#include "dataplane/tls/session.h"

namespace fedge::signal {

class SipConnections;

// A connection, or one that is no more: numbers are not used again.
struct FlowId {
    uint32_t index = UINT32_MAX;
    uint32_t generation = 0;
    friend bool operator==(const FlowId&, const FlowId&) = default;
};

class SipConnection final : public tcp::StreamHandler {
  public:
    PeerKind kind() const { return kind_; }
    FlowId id() const { return id_; }
    bool open() const { return open_; }
    bool outgoing() const { return outgoing_; }
    // Something came. Before that an outgoing one may still be refused: RFC 8446 section 4.4.2.4 comes behind our part
    // of the handshake.
    bool heard() const { return heard_; }
    const Endpoint& remote() const { return remote_; }
    const tcp::Stream* stream() const { return stream_; }
    // What TLS says of the peer, from the beginning on, and inside of SipObserver::on_end() too; null without TLS
    // below.
    const tls::SessionInfo* tls() const { return tls_; }
    // As `fedge show connections` has it.
    uint64_t number() const { return number_; }
    // For operators.
    DialogPartyView party() const { return {kind_, label_, remote_, number_}; }
    // Why it ended, in words; inside of SipObserver::on_end().
    std::string_view why() const { return why_; }

    // Queues one message, or nothing of it: false if the peer is slow and its queue full, or memory is used up. It
    // leaves at the end of the turn.
    bool send(std::initializer_list<Bytes> parts);
    uint64_t queued() const { return out_.size(); }
    // Ends it; `why` is for operators and must be static. Its observer is told.
    void close(std::string_view why);

    // Whom it is with, for operators: domain or host. Copied.
    void set_label(std::string_view label) { label_.assign(label); }
    std::string_view label() const { return label_; }

    void on_open() override;
    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;
    void describe(tcp::StreamDetails& details) const override;

  private:
    friend class SipConnections;

    enum class Step : uint8_t { again, dry, over };
    Step step();
    Step pull();
    void take(size_t bytes);
    void fault(const sip::Frame& frame, Bytes input);

    SipConnections* all_ = nullptr;
    tcp::Stream* stream_ = nullptr;
    FlowId id_;
    PeerKind kind_ = PeerKind::partner;
    bool open_ = false;
    bool outgoing_ = false;
    bool heard_ = false;
    bool queued_read_ = false;   // in the list of those with more to read
    bool queued_write_ = false;  // in the list of those with something to send
    bool blocked_ = false;       // the stream took less than all
    bool stalled_ = false;       // not read from, because it does not read what it is sent
    const tls::SessionInfo* tls_ = nullptr;
    Endpoint remote_;
    uint64_t number_ = 0;
    std::optional<sip::Framer> framer_;
    uint32_t header_size_ = 0;  // of the message that is being gathered; 0: not known yet
    uint32_t body_size_ = 0;
    uint32_t body_seen_ = 0;
    std::vector<uint8_t> gathered_;
    size_t used_ = 0;  // of gathered_
    SendQueue out_;
    std::string label_;
    std::string_view why_;
};

}  // namespace fedge::signal
