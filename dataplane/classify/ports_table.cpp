#include "dataplane/classify/ports_table.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace fedge::classify {
namespace {

IpAddress address_of(const contract::Ip& ip) {
    return IpAddress::v6_bytes(ip.octets()->data());
}

bool on_link(const contract::Interface& interface, const IpAddress& address) {
    return std::ranges::any_of(*interface.addresses(), [&](const contract::Prefix* p) {
        return Prefix{address_of(p->address()), p->length()}.contains(address);
    });
}

// The interface that has the address on its link, or none.
const contract::Interface* home_of(const contract::Snapshot& snapshot, const IpAddress& address) {
    for (const contract::Interface* interface : *snapshot.interfaces())
        if (on_link(*interface, address)) return interface;
    return nullptr;
}

}  // namespace

PortsPlan ports_plan(const contract::Snapshot& snapshot, contract::Role role) {
    PortsPlan plan;
    for (const contract::Interface* interface : *snapshot.interfaces()) {
        if (interface->role() != role) continue;
        for (const contract::Prefix* p : *interface->addresses()) plan.addresses.push_back(address_of(p->address()));
    }
    if (snapshot.listeners()) {
        for (flatbuffers::uoffset_t i = 0; i < snapshot.listeners()->size(); i++) {
            const contract::Listener* listener = snapshot.listeners()->Get(i);
            if (listener->service() != contract::Service::turn_udp) continue;  // TCP keeps a table of its own
            bool of_role = std::ranges::any_of(*snapshot.interfaces(), [&](const contract::Interface* interface) {
                return interface->role() == role &&
                       interface->name()->string_view() == listener->interface()->string_view();
            });
            if (of_role)
                plan.listeners.push_back(
                    {address_of(*listener->address()), listener->port(), static_cast<uint16_t>(i)});
        }
    }
    const contract::Turn& turn = *snapshot.turn();
    for (flatbuffers::uoffset_t i = 0; i < turn.relay_addresses()->size(); i++) {
        IpAddress address = address_of(*turn.relay_addresses()->Get(i)->address());
        const contract::Interface* home = home_of(snapshot, address);
        if ((home ? home->role() : contract::Role::external) == role)
            plan.relays.push_back({address, static_cast<uint16_t>(i)});
    }
    plan.relay_first = turn.port_first();
    plan.relay_last = turn.port_last();
    return plan;
}

PortsTable::PortsTable(const PortsPlan& plan) {
    if (plan.relay_last < plan.relay_first || plan.relay_first == 0)
        throw std::invalid_argument("relay port range " + std::to_string(plan.relay_first) + "-" +
                                    std::to_string(plan.relay_last) + " is empty or begins at 0");
    size_t most = plan.addresses.size() + plan.listeners.size() + plan.relays.size();
    slots_.resize(std::bit_ceil(std::max<size_t>(2 * most, 2)));
    mask_ = slots_.size() - 1;
    shift_ = 64 - std::countr_zero(slots_.size());

    for (const IpAddress& address : plan.addresses) insert(address);
    for (const PortsPlan::Relay& relay : plan.relays) {
        Answers& answers = insert(relay.address);
        if (answers.relay_ports)
            throw std::invalid_argument("relay address " + relay.address.text() + " is given twice");
        answers.relay_first = plan.relay_first;
        answers.relay_ports = static_cast<uint16_t>(plan.relay_last - plan.relay_first + 1);
        answers.relay_id = relay.id;
    }
    // Listeners of one address side by side, so that a slot needs only where they begin.
    std::vector<PortsPlan::Listener> listeners = plan.listeners;
    std::ranges::stable_sort(listeners, {}, &PortsPlan::Listener::address);
    for (const PortsPlan::Listener& listener : listeners) {
        Answers& answers = insert(listener.address);
        std::string where = Endpoint{listener.address, listener.port}.text();
        if (static_cast<uint16_t>(listener.port - answers.relay_first) < answers.relay_ports)
            throw std::invalid_argument("listener " + where + " lies inside the relay port range of its address");
        if (classify(listener.address, listener.port).kind == Target::Kind::listener)
            throw std::invalid_argument("two listeners on " + where);
        if (answers.listeners++ == 0) {
            answers.port = listener.port;
            answers.listener_id = listener.id;
            answers.further = static_cast<uint16_t>(further_.size());
        } else {
            further_.push_back({listener.port, listener.id});
        }
    }
}

Answers& PortsTable::insert(const IpAddress& address) {
    uint64_t i = address.hash() >> shift_;
    while (slots_[i].answers.ours && slots_[i].address != address) i = (i + 1) & mask_;
    slots_[i].address = address;
    slots_[i].answers.ours = true;
    return slots_[i].answers;
}

Target PortsTable::further_listener(const Answers& answers, uint16_t port) const {
    for (uint32_t i = 0; i + 1 < answers.listeners; i++)
        if (further_[answers.further + i].port == port)
            return {Target::Kind::listener, further_[answers.further + i].id};
    return {Target::Kind::closed, 0};
}

}  // namespace fedge::classify
