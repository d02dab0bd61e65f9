#include "tests/sim/network.h"

#include <algorithm>

namespace fedge::sim {
namespace {

// Not zero: nothing may depend on the epoch.
constexpr Instant kStart{std::chrono::hours{1}};
constexpr size_t kChecksumOffset = 16;

}  // namespace

Network::Network(uint64_t seed, std::FILE* trace)
    : seed_(seed), trace_(trace), scheduler_(kStart), next_tick_(kStart) {}

Host& Network::add(HostSetup setup) {
    hosts_.push_back(std::make_unique<Host>(*this, std::move(setup), seed_ * 31 + hosts_.size() + 1));
    for (const IpAddress& address : hosts_.back()->setup().addresses) by_address_[address] = hosts_.back().get();
    return *hosts_.back();
}

void Network::join(Host& a, Host& b, const LinkConditions& there, const LinkConditions& back) {
    auto one_way = [this](Host& from, Host& to, const LinkConditions& conditions) {
        links_[{&from, &to}] = std::make_unique<Link>(
            scheduler_, seed_ * 131 + links_.size(), conditions, [this, &to](Packet p) { deliver(to, std::move(p)); },
            [this, &from](const Packet& p, uint16_t mtu) { tell_mtu(from, p, mtu); });
    };
    one_way(a, b, there);
    one_way(b, a, back);
}

void Network::note(const std::string& text) {
    if (trace_) std::fprintf(trace_, "%s  %s\n", text_of(now()).c_str(), text.c_str());
}

bool Network::run_until(Instant end, const std::function<bool()>& done, Duration tick) {
    while (!done()) {
        next_tick_ = std::min(next_tick_, now() + tick);
        Instant next = std::min(next_tick_, scheduler_.next());
        if (next > end) {
            scheduler_.advance(end);
            return false;
        }
        scheduler_.advance(next);
        if (next < next_tick_) continue;
        for (auto& host : hosts_) host->tick();
        next_tick_ = next + tick;
    }
    return true;
}

Host* Network::owner(const IpAddress& address) {
    auto found = by_address_.find(address);
    return found == by_address_.end() ? nullptr : found->second;
}

void Network::sent(Host& from, Packet packet, Instant at) {
    if (at > now()) findings_.add(now(), "sent with a time that is still to come: " + text_of(packet));
    if (load_be16(packet.bytes.data() + kChecksumOffset) != 0)
        findings_.add(now(), "the checksum is not zero: " + text_of(packet));
    if (packet.ip_bytes() > from.setup().mtu)
        findings_.add(now(), "larger than the interface's MTU: " + text_of(packet));
    seal(packet);
    if (trace_) note(from.setup().name + " sends " + text_of(packet));
    Host* to = owner(packet.destination);
    if (!to) {
        if (stray_) stray_(packet);
        return;
    }
    checks_.sent(packet, now());
    links_.at({&from, to})->send(std::move(packet));
}

void Network::deliver(Host& to, Packet packet) {
    if (trace_) note(to.setup().name + " gets  " + text_of(packet));
    to.arrive(std::move(packet), true);
}

void Network::tell_mtu(Host& to, const Packet& quoted, uint16_t mtu) {
    note(to.setup().name + " is told an MTU of " + std::to_string(mtu));
    to.arrive(tcp::IcmpError{tcp::IcmpError::Kind::too_big, quoted.from(), quoted.to(),
                             load_be32(quoted.bytes.data() + 4), mtu});
}

void Network::inject(Packet packet) {
    Host* to = owner(packet.destination);
    if (!to) return;
    if (trace_) note(to->setup().name + " is attacked by " + text_of(packet));
    to->arrive(std::move(packet));
}

void Network::inject(const tcp::IcmpError& error) {
    Host* to = owner(error.local.address);
    if (!to) return;
    if (trace_)
        note(to->setup().name + " gets ICMP kind " + std::to_string(static_cast<int>(error.kind)) + " seq " +
             std::to_string(error.seq) + " mtu " + std::to_string(error.mtu));
    to->arrive(error);
}

}  // namespace fedge::sim
