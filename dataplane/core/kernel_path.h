// The connections of a core that the kernel's TCP serves (boot setting tcp.kernel-ports): those to a listener of ours
// on one of these ports, and those that we open to one of these ports of somebody else. Their packets go to a TUN
// device in a namespace of its own (port/kernel_device.h), the kernel's answers leave by our IP output, and its sockets
// are streams like ours. Costs system calls on the packet path: for comparing, and for a day on which ours has a fault.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/ip/output.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/tcp/kernel_transport.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/packet.h"

namespace fedge::core {

class KernelPath final : public tcp::Transport {
  public:
    // Whether segments from `remote` to `local` come to this core, and are for a connection of our own.
    using ArrivesHere = std::function<bool(const Endpoint& local, const Endpoint& remote)>;

    // `ports`: ascending; they and `random` outlive this. Throws std::runtime_error that names the fix.
    KernelPath(uint16_t core, const std::vector<uint16_t>& ports, const tcp::KernelLimits& limits, Counters counters,
               Random& random, ArrivesHere arrives_here, rte_mempool* pool, Instant now);

    // Of a listener of ours, or of whom we connect to.
    bool serves(uint16_t port) const { return std::ranges::binary_search(ports_, port); }
    // Whether a segment between these ports, neither of them a relay port, is for the kernel.
    bool carries(uint16_t local_port, uint16_t remote_port) const {
        return serves(local_port) || (begun_here(local_port) && serves(remote_port));
    }

    bool listen(const Endpoint& local, const tcp::StreamOptions& options, tcp::Acceptor& acceptor) override;
    void unlisten(const Endpoint& local) override { transport_.unlisten(local); }
    tcp::Stream* connect(const Endpoint& local, const Endpoint& remote, const tcp::StreamOptions& options,
                         tcp::StreamHandler& handler) override;
    // Why the last listen() or connect() failed.
    const std::string& error() const { return error_; }

    // A frame with a TCP segment, or with an ICMP error about one. Does not take it.
    void receive(const rte_mbuf* frame, const wire::Packet& packet);
    // Sockets and what the kernel sends. Returns how much there was to do.
    uint32_t turn(ip::Output& output, Instant now);

    const tcp::KernelTransport& transport() const { return transport_; }

  private:
    static constexpr uint16_t kMtu = 1500;
    static constexpr uint32_t kPacketsPerTurn = 64;
    // Ports that connect() tries: that several in a row are in use towards one server happens only if most of them are.
    static constexpr int kPortsTried = 16;

    static bool begun_here(uint16_t port) {
        return port >= tcp::kFirstEphemeralPort && port <= tcp::kLastEphemeralPort;
    }
    bool send_one(ip::Output& output, Instant now);
    uint16_t pick_port(const IpAddress& local, const Endpoint& remote);

    const std::vector<uint16_t>& ports_;
    Counters counters_;
    Random& random_;
    ArrivesHere arrives_here_;
    std::string error_;
    rte_mempool* pool_;
    port::KernelDevice device_;
    tcp::KernelTransport transport_;
};

}  // namespace fedge::core
