#include "control/discovery/rules.h"

#include <algorithm>

namespace fedge::control::discovery {
namespace {

constexpr uint16_t kPlainSip = 5060;
constexpr uint16_t kHttps = 443;
constexpr uint16_t kFirstUnprivileged = 1024;

}  // namespace

std::optional<std::string> port_refusal(uint16_t port) {
    if (port == 0) return "0 is no port";
    if (port == kPlainSip) return "port 5060 is SIP without TLS";
    if (port < kFirstUnprivileged && port != kHttps)
        return "port " + std::to_string(port) + " is that of another service";
    return std::nullopt;
}

std::optional<std::string> AddressRules::refusal(const IpAddress& address) const {
    if (!has(address.family()))
        return std::string("this edge has no IPv") + (address.is_v4() ? "4" : "6") + " address outside";
    auto verdict = policy_.verdict(address);
    if (verdict == classify::PeerVerdict::allowed) return std::nullopt;
    return std::string(classify::words(verdict));
}

void order_by_weight(std::vector<Target>& targets, const Random& random) {
    // Those without weight come first, as the RFC has it, so that they get their small chance.
    std::ranges::stable_sort(targets, {}, [](const Target& t) { return std::pair(t.priority, t.weight != 0); });
    for (auto first = targets.begin(); first != targets.end(); ++first) {
        auto end = std::find_if(first, targets.end(), [&](const Target& t) { return t.priority != first->priority; });
        uint32_t sum = 0;
        for (auto t = first; t != end; ++t) sum += t->weight;
        uint32_t drawn = random(sum);
        auto chosen = first;
        for (uint32_t running = chosen->weight; running < drawn; running += chosen->weight) ++chosen;
        std::rotate(first, chosen, chosen + 1);
    }
}

}  // namespace fedge::control::discovery
