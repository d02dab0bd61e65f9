// The SIP proxy of one core (RFC 3261 section 16, stateless): what comes on one connection goes out on another, or is
// refused, top to bottom within one call.
//
//   bytes ─► sip_connection   frames, gathers a whole message
//         ─► sip_proxy        parse, sanity; response or request?
//         ─► sip_requests     who sends it, loops, federation policy, next hop; waits in held_messages if that is not
//                             known or not connected yet, and then goes this way again
//         ─► sip_forward      edits the header section, writes it onto the next connection; or answers
//            sip_responses    by the flow token in our Via, back to where the request came from
//
// No state is kept for a transaction or a dialog: what is needed travels in Via, Record-Route and Path as tokens
// (sip/flow_token.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/policy/config.h"
#include "dataplane/policy/inbound.h"
#include "dataplane/policy/outbound.h"
#include "dataplane/signal/sip/dialog_list.h"
#include "dataplane/signal/sip/failed_registrations.h"
#include "dataplane/signal/sip/front_ends.h"
#include "dataplane/signal/sip/held_messages.h"
#include "dataplane/signal/sip/next_hops.h"
#include "dataplane/signal/sip/partner_finder.h"
#include "dataplane/signal/sip/peer_connections.h"
#include "dataplane/signal/sip/sip_config.h"
#include "dataplane/signal/sip/sip_connections.h"
#include "dataplane/signal/sip/sip_filters.h"
#include "dataplane/signal/sip/sip_post.h"
#include "dataplane/signal/sip/sip_trace.h"
#include "dataplane/sip/flow_token.h"
#include "dataplane/sip/message.h"
#include "dataplane/sip/routing.h"

namespace fedge::signal {

// What a core adopts. All but `verdicts` outlive the next adoption.
struct SipView {
    const SipConfig* config = nullptr;  // null: no SIP
    const policy::Config* federation = nullptr;
    contract::Verdicts verdicts;
    hs_scratch_t* scratch = nullptr;
    sip::FilterScratch* filters = nullptr;  // null: nothing is filtered
};

class SipProxy final : private SipObserver {
  public:
    struct Setup {
        SipLimits limits;
        uint16_t core = 0;
        uint32_t dialogs = 1024;  // that are listed for operators
        SipConnector* connector = nullptr;
        PartnerFinder* finder = nullptr;
        SipPost* post = nullptr;
    };
    // The EAL must run. Throws std::runtime_error when there is not enough memory.
    SipProxy(const Setup& setup, Counters counters, Random& random, Instant now);
    ~SipProxy() override;

    void adopt(const SipView& view, Instant now);
    // A connection whose TLS, if any, is finished. nullptr: refused and counted. `tls`: what TLS says of the peer, as
    // long as the stream lives; null: there is none.
    tcp::StreamHandler* accept(tcp::Stream& stream, PeerKind kind, const tls::SessionInfo* tls);

    // Before anything that may call handlers.
    void set_time(Instant now, uint64_t unix_now);
    // PartnerFinder::find() has an answer for what had this key.
    void on_route(uint64_t key);
    // A message of another core for a connection of this one.
    void deliver(const SipParcel& parcel);
    // End of a turn: what is left to read, deadlines; then what is to be written.
    uint32_t turn(Instant now, uint64_t unix_now);

    const SipConnections& connections() const { return connections_; }
    uint32_t held() const { return held_.count(); }

    // For operators. Rows from `cursor` on (start with 0; 0 again at the end). They return how many.
    uint32_t list_dialogs(std::span<DialogRecord> out, uint64_t& cursor) const {
        return dialogs_.list(out, cursor, now_);
    }
    uint32_t list_next_hops(std::span<NextHopRecord> out, uint64_t& cursor) const;
    uint32_t list_scanners(std::span<ScannerRecord> out, uint64_t& cursor) const {
        return filters_.list_scanners(out, cursor);
    }
    SipTrace& trace() { return trace_; }

  private:
    // A request on its way. `connection` is null if it ended while the request waited.
    struct Incoming {
        const sip::Message& message;
        Bytes header;
        Bytes body;
        FlowId from;
        PeerKind kind;
        SipConnection* connection;
        bool ongoing = false;   // of a dialog or transaction in progress: shed last
        bool admitted = false;  // counted against what its partner may send
        Instant deadline{};     // if it has waited before
        bool waited = false;
        uint64_t owner = 0;             // of its share of the room for those that wait, likewise
        std::string_view why{};         // it is refused, in words; empty: what the answer says
        std::string_view parameters{};  // of its ms-diagnostics, for those inside
    };
    // How a request leaves.
    struct Leaving {
        sip::Side side;  // that it leaves on
        const sip::RequestRoute& route;
        const policy::Decision* decision = nullptr;
    };
    // A connection, of this core or of another (`connection` is null).
    struct Destination {
        sip::Flow flow;
        PeerKind kind;
        SipConnection* connection = nullptr;
    };
    struct PeerState {
        uint32_t generation = 0;
        std::optional<policy::Peer> peer;
        uint64_t hash = 0;  // of what it proved
        uint32_t failed_registrations = 0;
        Instant failed_since{};
        bool registered = false;  // a remote user whom the inside knows
    };

    // SipObserver
    void on_message(SipConnection& connection, Bytes header, Bytes body) override;
    void on_fault(SipConnection& connection, sip::FramingFault fault, Bytes header) override;
    void on_no_room(SipConnection& connection, Bytes header) override;
    void on_open(SipConnection& connection) override;
    void on_heard(SipConnection& connection) override;
    void on_end(SipConnection& connection, bool established) override;

