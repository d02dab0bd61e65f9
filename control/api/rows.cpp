#include "control/api/rows.h"

#include <algorithm>
#include <memory>

#include "control/api/routes.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr uint64_t kRowsByDefault = 100;
constexpr uint64_t kMaxRows = 1000;
constexpr uint64_t kMaxCursor = ~uint64_t{0};

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

Json texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* list) {
    Json out = Json::array();
    if (list) {
        for (const auto* item : *list) out.push_back(item->str());
    }
    return out;
}

Json to_json(const contract::AllocationRow& r) {
    return {{"id", r.id()},
            {"core", r.core()},
            {"user", text(r.user())},
            {"transport", text(r.transport())},
            {"interface", text(r.interface())},
            {"client", text(r.client())},
            {"server", text(r.server())},
            {"relay", texts(r.relay())},
            {"advertised", texts(r.advertised())},
            {"age_s", r.age_s()},
            {"expires_s", r.expires_s()},
            {"permissions", r.permissions()},
            {"channels", r.channels()},
            {"to_peer_packets", r.to_peer_packets()},
            {"to_peer_bytes", r.to_peer_bytes()},
            {"to_client_packets", r.to_client_packets()},
            {"to_client_bytes", r.to_client_bytes()},
            {"dropped", r.dropped()}};
}

Json to_json(const contract::StreamRow& r) {
    return {{"allocation", r.allocation()},
            {"core", r.core()},
            {"user", text(r.user())},
            {"peer", text(r.peer())},
            {"direction", text(r.direction())},
            {"kind", text(r.kind())},
            {"ssrc", r.ssrc()},
            {"payload_type", r.payload_type()},
            {"packets", r.packets()},
            {"bytes", r.bytes()},
            {"lost", r.lost()},
            {"loss_percent", r.loss_percent()},
            {"jitter_ms", r.jitter_ms() < 0 ? Json(nullptr) : Json(r.jitter_ms())},
            {"idle_ms", r.idle_ms()}};
}

Json to_json(const contract::NeighborRow& r) {
    return {{"core", r.core()},     {"interface", text(r.interface())}, {"address", text(r.address())},
            {"mac", text(r.mac())}, {"state", text(r.state())},         {"age_s", r.age_s()},
            {"queued", r.queued()}};
}

Json to_json(const contract::CoreRow& r) {
    return {{"core", r.core()},
            {"cpu", r.cpu()},
            {"role", text(r.role())},
            {"iterations", r.iterations()},
            {"busy_percent", r.busy_percent()},
            {"cycles_per_packet", r.cycles_per_packet()},
            {"rx_packets", r.rx_packets()},
            {"tx_packets", r.tx_packets()},
            {"allocations", r.allocations()},
            {"max_allocations", r.max_allocations()},
            {"mbufs_free", r.mbufs_free()},
            {"revision", r.revision()},
            {"heartbeat_ms", r.heartbeat_ms()},
            {"sip_partners", r.sip_partners()},
            {"sip_front_ends", r.sip_front_ends()},
            {"sip_clients", r.sip_clients()}};
}

Json to_json(const contract::PortRow& r) {
    return {{"name", text(r.name())},
            {"device", text(r.device())},
            {"driver", text(r.driver())},
            {"link", text(r.link())},
            {"mtu", r.mtu()},
            {"mac", text(r.mac())},
            {"queues", r.queues()},
            {"offloads", text(r.offloads())},
            {"rx_packets", r.rx_packets()},
            {"rx_bytes", r.rx_bytes()},
            {"tx_packets", r.tx_packets()},
            {"tx_bytes", r.tx_bytes()},
            {"rx_missed", r.rx_missed()},
            {"rx_errors", r.rx_errors()},
            {"tx_errors", r.tx_errors()},
            {"rx_nombuf", r.rx_nombuf()}};
}

Json to_json(const contract::ConnectionRow& r) {
    return {{"id", r.id()},
            {"core", r.core()},
            {"transport", text(r.transport())},
            {"service", text(r.service())},
            {"state", text(r.state())},
            {"interface", text(r.interface())},
            {"remote", text(r.remote())},
            {"local", text(r.local())},
            {"outgoing", r.outgoing()},
            {"age_s", r.age_s()},
            {"idle_s", r.idle_s()},
            {"rtt_us", r.rtt_us()},
            {"congestion_window", r.congestion_window()},
            {"in_flight", r.in_flight()},
            {"unsent", r.unsent()},
            {"unread", r.unread()},
            {"mss", r.mss()},
            {"buffer_bytes", r.buffer_bytes()},
            {"retransmits", r.retransmits()},
            {"tls_version", text(r.tls_version())},
            {"cipher", text(r.cipher())},
            {"group", text(r.group())},
            {"resumed", r.resumed()},
            {"sni", text(r.sni())},
            {"alpn", text(r.alpn())},
            {"certificate", text(r.certificate())},
            {"peer_names", texts(r.peer_names())},
            {"tls_error", text(r.tls_error())},
            {"allocation", r.allocation()},
            {"ended", text(r.ended())},
            {"ended_ago_s", r.ended_ago_s()}};
}

