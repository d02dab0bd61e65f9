#include "dataplane/ip/interfaces.h"

#include <algorithm>
#include <bit>

#include "dataplane/ip/interfaces_builder.h"

namespace fedge::ip {

std::unique_ptr<const Interfaces> Interfaces::build(const contract::Snapshot& snapshot,
                                                    std::span<const PortFacts> ports, const Interfaces* previous) {
    return InterfacesBuilder(snapshot, ports, previous).build();
}

IpAddress network_of(const IpAddress& address, uint8_t length) {
    auto mask = [](unsigned kept) { return kept == 0 ? 0 : ~uint64_t{0} << (64 - kept); };
    return IpAddress::words(address.high() & mask(std::min<unsigned>(length, 64)),
                            address.low() & mask(length > 64 ? length - 64U : 0));
}

std::optional<NextHop> Interfaces::route(const IpAddress& destination, uint16_t source_interface) const {
    if (!destination.is_v4() && destination.is_link_local()) {
        if (source_interface == kNoInterface) return std::nullopt;
        return NextHop{source_interface, destination};
    }
    for (const RouteLevel& level : levels_[static_cast<size_t>(destination.family())]) {
        IpAddress network = network_of(destination, level.length);
        auto first = std::lower_bound(level.entries.begin(), level.entries.end(), network,
                                      [](const RouteEntry& e, const IpAddress& n) { return e.network < n; });
        const RouteEntry* best = nullptr;
        for (auto e = first; e != level.entries.end() && e->network == network; ++e)
            if (!best || e->interface == source_interface) best = &*e;
        if (best) return NextHop{best->interface, best->on_link ? destination : best->gateway, !best->on_link};
    }
    return std::nullopt;
}

bool Interfaces::on_link(uint16_t interface, const IpAddress& address) const {
    if (!address.is_v4() && address.is_link_local()) return true;
    const auto& own = interfaces_[interface].addresses;
    return std::any_of(own.begin(), own.end(),
                       [&](const Prefix& p) { return p.address.family() == address.family() && p.contains(address); });
}

std::optional<IpAddress> Interfaces::source_for(uint16_t interface, const IpAddress& neighbor) const {
    const Interface& i = interfaces_[interface];
    const IpAddress* of_family = nullptr;
    for (const Prefix& p : i.addresses) {
        if (p.address.family() != neighbor.family()) continue;
        if (p.contains(neighbor)) return p.address;
        if (!of_family) of_family = &p.address;
    }
    if (!neighbor.is_v4() && (neighbor.is_link_local() || !of_family))
        return i.link_local.is_unspecified() ? std::nullopt : std::optional(i.link_local);
    return of_family ? std::optional(*of_family) : std::nullopt;
}

}  // namespace fedge::ip
