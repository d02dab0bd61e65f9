// The listeners of a core that the kernel's TCP serves (boot setting tcp.kernel-ports): their packets go to a TUN
// device in a namespace of its own (port/kernel_device.h), the kernel's answers leave by our IP output, and its sockets
// are streams like ours. Costs system calls on the packet path: for comparing, and for a day on which ours has a fault.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/base/counters.h"
#include "dataplane/ip/output.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/tcp/kernel_transport.h"
#include "dataplane/wire/packet.h"

namespace fedge::core {

class KernelPath {
  public:
    // Throws std::runtime_error that names the fix.
    KernelPath(uint16_t core, const tcp::KernelLimits& limits, Counters counters, rte_mempool* pool, Instant now);

    // False with `error`: the kernel refuses.
    bool listen(const Endpoint& local, const tcp::StreamOptions& options, tcp::Acceptor& acceptor, std::string& error);
    void unlisten(const Endpoint& local) { transport_.unlisten(local); }

    // A frame with a TCP segment, or with an ICMP error about one. Does not take it.
    void receive(const rte_mbuf* frame, const wire::Packet& packet);
    // Sockets and what the kernel sends. Returns how much there was to do.
    uint32_t turn(ip::Output& output, Instant now);

    const tcp::KernelTransport& transport() const { return transport_; }

  private:
    static constexpr uint16_t kMtu = 1500;
    static constexpr uint32_t kPacketsPerTurn = 64;

    bool send_one(ip::Output& output, Instant now);

    Counters counters_;
    rte_mempool* pool_;
    port::KernelDevice device_;
    tcp::KernelTransport transport_;
};

}  // namespace fedge::core
