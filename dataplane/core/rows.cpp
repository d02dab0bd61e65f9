#include "dataplane/core/rows.h"

namespace fedge::core {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

uint32_t seconds(Duration d) {
    return static_cast<uint32_t>(std::max<int64_t>(0, duration_cast<std::chrono::seconds>(d).count()));
}

Offset<flatbuffers::String> text(FlatBufferBuilder& b, std::string_view view) {
    return b.CreateString(view.data(), view.size());
}

std::string interface_name(const RunConfig* config, uint16_t interface) {
    return config && interface < config->interfaces->count() ? (*config->interfaces)[interface].name : "-";
}

Offset<contract::AllocationRow> make(FlatBufferBuilder& b, uint16_t core, const relay::AllocationRow& row,
                                     const RunConfig* config) {
    std::vector<Offset<flatbuffers::String>> relays, advertised;
    for (uint8_t i = 0; i < row.relays; i++) {
        relays.push_back(b.CreateString(row.relay[i].text()));
        advertised.push_back(b.CreateString(row.advertised[i].text()));
    }
    uint16_t interface = config ? config->interfaces->owner(row.server.address) : ip::kNoInterface;
    return contract::CreateAllocationRow(b, row.id, core, text(b, row.user.view()), b.CreateString("udp"),
                                         b.CreateString(interface_name(config, interface)),
                                         b.CreateString(row.client.text()), b.CreateString(row.server.text()),
                                         b.CreateVector(relays), b.CreateVector(advertised), seconds(row.age),
                                         seconds(row.expires), row.permissions, row.channels, row.to_peer_packets,
                                         row.to_peer_bytes, row.to_client_packets, row.to_client_bytes, row.dropped);
}

Offset<contract::StreamRow> make(FlatBufferBuilder& b, uint16_t core, const relay::StreamRow& row) {
    auto idle = duration_cast<std::chrono::milliseconds>(row.idle).count();
    return contract::CreateStreamRow(b, row.allocation, core, text(b, row.user.view()), b.CreateString(row.peer.text()),
                                     text(b, classify::words(row.direction)), text(b, classify::words(row.kind)),
                                     row.ssrc, row.payload_type, row.packets, row.bytes, row.lost, row.loss_percent,
                                     row.jitter_ms.value_or(-1), static_cast<uint32_t>(std::max<int64_t>(0, idle)));
}

Offset<contract::NeighborRow> make(FlatBufferBuilder& b, uint16_t core, const ip::NeighborRow& row,
                                   const RunConfig* config) {
    return contract::CreateNeighborRow(b, core, b.CreateString(interface_name(config, row.interface)),
                                       b.CreateString(row.address.text()), b.CreateString(row.mac.text()),
                                       b.CreateString(ip::name_of(row.state)), seconds(row.age), row.queued);
}

uint32_t microseconds(Duration d) {
    return static_cast<uint32_t>(std::max<int64_t>(0, duration_cast<std::chrono::microseconds>(d).count()));
}

Offset<contract::ConnectionRow> make(FlatBufferBuilder& b, uint16_t core, const ConnectionRecord& row,
                                     const RunConfig* config) {
    uint16_t interface = config ? config->interfaces->owner(row.local.address) : ip::kNoInterface;
    auto transport = b.CreateString(row.transport);
    auto service = text(b, row.service.view());
    auto state = b.CreateString(row.handshaking ? "handshake" : row.state);
    auto interface_text = b.CreateString(interface_name(config, interface));
    auto remote = b.CreateString(row.remote.text());
    auto local = b.CreateString(row.local.text());
    auto tls_version = text(b, row.tls_version.view());
    auto cipher = text(b, row.cipher.view());
    auto group = text(b, row.group.view());
    auto sni = text(b, row.sni.view());
    auto alpn = text(b, row.alpn.view());
    auto certificate = text(b, row.certificate.view());
    std::vector<Offset<flatbuffers::String>> names;
    for (const auto& name : row.peer_names)
        if (!name.view().empty()) names.push_back(text(b, name.view()));
    auto peer_names = b.CreateVector(names);
    auto tls_error = text(b, row.tls_error.view());
    auto ended = text(b, row.why.view());
    contract::ConnectionRowBuilder out(b);
    out.add_id(row.id);
    out.add_core(core);
    out.add_transport(transport);
    out.add_service(service);
    out.add_state(state);
    out.add_interface(interface_text);
    out.add_remote(remote);
    out.add_local(local);
    out.add_outgoing(row.outgoing);
    out.add_age_s(seconds(row.age));
    out.add_idle_s(seconds(row.idle));
    out.add_rtt_us(microseconds(row.info.smoothed_rtt));
    out.add_congestion_window(row.info.congestion_window);
    out.add_in_flight(row.info.in_flight);
    out.add_unsent(row.info.unsent);
    out.add_unread(row.info.unread);
    out.add_mss(row.info.mss);
    out.add_buffer_bytes(row.info.buffer_bytes);
    out.add_retransmits(row.info.retransmits);
    out.add_tls_version(tls_version);
    out.add_cipher(cipher);
    out.add_group(group);
    out.add_resumed(row.resumed);
    out.add_sni(sni);
    out.add_alpn(alpn);
    out.add_certificate(certificate);
    out.add_peer_names(peer_names);
    out.add_tls_error(tls_error);
    out.add_allocation(row.allocation);
    out.add_ended(ended);
    out.add_ended_ago_s(seconds(row.ended_ago));
    return out.Finish();
}

const char* word(const VerdictRow& row) {
    if (row.user) return "user";
    switch (row.rule) {
        case contract::Rule::allowed: return "allowed";
        case contract::Rule::blocked: return "blocked";
        case contract::Rule::discovered: return "discovered";
        case contract::Rule::none: break;
    }
    return "none";
}

}  // namespace

