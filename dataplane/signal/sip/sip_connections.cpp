#include "dataplane/signal/sip/sip_connections.h"

#include <algorithm>
#include <utility>

#include "dataplane/sip/uri.h"
#include "dataplane/tcp/flow_number.h"

namespace fedge::signal {
namespace {

constexpr Duration kTick = 100ms;
constexpr Duration kConnectTime = 5s;    // TCP and TLS together, so that another address can be tried in time
constexpr Duration kFirstMessage = 60s;  // within which who comes says something: silence is for those who have spoken
constexpr uint32_t kDeadlinesPerTurn = 64;
constexpr uint32_t kReserved = 64;  // one of so many connections is not for strangers

}  // namespace

SipConnections::SipConnections(const SipLimits& limits, Counters counters, Random& random, SipObserver& observer,
                               Instant now)
    : limits_(limits),
      counters_(counters),
      observer_(observer),
      now_(now),
      blocks_(0),
      connections_(std::make_unique<SipConnection[]>(limits.connections)),
      wheel_(limits.connections, kTick, now),
      clients_(limits.connections, limits.socket, random) {
    for (uint32_t i = limits.connections; i-- > 0;) {
        connections_[i].all_ = this;
        connections_[i].id_.index = i;
        // Flow tokens outlive this process: what an earlier one called by this slot must not be found.
        connections_[i].id_.generation = random.u32();
        free_.push_back(i);
    }
}

SipConnections::~SipConnections() {
    for (uint32_t i = 0; i < limits_.connections; i++)
        if (connections_[i].stream_) connections_[i].stream_->abort();
}

void SipConnections::adopt(const SipConfig* config) {
    config_ = config;
    if (config) {
        server_limits_ = config->server_limits;
        client_limits_ = config->client_limits;
        blocks_.set_limit(config->queues_bytes);
        return;
    }
    for (uint32_t i = 0; i < limits_.connections; i++)
        if (connections_[i].stream_) connections_[i].close("SIP is no longer configured");
}

const sip::FramingLimits& SipConnections::framing(PeerKind kind) const {
    return kind == PeerKind::client ? client_limits_ : server_limits_;
}

SipConnection* SipConnections::take(PeerKind kind, uint32_t reserve, Instant now) {
    now_ = now;
    if (free_.size() <= reserve || !config_) {
        counters_.add(Counter::sip_connections_full);
        return nullptr;
    }
    SipConnection& connection = connections_[free_.back()];
    free_.pop_back();
    connection.id_.generation++;
    connection.kind_ = kind;
    connection.open_ = connection.outgoing_ = connection.heard_ = connection.blocked_ = connection.stalled_ = false;
    connection.queued_read_ = connection.queued_write_ = false;
    connection.tls_ = nullptr;
    connection.framer_.emplace(framing(kind));
    connection.header_size_ = connection.body_size_ = connection.body_seen_ = 0;
    connection.label_.clear();
    connection.why_ = {};
    by_kind_[static_cast<size_t>(kind)]++;
    return &connection;
}

SipConnection* SipConnections::accept(tcp::Stream& stream, PeerKind kind, const tls::SessionInfo* tls, Instant now) {
    Endpoint remote = stream.remote();
    if (kind == PeerKind::client && config_ && clients_.count(remote.address) >= config_->clients_per_source) {
        counters_.add(Counter::sip_client_limit);
        return nullptr;
    }
    // However many come from outside, front ends find a place, and so does what leads to where dialogs go on.
    uint32_t reserve = kind == PeerKind::front_end ? 0 : limits_.connections / kReserved;
    SipConnection* connection = take(kind, reserve, now);
    if (!connection) return nullptr;
    counters_.add(Counter::sip_accepted);
    if (kind == PeerKind::client) clients_.add(remote.address);
    connection->stream_ = &stream;
    connection->remote_ = remote;
    connection->number_ = tcp::flow_number(limits_.core, stream.local(), remote);
    connection->tls_ = tls;
    connection->open_ = true;
    wheel_.arm(connection->id_.index,
               now + (kind == PeerKind::front_end ? config_->idle : std::min(kFirstMessage, config_->idle)));
    return connection;
}

SipConnection* SipConnections::prepare(PeerKind kind, Instant now) {
    SipConnection* connection = take(kind, 0, now);
    if (connection) connection->outgoing_ = true;
    return connection;
}

void SipConnections::attach(SipConnection& connection, tcp::Stream& stream, const tls::SessionInfo* tls) {
    counters_.add(Counter::sip_connects);
    connection.stream_ = &stream;
    connection.tls_ = tls;
    connection.remote_ = stream.remote();
    connection.number_ = tcp::flow_number(limits_.core, stream.local(), connection.remote_);
    wheel_.arm(connection.id_.index, now_ + kConnectTime);
}

void SipConnections::release(SipConnection& connection) {
    wheel_.cancel(connection.id_.index);
    by_kind_[static_cast<size_t>(connection.kind_)]--;
    connection.id_.generation++;  // what still names it finds nothing
    connection.stream_ = nullptr;
    connection.open_ = false;
    connection.out_.clear(blocks_);
    gathered_ -= connection.gathered_.size();
    std::vector<uint8_t>().swap(connection.gathered_);
    connection.used_ = 0;
    free_.push_back(connection.id_.index);
}

void SipConnections::end(SipConnection& connection) {
    bool established = connection.open_;
    connection.open_ = false;
    if (connection.outgoing_ && !established) counters_.add(Counter::sip_connect_failed);
    if (connection.kind_ == PeerKind::client) clients_.remove(connection.remote_.address);
    observer_.on_end(connection, established);
    release(connection);
}

void SipConnections::touch(SipConnection& connection) {
    if (config_) wheel_.arm(connection.id_.index, now_ + config_->idle);
}

SipConnection* SipConnections::find(FlowId id) {
    if (id.index >= limits_.connections || connections_[id.index].id_ != id) return nullptr;
    return connections_[id.index].stream_ ? &connections_[id.index] : nullptr;
}

uint32_t SipConnections::read(Instant now) {
    now_ = now;
    uint32_t work = wheel_.advance(now, kDeadlinesPerTurn, [this](uint32_t index) {
        if (!connections_[index].open_) return connections_[index].close("not established in time");
        counters_.add(Counter::sip_closed_idle);
        connections_[index].close("nothing came for too long");
    });
    turn_.swap(readable_);
    for (FlowId id : turn_) {
        SipConnection* connection = find(id);
        if (!connection) continue;
        connection->queued_read_ = false;
        connection->on_readable();
    }
    work += static_cast<uint32_t>(turn_.size());
    turn_.clear();
    return work;
}

uint32_t SipConnections::write() {
    turn_.swap(writable_);
    for (FlowId id : turn_) {
        SipConnection* connection = find(id);
        if (!connection) continue;
        connection->queued_write_ = false;
        connection->blocked_ = !connection->out_.flush(blocks_, *connection->stream_);
        if (!connection->blocked_ && std::exchange(connection->stalled_, false) &&
            !std::exchange(connection->queued_read_, true))
            readable_.push_back(id);
    }
    auto work = static_cast<uint32_t>(turn_.size());
    turn_.clear();
    return work;
}

}  // namespace fedge::signal