Json to_json(const contract::DialogRow& r) {
    return {{"id", r.id()},
            {"core", r.core()},
            {"call_id", text(r.call_id())},
            {"method", text(r.method())},
            {"state", text(r.state())},
            {"from", text(r.from())},
            {"to", text(r.to())},
            {"source", text(r.source())},
            {"destination", text(r.destination())},
            {"source_connection", r.source_connection()},
            {"destination_connection", r.destination_connection()},
            {"status", r.status()},
            {"reason", text(r.reason())},
            {"requests", r.requests()},
            {"age_s", r.age_s()},
            {"idle_s", r.idle_s()}};
}

Json to_json(const contract::NextHopRow& r) {
    return {{"core", r.core()},
            {"kind", text(r.kind())},
            {"name", text(r.name())},
            {"state", text(r.state())},
            {"address", text(r.address())},
            {"connections", r.connections()},
            {"held", r.held()},
            {"weight", r.weight()},
            {"sent", r.sent()},
            {"failed", r.failed()},
            {"failed_ago_s", r.failed_ago_s()},
            {"error", text(r.error())},
            {"code", r.code()}};
}

Json to_json(const contract::ScannerRow& r) {
    return {{"core", r.core()}, {"signature", text(r.signature())}, {"closed", r.closed()}};
}

// Rows asked for in one question, so that a page of the longest rows fits a message.
constexpr size_t kPageRows = 250;

struct Collection {
    Dataplane& dataplane;
    RowRequest request;
    std::function<Clock::time_point()> now;
    RowsCallback done;
    Clock::time_point deadline;
    Json rows = Json::array();
};

template <typename List>
void take(Collection& into, const List* list) {
    if (!list) return;
    for (const auto* row : *list) {
        Json json = to_json(*row);
        if (!into.request.filter || into.request.filter(json)) into.rows.push_back(std::move(json));
    }
}

void take_page(Collection& into, const contract::Page& page) {
    switch (into.request.kind) {
        case contract::Kind::allocations: return take(into, page.allocations());
        case contract::Kind::streams: return take(into, page.streams());
        case contract::Kind::neighbors: return take(into, page.neighbors());
        case contract::Kind::cores: return take(into, page.cores());
        case contract::Kind::ports: return take(into, page.ports());
        case contract::Kind::connections:
        case contract::Kind::endings: return take(into, page.connections());
        case contract::Kind::dialogs: return take(into, page.dialogs());
        case contract::Kind::next_hops: return take(into, page.next_hops());
        case contract::Kind::scanners: return take(into, page.scanners());
    }
}

void next_page(const std::shared_ptr<Collection>& c) {
    size_t wanted = std::min(c->request.limit - (c->request.filter ? 0 : c->rows.size()), kPageRows);
    c->dataplane.query(c->request.kind, c->request.cursor, static_cast<uint32_t>(wanted), c->now(),
                       [c](const contract::Page* page, const std::string& error) {
                           if (!page) return c->done({}, 0, error);
                           take_page(*c, *page);
                           bool onward =
                               page->next() != c->request.cursor;  // a cursor that stands still would never end
                           c->request.cursor = page->next();
                           bool enough = c->rows.size() >= c->request.limit || c->now() >= c->deadline;
                           if (page->next() == 0 || enough || !onward)
                               return c->done(std::move(c->rows), page->next(), {});
                           next_page(c);
                       });
}

}  // namespace

void collect_rows(Dataplane& dataplane, RowRequest request, std::function<Clock::time_point()> now, RowsCallback done) {
    auto deadline = now() + Dataplane::kAnswerTime;
    next_page(std::make_shared<Collection>(
        Collection{dataplane, std::move(request), std::move(now), std::move(done), deadline, Json::array()}));
}

RowRequest paged(contract::Kind kind, const Request& request) {
    return {kind,
            query_number(request, "after", 0, 0, kMaxCursor),
            static_cast<uint32_t>(query_number(request, "limit", kRowsByDefault, 1, kMaxRows)),
            {}};
}

void send_rows(Control& control, RowRequest request, Reply reply) {
    collect_rows(control.dataplane(), std::move(request), control.time().steady,
                 [reply = std::move(reply)](Json rows, uint64_t next, const std::string& error) {
                     if (!error.empty()) return reply(unreachable(error));
                     send(reply, {{"rows", std::move(rows)}, {"next", next ? std::to_string(next) : ""}});
                 });
}

}  // namespace fedge::control::api
