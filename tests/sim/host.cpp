#include "tests/sim/host.h"

#include <algorithm>
#include <span>

#include "tests/sim/network.h"

namespace fedge::sim {

Host::Host(Network& network, HostSetup setup, uint64_t seed)
    : network_(network),
      setup_(std::move(setup)),
      random_(seed),
      tcp_(std::make_unique<tcp::Tcp>(setup_.settings, Counters{block_}, random_, *this, network.now())) {}

void Host::arrive(Packet packet, bool checked) {
    inbox_.push_back({std::move(packet), checked});
    if (setup_.turn == Duration{0}) return poll();
    if (poll_due_) return;
    poll_due_ = true;
    network_.scheduler().after(setup_.turn, [this] { poll(); });
}

void Host::poll() {
    poll_due_ = false;
    std::vector<Waiting> packets = std::move(inbox_);
    inbox_.clear();
    for (size_t at = 0; at < packets.size(); at += tcp::Tcp::kBurst) {
        std::vector<tcp::Arrival> burst;
        for (size_t i = at; i < std::min(packets.size(), at + tcp::Tcp::kBurst); i++) {
            if (packets[i].checked) network_.checks().delivered(packets[i].packet, network_.now());
            burst.push_back(packets[i].packet.arrival());
        }
        tcp_->receive(burst, network_.now());
    }
    flush();
}

void Host::arrive(const tcp::IcmpError& error) {
    tcp_->receive(error, network_.now());
    flush();
}

void Host::tick() {
    static constexpr uint32_t kBudget = 256;
    while (tcp_->advance(network_.now(), kBudget) >= kBudget) {
    }
    flush();
}

void Host::flush() {
    tcp_->flush(network_.now());
}

void Host::send(const Segment& segment, ip::Hop&, Instant now) {
    Packet packet{segment.source, segment.destination, {segment.header.begin(), segment.header.end()}};
    for (Bytes piece : segment.payload) packet.bytes.insert(packet.bytes.end(), piece.begin(), piece.end());
    network_.sent(*this, std::move(packet), now);
}

}  // namespace fedge::sim
