// How the interface table is made and what is refused: used by Interfaces::build() alone, on the management thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "dataplane/ip/interfaces.h"

namespace fedge::ip {

// The address with all bits behind the prefix length cleared.
IpAddress network_of(const IpAddress& address, uint8_t length);

class InterfacesBuilder {
  public:
    InterfacesBuilder(const contract::Snapshot& snapshot, std::span<const PortFacts> ports, const Interfaces* previous);
    std::unique_ptr<const Interfaces> build();

  private:
    void add_interface(const contract::Interface& from);
    void add_address(Interface& interface, const Prefix& address);
    void add_gateways(const contract::Interface& from, uint16_t id);
    void add_route(const contract::Route& from);
    void add_relay_addresses();
    void add_local(const IpAddress& address, uint16_t interface, const std::string& what);
    void add_entry(const Prefix& destination, uint16_t interface, const IpAddress* gateway, const std::string& what);
    uint16_t interface_named(const std::string& name) const;
    void check_gateway(const IpAddress& gateway, uint16_t interface, const std::string& what) const;
    void find_foreign_prefixes();
    void find_plain_ports();
    void compile_locals();
    void compare_with_previous();

    const contract::Snapshot& snapshot_;
    std::span<const PortFacts> ports_;
    const Interfaces* previous_;
    std::unique_ptr<Interfaces> out_;
    std::vector<Interfaces::Local> locals_;
};

}  // namespace fedge::ip
