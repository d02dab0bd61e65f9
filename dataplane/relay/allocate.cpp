// Allocate (RFC 8656 section 7.2), its checks in the order of that section.
#include <algorithm>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {

using wire::StunAttribute;

namespace {

constexpr uint8_t kUdp = 17;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kFamilyIpv4 = 1;  // RFC 8656 section 18.6
constexpr uint8_t kFamilyIpv6 = 2;

std::optional<uint8_t> first_octet(const wire::StunMessage& message, StunAttribute attribute) {
    Bytes value = message.value(attribute);
    if (value.empty()) return std::nullopt;
    return value[0];
}

uint8_t on_the_wire(Family family) {
    return family == Family::ipv4 ? kFamilyIpv4 : kFamilyIpv6;
}

}  // namespace

// What an Allocate request asks for, and the ports that were found for it.
struct TurnState::Plan {
    std::array<bool, 2> wanted{};  // by family
    bool tcp = false;              // RFC 6062
    PortWish wish = PortWish::any;
    uint64_t token = 0;  // redeem this reservation; 0 = none
    std::array<RelayPort, 2> ports{RelayPort{kNoRelay, 0}, RelayPort{kNoRelay, 0}};
    uint32_t token_slot = 0;  // the reservation's place in the quota, inherited by the allocation
    uint16_t missing_code = 0;
    Family missing_family = Family::ipv4;
};

uint32_t TurnState::lifetime(const wire::StunMessage& message) const {
    uint32_t asked = message.u32(StunAttribute::lifetime).value_or(0);
    return std::max(std::min(asked, config->max_lifetime_s), config->default_lifetime_s);
}

// Checks 3 to 9 of section 7.2. Returns the error code, or 0.
uint16_t TurnState::plan(const Request& request, Plan& plan) const {
    const wire::StunMessage& message = request.message;
    auto transport = first_octet(message, StunAttribute::requested_transport);
    if (!transport) return 400;
    plan.tcp = *transport == kTcp;
    if (*transport != kUdp && !(plan.tcp && clients)) return 442;

    bool requested = message.has(StunAttribute::requested_address_family);
    bool additional = message.has(StunAttribute::additional_address_family);
    bool even = message.has(StunAttribute::even_port);
    // RFC 6062 section 5.1; of a second family it knows nothing.
    bool of_datagrams = even || additional || message.has(StunAttribute::reservation_token) ||
                        message.has(StunAttribute::dont_fragment);
    if (plan.tcp && (!request.stream || of_datagrams)) return 400;
    if (message.has(StunAttribute::reservation_token)) {
        if (even || requested || additional) return 400;
        plan.token = load_be64(message.value(StunAttribute::reservation_token).data());
        return plan.token ? 0 : 508;
    }
    if (requested && additional) return 400;

    auto supported = [&](Family family) {
        return std::ranges::any_of(config->relay_addresses,
                                   [&](const RelayAddress& r) { return r.address.family() == family; });
    };
    Family family = Family::ipv4;
    if (requested) {
        uint8_t code = *first_octet(message, StunAttribute::requested_address_family);
        if (code != kFamilyIpv4 && code != kFamilyIpv6) return 440;
        family = code == kFamilyIpv4 ? Family::ipv4 : Family::ipv6;
    }
    if (even) {
        bool reserve = *first_octet(message, StunAttribute::even_port) & 0x80;
        if (reserve && additional) return 400;
        plan.wish = reserve ? PortWish::pair : PortWish::even;
    }
    if (!additional) {
        plan.wanted[static_cast<size_t>(family)] = true;
        return supported(family) ? 0 : 440;
    }
    // The additional family can only be IPv6: section 18.11.
    if (*first_octet(message, StunAttribute::additional_address_family) != kFamilyIpv6) return 400;
    plan.wanted = {supported(Family::ipv4), supported(Family::ipv6)};
    if (!plan.wanted[0] && !plan.wanted[1]) return 440;
    if (!plan.wanted[0] || !plan.wanted[1]) {
        plan.missing_code = 440;
        plan.missing_family = plan.wanted[0] ? Family::ipv6 : Family::ipv4;
    }
    return 0;
}

std::optional<RelayPort> TurnState::take_port(Family family, PortWish wish, Instant now) {
    // Any address of the family, beginning with a random one, so that nothing can be learned from the order.
    uint32_t count = static_cast<uint32_t>(config->relay_addresses.size());
    uint32_t start = random.below(count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t table = relay_at[(start + i) % count];
        if (table == kGone || family_of(relays[table]) != family) continue;
        if (auto port = ports.take(table, wish, now, config->port_quarantine, random)) return RelayPort{table, *port};
    }
    return std::nullopt;
}

