#include "dataplane/classify/peer_policy.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace fedge::classify {
namespace {

struct BuiltIn {
    std::string_view prefix;
    PeerVerdict verdict;
};

// IANA IPv4 and IPv6 special-purpose address registries, address space registries: what is not a unicast peer on the
// internet.
constexpr BuiltIn kSpecial[] = {
    {"0.0.0.0/0", PeerVerdict::allowed},
    {"10.0.0.0/8", PeerVerdict::denied_special},      // private, RFC 1918
    {"100.64.0.0/10", PeerVerdict::denied_special},   // shared behind carrier NAT, RFC 6598
    {"169.254.0.0/16", PeerVerdict::denied_special},  // link-local, RFC 3927; cloud metadata services
    {"172.16.0.0/12", PeerVerdict::denied_special},   // private, RFC 1918
    {"192.0.0.0/24", PeerVerdict::denied_special},    // IETF protocol assignments, RFC 6890
    {"192.88.99.0/24", PeerVerdict::denied_special},  // 6to4 relay anycast, withdrawn by RFC 7526
    {"192.168.0.0/16", PeerVerdict::denied_special},  // private, RFC 1918
    {"198.18.0.0/15", PeerVerdict::denied_special},   // benchmarking, RFC 2544
    {"240.0.0.0/4", PeerVerdict::denied_special},     // reserved, RFC 1112
    {"::/0", PeerVerdict::denied_special},            // all that no line below opens
    {"64:ff9b::/96", PeerVerdict::allowed},           // well-known NAT64 prefix, RFC 6052; judged by what is inside
    {"2000::/3", PeerVerdict::allowed},               // global unicast
    {"2001::/23", PeerVerdict::denied_special},  // IETF protocol assignments, RFC 2928: anycast, benchmarking, ORCHID
    {"2001::/32", PeerVerdict::allowed},         // Teredo, RFC 4380; judged by what is inside
};

// No configuration makes these a unicast peer.
constexpr std::string_view kNever[] = {
    "0.0.0.0/8",           // this network, RFC 1122: reached loopback in CVE-2020-26262
    "127.0.0.0/8",         // loopback
    "224.0.0.0/4",         // multicast
    "255.255.255.255/32",  // limited broadcast
    "::/128",              // unspecified
    "::1/128",             // loopback
    "ff00::/8",            // multicast
};

constexpr uint8_t kMappedLength = 96;
const Prefix kIpv4Family{IpAddress::v4(0), kMappedLength};
const Prefix kIpv6Family{IpAddress{}, 0};

bool is_ipv4(const Prefix& p) {
    return p.length >= kMappedLength && p.address.is_v4();
}

IpAddress from_halves(uint64_t high, uint64_t low) {
    uint8_t octets[16];
    store_be64(octets, high);
    store_be64(octets + 8, low);
    return IpAddress::v6_bytes(octets);
}

uint64_t mask(int bits) {
    return bits <= 0 ? 0 : bits >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - bits);
}

IpAddress first_of(const Prefix& p) {
    return from_halves(p.address.high() & mask(p.length), p.address.low() & mask(p.length - 64));
}

// The address behind the last one of the prefix; wraps to ::.
IpAddress behind(const Prefix& p) {
    uint64_t high = p.address.high() | ~mask(p.length);
    uint64_t low = (p.address.low() | ~mask(p.length - 64)) + 1;
    return from_halves(low == 0 ? high + 1 : high, low);
}

bool before(const IpAddress& a, const IpAddress& b) {
    return a.high() != b.high() ? a.high() < b.high() : a.low() < b.low();
}

// The IPv4 addresses that an IPv6 address can be made of. An ISATAP identifier may stand under any prefix, so there can
// be more than one.
class EmbeddedIpv4 {
  public:
    explicit EmbeddedIpv4(const IpAddress& a) {
        const uint8_t* o = a.octets().data();
        uint64_t high = a.high();
        uint64_t low = a.low();
        if (high == 0 && low >> 32 == 0) add(o + 12);                   // IPv4-compatible, RFC 4291 section 2.5.5.1
        if (high == 0 && low >> 32 == 0xffff0000) add(o + 12);          // IPv4-translated, RFC 2765
        if (high == 0x0064ff9b00000000 && low >> 32 == 0) add(o + 12);  // NAT64, RFC 6052
        if (high >> 16 == 0x0064ff9b0001) add(o + 12);                  // NAT64 for local use, RFC 8215
        if (high >> 48 == 0x2002) add(o + 2);                           // 6to4, RFC 3056
        if (high >> 32 == 0x20010000) {                                 // Teredo, RFC 4380 section 4
            add(o + 4);
            uint8_t client[4];
            store_be32(client, ~load_be32(o + 12));
            add(client);
        }
        // ISATAP, RFC 5214 section 6.1; the universal and group bits may be either.
        if ((low >> 32 & 0xfcffffff) == 0x00005efe) add(o + 12);
    }
    const IpAddress* begin() const { return forms_.data(); }
    const IpAddress* end() const { return forms_.data() + count_; }

  private:
    void add(const uint8_t* four) { forms_[count_++] = IpAddress::v4_bytes(four); }
    std::array<IpAddress, 4> forms_;
    size_t count_ = 0;
};

