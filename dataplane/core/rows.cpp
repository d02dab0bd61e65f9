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

Offset<contract::DialogRow> make(FlatBufferBuilder& b, uint16_t core, const signal::DialogRecord& row) {
    auto call_id = text(b, row.call_id.view());
    auto method = text(b, row.method.view());
    auto state = b.CreateString(signal::name(row.state));
    auto from = text(b, row.from.view());
    auto to = text(b, row.to.view());
    auto source = text(b, signal::words(row.source).view());
    auto destination = text(b, row.has_destination ? signal::words(row.destination).view() : std::string_view{});
    auto reason = text(b, row.reason.view());
    return contract::CreateDialogRow(b, row.id, core, call_id, method, state, from, to, source, destination,
                                     row.source.connection, row.destination.connection, row.status, reason,
                                     row.requests, seconds(row.age), seconds(row.idle));
}

Offset<contract::NextHopRow> make(FlatBufferBuilder& b, uint16_t core, const signal::NextHopRecord& row) {
    auto kind = b.CreateString(row.kind == signal::PeerKind::front_end ? "front-end" : "partner");
    auto name = text(b, row.name.view());
    auto state = b.CreateString(row.state);
    auto address = b.CreateString(row.address == Endpoint{} ? std::string() : row.address.text());
    auto error = text(b, row.error.view());
    return contract::CreateNextHopRow(b, core, kind, name, state, address, row.connections, row.held,
                                      static_cast<uint16_t>(row.weight), row.sent, row.failed, seconds(row.failed_ago),
                                      error, row.code);
}

Offset<contract::ScannerRow> make(FlatBufferBuilder& b, uint16_t core, const signal::ScannerRecord& row) {
    return contract::CreateScannerRow(b, core, text(b, row.signature.view()), row.closed);
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
    std::vector<Offset<contract::DialogRow>> dialogs;
    std::vector<Offset<contract::NextHopRow>> next_hops;
    std::vector<Offset<contract::ScannerRow>> scanners;
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
        case CoreRequest::Kind::dialogs:
            kind = contract::Kind::dialogs;
            for (uint32_t i = 0; i < request.count; i++) dialogs.push_back(make(b, request.core, request.dialogs[i]));
            break;
        case CoreRequest::Kind::next_hops:
            kind = contract::Kind::next_hops;
            for (uint32_t i = 0; i < request.count; i++)
                next_hops.push_back(make(b, request.core, request.next_hops[i]));
            break;
        case CoreRequest::Kind::scanners:
            kind = contract::Kind::scanners;
            for (uint32_t i = 0; i < request.count; i++) scanners.push_back(make(b, request.core, request.scanners[i]));
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
    auto dialog_rows = b.CreateVector(dialogs);
    auto next_hop_rows = b.CreateVector(next_hops);
    auto scanner_rows = b.CreateVector(scanners);
    return contract::CreatePage(b, id, kind, next, 0, allocation_rows, stream_rows, neighbor_rows, 0, 0,
                                connection_rows, dialog_rows, next_hop_rows, scanner_rows);
}

Offset<contract::Traced> make_traced(FlatBufferBuilder& b, uint16_t core, const signal::TraceRecord& record,
                                     size_t which, uint64_t unix_ns) {
    auto peer = text(b, signal::words(record.peer).view());
    auto verdict = text(b, record.verdict.view());
    std::string_view shown = record.shown();
    auto bytes = b.CreateVector(reinterpret_cast<const uint8_t*>(shown.data()), shown.size());
    contract::Ip remote(flatbuffers::span<const uint8_t, 16>(record.remote.address.octets()));
    contract::Ip local(flatbuffers::span<const uint8_t, 16>(record.local.address.octets()));
    contract::TracedBuilder out(b);
    out.add_id(record.wanted[which].id);
    out.add_core(core);
    out.add_unix_ns(unix_ns);
    out.add_incoming(record.incoming);
    out.add_connection(record.connection);
    out.add_peer(peer);
    out.add_remote(&remote);
    out.add_remote_port(record.remote.port);
    out.add_local(&local);
    out.add_local_port(record.local.port);
    out.add_verdict(verdict);
    out.add_text(bytes);
    out.add_cut(record.size - static_cast<uint32_t>(shown.size()));
    out.add_lost(record.wanted[which].lost);
    return out.Finish();
}

Offset<contract::PartnerTested> make_partner_tested(FlatBufferBuilder& b, uint32_t id,
                                                    const signal::PartnerTestReport& report) {
    auto plain = [&](const std::string& value) { return text(b, FixedText<400>(value).view()); };
    std::vector<Offset<contract::TestStep>> steps;
    for (const auto& step : report.steps) {
        auto name = b.CreateString(step.name);
        auto target = plain(step.target);
        auto words = plain(step.text);
        steps.push_back(contract::CreateTestStep(b, name, target, step.good, words, microseconds(step.took)));
    }
    std::vector<Offset<flatbuffers::String>> names, chain;
    for (const auto& one : report.peer_names) names.push_back(plain(one));
    for (const auto& one : report.chain) chain.push_back(plain(one));
    auto step_rows = b.CreateVector(steps);
    auto name_rows = b.CreateVector(names);
    auto chain_rows = b.CreateVector(chain);
    auto error = text(b, report.error);
    return contract::CreatePartnerTested(b, id, step_rows, name_rows, chain_rows, error);
}

}  // namespace fedge::core
