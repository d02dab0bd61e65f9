#include "dataplane/policy/config.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "dataplane/policy/names.h"

namespace fedge::policy {
namespace {

std::string text(const flatbuffers::String* string) {
    return string ? string->str() : std::string();
}

// A name of the snapshot, which control has already made an A-label.
std::string name_of(const flatbuffers::String* string, const char* what) {
    std::string name = text(string);
    auto domain = Domain::parse(name);
    if (!domain || domain->view() != name)
        throw std::runtime_error(std::string(what) + " \"" + name.substr(0, 300) + "\" is no domain name");
    return name;
}

std::string optional_name(const flatbuffers::String* string, const char* what) {
    return string && string->size() ? name_of(string, what) : std::string();
}

uint64_t next_number() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

}  // namespace

Config::Config(const contract::Federation* federation) : number_(next_number()) {
    if (!federation) return;
    enabled = federation->enabled();
    discovery = federation->discovery();
    outside_users = federation->outside_users();
    clearing_house = federation->clearing_house();
    archiving_disclaimer = federation->archiving_disclaimer();
    mark_source_verified = federation->mark_source_verified();
    default_route = optional_name(federation->default_route(), "default route");
    default_route_verification = federation->default_route_verification();
    access = federation->access();
    discovered_verification = federation->discovered_verification();
    discovered_purpose = federation->discovered_purpose();
    discovered_srv_mode = federation->discovered_srv_mode();
    if (const auto* names = federation->access_names())
        for (const auto* one : *names) access_names_.push_back(name_of(one, "access name"));
    read_providers(*federation);
    read_domains(*federation);
    read_patterns(*federation);
    if (!default_route.empty() && (discovery || !providers_.empty()))
        throw std::runtime_error("a default route excludes discovery and providers");
}

void Config::read_providers(const contract::Federation& federation) {
    if (!federation.providers()) return;
    for (const auto* one : *federation.providers()) {
        Provider provider{text(one->name()),
                          name_of(one->proxy(), "provider's proxy"),
                          one->public_im(),
                          one->shared_address_space(),
                          one->hosts_users(),
                          one->verification(),
                          one->purpose(),
                          one->capabilities(),
                          optional_name(one->decoration_domain(), "decoration domain"),
                          optional_name(one->decoration_routing_domain(), "decoration routing domain"),
                          {}};
        if (provider.decoration_domain.empty()) provider.decoration_domain = provider.decoration_routing_domain;
        if (one->decoration_excluded())
            for (const auto* excluded : *one->decoration_excluded())
                provider.decoration_excluded.push_back(name_of(excluded, "domain excluded from decoration"));
        if (!by_proxy_.emplace(provider.proxy, providers_.size()).second)
            throw std::runtime_error("two providers have the proxy " + provider.proxy);
        providers_.push_back(std::move(provider));
    }
    for (const Provider& provider : providers_)
        if (provider.shared_address_space &&
            (!shared_provider_ || (provider.hosts_users && !shared_provider_->hosts_users)))
            shared_provider_ = &provider;
}

void Config::read_domains(const contract::Federation& federation) {
    if (!federation.domains()) return;
    for (const auto* one : *federation.domains()) {
        InternalDomain domain{name_of(one->name(), "domain of ours"), text(one->site()), one->access()};
        if (!by_domain_.emplace(domain.name, domains_.size()).second)
            throw std::runtime_error("domain of ours " + domain.name + " is there twice");
        domains_.push_back(std::move(domain));
    }
}

void Config::read_patterns(const contract::Federation& federation) {
    if (!federation.patterns()) return;
    for (const auto* one : *federation.patterns())
        pattern_entries_.push_back(
            {text(one->text()), text(one->expression()), optional_name(one->via(), "server of a pattern"), {}});
    std::vector<Patterns::Entry> entries;
    for (size_t i = 0; i < pattern_entries_.size(); i++) {
        const auto* one = federation.patterns()->Get(static_cast<flatbuffers::uoffset_t>(i));
        PatternEntry& entry = pattern_entries_[i];
        entry.verdict = {one->blocked() ? contract::Rule::blocked : contract::Rule::allowed,
                         one->verification(),
                         one->purpose(),
                         one->srv_mode(),
                         false,
                         false,
                         entry.text,
                         entry.via};
        entries.push_back({entry.text, entry.expression, one->blocked()});
    }
    patterns_ = Patterns(entries);
}

const Provider* Config::provider_at(std::string_view proxy) const {
    auto found = by_proxy_.find(proxy);
    return found == by_proxy_.end() ? nullptr : &providers_[found->second];
}

const InternalDomain* Config::internal(std::string_view domain) const {
    auto found = by_domain_.find(domain);
    return found == by_domain_.end() ? nullptr : &domains_[found->second];
}

bool Config::is_access_name(std::string_view host) const {
    return std::ranges::find(access_names_, host) != access_names_.end();
}

contract::DomainVerdict Config::pattern(std::string_view domain, hs_scratch_t* scratch) const {
    auto found = patterns_.match(domain, scratch);
    return found ? pattern_entries_[*found].verdict : contract::DomainVerdict();
}

}  // namespace fedge::policy