enum class Layer : uint8_t { built_in, configured, relay, never, own };

// True if the configured prefixes alone say so: the longest decides, allow beats deny.
bool configured_denial(std::span<const Prefix> allow, std::span<const Prefix> deny, const IpAddress& address) {
    auto longest = [&](std::span<const Prefix> list) {
        int length = -1;
        for (const Prefix& p : list)
            if (is_ipv4(p) == address.is_v4() && p.contains(address)) length = std::max(length, int{p.length});
        return length;
    };
    return longest(deny) > longest(allow);
}

}  // namespace

struct PeerPolicy::Rule {
    Prefix prefix;
    Layer layer;
    PeerVerdict verdict;

    // What decides between rules that match: layer, then length, then allow before deny.
    auto weight() const { return std::tuple{layer, prefix.length, verdict == PeerVerdict::allowed}; }
};

std::string_view words(PeerVerdict verdict) {
    switch (verdict) {
        case PeerVerdict::allowed: return "allowed";
        case PeerVerdict::own_relay: return "relay address of this edge";
        case PeerVerdict::denied_special: return "special-purpose address";
        case PeerVerdict::denied_configured: return "denied by configuration";
        case PeerVerdict::denied_own: return "address of this edge";
    }
    return "unknown";
}

PeerPolicy::PeerPolicy(std::span<const Prefix> allow, std::span<const Prefix> deny, std::span<const IpAddress> own,
                       std::span<const IpAddress> relays) {
    std::vector<Rule> ipv4;
    std::vector<Rule> ipv6;
    auto add = [&](const Prefix& prefix, Layer layer, PeerVerdict verdict) {
        (is_ipv4(prefix) ? ipv4 : ipv6).push_back({{first_of(prefix), prefix.length}, layer, verdict});
    };
    for (const BuiltIn& b : kSpecial) add(Prefix::parse(b.prefix).value(), Layer::built_in, b.verdict);
    for (std::string_view n : kNever) add(Prefix::parse(n).value(), Layer::never, PeerVerdict::denied_special);
    for (const Prefix& p : allow) add(p, Layer::configured, PeerVerdict::allowed);
    for (const Prefix& p : deny) add(p, Layer::configured, PeerVerdict::denied_configured);
    for (const IpAddress& a : own)
        if (std::ranges::find(relays, a) == relays.end()) add({a, 128}, Layer::own, PeerVerdict::denied_own);
    for (const IpAddress& a : relays)
        add({a, 128}, Layer::relay,
            configured_denial(allow, deny, a) ? PeerVerdict::denied_configured : PeerVerdict::own_relay);
    ipv4_ = flatten(ipv4, kIpv4Family);
    ipv6_ = flatten(ipv6, kIpv6Family);
}

// Prefixes either nest or are disjoint, so a walk in order of their starts needs only a stack of those that are open.
std::vector<PeerPolicy::Range> PeerPolicy::flatten(std::vector<Rule>& rules, const Prefix& family) {
    std::ranges::sort(rules, [](const Rule& a, const Rule& b) {
        return a.prefix.address != b.prefix.address ? before(a.prefix.address, b.prefix.address)
                                                    : a.prefix.length < b.prefix.length;
    });
    std::vector<Range> ranges;
    std::vector<const Rule*> open;
    auto decide_from = [&](const IpAddress& start) {
        auto heaviest = std::ranges::max_element(open, {}, [](const Rule* r) { return r->weight(); });
        PeerVerdict verdict = (*heaviest)->verdict;
        if (!ranges.empty() && ranges.back().start == start) {
            ranges.back().verdict = verdict;
        } else if (ranges.empty() || ranges.back().verdict != verdict) {
            ranges.push_back({start, verdict});
        }
    };
    auto close = [&] {
        IpAddress next = behind(open.back()->prefix);
        open.pop_back();
        // Behind the last address of the family there is nothing to decide; the family's own rule closes last.
        if (!open.empty() && family.contains(next) && before(family.address, next)) decide_from(next);
    };
    for (const Rule& rule : rules) {
        while (!open.empty() && !open.back()->prefix.contains(rule.prefix.address)) close();
        open.push_back(&rule);
        decide_from(rule.prefix.address);
    }
    while (!open.empty()) close();
    return ranges;
}

PeerVerdict PeerPolicy::verdict_of_form(const IpAddress& form) const {
    const std::vector<Range>& ranges = form.is_v4() ? ipv4_ : ipv6_;
    auto above = std::ranges::upper_bound(ranges, form, before, &Range::start);
    return std::prev(above)->verdict;  // the first range starts at the family's first address
}

PeerVerdict PeerPolicy::verdict(const IpAddress& peer) const {
    PeerVerdict verdict = verdict_of_form(peer);
    if (verdict != PeerVerdict::allowed || peer.is_v4()) return verdict;
    for (const IpAddress& form : EmbeddedIpv4{peer}) {
        verdict = verdict_of_form(form);
        // Behind a translator it is an own address like any other: the packet would leave the machine.
        if (verdict == PeerVerdict::own_relay) return PeerVerdict::denied_own;
        if (verdict != PeerVerdict::allowed) return verdict;
    }
    return PeerVerdict::allowed;
}

}  // namespace fedge::classify
