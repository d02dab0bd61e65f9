// The signalling part of a core: its TCP and TLS, and what is served on streams. See dataplane/README.md.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/core/connection_record.h"
#include "dataplane/core/endings.h"
#include "dataplane/core/kernel_path.h"
#include "dataplane/core/log_ring.h"
#include "dataplane/core/partner_desk.h"
#include "dataplane/core/run_config.h"
#include "dataplane/core/signalling_plan.h"
#include "dataplane/ip/host.h"
#include "dataplane/ip/rate_limit.h"
#include "dataplane/relay/stream_clients.h"
#include "dataplane/signal/shared_port.h"
#include "dataplane/signal/sip/partner_test.h"
#include "dataplane/signal/sip/sip_proxy.h"
#include "dataplane/tcp/stack.h"
#include "dataplane/tls/engine.h"
#include "dataplane/wire/packet.h"

namespace fedge::core {

class Signalling final : private tcp::StreamObserver,
                         private tls::Observer,
                         private signal::SharedServices,
                         private signal::SipConnector {
  public:
    struct Setup {
        const SignallingPlan* plan;
        uint16_t core = 0;
        int socket = -1;
        rte_mempool* pool = nullptr;
        relay::Turn* turn = nullptr;
        relay::PeerOutput* peers = nullptr;
        tcp::LocalDelivery* local = nullptr;
        policy::Questions* questions = nullptr;
        policy::DiscoveredPartners* partners = nullptr;
        AttemptRing* attempts = nullptr;
        signal::SipPost* post = nullptr;
        uint64_t unix_now = 0;
        LogRing* log = nullptr;
        // Whether packets from `remote` to `local` come to this core.
        std::function<bool(const Endpoint& local, const Endpoint& remote)> arrives_here;
        // The same of what does not go to a relay port.
        std::function<bool(const Endpoint& local, const Endpoint& remote)> arrives_here_for_us;
    };
    // Takes all memory that its TCP will ever need. Throws std::runtime_error when there is not enough.
    Signalling(const Setup& setup, Counters counters, Random& random, ip::Host& host, Instant now);
    ~Signalling() override;

    // Begins to serve new listeners, ends those that are gone; connections stay.
    void adopt(const RunConfig& config, Instant now);

    relay::StreamClients& turn_clients() { return turn_clients_; }
    signal::SipProxy& sip() { return sip_; }
    // Not while one runs, which is until turn_test() has said that it is over: once, behind turn().
    void start_test(signal::PartnerTestOrder order, Instant now) { test_.start(std::move(order), sip_config_, now); }
    bool turn_test(Instant now) { return test_.turn(now); }
    signal::PartnerTestReport& tested() { return test_.report(); }

    // Before anything that may call a user of a stream.
    void begin(Instant now, uint64_t unix_now);
    // Whether a segment between these ports, neither of them a relay port, is for the kernel's TCP.
    bool is_kernels(uint16_t local_port, uint16_t remote_port) const {
        return kernel_ && kernel_->carries(local_port, remote_port);
    }
    // A frame with a TCP segment for this core, or with an ICMP error about one. Does not take it.
    void to_kernel(const rte_mbuf* frame, const wire::Packet& packet) { kernel_->receive(frame, packet); }
    // A frame with a TCP segment for our TCP on this core. Takes it.
    void receive(rte_mbuf* frame, const wire::Packet& packet, Instant now) { stack_.receive(frame, packet, now); }
    // The same of one that never was on a wire.
    void receive_local(rte_mbuf* mbuf, const tcp::Arrival& arrival, Instant now) {
        stack_.receive_local(mbuf, arrival, now);
    }
    // An ICMP error about a segment of our TCP on this core.
    void receive(const ip::QuotedFlow& flow, Instant now) { stack_.receive(flow, now); }
    // End of a turn of the loop. Returns how much there was to do.
    uint32_t turn(Instant now, uint64_t unix_now);

    // Rows from `cursor` on (start with 0; 0 again at the end). Returns how many.
    uint32_t list(std::span<ConnectionRecord> out, uint64_t& cursor) const;
    uint32_t list_ended(std::span<ConnectionRecord> out, uint64_t& cursor, Instant now) const {
        return endings_.list(out, cursor, now);
    }

  private:
    // One listener of the snapshot that is served on streams: takes connections, and again those that TLS has secured.
    struct Listener final : tcp::Acceptor {
        struct Secured final : tcp::Acceptor {
            explicit Secured(Listener& listener_) : listener(listener_) {}
            tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
                return listener.owner.accept_secured(listener, static_cast<tls::Session&>(stream));
            }
            Listener& listener;
        };

        Listener(Signalling& owner_, const StreamListener& what_);
        tcp::StreamHandler* on_accept(tcp::Stream& stream) override { return owner.accept(*this, stream); }

        Signalling& owner;
        StreamListener what;
        Secured secured{*this};
        tls::ServerOptions tls;
    };

    tcp::StreamHandler* accept(Listener& listener, tcp::Stream& stream);
    tcp::StreamHandler* accept_secured(Listener& listener, tls::Session& session);
    Listener* listener_of(const tcp::Stream& stream) const;
    tcp::StreamHandler* start_tls(tcp::Stream& stream) override;
    tcp::StreamHandler* start_turn(tcp::Stream& stream, bool tls) override;
    tcp::StreamHandler* start_sip(tcp::Stream& stream) override;
    tcp::Stream* connect(contract::Role side, const Endpoint& remote, const tls::ClientOptions& options,
                         tcp::StreamHandler& handler) override;
    const tls::SessionInfo* tls(const tcp::Stream& stream) override {
        return &static_cast<const tls::Session&>(stream).negotiated();
    }
    void on_end(const tcp::ConnectionRow& row, std::string_view how) override;
    void on_session_end(const tls::Session& session, tcp::CloseReason reason) override;
    ConnectionRecord record(const tcp::ConnectionRow& row) const;
    // The TCP that serves this port: of a listener of ours, or of whom we connect to.
    tcp::Transport& transport_of(uint16_t port);
    void listen(Listener& listener);
    void unlisten(const Listener& listener);
    std::string own_name(const StreamListener& listener) const;

    const SignallingPlan& plan_;
    uint16_t core_;
    LogRing& log_;
    ip::Host& host_;
    Counters counters_;
    Instant now_;
    Endings endings_;
    signal::SharedPort shared_;
    tcp::Stack stack_;
    tls::Engine tls_;
    std::unique_ptr<KernelPath> kernel_;  // null: no port is the kernel's
    relay::StreamClients turn_clients_;
    policy::Questions& questions_;
    PartnerDesk partners_;
    const signal::SipConfig* sip_config_ = nullptr;
    signal::SipProxy sip_;
    signal::PartnerTest test_;
    ip::RateLimit failures_{5};  // lines of log a second
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<Listener>> retired_;  // handshakes that began there may still be under way
};

}  // namespace fedge::core
