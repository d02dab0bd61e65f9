#include "dataplane/core/kernel_path.h"

#include "dataplane/wire/headers.h"
#include "dataplane/wire/tcp.h"

namespace fedge::core {
namespace {

constexpr size_t kChecksumOffset = 16;  // RFC 9293 section 3.1

}  // namespace

KernelPath::KernelPath(uint16_t core, const std::vector<uint16_t>& ports, const tcp::KernelLimits& limits,
                       Counters counters, Random& random, ArrivesHere arrives_here, rte_mempool* pool, Instant now)
    : ports_(ports),
      counters_(counters),
      random_(random),
      arrives_here_(std::move(arrives_here)),
      pool_(pool),
      device_("fedge-core" + std::to_string(core), kMtu),
      transport_(limits, counters, now) {}

bool KernelPath::listen(const Endpoint& local, const tcp::StreamOptions& options, tcp::Acceptor& acceptor) {
    if (!device_.add_address(local.address, error_)) return false;
    port::KernelDevice::Inside inside(device_);
    if (transport_.listen(local, options, acceptor)) return true;
    error_ = "the kernel does not listen on " + local.text();
    return false;
}

// The port is chosen here: the kernel knows nothing of the cores that flows are spread over.
tcp::Stream* KernelPath::connect(const Endpoint& local, const Endpoint& remote, const tcp::StreamOptions& options,
                                 tcp::StreamHandler& handler) {
    if (!device_.add_address(local.address, error_)) return nullptr;
    port::KernelDevice::Inside inside(device_);
    for (int tried = 0; tried < kPortsTried; tried++) {
        uint16_t port = pick_port(local.address, remote);
        if (port == 0) break;
        if (tcp::Stream* stream = transport_.connect({local.address, port}, remote, options, handler)) return stream;
    }
    error_ = "the kernel has no room or no port for a connection to " + remote.text();
    return nullptr;
}

// One that segments of this flow find back from, from a random one on (RFC 6056 section 3.3.1). 0: there is none.
uint16_t KernelPath::pick_port(const IpAddress& local, const Endpoint& remote) {
    constexpr uint32_t kRange = tcp::kLastEphemeralPort - tcp::kFirstEphemeralPort + 1U;
    uint32_t first = random_.below(kRange);
    for (uint32_t i = 0; i < kRange; i++) {
        auto port = static_cast<uint16_t>(tcp::kFirstEphemeralPort + (first + i) % kRange);
        if (!serves(port) && arrives_here_({local, port}, remote)) return port;
    }
    return 0;
}

void KernelPath::receive(const rte_mbuf* frame, const wire::Packet& packet) {
    size_t length = packet.l4_offset + size_t{packet.payload_length} - packet.l3_offset;
    if (device_.write({rte_pktmbuf_mtod_offset(frame, const uint8_t*, packet.l3_offset), length})) {
        counters_.add(Counter::tcp_to_kernel);
    } else {
        counters_.drop(Drop::kernel_path_full);
    }
}

uint32_t KernelPath::turn(ip::Output& output, Instant now) {
    uint32_t work = transport_.turn(now);
    for (uint32_t sent = 0; sent < kPacketsPerTurn && send_one(output, now); sent++) work++;
    return work;
}

// Only TCP leaves: the namespace has no other business outside.
bool KernelPath::send_one(ip::Output& output, Instant now) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    if (!mbuf) {
        counters_.drop(Drop::no_mbuf);
        return false;
    }
    // In front of the packet an Ethernet header, so that what parses frames can parse it.
    auto* frame = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, rte_pktmbuf_tailroom(mbuf)));
    MutableBytes room{frame + wire::kEthernetHeader, mbuf->data_len - wire::kEthernetHeader};
    size_t size = device_.read(room);
    if (size == 0) {
        rte_pktmbuf_free(mbuf);
        return false;
    }
    bool ipv6 = room[0] >> 4 == 6;
    wire::write_ethernet(frame, {}, {}, 0, wire::ether_type(ipv6 ? Family::ipv6 : Family::ipv4));
    wire::Packet packet;
    auto reason = wire::parse({frame, wire::kEthernetHeader + size}, false, packet);
    bool tcp = !reason && packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp) &&
               packet.payload_length >= wire::kTcpHeader;
    if (!tcp) {
        rte_pktmbuf_free(mbuf);
        counters_.drop(reason.value_or(Drop::protocol_closed));
        return true;
    }
    store_be16(frame + packet.l4_offset + kChecksumOffset, 0);  // send_tcp sums it up anew, or the device
    mbuf->data_off = static_cast<uint16_t>(mbuf->data_off + packet.l4_offset);
    mbuf->data_len = packet.payload_length;
    mbuf->pkt_len = packet.payload_length;
    ip::Hop way;  // nothing remembers it for the kernel's connections
    output.send_tcp(mbuf, packet.source, packet.destination, way, now);
    counters_.add(Counter::tcp_from_kernel);
    return true;
}

}  // namespace fedge::core