    void on_whole(SipConnection& connection, sip::MessageFault fault, Bytes header, Bytes body);
    // Of which there will be no more than the header section.
    void refuse_in_part(SipConnection& connection, Bytes header, uint16_t status, uint16_t diagnostic,
                        std::string_view why);

    // sip_requests.cpp
    void on_request(Incoming& request);
    void shed(Incoming& request, std::string_view why);
    bool overloaded() const { return connections_.blocks().used() > connections_.blocks().most() / 8 * 7; }
    void end_by_route(Incoming& request, const sip::RequestRoute& route);
    void from_partner(Incoming& request, const sip::RequestRoute& route);
    void from_front_end(Incoming& request, const sip::RequestRoute& route);
    // Policy lets it through.
    void accepted(Incoming& request, const sip::RequestRoute& route, policy::Decision& decision);
    // To another organisation. `inbound`: of a message that passes through this clearing house, from one; null: of
    // ours.
    void to_outside(Incoming& request, const sip::RequestRoute& route, const policy::Decision* inbound);
    void from_client(Incoming& request, const sip::RequestRoute& route);
    void to_front_end(Incoming& request, const Leaving& leaving);
    void to_partner(Incoming& request, const Leaving& leaving, const FoundRoute& route);
    void leave(Incoming& request, const Leaving& leaving, NextHops::Number hop, const NextHops::Pick& pick);
    policy::Request policy_request(const Incoming& request, const sip::RequestRoute& route) const;
    static DialogPartyView party(const Incoming& request);
    void end_by_policy(Incoming& request, const policy::Decision& decision);
    // Asks, and holds the request if the answer is not known. True: `route` is there.
    bool find(Incoming& request, std::string_view domain, const policy::Ask& ask, FoundRoute& route);
    void hold(Incoming& request, const WaitKey& key);
    // Whose share of the room for those that wait it takes.
    uint64_t owner_of(const Incoming& request, const WaitKey& destination);
    static HeldMessage copy_of(const Incoming& request, const WaitKey& key, uint64_t owner, Instant deadline);
    // Until something comes on the connection, or it is clear that nobody has read it (RFC 8446 section 4.4.2.4).
    void keep(const Incoming& request, const SipConnection& connection);
    // What has become of what a held message waited for.
    enum class Fate : uint8_t { known, expired };
    void again(HeldMessage& held, Fate fate);
    // As it was when it came. `held` outlives it.
    Incoming taken_up(const HeldMessage& held);
    void refuse_unconnected(Incoming& request, PeerKind hop, const HopFailure& failure);
    void release(const WaitKey& key);

    // sip_forward.cpp
    void forward(Incoming& request, const Destination& to, const Leaving& leaving);
    void note_refusal(const Incoming& request, uint16_t status, uint16_t diagnostic);
    void answer(Incoming& request, uint16_t status, uint16_t diagnostic = 0, std::string_view extra_name = {},
                std::string_view extra_value = {});

    // sip_responses.cpp
    void on_response(SipConnection& connection, const sip::Message& message, Bytes body);
    SipConnection* connection_of(const sip::Flow& flow);
    // Whether the flow is of another core of this edge.
    bool elsewhere(const sip::Flow& flow) const { return flow.node == view_.config->node && flow.core != core_; }
    bool write(const Destination& to, Bytes header, Bytes body);
    Destination destination(SipConnection& connection) const {
        return {flow_of(connection.id(), connection.kind()), connection.kind(), &connection};
    }
    void note_registration(SipConnection& client, uint16_t status);
    bool too_many_failed(const IpAddress& source) const;

    sip::Flow flow_of(FlowId id, PeerKind kind) const;
    sip::Side side_of(PeerKind kind) const {
        return kind == PeerKind::front_end ? sip::Side::inside : sip::Side::outside;
    }
    const std::string& own_name(sip::Side side) const {
        return side == sip::Side::outside ? view_.config->outside : view_.config->inside;
    }
    policy::View policy_view() const { return {*view_.federation, view_.verdicts, view_.scratch}; }
    PeerState& state(const SipConnection& connection);
    void note_peer(const SipConnection& connection);  // it is open
    policy::Peer& peer(const SipConnection& connection);
    // Nobody who may speak has been heard on it: what comes may be of a scanner.
    bool unknown(const SipConnection& connection);

    uint16_t core_;
    SipConnector& connector_;
    PartnerFinder& finder_;
    SipPost* post_;
    Counters counters_;
    Instant now_;
    uint64_t unix_now_ = 0;
    SipView view_;
    SipConnections connections_;
    NextHops hops_;
    FrontEnds front_ends_;
    HeldMessages held_;
    SipFilters filters_;
    ConnectionAliases aliases_;
    FailedRegistrations failed_registrations_;
    std::vector<PeerState> states_;  // by slot of the connection
    PeerConnections peers_;
    std::vector<NextHops::Number> changed_;  // next hops that opened or failed within this turn
    struct Refused {
        WaitKey key;
        PeerKind kind;
        HopFailure failure;
    };
    void again_or_refuse(const Refused& end);
    std::vector<Refused> refused_;  // connections that ended within this turn before anything came
    DialogList dialogs_;
    SipTrace trace_;
    std::unique_ptr<sip::Message> message_;  // large, and needed by one at a time
    std::vector<uint8_t> scratch_;
};

}  // namespace fedge::signal
