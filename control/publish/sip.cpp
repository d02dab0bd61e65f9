#include "control/publish/sip.h"

#include <algorithm>

namespace fedge::control {
namespace {

constexpr size_t kTokenKeyBytes = 32;

contract::LinkAction action_of(sip::LinkAction action) {
    switch (action) {
        case sip::LinkAction::allow: return contract::LinkAction::allow;
        case sip::LinkAction::warn: return contract::LinkAction::warn;
        case sip::LinkAction::block: break;
    }
    return contract::LinkAction::block;
}

flatbuffers::Offset<contract::Filters> add_filters(flatbuffers::FlatBufferBuilder& builder,
                                                   const sip::FilterSettings& s) {
    auto prefixes = builder.CreateVectorOfStrings(s.prefixes);
    auto domains = builder.CreateVectorOfStrings(s.local_domains);
    auto allow = builder.CreateString(s.allow_message), warn = builder.CreateString(s.warn_message);
    auto extensions = builder.CreateVectorOfStrings(s.extensions);
    auto scanners = builder.CreateVectorOfStrings(s.scanners);
    contract::FiltersBuilder out(builder);
    out.add_links(s.links);
    out.add_link_action(action_of(s.link_action));
    out.add_link_ignore_local(s.ignore_local);
    out.add_link_prefixes(prefixes);
    out.add_local_domains(domains);
    out.add_block_file_links(s.block_file_extension);
    out.add_allow_message(allow);
    out.add_warn_message(warn);
    out.add_files(s.files);
    out.add_file_action(s.file_action == sip::FileAction::block_all ? contract::FileAction::block_all
                                                                    : contract::FileAction::block_listed);
    out.add_file_extensions(extensions);
    out.add_scanners(scanners);
    return out.Finish();
}

}  // namespace

flatbuffers::Offset<contract::Sip> add_sip(flatbuffers::FlatBufferBuilder& builder, const SipConfig& sip,
                                           const std::vector<KeyRecord>& token_keys) {
    if (sip.outside_name.empty()) return {};
    std::vector<uint8_t> keys;
    for (const auto& record : token_keys) keys.insert(keys.end(), record.key.begin(), record.key.end());
    std::vector<flatbuffers::Offset<contract::FrontEnd>> front_ends;
    for (const auto& one : sip.front_ends) {
        std::vector<contract::Ip> addresses;
        for (const auto& address : one.addresses)
            addresses.emplace_back(flatbuffers::span<const uint8_t, 16>(address.octets()));
        auto host = builder.CreateString(one.host);
        auto list = builder.CreateVectorOfStructs(addresses);
        front_ends.push_back(contract::CreateFrontEnd(builder, host, list, one.port, one.weight));
    }
    auto outside = builder.CreateString(sip.outside_name), inside = builder.CreateString(sip.inside_name);
    auto own = builder.CreateVectorOfStrings(sip.own_names);
    auto token = builder.CreateVector(keys);
    auto servers = builder.CreateVector(front_ends);
    auto trusted = builder.CreateVectorOfStrings(sip.trusted_names);
    auto filters = add_filters(builder, sip.filters.in_force());
    contract::SipBuilder out(builder);
    out.add_filters(filters);
    out.add_outside_name(outside);
    out.add_inside_name(inside);
    out.add_own_names(own);
    out.add_node(sip.node);
    out.add_token_keys(token);
    out.add_front_ends(servers);
    out.add_trusted_names(trusted);
    out.add_server_body_kb(sip.server_body_kb);
    out.add_client_body_kb(sip.client_body_kb);
    out.add_hold_ms(sip.hold_s * 1000);
    out.add_hold_messages(sip.hold_messages);
    out.add_hold_kb(sip.hold_kb);
    out.add_queue_kb(sip.queue_kb);
    out.add_queues_kb(sip.queues_kb);
    out.add_options_s(sip.options_s);
    out.add_idle_s(sip.idle_s);
    out.add_clients_per_source(sip.clients_per_source);
    out.add_registrations_failed(sip.registrations_failed);
    return out.Finish();
}

std::string check_sip_part(const contract::Snapshot& snapshot) {
    bool listens = snapshot.listeners() &&
                   std::any_of(snapshot.listeners()->begin(), snapshot.listeners()->end(),
                               [](const auto* listener) { return listener->service() == contract::Service::sip_tls; });
    const contract::Sip* sip = snapshot.sip();
    if (!sip) return listens ? "a listener of SIP has no settings" : "";
    if (sip->outside_name()->size() == 0 || sip->inside_name()->size() == 0) return "the edge has no name";
    if (sip->token_keys()->size() == 0 || sip->token_keys()->size() % kTokenKeyBytes)
        return "flow token keys have a wrong length";
    if (sip->front_ends()) {
        for (const auto* one : *sip->front_ends()) {
            if (one->host()->size() == 0 || one->addresses()->size() == 0)
                return "a front end lacks its name or its address";
        }
    }
    return {};
}

}  // namespace fedge::control
