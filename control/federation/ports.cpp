#include "control/federation/ports.h"

#include <algorithm>

#include "control/federation/access.h"

namespace fedge::control {
namespace {

constexpr uint16_t kDns = 53;

class Rows {
  public:
    explicit Rows(const Config& config) : config_(config) {}

    std::vector<PortRow> all() {
        if (config_.federation.enabled) federation();
        if (config_.federation.enabled || config_.federation.outside_users) front_ends();
        for (const ListenerConfig& listener : config_.listeners)
            if (side_of(config_, listener) == Side::external) external(listener);
        relayed();
        if (config_.federation.enabled) names();
        for (const ListenerConfig& listener : config_.listeners)
            if (side_of(config_, listener) == Side::internal) media(listener, Side::internal, Far::inside);
        return std::move(rows_);
    }

  private:
    // One row for all addresses that differ in nothing else.
    void add(PortRow row) {
        for (PortRow& have : rows_) {
            bool same = have.role == row.role && have.side == row.side && have.udp == row.udp &&
                        have.first == row.first && have.last == row.last && have.to_edge == row.to_edge &&
                        have.far == row.far;
            if (!same) continue;
            for (const IpAddress& address : row.addresses)
                if (std::ranges::find(have.addresses, address) == have.addresses.end())
                    have.addresses.push_back(address);
            return;
        }
        rows_.push_back(std::move(row));
    }

    // Connections to others begin at the addresses where others reach us.
    void federation() {
        for (const Endpoint& one : sip_endpoints(config_, Side::external)) {
            PortRow row{PortRole::access_federation,
                        Side::external,
                        false,
                        one.port,
                        one.port,
                        true,
                        Far::partners,
                        {one.address}};
            add(row);
            row.first = row.last = kSipPort;  // of the partner, unless its DNS says otherwise
            row.to_edge = false;
            add(row);
        }
    }

    void front_ends() {
        std::vector<Endpoint> inside = sip_endpoints(config_, Side::internal);
        auto row = [](uint16_t port, bool to_edge, const IpAddress& address) {
            return PortRow{PortRole::front_end, Side::internal, false, port, port, to_edge, Far::front_ends, {address}};
        };
        std::vector<uint16_t> ports;
        for (const FrontEndConfig& one : config_.sip.front_ends) ports.push_back(one.port);
        if (ports.empty()) ports.push_back(kSipPort);
        for (const Endpoint& one : inside) add(row(one.port, true, one.address));
        for (uint16_t port : ports)
            for (const Endpoint& one : inside) add(row(port, false, one.address));
    }

    void external(const ListenerConfig& listener) {
        uint16_t port = listener.endpoint.port;
        if (listener.service == Service::shared_tls && config_.federation.outside_users)
            add({PortRole::access_clients,
                 Side::external,
                 false,
                 port,
                 port,
                 true,
                 Far::clients,
                 {listener.endpoint.address}});
        media(listener, Side::external, Far::any);
        // Edges of partners are asked for their version, and media flows between edges, from and to this port.
        if (listener.service == Service::turn_udp)
            add({PortRole::media_udp, Side::external, true, port, port, false, Far::any, {listener.endpoint.address}});
    }

    void media(const ListenerConfig& listener, Side side, Far far) {
        if (listener.service == Service::sip_tls) return;
        bool udp = listener.service == Service::turn_udp;
        uint16_t port = listener.endpoint.port;
        add({udp ? PortRole::media_udp : PortRole::media_tcp,
             side,
             udp,
             port,
             port,
             true,
             far,
             {listener.endpoint.address}});
    }

    void relayed() {
        std::vector<IpAddress> relays;
        for (const RelayAddressConfig& relay : config_.turn.relay_addresses) relays.push_back(relay.address);
        if (relays.empty()) return;
        PortRow row{PortRole::relayed_udp,  Side::external, true,     config_.turn.port_first,
                    config_.turn.port_last, true,           Far::any, relays};
        add(row);
        row.to_edge = false;
        row.source_ports = true;
        add(row);
        row.role = PortRole::relayed_tcp;
        row.udp = false;
        add(row);
    }

    void names() {
        for (bool udp : {true, false}) add({PortRole::names, Side::external, udp, kDns, kDns, false, Far::dns, {}});
    }

    const Config& config_;
    std::vector<PortRow> rows_;
};

}  // namespace

const char* name_of(PortRole role) {
    switch (role) {
        case PortRole::access_federation: return "access-federation";
        case PortRole::access_clients: return "access-clients";
        case PortRole::media_udp: return "media-udp";
        case PortRole::media_tcp: return "media-tcp";
        case PortRole::relayed_udp: return "relayed-udp";
        case PortRole::relayed_tcp: return "relayed-tcp";
        case PortRole::names: return "dns";
        case PortRole::front_end: return "front-end";
    }
    return "";
}

const char* name_of(Far far) {
    switch (far) {
        case Far::any: return "any";
        case Far::partners: return "partners";
        case Far::clients: return "clients";
        case Far::dns: return "dns-servers";
        case Far::front_ends: return "front-ends";
        case Far::inside: return "inside";
    }
    return "";
}

std::vector<PortRow> port_rows(const Config& config) {
    return Rows(config).all();
}

}  // namespace fedge::control
