// What the settings say of federation: who may talk to whom, as far as it is no entry of a domain or user.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::control {

// Extended key usage that a partner's certificate must have.
enum class Purpose : uint8_t { server_or_client, client_strict, sip_domain };

// How far what a partner says of its users is believed.
enum class Verification : uint8_t { always_verifiable, always_unverifiable, use_source };

// SRV records by which a partner is found.
enum class SrvMode : uint8_t { microsoft_then_sips, microsoft, sips };

// What the settings and the API call them.
inline constexpr std::array<const char*, 3> kPurposes = {"server-or-client", "client-strict", "sip-domain"};
inline constexpr std::array<const char*, 3> kVerifications = {"always-verifiable", "always-unverifiable", "use-source"};
inline constexpr std::array<const char*, 3> kSrvModes = {"microsoft-then-sips", "microsoft", "sips"};

std::optional<Purpose> purpose_of(std::string_view name);
std::optional<Verification> verification_of(std::string_view name);
std::optional<SrvMode> srv_mode_of(std::string_view name);
inline const char* name_of(Purpose purpose) {
    return kPurposes.at(static_cast<size_t>(purpose));
}
inline const char* name_of(Verification verification) {
    return kVerifications.at(static_cast<size_t>(verification));
}
inline const char* name_of(SrvMode mode) {
    return kSrvModes.at(static_cast<size_t>(mode));
}

// What a policy allows: bits of contract::Access, whose order this is.
struct AccessName {
    uint8_t bit;
    const char* name;
};
inline constexpr std::array<AccessName, 5> kAccess = {
    {{1, "federation"}, {2, "xmpp"}, {4, "public-im"}, {8, "public-im-av"}, {16, "outside"}}};

// What public IM can do: bits of contract::Capability.
inline constexpr std::array<AccessName, 4> kCapabilities = {{{1, "im"}, {2, "presence"}, {4, "audio"}, {8, "video"}}};

struct ProviderConfig {
    std::string name;
    std::string proxy;  // FQDN; empty: missing
    bool public_im = false;
    bool enabled = false;
    bool built_in = false;    // a preset
    bool configured = false;  // something of it is set
    Verification verification = Verification::always_verifiable;
    Purpose purpose = Purpose::server_or_client;
    bool shared_address_space = false;
    bool hosts_users = false;
    bool wants_client_auth = false;  // of our certificate
    uint8_t capabilities = 0;
    std::string decoration_domain;
    std::string decoration_routing_domain;
    std::vector<std::string> decoration_excluded;
};

struct SiteConfig {
    std::string name;
    uint8_t access = 0;
    std::vector<std::string> domains;
};

struct FederationConfig {
    bool enabled = false;
    bool discovery = false;
    bool outside_users = false;
    bool clearing_house = false;
    bool archiving_disclaimer = false;
    bool mark_source_verified = true;
    std::string default_route;  // FQDN; empty: none
    Verification default_route_verification = Verification::use_source;
    std::vector<std::string> access_names;
    std::vector<std::string> domains;  // of ours
    uint8_t connections_per_partner = 0;
    Verification discovered_verification = Verification::use_source;
    Purpose discovered_purpose = Purpose::server_or_client;
    SrvMode discovered_srv_mode = SrvMode::microsoft_then_sips;
    uint32_t discovered_rate = 0;
    uint32_t suspicious_rate = 0;
    uint32_t suspicious_window_s = 0;
    uint32_t suspicious_finals = 0;
    uint32_t suspicious_percent = 0;
    uint32_t max_contacts = 0;
    uint32_t report_period_min = 0;
    std::vector<ProviderConfig> providers;  // by name; presets that nobody touched too
    uint8_t global_access = 0;
    std::vector<SiteConfig> sites;
};

// nullptr if there is none of this name.
const ProviderConfig* find_provider(const FederationConfig& federation, std::string_view name);

// A public IM provider as it was shipped: disabled, with what it could do and what it demanded.
struct ProviderPreset {
    const char* name;
    const char* title;
    const char* proxy;
    uint8_t capabilities;
    bool wants_client_auth;
    const char* decoration_routing_domain;
    std::vector<std::string> decoration_excluded;
};
const std::vector<ProviderPreset>& provider_presets();

}  // namespace fedge::control
