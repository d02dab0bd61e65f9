#include "control/settings/federation.h"

#include <algorithm>

#include "control/settings/federation_check.h"
#include "control/settings/reader.h"

namespace fedge::control {
namespace {

template <typename T, size_t N>
std::optional<T> numbered(const std::array<const char*, N>& names, std::string_view name) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<T>(found - names.begin());
}

uint8_t access_of(const Reader& reader, const std::string& head) {
    uint8_t access = 0;
    for (const auto& flag : kAccess) {
        if (reader.flag(head + flag.name)) access |= flag.bit;
    }
    return access;
}

uint8_t capabilities_of(const Values& values) {
    uint8_t capabilities = 0;
    for (const auto& capability : kCapabilities) {
        if (std::find(values.begin(), values.end(), capability.name) != values.end()) capabilities |= capability.bit;
    }
    return capabilities;
}

ProviderConfig preset_config(const ProviderPreset& preset) {
    ProviderConfig out;
    out.name = preset.name;
    out.built_in = true;
    out.proxy = preset.proxy;
    out.public_im = true;
    out.verification = Verification::always_unverifiable;
    out.wants_client_auth = preset.wants_client_auth;
    out.capabilities = preset.capabilities;
    out.decoration_routing_domain = preset.decoration_routing_domain;
    out.decoration_excluded = preset.decoration_excluded;
    return out;
}

// What is set goes over what `out` has; `out` is a preset, or new.
void read_provider(const Reader& reader, ProviderConfig& out) {
    std::string head = "provider." + out.name + ".";
    auto has = [&](const char* key) { return !out.built_in || reader.set(head + key); };
    out.configured = true;
    if (has("proxy")) out.proxy = reader.text(head + "proxy");
    if (has("kind")) out.public_im = reader.text(head + "kind") == "public";
    if (has("enabled")) out.enabled = reader.flag(head + "enabled");
    if (has("verification")) {
        out.verification =
            verification_of(reader.text(head + "verification")).value_or(Verification::always_unverifiable);
    }
    out.purpose = purpose_of(reader.text(head + "purpose")).value_or(Purpose::server_or_client);
    out.shared_address_space = reader.flag(head + "shared-address-space");
    out.hosts_users = reader.flag(head + "hosts-users");
    if (has("wants-client-auth")) out.wants_client_auth = reader.flag(head + "wants-client-auth");
    if (reader.set(head + "capabilities")) {
        out.capabilities = capabilities_of(reader.list(head + "capabilities"));
    } else if (!out.built_in && out.public_im) {
        out.capabilities = capabilities_of({"im", "presence"});
    }
    if (has("decoration-domain")) out.decoration_domain = reader.text(head + "decoration-domain");
    if (has("decoration-routing-domain"))
        out.decoration_routing_domain = reader.text(head + "decoration-routing-domain");
    if (has("decoration-excluded")) out.decoration_excluded = reader.list(head + "decoration-excluded");
}

std::vector<ProviderConfig> read_providers(const Reader& reader) {
    std::vector<ProviderConfig> out;
    for (const auto& preset : provider_presets()) out.push_back(preset_config(preset));
    for (const auto& name : reader.names("provider.")) {
        auto known = std::find_if(out.begin(), out.end(), [&](const auto& p) { return p.name == name; });
        if (known == out.end()) known = out.insert(out.end(), ProviderConfig{.name = name});
        read_provider(reader, *known);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

}  // namespace

std::optional<Purpose> purpose_of(std::string_view name) {
    return numbered<Purpose>(kPurposes, name);
}

std::optional<Verification> verification_of(std::string_view name) {
    return numbered<Verification>(kVerifications, name);
}

std::optional<SrvMode> srv_mode_of(std::string_view name) {
    return numbered<SrvMode>(kSrvModes, name);
}

const ProviderConfig* find_provider(const FederationConfig& federation, std::string_view name) {
    auto found = std::find_if(federation.providers.begin(), federation.providers.end(),
                              [&](const auto& p) { return p.name == name; });
    return found == federation.providers.end() ? nullptr : &*found;
}

const std::vector<ProviderPreset>& provider_presets() {
    constexpr uint8_t kIm = 1, kPresence = 2, kAudio = 4, kVideo = 8;
    static const std::vector<ProviderPreset> presets = {
        {"aol", "AOL", "sip.oscar.aol.com", kIm | kPresence, true, "", {}},
        {"messenger",
         "Live Messenger",
         "federation.messenger.msn.com",
         kIm | kPresence | kAudio | kVideo,
         false,
         "",
         {}},
        {"skype",
         "Skype",
         "federation.messenger.msn.com",
         kIm | kPresence | kAudio,
         false,
         "msn.com",
         {"msn.com", "outlook.com", "live.com", "hotmail.com"}},
        {"yahoo", "Yahoo!", "lcsap.msg.yahoo.com", kIm | kPresence, false, "", {}},
    };
    return presets;
}

FederationConfig read_federation(const Reader& reader) {
    FederationConfig out;
    out.enabled = reader.flag("federation.enabled");
    out.discovery = reader.flag("federation.discovery");
    out.outside_users = reader.flag("federation.outside-users");
    out.clearing_house = reader.flag("federation.clearing-house");
    out.archiving_disclaimer = reader.flag("federation.archiving-disclaimer");
    out.mark_source_verified = reader.flag("federation.mark-source-verified");
    out.default_route = reader.text("federation.default-route");
    auto verification = [&](const char* key) {
        return verification_of(reader.text(key)).value_or(Verification::always_unverifiable);
    };
    out.default_route_verification = verification("federation.default-route-verification");
    out.access_names = reader.list("federation.access-name");
    out.domains = reader.list("federation.domain");
    std::sort(out.domains.begin(), out.domains.end());
    out.connections_per_partner = reader.number<uint8_t>("federation.connections-per-partner");
    out.discovered_verification = verification("federation.discovered-verification");
    out.discovered_purpose =
        purpose_of(reader.text("federation.discovered-purpose")).value_or(Purpose::server_or_client);
    out.discovered_srv_mode = srv_mode_of(reader.text("discovery.sip-records")).value_or(SrvMode::microsoft_then_sips);
    out.discovered_rate = reader.number<uint32_t>("federation.discovered-rate");
    out.suspicious_rate = reader.number<uint32_t>("federation.suspicious-rate");
    out.suspicious_window_s = reader.number<uint32_t>("federation.suspicious-window");
    out.suspicious_finals = reader.number<uint32_t>("federation.suspicious-finals");
    out.suspicious_percent = reader.number<uint32_t>("federation.suspicious-percent");
    out.max_contacts = reader.number<uint32_t>("federation.discovered-contacts");
    out.report_period_min = reader.number<uint32_t>("federation.discovered-report");
    out.providers = read_providers(reader);
    out.global_access = access_of(reader, "policy.global.");
    for (const auto& name : reader.names("policy.site.")) {
        std::string head = "policy.site." + name + ".";
        out.sites.push_back({name, access_of(reader, head), reader.list(head + "domain")});
    }
    return out;
}

}  // namespace fedge::control
