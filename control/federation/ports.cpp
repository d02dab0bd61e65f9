#include "control/federation/ports.h"

#include <algorithm>

namespace fedge::control {
namespace {

constexpr uint16_t kSip = 5061;
constexpr uint16_t kDns = 53;

class Rows {
  public:
    explicit Rows(const Config& config) : config_(config) {}

    std::vector<PortRow> all() {
        if (config_.federation.enabled) federation();
        for (const ListenerConfig& listener : config_.listeners)
            if (side_of(listener) == Side::external) external(listener);
        relayed();
        if (config_.federation.enabled) names();
        for (const ListenerConfig& listener : config_.listeners)
            if (side_of(listener) == Side::internal) media(listener, Side::internal, Far::inside);
        return std::move(rows_);
    }

  private:
    Side side_of(const ListenerConfig& listener) const {
        for (const InterfaceConfig& one : config_.interfaces)
            if (one.name == listener.interface) return one.role;
        return Side::external;
    }

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

    // Where partners reach us, and where we come from: the addresses that serve TLS outside, else those of the external
    // interfaces.
    std::vector<IpAddress> access_addresses() const {
        std::vector<IpAddress> out;
        for (const ListenerConfig& listener : config_.listeners)
            if (speaks_tls(listener.service) && side_of(listener) == Side::external) {
                const IpAddress& address = listener.endpoint.address;
                if (std::ranges::find(out, address) == out.end()) out.push_back(address);
            }
        if (!out.empty()) return out;
        for (const InterfaceConfig& one : config_.interfaces)
            if (one.role == Side::external)
                for (const Prefix& prefix : one.addresses) out.push_back(prefix.address);
        return out;
    }

    void federation() {
        PortRow row{PortRole::access_federation, Side::external, false, kSip, kSip, true, Far::partners,
                    access_addresses()};
        add(row);
        row.to_edge = false;
        add(row);
        for (const InterfaceConfig& one : config_.interfaces) {
            if (one.role != Side::internal) continue;
            PortRow inside{PortRole::front_end, Side::internal, false, kSip, kSip, true, Far::front_ends, {}};
            for (const Prefix& prefix : one.addresses) inside.addresses.push_back(prefix.address);
            add(inside);
            inside.to_edge = false;
            add(inside);
        }
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
