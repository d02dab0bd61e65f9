#include "control/federation/dns_records.h"

#include <algorithm>
#include <set>

#include "control/federation/access.h"
#include "dataplane/policy/names.h"

namespace fedge::control {
namespace {

// What the world sees of an address of ours: that of the NAT where one is configured.
IpAddress advertised(const Config& config, const IpAddress& address) {
    for (const RelayAddressConfig& relay : config.turn.relay_addresses)
        if (relay.address == address) return relay.advertised;
    return address;
}

// The port that SRV records name: there is one of it for all of our addresses.
uint16_t sip_port(const std::vector<Endpoint>& endpoints) {
    bool usual = endpoints.empty() || std::ranges::find(endpoints, kSipPort, &Endpoint::port) != endpoints.end();
    return usual ? kSipPort : endpoints.front().port;
}

std::string srv(uint16_t port, const std::string& host) {
    return "0 0 " + std::to_string(port) + " " + host + ".";
}

class Plan {
  public:
    Plan(const Config& config, const std::vector<PublishedKey>& keys) : config_(config), keys_(keys) {
        std::vector<Endpoint> endpoints = sip_endpoints(config, Side::external);
        port_ = sip_port(endpoints);
        for (const Endpoint& one : endpoints)
            if (one.port == port_) addresses_.push_back(one.address);
    }

    DnsPlan make() {
        const FederationConfig& federation = config_.federation;
        if (!federation.enabled)
            problem("federation.enabled", "federation is off, so nobody needs to find this edge",
                    "fedge set federation.enabled on");
        if (federation.domains.empty())
            problem("federation.domain", "no domain of ours is configured", "fedge set federation.domain example.com");
        find_client_port();
        for (const std::string& domain : federation.domains) of_domain(domain);
        for (const std::string& host : hosts_) of_host(host);
        return std::move(plan_);
    }

  private:
    void problem(const char* key, std::string what, std::string fix) {
        plan_.problems.push_back({key, std::move(what), std::move(fix)});
    }

    // Remote users find the edge by the name that partners know, so at the same addresses.
    void find_client_port() {
        if (!config_.federation.outside_users) return;
        std::string elsewhere;
        for (const ListenerConfig& listener : config_.listeners) {
            if (listener.service != Service::shared_tls || side_of(config_, listener) != Side::external) continue;
            if (std::ranges::find(addresses_, listener.endpoint.address) != addresses_.end()) {
                client_port_ = listener.endpoint.port;
                return;
            }
            elsewhere = listener.endpoint.text();
        }
        if (!elsewhere.empty())
            problem("shared.listen",
                    "remote users are served at " + elsewhere +
                        ", but the access name leads to the addresses that serve partners",
                    "fedge set shared.listen to an address of sip.listen as well");
    }

    // Partners accept a target only in the namespace of the domain (ms-diagnostics 1009).
    std::string access_name(const std::string& domain) const {
        for (const std::string& name : config_.federation.access_names)
            if (policy::in_namespace(name, domain)) return name;
        return {};
    }

    void of_domain(const std::string& domain) {
        std::string host = access_name(domain);
        if (host.empty())
            return problem(
                "federation.access-name",
                "no access name of this edge is " + domain + " or a direct child of it: partners would " +
                    "refuse the record with error 1009",
                "fedge set federation.access-name ... sip." + domain + ", and have a certificate with that name");
        hosts_.insert(host);
        plan_.records.push_back({"_sipfederationtls._tcp." + domain, "SRV", srv(port_, host),
                                 "partners of the Microsoft family, and push notifications to mobile clients"});
        plan_.records.push_back({"_sips._tcp." + domain, "SRV", srv(port_, host), "partners that follow RFC 3263"});
        if (client_port_)
            plan_.records.push_back({"_sip._tls." + domain, "SRV", srv(client_port_, host), "remote users"});
    }

    void of_host(const std::string& host) {
        if (addresses_.empty())
            problem("interface.NAME.address", "there is no external address for " + host,
                    "configure an external interface");
        std::set<IpAddress> seen;
        for (const IpAddress& own : addresses_) {
            IpAddress address = advertised(config_, own);
            if (!seen.insert(address).second) continue;
            plan_.records.push_back({host, address.is_v4() ? "A" : "AAAA", address.text(), "where the edge is"});
        }
        bool proved = false;
        for (const PublishedKey& key : keys_) {
            if (std::ranges::find(key.names, host) == key.names.end()) continue;
            proved = true;
            plan_.records.push_back({"_" + std::to_string(port_) + "._tcp." + host, "TLSA", "3 1 1 " + key.spki_sha256,
                                     "pins the key of our certificate, where the zone is signed (RFC 7673)"});
        }
        if (!proved)
            problem("tls", "no certificate of ours proves " + host,
                    "fedge cert csr edge " + host + ", and fedge cert import of what the authority sends back");
    }

    const Config& config_;
    const std::vector<PublishedKey>& keys_;
    uint16_t port_ = 0;
    uint16_t client_port_ = 0;  // 0: no record for remote users
    std::vector<IpAddress> addresses_;
    std::set<std::string> hosts_;
    DnsPlan plan_;
};

}  // namespace

DnsPlan dns_plan(const Config& config, const std::vector<PublishedKey>& keys) {
    return Plan(config, keys).make();
}

const char* name_of(Seen seen) {
    switch (seen) {
        case Seen::there: return "there";
        case Seen::wrong: return "wrong";
        case Seen::missing: return "missing";
        case Seen::unknown: return "unknown";
    }
    return "";
}

Seen compare(const DnsRecord& record, const std::vector<std::string>& found, bool answered) {
    if (!answered) return Seen::unknown;
    if (found.empty()) return Seen::missing;
    auto same = [](const std::string& a, const std::string& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
    };
    return std::ranges::any_of(found, [&](const std::string& one) { return same(one, record.data); }) ? Seen::there
                                                                                                      : Seen::wrong;
}

}  // namespace fedge::control
