// What the operator says of federation as a whole, compiled from the snapshot on a management thread: immutable, then
// read by any core. What is said of single domains and users is in contract::Verdicts; a View is both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dataplane/contract/verdicts.h"
#include "dataplane/policy/patterns.h"
#include "snapshot_generated.h"

namespace fedge::policy {

// A hosting provider or public IM provider that is enabled: one server that speaks for many domains.
struct Provider {
    std::string name;
    std::string proxy;  // FQDN
    bool public_im = false;
    bool shared_address_space = false;  // it hosts users of our own domains
    bool hosts_users = false;
    contract::Verification verification = contract::Verification::always_verifiable;
    contract::Purpose purpose = contract::Purpose::server_or_client;
    contract::Capability capabilities = contract::Capability::im;
    std::string decoration_domain;  // what decorated addresses carry; empty: there are none
    std::string decoration_routing_domain;
    std::vector<std::string> decoration_excluded;
};

struct InternalDomain {
    std::string name;
    std::string site;  // empty: none
    contract::Access access;
};

class Config {
  public:
    // No federation at all.
    Config() : Config(static_cast<const contract::Federation*>(nullptr)) {}
    // Throws std::runtime_error for what cannot be used, in words for the operator. The table is not needed afterwards.
    explicit Config(const contract::Federation* federation);

    // Differs between any two configurations of a process.
    uint64_t number() const { return number_; }

    bool enabled = false;
    bool discovery = false;
    bool outside_users = false;
    bool clearing_house = false;
    bool archiving_disclaimer = false;
    bool mark_source_verified = true;
    std::string default_route;  // empty: by DNS
    contract::Verification default_route_verification = contract::Verification::use_source;
    contract::Access access = contract::Access::NONE;  // of local users in no domain of ours
    contract::Verification discovered_verification = contract::Verification::use_source;
    contract::Purpose discovered_purpose = contract::Purpose::server_or_client;
    contract::SrvMode discovered_srv_mode = contract::SrvMode::microsoft_then_sips;

    const std::vector<Provider>& providers() const { return providers_; }
    const std::vector<InternalDomain>& domains() const { return domains_; }
    const std::vector<std::string>& access_names() const { return access_names_; }
    // All names in lower case; null, false or nothing if there is none. Constant time, no heap.
    const Provider* provider_at(std::string_view proxy) const;
    // The one for our own domains: before others one that hosts users.
    const Provider* shared_provider() const { return shared_provider_; }
    const InternalDomain* internal(std::string_view domain) const;
    bool is_access_name(std::string_view host) const;
    // An entry by pattern; rule none if no pattern fits. Views live as long as this.
    contract::DomainVerdict pattern(std::string_view domain, hs_scratch_t* scratch) const;
    // One for each core.
    Scratch make_scratch() const { return patterns_.make_scratch(); }

    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;

  private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct PatternEntry {
        std::string text, expression, via;
        contract::DomainVerdict verdict;
    };
    void read_providers(const contract::Federation& federation);
    void read_domains(const contract::Federation& federation);
    void read_patterns(const contract::Federation& federation);

    uint64_t number_;
    std::vector<Provider> providers_;
    std::vector<InternalDomain> domains_;
    std::vector<std::string> access_names_;
    std::vector<PatternEntry> pattern_entries_;
    std::unordered_map<std::string, size_t, Hash, std::equal_to<>> by_proxy_;
    std::unordered_map<std::string, size_t, Hash, std::equal_to<>> by_domain_;
    const Provider* shared_provider_ = nullptr;
    Patterns patterns_;
};

// What a decision is made of. Everything outlives it.
struct View {
    const Config& config;
    contract::Verdicts verdicts;
    hs_scratch_t* scratch;  // of config.make_scratch(), used by one thread
};

}  // namespace fedge::policy
