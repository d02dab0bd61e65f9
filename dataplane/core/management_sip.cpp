// What operators ask about SIP: traces, and tests of partners.
#include <algorithm>

#include "dataplane/core/management.h"
#include "dataplane/core/rows.h"

namespace fedge::core {
namespace {

using contract::Body;
using flatbuffers::FlatBufferBuilder;

constexpr size_t kTracedPerTurn = 64;  // of a core
constexpr uint32_t kMostRate = 10000;

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

IpAddress address_of(const contract::Ip& ip) {
    return IpAddress::v6_bytes(ip.octets()->data());
}

std::vector<TraceSlot*> slots_of(std::span<std::unique_ptr<Core>> cores) {
    std::vector<TraceSlot*> out;
    for (const auto& core : cores)
        if (TraceSlot* slot = core->trace_slot()) out.push_back(slot);
    return out;
}

}  // namespace

TraceBoard make_trace_board(std::span<std::unique_ptr<Core>> cores) {
    return TraceBoard(slots_of(cores));
}

void Management::on_start_trace(const contract::StartTrace& order) {
    signal::TraceFilter filter;
    filter.id = order.id();
    filter.domain = text(order.domain());
    filter.call_id = text(order.call_id());
    filter.connection = order.connection();
    filter.rate = std::clamp(order.rate(), 1U, kMostRate);
    if (!traces_.start(std::move(filter)))
        event(contract::Severity::warning, "a trace was not begun: " + std::to_string(signal::kMaxTraces) +
                                               " run already, and more there may not be");
}

// As long as control does not read, records stay where they are, and cores count what they have no room for.
void Management::collect_traced() {
    traces_.tidy();
    for (size_t core = 0; core < cores_.size(); core++) {
        signal::TraceRing* ring = cores_[core]->traced();
        if (!ring) continue;
        for (size_t n = 0; n < kTracedPerTurn && (outbox_.empty() || !control_.open()); n++) {
            const signal::TraceRecord* record = ring->oldest();
            if (!record) break;
            for (size_t i = 0; i < record->traces; i++)
                if (traces_.runs(record->wanted[i].id)) send_traced(static_cast<uint16_t>(core), *record, i);
            ring->taken();
        }
    }
}

void Management::send_traced(uint16_t core, const signal::TraceRecord& record, size_t which) {
    auto wall = std::chrono::system_clock::now().time_since_epoch() - (clock_.now() - record.at);
    FlatBufferBuilder b(16384);
    auto body = make_traced(b, core, record, which,
                            static_cast<uint64_t>(duration_cast<std::chrono::nanoseconds>(wall).count()));
    send(b, Body::Traced, body.Union());
}

void Management::on_test_partner(const contract::TestPartner& order) {
    auto core = std::ranges::find_if(cores_, [](const auto& one) { return one->trace_slot() != nullptr; });
    Question* question = free_question();
    std::string error = core == cores_.end() ? "the dataplane has no signalling core"
                        : !question          ? "too many questions at a time; ask again"
                                             : "";
    if (error.empty()) {
        question->id = order.id();
        question->disconnect = false;
        CoreRequest& request = question->request;
        request.kind = CoreRequest::Kind::test_partner;
        request.core = (*core)->setup().index;
        request.test = {order.domain()->str(),
                        text(order.from()),
                        {},
                        {text(order.proves()), signal::purpose_of(order.purpose())},
                        std::chrono::milliseconds(order.wait_ms())};
        request.tested = {};
        for (const auto* target : *order.targets())
            for (const auto* ip : *target->addresses())
                request.test.targets.push_back({target->host()->str(), {address_of(*ip), target->port()}});
        if (ask(*question)) return;
        error = "the core does not take questions now; ask again";
    }
    FlatBufferBuilder b;
    send(b, Body::PartnerTested,
         contract::CreatePartnerTestedDirect(b, order.id(), nullptr, nullptr, nullptr, error.c_str()).Union());
}

}  // namespace fedge::core