Offset<contract::LookedUp> make_looked_up(FlatBufferBuilder& b, uint32_t id, const std::vector<VerdictRow>& rows,
                                          const char* error) {
    std::vector<Offset<contract::LookupRow>> out;
    for (size_t core = 0; core < rows.size(); core++) {
        const VerdictRow& row = rows[core];
        out.push_back(contract::CreateLookupRow(b, static_cast<uint16_t>(core), row.revision, row.base, row.delta,
                                                b.CreateString(word(row)), text(b, row.entry.view()),
                                                text(b, row.via.view()), row.access));
    }
    return contract::CreateLookedUpDirect(b, id, &out, error);
}

Offset<contract::Page> make_page(FlatBufferBuilder& b, uint32_t id, const CoreRequest& request, const RunConfig* config,
                                 uint64_t next) {
    std::vector<Offset<contract::AllocationRow>> allocations;
    std::vector<Offset<contract::StreamRow>> streams;
    std::vector<Offset<contract::NeighborRow>> neighbors;
    std::vector<Offset<contract::ConnectionRow>> connections;
    contract::Kind kind = contract::Kind::allocations;
    switch (request.kind) {
        case CoreRequest::Kind::streams:
            kind = contract::Kind::streams;
            for (uint32_t i = 0; i < request.count; i++) streams.push_back(make(b, request.core, request.streams[i]));
            break;
        case CoreRequest::Kind::neighbors:
            kind = contract::Kind::neighbors;
            for (uint32_t i = 0; i < request.count; i++)
                neighbors.push_back(make(b, request.core, request.neighbors[i], config));
            break;
        case CoreRequest::Kind::connections:
        case CoreRequest::Kind::endings:
            kind = request.kind == CoreRequest::Kind::endings ? contract::Kind::endings : contract::Kind::connections;
            for (uint32_t i = 0; i < request.count; i++)
                connections.push_back(make(b, request.core, request.connections[i], config));
            break;
        default:
            for (uint32_t i = 0; i < request.count; i++)
                allocations.push_back(make(b, request.core, request.allocations[i], config));
            break;
    }
    auto allocation_rows = b.CreateVector(allocations);
    auto stream_rows = b.CreateVector(streams);
    auto neighbor_rows = b.CreateVector(neighbors);
    auto connection_rows = b.CreateVector(connections);
    return contract::CreatePage(b, id, kind, next, 0, allocation_rows, stream_rows, neighbor_rows, 0, 0,
                                connection_rows);
}

}  // namespace fedge::core
