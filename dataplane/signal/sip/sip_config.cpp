#include "dataplane/signal/sip/sip_config.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fedge::signal {
namespace {

// Policy knows which domains are ours, and has words of its own for those that are not.
class AnswerIs final : public sip::Domains {
  public:
    explicit AnswerIs(bool internal) : internal_(internal) {}
    bool is_internal(std::string_view) const override { return internal_; }

  private:
    bool internal_;
};
const AnswerIs kAllOurs{true};
const AnswerIs kNoneOurs{false};

std::vector<std::string> texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* list) {
    std::vector<std::string> out;
    if (list)
        for (const auto* text : *list) out.push_back(text->str());
    return out;
}

IpAddress address_of(const contract::Ip& ip) {
    return IpAddress::v6_bytes(ip.octets()->data());
}

const contract::Interface* interface_named(const contract::Snapshot& snapshot, std::string_view name) {
    for (const auto* interface : *snapshot.interfaces())
        if (interface->name()->string_view() == name) return interface;
    return nullptr;
}

FrontEnd front_end(const contract::FrontEnd& from) {
    FrontEnd out{from.host()->str(), {}, from.weight()};
    for (const auto* address : *from.addresses()) out.addresses.push_back({address_of(*address), from.port()});
    if (out.addresses.empty()) throw std::runtime_error("front end " + out.host + " has no address");
    return out;
}

sip::FilterSettings filter_settings(const contract::Filters& from) {
    sip::FilterSettings out;
    out.links = from.links();
    out.ignore_local = from.link_ignore_local();
    out.block_file_extension = from.block_file_links();
    switch (from.link_action()) {
        case contract::LinkAction::allow: out.link_action = sip::LinkAction::allow; break;
        case contract::LinkAction::warn: out.link_action = sip::LinkAction::warn; break;
        default: out.link_action = sip::LinkAction::block; break;
    }
    if (from.allow_message()) out.allow_message = from.allow_message()->str();
    if (from.warn_message()) out.warn_message = from.warn_message()->str();
    out.prefixes = texts(from.link_prefixes());
    out.extensions = texts(from.file_extensions());
    out.local_domains = texts(from.local_domains());
    out.files = from.files();
    out.file_action = from.file_action() == contract::FileAction::block_all ? sip::FileAction::block_all
                                                                            : sip::FileAction::block_listed;
    out.scanners = texts(from.scanners());
    return out;
}

}  // namespace

std::shared_ptr<const SipConfig> SipConfig::build(const contract::Snapshot& snapshot) {
    const contract::Sip* sip = snapshot.sip();
    if (!sip) return nullptr;
    auto out = std::make_shared<SipConfig>();
    out->outside = sip->outside_name()->str();
    out->inside = sip->inside_name()->str();
    out->own_ = texts(sip->own_names());
    if (sip->front_ends())
        for (const auto* one : *sip->front_ends()) out->front_ends.push_back(front_end(*one));
    out->trusted_names = texts(sip->trusted_names());
    for (const FrontEnd& one : out->front_ends) out->trusted_names.push_back(one.host);

    const auto& keys = *sip->token_keys();
    if (keys.size() == 0 || keys.size() % kTokenKey) throw std::runtime_error("flow token keys have a wrong length");
    sip::FlowTokenSettings tokens;
    tokens.keys.resize(keys.size() / kTokenKey);
    for (size_t i = 0; i < tokens.keys.size(); i++)
        std::copy_n(keys.data() + i * kTokenKey, 16, tokens.keys[i].begin());
    std::copy_n(keys.data() + 16, 16, tokens.hash_key.begin());
    out->tokens.emplace(std::move(tokens));

    out->node = sip->node();
    out->server_limits.body_bytes = sip->server_body_kb() * 1024;
    out->client_limits.body_bytes = sip->client_body_kb() * 1024;
    out->hold = std::chrono::milliseconds(sip->hold_ms());
    out->hold_messages = sip->hold_messages();
    out->hold_bytes = uint64_t{sip->hold_kb()} * 1024;
    out->queue_bytes = uint64_t{sip->queue_kb()} * 1024;
    out->queues_bytes = uint64_t{sip->queues_kb()} * 1024;
    out->options_interval = std::chrono::seconds(std::max(sip->options_s(), 1U));
    out->idle = std::chrono::seconds(std::max(sip->idle_s(), 1U));
    out->clients_per_source = sip->clients_per_source();
    out->registrations_failed = sip->registrations_failed();
    if (sip->filters()) out->filters = filter_settings(*sip->filters());
    if (snapshot.federation())
        out->connections_per_partner = std::clamp<uint8_t>(snapshot.federation()->connections_per_partner(), 1, 4);

    bool clearing_house = snapshot.federation() && snapshot.federation()->clearing_house();
    out->read_addresses(snapshot);
    out->make_sites(clearing_house);
    return out;
}

// Connections begin from the address of our listener, which partners know; without one from the first address.
void SipConfig::read_addresses(const contract::Snapshot& snapshot) {
    bool listens[2] = {};
    auto offer = [&](contract::Role role, const IpAddress& address) {
        auto& source = sources_[static_cast<size_t>(role)][address.is_v4() ? 0 : 1];
        if (!source) source = address;
        own_.push_back(address.is_v4() ? address.text() : "[" + address.text() + "]");
    };
    if (snapshot.listeners()) {
        for (const auto* listener : *snapshot.listeners()) {
            if (listener->service() == contract::Service::shared_tls) client_port_ = listener->port();
            if (listener->service() != contract::Service::sip_tls) continue;
            const auto* interface = interface_named(snapshot, listener->interface()->string_view());
            if (!interface) throw std::runtime_error("a listener is on an interface that is not there");
            auto role = interface->role();
            offer(role, address_of(*listener->address()));
            bool first = !std::exchange(listens[static_cast<size_t>(role)], true);
            if (first) (role == contract::Role::external ? outside_port_ : inside_port) = listener->port();
        }
    }
    for (const auto* interface : *snapshot.interfaces())
        for (const auto* prefix : *interface->addresses()) offer(interface->role(), address_of(prefix->address()));
    std::sort(own_.begin(), own_.end());
    own_.erase(std::unique(own_.begin(), own_.end()), own_.end());
}

void SipConfig::make_sites(bool clearing_house) {
    outside_hosts_.push_back(outside);
    inside_hosts_.push_back(inside);
    for (const std::string& name : own_) {
        outside_hosts_.push_back(name);
        inside_hosts_.push_back(name);
    }
    for (bool clients : {false, true}) {
        for (sip::Side from : {sip::Side::outside, sip::Side::inside}) {
            sip::Site& site = sites_[clients][static_cast<size_t>(from)];
            site.sides[0] = {outside_hosts_, outside_port_, client_port_};
            if (clients) std::swap(site.sides[0].port, site.sides[0].other_port);
            site.sides[1] = {inside_hosts_, inside_port, 0};
            site.domains = from == sip::Side::outside ? &kAllOurs : &kNoneOurs;
            site.transit = clearing_house && !clients;
        }
    }
}

std::optional<IpAddress> SipConfig::source_for(contract::Role side, const IpAddress& remote) const {
    return sources_[static_cast<size_t>(side)][remote.is_v4() ? 0 : 1];
}

}  // namespace fedge::signal
