#include "dataplane/policy/trust_header.h"

#include <algorithm>
#include <array>

#include "dataplane/policy/text_writer.h"

namespace fedge::policy {
namespace {

constexpr std::array kTable = std::to_array<TrustValues>({
    {PartnerType::direct, "DirectPartner", "federation"},
    {PartnerType::allowed, "AutoFederation", "federation"},
    {PartnerType::discovered, "AutoFederation", "federation"},
    {PartnerType::hosting_provider, "AuthorizedServer", "federation"},
    {PartnerType::public_provider, "AuthorizedServer", "publiccloud"},
    {PartnerType::default_route, "ClearingHouse", "federation"},
});

}  // namespace

std::span<const TrustValues> trust_values() {
    return kTable;
}

std::string_view write_trust(PartnerType type, bool verified, std::string_view edge, std::span<char> out) {
    const auto* values = std::ranges::find(kTable, type, &TrustValues::type);
    if (values == kTable.end()) return {};
    return join(out, {"ms-source-type=", values->source_type, ";ms-ep-fqdn=", edge, ";ms-source-verified-user=",
                      verified ? "verified" : "unverified", ";ms-source-network=", values->network});
}

}  // namespace fedge::policy
