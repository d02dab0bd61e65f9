// An edge for tests: edge.b.example outside, edge.inside.b.example inside, the domain b.example.
#pragma once

#include <array>
#include <string>

#include "dataplane/sip/routing.h"

namespace fedge::sip {

class OneDomain final : public Domains {
  public:
    bool is_internal(std::string_view host) const override { return same_host(host, "b.example"); }
};

inline const OneDomain kDomains;
inline constexpr std::string_view kOutsideNames[] = {"edge.b.example", "192.0.2.5", "[2001:db8::5]"};
inline constexpr std::string_view kInsideNames[] = {"edge.inside.b.example"};
inline constexpr std::string_view kExtensions[] = {"known"};
inline constexpr uint64_t kSiteNow = 1'800'000'000;

inline Site test_site() {
    return {.sides = {Site::Names{kOutsideNames, 5061}, Site::Names{kInsideNames, 5061}},
            .domains = &kDomains,
            .proxy_extensions = kExtensions};
}

inline FlowTokens test_tokens() {
    FlowTokenSettings settings;
    settings.keys.emplace_back();
    settings.keys.back().fill(1);
    settings.hash_key.fill(2);
    return FlowTokens{settings};
}

inline const Flow kPartner{.node = 1, .core = 2, .side = Side::outside, .connection = 33, .generation = 4, .peer = 55};
inline const Flow kFrontEnd{.node = 1, .core = 3, .side = Side::inside, .connection = 9, .generation = 1, .peer = 77};

// A Record-Route of this edge that leads on to `onward`.
inline std::string own_route(const FlowTokens& tokens, const Flow& onward, const std::string& host,
                             const std::string& call_id = "call-1") {
    auto token = tokens.issue(TokenUse::record_route, onward, call_id, kSiteNow);
    return "<sip:" + std::string{view(token)} + "@" + host + ":5061;transport=tls;lr>";
}

}  // namespace fedge::sip