// Ports for the plan, or an error code.
uint16_t TurnState::take_ports(const Request& request, Plan& plan) {
    if (plan.token) {
        const Reservation* reservation = reservations.find(plan.token, request.auth.user.name, request.now);
        if (!reservation) return 508;
        plan.ports[static_cast<size_t>(family_of(relays[reservation->port.table]))] = reservation->port;
        plan.token_slot = reservation->user_slot;
        return 0;
    }
    for (Family family : {Family::ipv4, Family::ipv6}) {
        auto at = static_cast<size_t>(family);
        if (!plan.wanted[at]) continue;
        if (auto port = take_port(family, plan.wish, request.now)) {
            plan.ports[at] = *port;
        } else if (plan.missing_code == 0 && plan.wanted[0] && plan.wanted[1]) {
            plan.missing_code = 508;
            plan.missing_family = family;
        } else {
            return 508;
        }
    }
    return 0;
}

void TurnState::give_back_ports(Plan& plan) {
    if (plan.token) return;  // still reserved
    for (const RelayPort& port : plan.ports) {
        if (port.table == kNoRelay) continue;
        ports.release_unused(port.table, port.port);
        if (plan.wish == PortWish::pair) ports.release_unused(port.table, static_cast<uint16_t>(port.port + 1));
    }
}

// The reservation is another core's: remember that the flow lives there, and hand the request over. The other core
// authenticates it again; here it was authenticated so that strangers cannot fill the table.
bool TurnState::to_other_core(Request& request, uint64_t token, Outcome& outcome) {
    uint16_t core = Reservations::core_of(token);
    // A connection cannot be handed over: section 7.2 check 6 leaves 508 for that.
    if (request.stream || request.datagram.handed_over || core == pools.core || core >= pools.cores) return false;
    auto admitted = quota.admit(request.auth.user.quota, config->user_quota, config->total_quota);
    if (admitted.admission != SharedQuota::Admission::admitted) return false;
    Handle handle = take_slot();
    if (handle == 0 || !flows.set(request.key, handle | kForeign)) {
        if (handle) free_slot(handle);
        quota.release(admitted.user_slot);
        return false;
    }
    Allocation& a = pool[handle];
    a.state = Allocation::foreign;
    a.flow_address = a.client_address = request.datagram.client.address;
    a.client_port = request.datagram.client.port;
    a.listener = static_cast<uint8_t>(request.key.listener);
    a.user_slot = admitted.user_slot;
    a.expires = deadline_tick(request.now + Reservations::kLifetime);
    details[handle].foreign_core = core;
    wake_by(handle, a.expires);
    outcome.kind = Outcome::Kind::handover;
    outcome.core = core;
    return true;
}

Bytes TurnState::on_allocate(Request& request, Outcome& outcome) {
    if (request.handle) {
        // Section 7.2 check 2; a retransmission gets the answer of the first (RFC 8489 section 6.3.1).
        const AllocationDetails& d = details[request.handle];
        if (d.transaction == request.message.transaction() && d.user == request.auth.user.name)
            return allocated(request, pool[request.handle], d);
        return refuse(request, 437);
    }
    // One that has run out may still hold the flow until the timing wheel gets to it.
    if (Handle stale = flows.find(request.key)) end(request.now, stale, Counter::turn_allocations_expired);

    Plan plan;
    if (uint16_t code = this->plan(request, plan)) return refuse(request, code);
    if (plan.token && to_other_core(request, plan.token, outcome)) return {};
    if (config->drain) {
        counters.add(Counter::turn_draining);
        return answer(request, wire::StunClass::error, [](wire::StunWriter& writer) { writer.error_code(508); });
    }
    if (plan.wish == PortWish::pair && reservations.full()) return refuse(request, 508);
    Duration share = quarantine_share();
    if (plan.token == 0 && share > Duration{} &&
        quota.in_quarantine(request.auth.user.quota, request.now) + share > config->port_quarantine)
        return refuse(request, 486);
    if (uint16_t code = take_ports(request, plan)) {
        give_back_ports(plan);
        return refuse(request, code);
    }
    uint32_t user_slot = plan.token_slot;
    if (plan.token == 0) {
        auto admitted = quota.admit(request.auth.user.quota, config->user_quota, config->total_quota);
        if (admitted.admission != SharedQuota::Admission::admitted) {
            give_back_ports(plan);
            return refuse(request, admitted.admission == SharedQuota::Admission::user_quota ? 486 : 508);
        }
        user_slot = admitted.user_slot;
    }
    return create(request, plan, user_slot);
}

