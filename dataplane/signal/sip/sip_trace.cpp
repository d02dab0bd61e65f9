#include "dataplane/signal/sip/sip_trace.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "dataplane/sip/masking.h"

namespace fedge::signal {
namespace {

// `host` is this domain, or below it. `domain` is in lower case.
bool within(std::string_view host, std::string_view domain) {
    if (host.size() < domain.size()) return false;
    size_t above = host.size() - domain.size();
    return sip::equal_nocase(host.substr(above), domain) && (above == 0 || host[above - 1] == '.');
}

bool names(const SipConnection& connection, std::string_view domain) {
    if (within(connection.label(), domain)) return true;
    const tls::SessionInfo* tls = connection.tls();
    return tls &&
           std::ranges::any_of(tls->peer_names, [&](const tls::PeerName& name) { return within(name.value, domain); });
}

bool names(const sip::Message& message, std::string_view domain) {
    return within(message.from().uri.host, domain) || within(message.to().uri.host, domain) ||
           (message.is_request() && within(message.request_uri().host, domain));
}

}  // namespace

void SipTrace::adopt(const TraceFilters* filters) {
    if (filters == filters_) return;
    std::array<State, kMaxTraces> next;
    for (size_t i = 0; filters && i < filters->size(); i++) {
        const TraceFilter& filter = (*filters)[i];
        next[i].rate.set(filter.rate);
        for (size_t j = 0; filters_ && j < filters_->size(); j++)
            if ((*filters_)[j].id == filter.id) next[i] = states_[j];
    }
    states_ = next;
    filters_ = filters;
}

uint32_t SipTrace::fitting(const SipConnection* connection, const sip::Message& message) const {
    uint32_t fit = 0;
    for (size_t i = 0; i < filters_->size(); i++) {
        const TraceFilter& filter = (*filters_)[i];
        if (filter.connection && (!connection || connection->number() != filter.connection)) continue;
        if (!filter.call_id.empty() && message.call_id() != filter.call_id) continue;
        if (!filter.domain.empty() && !names(message, filter.domain) &&
            !(connection && names(*connection, filter.domain)))
            continue;
        fit |= 1U << i;
    }
    return fit;
}

TraceRecord* SipTrace::copy(uint32_t traces, const SipConnection& connection, Bytes header, Bytes body, bool incoming,
                            Instant now) {
    std::array<size_t, kMaxTraces> places;
    size_t count = 0;
    for (size_t i = 0; i < filters_->size(); i++) {
        if (!(traces >> i & 1)) continue;
        if (states_[i].rate.allow(now)) {
            places[count++] = i;
        } else {
            states_[i].lost++;
            counters_.add(Counter::sip_trace_lost);
        }
    }
    if (count == 0) return nullptr;
    TraceRecord* record = ring_.next();
    if (!record) {
        for (size_t i = 0; i < count; i++) states_[places[i]].lost++;
        counters_.add(Counter::sip_trace_lost, count);
        return nullptr;
    }
    record->traces = static_cast<uint8_t>(count);
    for (size_t i = 0; i < count; i++)
        record->wanted[i] = {(*filters_)[places[i]].id, std::exchange(states_[places[i]].lost, 0)};
    record->incoming = incoming;
    record->at = now;
    record->connection = connection.number();
    record->peer = connection.party();
    record->remote = connection.remote();
    record->local = connection.stream() ? connection.stream()->local() : Endpoint{};
    record->verdict = {};
    record->size = static_cast<uint32_t>(header.size() + body.size());
    size_t first = std::min(header.size(), record->text.size());
    size_t rest = std::min(body.size(), record->text.size() - first);
    std::memcpy(record->text.data(), header.data(), first);
    if (rest) std::memcpy(record->text.data() + first, body.data(), rest);
    sip::mask_secrets(std::span(record->text).first(first + rest));
    put_++;
    return record;
}

void SipTrace::begin(const SipConnection* connection, const sip::Message& message, Bytes header, Bytes body, bool came,
                     Instant now) {
    put_ = 0;
    incoming_ = nullptr;
    verdict_ = {};
    uint32_t fit = fitting(connection, message);
    // What passes on one connection is no more than that.
    traces_ = 0;
    for (size_t i = 0; i < filters_->size(); i++)
        if (fit >> i & 1 && (*filters_)[i].connection == 0) traces_ |= 1U << i;
    if (fit && came && connection) incoming_ = copy(fit, *connection, header, body, true, now);
}

void SipTrace::forget() {
    if (incoming_ && put_ == 1) {
        for (size_t i = 0; i < incoming_->traces; i++)
            for (size_t j = 0; j < filters_->size(); j++)
                if ((*filters_)[j].id == incoming_->wanted[i].id) states_[j].lost += incoming_->wanted[i].lost;
        ring_.give_back();
        put_ = 0;
    }
    incoming_ = nullptr;
}

void SipTrace::outgoing(const SipConnection& connection, const sip::Message& cause, Bytes header, Bytes body,
                        Instant now) {
    uint32_t fit = traces_ | fitting(&connection, cause);
    if (!fit) return;
    TraceRecord* record = copy(fit, connection, header, body, false, now);
    // What came earlier is not there any more to be told what became of it.
    if (record && !incoming_) record->verdict = verdict_;
}

void SipTrace::end() {
    if (incoming_) incoming_->verdict = verdict_;
    incoming_ = nullptr;
    traces_ = 0;
    if (put_ == 0) return;
    ring_.show();
    counters_.add(Counter::sip_traced, put_);
}

}  // namespace fedge::signal
