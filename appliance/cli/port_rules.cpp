#include "appliance/cli/port_rules.h"

#include <vector>

namespace fedge::cli {
namespace {

std::string listed(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
    return out;
}

// Addresses of the one family.
std::vector<std::string> of_family(const Json& row, bool ipv6) {
    std::vector<std::string> out;
    for (const Json& address : row.value("addresses", Json::array()))
        if (address.is_string() && (address.get<std::string>().find(':') != std::string::npos) == ipv6)
            out.push_back(address.get<std::string>());
    return out;
}

// Only what an address or name can have: nothing of what control says ends a string of the ruleset.
bool plain(const std::string& text) {
    return text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
}

std::string rule(const Json& row, bool ipv6) {
    std::vector<std::string> addresses = of_family(row, ipv6);
    std::erase_if(addresses, [](const std::string& text) { return !plain(text); });
    if (addresses.empty()) return {};
    const bool in = text_or(row, "direction", "in") == "in";
    const auto first = static_cast<unsigned>(number_or(row, "first", 0));
    const auto last = static_cast<unsigned>(number_or(row, "last", 0));
    return std::string("        ") + (ipv6 ? "ip6 " : "ip ") + (in ? "daddr" : "saddr") + " { " + listed(addresses) +
           " } " + (text_or(row, "transport", "") == "udp" ? "udp" : "tcp") +
           (text_or(row, "ports_of", "") == "source" ? " sport " : " dport ") + std::to_string(first) +
           (last > first ? "-" + std::to_string(last) : "") + " accept\n";
}

}  // namespace

std::string nftables_ruleset(const Json& rows) {
    std::string out =
        "#!/usr/sbin/nft -f\n"
        "# What fedge needs through the firewalls around it. Load it there: nft -f FILE\n"
        "table inet fedge\n"
        "delete table inet fedge\n"
        "table inet fedge {\n"
        "    chain forward {\n"
        "        type filter hook forward priority filter; policy drop;\n"
        "        ct state established,related accept\n"
        "        ct state invalid drop\n"
        "        meta l4proto { icmp, ipv6-icmp } accept\n";
    for (const char* side : {"external", "internal"}) {
        std::string rules;
        for (const Json& row : rows) {
            if (text_or(row, "side", "") != side) continue;
            std::string lines = rule(row, false) + rule(row, true);
            if (lines.empty()) continue;
            const std::string far = text_or(row, "far", "");
            rules += "        # " + text_or(row, "role", "") + ": " +
                     (text_or(row, "direction", "") == "in" ? "from " + far : "to " + far) + "\n" + lines;
        }
        if (!rules.empty()) out += "\n        # towards the " + std::string(side) + " side\n" + rules;
    }
    return out + "    }\n}\n";
}

}  // namespace fedge::cli
