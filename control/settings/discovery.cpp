#include "control/settings/discovery.h"

namespace fedge::control {
namespace {

Values list(const Settings& settings, const std::string& key) {
    if (auto found = settings.find(key); found != settings.end()) return found->second;
    const std::string& initially = find_setting(key).definition->initially;
    return initially.empty() ? Values{} : Values{initially};
}

std::string text(const Settings& settings, const std::string& key) {
    Values values = list(settings, key);
    return values.empty() ? "" : values.front();
}

uint32_t number(const Settings& settings, const std::string& key) {
    return static_cast<uint32_t>(parse_integer(text(settings, key)).value_or(0));
}

std::vector<Prefix> prefixes(const Settings& settings, const std::string& key) {
    std::vector<Prefix> out;
    for (const auto& value : list(settings, key)) {
        if (auto prefix = Prefix::parse(value)) out.push_back(*prefix);
    }
    return out;
}

void read_dns(const Settings& settings, DnsConfig& dns) {
    for (const auto& value : list(settings, "dns.server")) {
        if (auto server = parse_server(value)) dns.servers.push_back(*server);
    }
    dns.trust_anchors = list(settings, "dns.trust-anchor");
    std::string dnssec = text(settings, "dns.dnssec");
    dns.dnssec = dnssec == "off" ? Dnssec::off : dnssec == "required" ? Dnssec::required : Dnssec::on;
    dns.timeout_s = number(settings, "dns.timeout");
    dns.ttl_min_s = number(settings, "dns.ttl-min");
    dns.ttl_max_s = number(settings, "dns.ttl-max");
    dns.negative_ttl_s = number(settings, "dns.negative-ttl");
    dns.stale_s = number(settings, "dns.stale-time");
    dns.cache_size = number(settings, "dns.cache-size");
}

}  // namespace

const char* name_of(SipMode mode) {
    switch (mode) {
        case SipMode::microsoft_then_sips: return "microsoft-then-sips";
        case SipMode::microsoft: return "microsoft";
        case SipMode::sips: return "sips";
    }
    return "";
}

std::vector<Definition> discovery_definitions() {
    using enum ValueType;
    return {
        {"dns.server", server, true, "",
         "DNS servers that partners are looked up with; they resolve recursively. Default: those of /etc/resolv.conf.",
         "dns.server 192.0.2.53 [2001:db8::53]:5353"},
        {"dns.dnssec",
         choice,
         false,
         "on",
         "Validation: on refuses forged answers where a domain is signed and takes unsigned ones; required takes no "
         "partner whose records are not validated; off checks nothing.",
         "dns.dnssec on",
         0,
         0,
         {"on", "off", "required"}},
        {"dns.trust-anchor", anchor, true, "",
         "What validation begins with: files of DS or DNSKEY records, or the records themselves, each as one value in "
         "quotes. Default: the root's key of the system (package dns-root-data).",
         "dns.trust-anchor /etc/fedge/anchors.key"},
        {"dns.timeout", integer, false, "5", "Seconds that one question to DNS may take.", "dns.timeout 5", 1, 60},
        {"dns.ttl-min", integer, false, "30",
         "Seconds that an answer is used at least, whatever its time to live: a partner cannot make the edge ask all "
         "the time.",
         "dns.ttl-min 30", 1, 3600},
        {"dns.ttl-max", integer, false, "3600",
         "Seconds that an answer is used at most, so that a partner who moves is found again.", "dns.ttl-max 3600", 30,
         604800},
        {"dns.negative-ttl", integer, false, "300", "Seconds that the absence of a partner is remembered at most.",
         "dns.negative-ttl 300", 1, 86400},
        {"dns.stale-time", integer, false, "86400",
         "Seconds that an answer is used on when DNS does not answer (RFC 8767); 0 means not at all.",
         "dns.stale-time 86400", 0, 604800},
        {"dns.cache-size", integer, false, "20000", "Answers that are remembered.", "dns.cache-size 20000", 100,
         10000000},
        {"discovery.sip-records",
         choice,
         false,
         "microsoft-then-sips",
         "SRV records by which SIP partners are found: _sipfederationtls._tcp (microsoft), _sips._tcp of RFC 3263 "
         "(sips), or the latter where the former does not exist.",
         "discovery.sip-records microsoft-then-sips",
         0,
         0,
         {"microsoft-then-sips", "microsoft", "sips"}},
        {"discovery.per-second", integer, false, "100",
         "Look-ups that are begun in a second; more wait. Strangers decide which domains are looked up, so this is "
         "what "
         "they can make the edge do to DNS.",
         "discovery.per-second 100", 1, 100000},
        {"discovery.concurrent", integer, false, "128", "Look-ups under way; more wait.", "discovery.concurrent 128", 1,
         512},
        {"discovery.queue", integer, false, "1000", "Look-ups that wait; more are refused.", "discovery.queue 1000", 1,
         100000},
        {"discovery.allow-address", prefix, true, "",
         "Networks in which partners may be although they are private, otherwise special, inside, or in "
         "discovery.deny-address. For laboratories and private networks between organisations.",
         "discovery.allow-address 10.20.0.0/16"},
        {"discovery.deny-address", prefix, true, "",
         "Networks in which no partner is, on top of the built-in list (loopback, link-local, private, multicast, "
         "inside, own addresses, ...).",
         "discovery.deny-address 203.0.113.0/28"},
    };
}

void read_discovery(const Settings& settings, Config& config) {
    read_dns(settings, config.dns);
    DiscoveryConfig& discovery = config.discovery;
    std::string records = text(settings, "discovery.sip-records");
    discovery.sip_records = records == "microsoft" ? SipMode::microsoft
                            : records == "sips"    ? SipMode::sips
                                                   : SipMode::microsoft_then_sips;
    discovery.per_second = number(settings, "discovery.per-second");
    discovery.concurrent = number(settings, "discovery.concurrent");
    discovery.queue = number(settings, "discovery.queue");
    discovery.allow = prefixes(settings, "discovery.allow-address");
    discovery.deny = prefixes(settings, "discovery.deny-address");
}

void check_discovery(const DnsConfig& dns, std::vector<Problem>& errors) {
    if (dns.ttl_min_s > dns.ttl_max_s) {
        errors.push_back(
            {"dns.ttl-min", "dns.ttl-min is longer than dns.ttl-max", "lower dns.ttl-min or raise dns.ttl-max"});
    }
    for (const auto& server : dns.servers) {
        if (server.address.is_unspecified() || server.address.is_multicast())
            errors.push_back({"dns.server", server.text() + " cannot be a DNS server", "give a unicast address"});
    }
    if (dns.dnssec == Dnssec::off && !dns.trust_anchors.empty()) {
        errors.push_back({"dns.trust-anchor", "there are trust anchors, and dns.dnssec is off",
                          "unset dns.trust-anchor, or set dns.dnssec on"});
    }
}

}  // namespace fedge::control
