#include "control/traces/traces.h"

#include <algorithm>
#include <utility>

#include "control/problem.h"
#include "message_generated.h"

namespace fedge::control {
namespace {

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

Endpoint endpoint(const contract::Ip* ip, uint16_t port) {
    return {ip ? IpAddress::v6_bytes(ip->octets()->data()) : IpAddress{}, port};
}

TracedMessage message_of(const contract::Traced& traced) {
    TracedMessage out;
    out.core = traced.core();
    out.unix_ns = traced.unix_ns();
    out.incoming = traced.incoming();
    out.connection = traced.connection();
    out.peer = text(traced.peer());
    out.remote = endpoint(traced.remote(), traced.remote_port());
    out.local = endpoint(traced.local(), traced.local_port());
    out.verdict = text(traced.verdict());
    if (traced.text()) out.text.assign(traced.text()->begin(), traced.text()->end());
    out.cut = traced.cut();
    out.lost = traced.lost();
    return out;
}

}  // namespace

Traces::Traces(Dataplane& dataplane, Log& log) : dataplane_(dataplane), log_(log) {
    dataplane_.on_traced([this](const contract::Traced& traced) { on_traced(traced); });
}

uint32_t Traces::start(const TraceWish& wish, const std::string& who, Clock::time_point now) {
    if (running_.size() == kMost) {
        throw Refusal(RefusalKind::conflict,
                      {"", std::to_string(kMost) + " traces run already", "end one of them, or wait until one ends"});
    }
    uint32_t id = next_id_++;
    Running& running = running_[id];
    running.wish = wish;
    running.seen = now;
    log_.info("trace " + std::to_string(id) + " of SIP begun by " + who +
              (wish.domain.empty() ? "" : ", domain " + wish.domain));
    tell(id, running);
    return id;
}

void Traces::tell(uint32_t id, Running& running) {
    if (!dataplane_.connected() || running.connection == dataplane_.connection()) return;
    flatbuffers::FlatBufferBuilder builder;
    const TraceWish& wish = running.wish;
    auto order = contract::CreateStartTraceDirect(builder, id, wish.domain.c_str(), wish.call_id.c_str(),
                                                  wish.connection, wish.rate);
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, contract::Body::StartTrace, order.Union()));
    // If it does not take it now, the next tick tries again.
    if (dataplane_.tell({builder.GetBufferPointer(), builder.GetSize()})) running.connection = dataplane_.connection();
}

Traces::Running& Traces::at(uint32_t id) {
    auto found = running_.find(id);
    if (found != running_.end()) return found->second;
    throw Refusal(RefusalKind::not_found, {"", "there is no trace " + std::to_string(id) + ", or not any more",
                                           "begin another; one that nobody reads ends after some seconds"});
}

void Traces::read(uint32_t id, uint64_t after, size_t most, Clock::duration wait, Clock::time_point now,
                  Reader reader) {
    Running& running = at(id);
    if (running.reader) std::exchange(running.reader, {})({}, running.lost);
    while (!running.kept.empty() && running.kept.front().number <= after) drop_front(running);
    running.reader = std::move(reader);
    running.most = most;
    running.seen = now;
    running.deadline = now + std::min<Clock::duration>(wait, kLongestWait);
    serve(running, now);
}

void Traces::stop(uint32_t id, const std::string& who) {
    at(id);
    log_.info("trace " + std::to_string(id) + " ended by " + who);
    end(id);
}

void Traces::end(uint32_t id) {
    Running running = std::move(running_[id]);
    running_.erase(id);
    if (running.reader) running.reader({}, running.lost);
    flatbuffers::FlatBufferBuilder builder;
    auto order = contract::CreateStopTrace(builder, id);
    contract::FinishMessageBuffer(builder, contract::CreateMessage(builder, contract::Body::StopTrace, order.Union()));
    dataplane_.tell({builder.GetBufferPointer(), builder.GetSize()});
}

void Traces::drop_front(Running& running) {
    running.bytes -= running.kept.front().text.size();
    running.kept.pop_front();
}

void Traces::on_traced(const contract::Traced& traced) {
    auto found = running_.find(traced.id());
    if (found == running_.end()) return;
    Running& running = found->second;
    TracedMessage message = message_of(traced);
    running.lost += message.lost;
    if (running.kept.size() == kKept || running.bytes + message.text.size() > kKeptBytes) {
        running.lost++;
        running.lost_here += message.lost + 1;
        return;
    }
    message.lost += std::exchange(running.lost_here, 0);
    message.number = ++running.last;
    running.bytes += message.text.size();
    running.kept.push_back(std::move(message));
}

void Traces::serve(Running& running, Clock::time_point now) {
    if (!running.reader || (running.kept.empty() && now < running.deadline)) return;
    size_t n = std::min(running.kept.size(), running.most);
    std::vector<TracedMessage> messages(running.kept.begin(), running.kept.begin() + static_cast<ptrdiff_t>(n));
    running.seen = now;
    std::exchange(running.reader, {})(std::move(messages), running.lost);
}

// A client that has gone is not seen before its answer cannot be written; from then on nobody reads.
void Traces::on_tick(Clock::time_point now) {
    std::vector<uint32_t> abandoned;
    for (auto& [id, running] : running_) {
        tell(id, running);
        serve(running, now);
        if (!running.reader && now - running.seen > kAbandoned) abandoned.push_back(id);
    }
    for (uint32_t id : abandoned) {
        log_.info("trace " + std::to_string(id) + " ended: nobody reads it");
        end(id);
    }
}

}  // namespace fedge::control
