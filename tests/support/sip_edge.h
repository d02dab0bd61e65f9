// An edge of SIP in one process (edge_box.h): certificates of all sides, and a snapshot with a partner outside and a
// front end inside, which are reached over VLANs of one port.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/policy/patterns.h"
#include "tests/support/edge_box.h"
#include "tests/support/tls_world.h"

namespace fedge::test {

// The edge goes by the clock of the machine, and tests of TLS by another one.
inline constexpr int64_t kFarFuture = kTestTime + int64_t{50} * 365 * 86400;

struct SipAuthority {
    TestCertificate authority = [] {
        CertificatePlan plan;
        plan.common_name = "Test Authority";
        plan.usage.clear();
        plan.authority = true;
        plan.to = kFarFuture;
        return TestCertificate::self_signed(plan);
    }();
    TestCertificate issue(const std::vector<std::string>& hosts) const {
        CertificatePlan plan;
        for (const std::string& host : hosts) plan.names.push_back("DNS:" + host);
        plan.to = kFarFuture;
        return authority.issue(plan);
    }
    // Of who has this certificate and trusts the authority.
    contract::TlsT settings(const TestCertificate& own) const {
        contract::TlsT out;
        auto one = std::make_unique<contract::CertificateT>();
        one->name = "own";
        one->chain = own.pem();
        one->key = own.key_pem();
        out.certificates.push_back(std::move(one));
        out.trust = authority.pem();
        out.ticket_keys = ticket_keys({1});
        return out;
    }
};

inline void add_listener(contract::SnapshotT& snapshot, contract::Service service, const Endpoint& endpoint,
                         const char* interface = "outside") {
    auto listener = std::make_unique<contract::ListenerT>();
    listener->service = service;
    listener->interface = interface;
    listener->address = std::make_unique<contract::Ip>(wire_ip(endpoint.address));
    listener->port = endpoint.port;
    snapshot.listeners.push_back(std::move(listener));
}

inline void add_front_end(contract::SnapshotT& snapshot, const std::string& host, const Endpoint& endpoint) {
    auto front_end = std::make_unique<contract::FrontEndT>();
    front_end->host = host;
    front_end->addresses.push_back(wire_ip(endpoint.address));
    snapshot.sip->front_ends.push_back(std::move(front_end));
}

struct SipEdgeNames {
    std::string outside, inside;  // of the edge
    std::string domain;           // ours
    std::string partners;         // a pattern of domains
    std::string partner_server;
    std::string front_end;
};

inline constexpr uint16_t kSipInsideVlan = 7;
inline const Endpoint kSipAccess = Endpoint::parse("192.0.2.10:5061").value();
inline const Endpoint kSipInner = Endpoint::parse("10.0.0.10:5061").value();
inline const Endpoint kSipFrontEnd = Endpoint::parse("10.0.0.20:5061").value();
inline const IpAddress kSipPartner = IpAddress::parse("198.51.100.5").value();

inline contract::SnapshotT sip_edge_snapshot(const SipEdgeNames& names, const contract::TlsT& tls) {
    auto snapshot = EdgeBox::snapshot();
    auto inside = std::make_unique<contract::InterfaceT>();
    inside->name = "inside";
    inside->role = contract::Role::internal;
    inside->port = "wan";
    inside->vlan = kSipInsideVlan;
    inside->addresses = {wire_prefix(*Prefix::parse("10.0.0.10/24"))};
    snapshot.interfaces.push_back(std::move(inside));
    add_listener(snapshot, contract::Service::sip_tls, kSipAccess);
    add_listener(snapshot, contract::Service::sip_tls, kSipInner, "inside");
    snapshot.tls = std::make_unique<contract::TlsT>(tls);
    snapshot.sip = std::make_unique<contract::SipT>();
    snapshot.sip->outside_name = names.outside;
    snapshot.sip->inside_name = names.inside;
    snapshot.sip->token_keys = std::vector<uint8_t>(32, 9);
    add_front_end(snapshot, names.front_end, kSipFrontEnd);
    snapshot.federation = std::make_unique<contract::FederationT>();
    snapshot.federation->enabled = true;
    snapshot.federation->outside_users = true;
    auto domain = std::make_unique<contract::InternalDomainT>();
    domain->name = names.domain;
    domain->access = contract::Access::federation | contract::Access::outside;
    snapshot.federation->domains.push_back(std::move(domain));
    auto partner = std::make_unique<contract::DomainPatternT>();
    partner->text = names.partners;
    partner->expression = policy::expression_of(partner->text);
    partner->verification = contract::Verification::always_verifiable;
    partner->via = names.partner_server;
    snapshot.federation->patterns.push_back(std::move(partner));
    return snapshot;
}

// Of a far end with its TCP on `host`: inside on its VLAN.
inline uint16_t sip_vlan_of(const IpAddress& edge) {
    return edge == kSipInner.address ? kSipInsideVlan : uint16_t{0};
}

// Takes connections and keeps the last of them. A user has `stream` and `open`.
template <typename User>
struct Taker final : tcp::Acceptor {
    User user;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        user.stream = &stream;
        user.open = true;
        return &user;
    }
};

}  // namespace fedge::test