Bytes TurnState::create(Request& request, Plan& plan, uint32_t user_slot) {
    auto refuse_all = [&](uint16_t code) {
        give_back_ports(plan);
        if (plan.token == 0) quota.release(user_slot);
        return refuse(request, code);
    };
    SharedQuota::Admitted reserved{SharedQuota::Admission::admitted, 0};
    if (plan.wish == PortWish::pair) {
        reserved = quota.admit(request.auth.user.quota, config->user_quota, config->total_quota);
        if (reserved.admission != SharedQuota::Admission::admitted)
            return refuse_all(reserved.admission == SharedQuota::Admission::user_quota ? 486 : 508);
    }
    Handle handle = take_slot();
    if (handle == 0 || !flows.set(request.key, handle)) {
        if (handle) free_slot(handle);
        if (plan.wish == PortWish::pair) quota.release(reserved.user_slot);
        return refuse_all(508);
    }
    Allocation& a = pool[handle];
    if (plan.tcp) {
        const RelayPort& port = plan.ports[plan.ports[0].table != kNoRelay ? 0 : 1];
        a.tcp =
            clients->open_allocation(handle, request.datagram.session, {relays[port.table].relay.address, port.port});
        if (a.tcp == 0) {
            flows.remove(request.key);
            free_slot(handle);
            return refuse_all(508);
        }
        counters.add(Counter::turn_tcp_allocations);
    }
    if (plan.token) reservations.redeem(plan.token);

    a.state = Allocation::living;
    a.flow_address = a.client_address = request.datagram.client.address;
    a.client_port = request.datagram.client.port;
    a.listener = static_cast<uint8_t>(request.key.listener);
    a.session = request.datagram.session;
    a.relay = plan.ports;
    a.user_slot = user_slot;
    // The ports of TCP stay reserved: no datagram finds an allocation there.
    for (const RelayPort& port : plan.ports)
        if (port.table != kNoRelay && !plan.tcp) ports.assign(port.table, port.port, handle);

    AllocationDetails& d = details[handle];
    d.user = request.auth.user.name;
    d.user_part = request.auth.user.quota;
    d.created = request.now;
    d.transaction = request.message.transaction();
    d.granted_s = lifetime(request.message);
    d.missing_code = plan.missing_code;
    d.missing_family = on_the_wire(plan.missing_family);
    d.user_text_size = static_cast<uint8_t>(std::min(request.auth.username.size(), d.user_text.size()));
    std::copy_n(request.auth.username.begin(), d.user_text_size, d.user_text.begin());
    if (plan.wish == PortWish::pair) {
        RelayPort port = plan.ports[plan.ports[0].table != kNoRelay ? 0 : 1];
        port.port++;
        d.token = reservations.add(request.now, port, d.user, reserved.user_slot, random);
    }
    a.expires = deadline_tick(request.now + std::chrono::seconds{d.granted_s});
    wake_by(handle, a.expires);
    alive++;
    counters.add(Counter::turn_allocations_created);
    return allocated(request, a, d);
}

Bytes TurnState::allocated(const Request& request, const Allocation& a, const AllocationDetails& d) {
    return succeed(request, [&](wire::StunWriter& writer) {
        for (const RelayPort& port : a.relay)
            if (port.table != kNoRelay)
                writer.xor_address(StunAttribute::xor_relayed_address,
                                   {relays[port.table].relay.advertised, port.port});
        writer.attribute_u32(StunAttribute::lifetime, d.granted_s);
        if (d.token) {
            std::array<uint8_t, 8> token;
            store_be64(token.data(), d.token);
            writer.attribute(StunAttribute::reservation_token, Bytes{token});
        }
        writer.xor_address(StunAttribute::xor_mapped_address, request.datagram.client);
        if (d.missing_code) {  // section 18.12
            std::array<uint8_t, 4> value{d.missing_family, 0, static_cast<uint8_t>(d.missing_code / 100),
                                         static_cast<uint8_t>(d.missing_code % 100)};
            writer.attribute(StunAttribute::address_error_code, Bytes{value});
        }
    });
}

}  // namespace fedge::relay
