#include "dataplane/core/signalling.h"

#include <algorithm>

#include "dataplane/tcp/flow_number.h"

namespace fedge::core {
namespace {

constexpr uint32_t kBlocksPerMb = 512;  // of 2 KiB

constexpr uint32_t kListeners = 256;  // that a snapshot may name

relay::StreamLimits stream_limits(const SignallingPlan& plan) {
    relay::StreamLimits limits;
    limits.sessions = plan.connections;
    limits.unproven = std::max(plan.connections / 4, 64U);
    limits.tcp_allocations = std::min(limits.tcp_allocations, plan.connections);
    limits.peers = plan.connections / 2;
    return limits;
}

tcp::Settings tcp_settings(const Signalling::Setup& setup, tcp::StreamObserver& observer) {
    const SignallingPlan& plan = *setup.plan;
    tcp::Settings settings;
    settings.limits.connections = plan.connections;
    settings.limits.connections_per_prefix = plan.connections_per_source;
    settings.limits.half_open = std::clamp(plan.connections / 2, 1024U, 16384U);
    settings.limits.time_wait = plan.connections;
    settings.limits.buffer_blocks = plan.tcp_memory_mb * kBlocksPerMb;
    settings.limits.listeners = kListeners + stream_limits(plan).tcp_allocations;
    settings.socket = setup.socket;
    settings.arrives_here = setup.arrives_here;
    settings.observer = &observer;
    return settings;
}

tls::EngineLimits tls_limits(const Signalling::Setup& setup) {
    return {setup.plan->connections, std::max(setup.plan->connections / 2, 64U), setup.socket};
}

signal::SipProxy::Setup sip_setup(const Signalling::Setup& setup, signal::SipConnector& connector,
                                  signal::PartnerFinder& partners) {
    signal::SipProxy::Setup out;
    out.limits.connections = setup.plan->connections;
    out.limits.socket = setup.socket;
    out.core = setup.core;
    out.dialogs = setup.plan->dialogs;
    out.connector = &connector;
    out.finder = &partners;
    out.post = setup.post;
    return out;
}

std::vector<std::string> alpn_names(contract::Service service) {
    if (service == contract::Service::sip_tls) return {};               // partners know no ALPN, or each his own
    std::vector<std::string> names{"stun.turn", "stun.nat-discovery"};  // RFC 7443
    if (service == contract::Service::shared_tls) names.push_back("sip/2");
    return names;
}

const StreamListener* find(const RunConfig& config, const Endpoint& endpoint) {
    auto it = std::ranges::find(config.stream_listeners, endpoint, &StreamListener::endpoint);
    return it == config.stream_listeners.end() ? nullptr : &*it;
}

}  // namespace

Signalling::Signalling(const Setup& setup, Counters counters, Random& random, ip::Host& host, Instant now)
    : plan_(*setup.plan),
      core_(setup.core),
      log_(*setup.log),
      host_(host),
      counters_(counters),
      now_(now),
      shared_(setup.plan->undecided, counters, *this, now),
      stack_(tcp_settings(setup, *this), counters, random, host, setup.pool, now, setup.local),
      tls_(tls_limits(setup), counters, random, *this, now, static_cast<int64_t>(setup.unix_now)),
      turn_clients_(stream_limits(*setup.plan), now, counters, random, *setup.turn, *setup.peers, stack_.tcp()),
      questions_(*setup.questions),
      partners_(*setup.questions, *setup.partners, *setup.attempts),
      sip_(sip_setup(setup, *this, partners_), counters, random, now),
      test_(*this, counters, random) {
    if (plan_.kernel_ports.empty()) return;
    tcp::KernelLimits limits;
    limits.connections_per_prefix = plan_.connections_per_source;
    limits.connections = plan_.connections;
    limits.observer = this;
    kernel_ = std::make_unique<KernelPath>(core_, plan_.kernel_ports, limits, counters, random,
                                           setup.arrives_here_for_us, setup.pool, now);
}

Signalling::~Signalling() = default;

void Signalling::adopt(const RunConfig& config, Instant now) {
    now_ = now;
    if (!config.tls.empty()) tls_.adopt(config.tls[core_]);
    turn_clients_.adopt(now);
    partners_.adopt(config);
    sip_config_ = config.sip.get();
    sip_.adopt({sip_config_, config.federation.get(), config.verdicts.view(), config.federation_scratch[core_].get(),
                config.sip_filters.of_core(core_)},
               now);
    shared_.adopt(&config.shared_names);
    std::erase_if(listeners_, [&](std::unique_ptr<Listener>& listener) {
        const StreamListener* still = find(config, listener->what.endpoint);
        if (!still) {
            unlisten(*listener);
            retired_.push_back(std::move(listener));
            return true;
        }
        listener->what = *still;
        return false;
    });
    for (const auto& listener : listeners_) listener->tls.own_name = own_name(listener->what);
    for (const StreamListener& wanted : config.stream_listeners) {
        if (std::ranges::any_of(listeners_, [&](const auto& l) { return l->what.endpoint == wanted.endpoint; }))
            continue;
        listeners_.push_back(std::make_unique<Listener>(*this, wanted));
        listeners_.back()->tls.own_name = own_name(wanted);
        listen(*listeners_.back());
    }
}

// Peers that do not say whom they want are many among servers of SIP.
std::string Signalling::own_name(const StreamListener& listener) const {
    if (listener.service != contract::Service::sip_tls || !sip_config_) return {};
    return sip_config_->own_name(listener.role);
}

void Signalling::listen(Listener& listener) {
    const Endpoint& endpoint = listener.what.endpoint;
    tcp::Transport& transport = transport_of(endpoint.port);
    if (transport.listen(endpoint, {}, listener)) return;
    log_.put(contract::Severity::error,
             "core " + std::to_string(core_) + " does not listen on " + endpoint.text() + ": " +
                 (&transport == kernel_.get() ? kernel_->error() : "its table of listeners is full"));
}

void Signalling::unlisten(const Listener& listener) {
    transport_of(listener.what.endpoint.port).unlisten(listener.what.endpoint);
}

tcp::Transport& Signalling::transport_of(uint16_t port) {
    if (kernel_ && kernel_->serves(port)) return *kernel_;
    return stack_.tcp();
}

void Signalling::begin(Instant now, uint64_t unix_now) {
    now_ = now;
    turn_clients_.set_time(now, unix_now);
    partners_.set_time(now);
    sip_.set_time(now, unix_now);
}

uint32_t Signalling::turn(Instant now, uint64_t unix_now) {
    uint32_t work = shared_.advance(now);
    work += stack_.turn(now);
    if (kernel_) work += kernel_->turn(host_.output(), now);
    uint32_t more = tls_.turn(now, static_cast<int64_t>(unix_now));
    more += turn_clients_.turn(now, unix_now);
    for (uint64_t key; questions_.next_settled(key); more++) sip_.on_route(key);
    more += sip_.turn(now, unix_now);
    if (more) stack_.tcp().flush(now);  // what these have written
    if (!retired_.empty() && tls_.handshakes() == 0) retired_.clear();
    return work + more;
}

Signalling::Listener::Listener(Signalling& owner_, const StreamListener& what_) : owner(owner_), what(what_) {
    tls.alpn = alpn_names(what.service);
    tls.purpose = contract::EnumNameService(what.service);
    if (what.service == contract::Service::sip_tls) tls.peer = tls::PeerMode::required;
}

Signalling::Listener* Signalling::listener_of(const tcp::Stream& stream) const {
    Endpoint local = stream.local();
    auto it = std::ranges::find_if(listeners_, [&](const auto& l) { return l->what.endpoint == local; });
    return it == listeners_.end() ? nullptr : it->get();
}

tcp::StreamHandler* Signalling::start_turn(tcp::Stream& stream, bool tls) {
    Listener* listener = listener_of(stream);
    return listener ? turn_clients_.accept(stream, listener->what.position, tls) : nullptr;
}

tcp::StreamHandler* Signalling::start_tls(tcp::Stream& stream) {
    Listener* listener = listener_of(stream);
    return listener ? tls_.accept(stream, listener->tls, listener->secured) : nullptr;
}

// The shared port hands on what TLS has secured.
tcp::StreamHandler* Signalling::start_sip(tcp::Stream& stream) {
    return sip_.accept(stream, signal::PeerKind::client, tls(stream));
}

tcp::Stream* Signalling::connect(contract::Role side, const Endpoint& remote, const tls::ClientOptions& options,
                                 tcp::StreamHandler& handler) {
    auto local = sip_config_ ? sip_config_->source_for(side, remote.address) : std::nullopt;
    if (!local) return nullptr;
    tls::ClientOptions ours = options;
    ours.own_name = sip_config_->own_name(side);
    return tls_.connect(transport_of(remote.port), {*local, 0}, remote, {}, std::move(ours), handler);
}

tcp::StreamHandler* Signalling::accept(Listener& listener, tcp::Stream& stream) {
    switch (listener.what.service) {
        case contract::Service::turn_tcp: return turn_clients_.accept(stream, listener.what.position, false);
        case contract::Service::sip_tls:
        case contract::Service::turn_tls: return tls_.accept(stream, listener.tls, listener.secured);
        case contract::Service::shared_tls: return shared_.accept(stream, now_);
        default: return nullptr;
    }
}

tcp::StreamHandler* Signalling::accept_secured(Listener& listener, tls::Session& session) {
    if (listener.what.service == contract::Service::turn_tls) return start_turn(session, true);
    const tls::SessionInfo& info = session.negotiated();
    if (listener.what.service == contract::Service::sip_tls) {
        bool outside = listener.what.role == contract::Role::external;
        return sip_.accept(session, outside ? signal::PeerKind::partner : signal::PeerKind::front_end, &info);
    }
    return shared_.accept_secured(session, info.alpn, info.sni, now_);
}

// Why handshakes fail is for the log, a few each second: the counters tell how many there are, `show connections
// --ended` which.
void Signalling::on_session_end(const tls::Session& session, tcp::CloseReason) {
    const std::string& why = session.negotiated().error;
    if (why.empty() || !failures_.allow(now_)) return;
    log_.put(contract::Severity::info, "TLS with " + session.remote().text() + ": " + why);
}

void Signalling::on_end(const tcp::ConnectionRow& row, std::string_view how) {
    ConnectionRecord ended = record(row);
    // The user's words say more than the transport's, if it was the user who ended it.
    if (ended.why.view().empty()) ended.why = how;
    ended.ended_at = now_;
    endings_.add(ended);
}

// The cursor: our connections, then those of the kernel, marked by a bit above their number.
uint32_t Signalling::list(std::span<ConnectionRecord> out, uint64_t& cursor) const {
    constexpr uint64_t kKernel = uint64_t{1} << 32;
    uint32_t filled = 0;
    auto take = [&](const auto& transport) {
        std::array<tcp::ConnectionRow, 16> rows;
        auto at = static_cast<uint32_t>(cursor);
        do {
            size_t n = transport.list(std::span(rows).first(std::min(rows.size(), out.size() - filled)), at);
            for (size_t i = 0; i < n; i++) out[filled++] = record(rows[i]);
        } while (at != 0 && filled < out.size());
        return at;
    };
    if (!(cursor & kKernel)) {
        cursor = take(stack_.tcp());
        if (cursor != 0 || !kernel_) return filled;
        cursor = kKernel;
    }
    if (filled == out.size()) return filled;
    uint32_t at = take(kernel_->transport());
    cursor = at ? kKernel | at : 0;
    return filled;
}

ConnectionRecord Signalling::record(const tcp::ConnectionRow& row) const {
    return {tcp::flow_number(core_, row.local, row.remote), row};
}

}  // namespace fedge::core
