#include "tests/support/edge_box.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>

#include <stdexcept>

#include "dataplane/relay/text_digest.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/ndp.h"

namespace fedge::test {
namespace {

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

rte_ring* make_ring(const std::string& name, uint32_t size) {
    rte_ring* ring = rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (!ring) throw std::runtime_error("no memory for ring " + name);
    return ring;
}

template <typename Digest>
std::vector<uint8_t> derived(Digest digest, std::initializer_list<std::string_view> texts) {
    std::vector<Bytes> parts;
    for (auto text : texts) parts.push_back(bytes_of(text));
    auto value = digest(parts);
    return {value.begin(), value.end()};
}

std::unique_ptr<contract::TurnUserT> user(const std::string& name, const std::string& realm,
                                          const std::string& password) {
    auto row = std::make_unique<contract::TurnUserT>();
    row->name = name;
    row->md5 = derived(relay::md5, {name, ":", realm, ":", password});
    row->sha256 = derived(relay::sha256, {name, ":", realm, ":", password});
    row->userhash = derived(relay::sha256, {name, ":", realm});
    return row;
}

}  // namespace

contract::Ip wire_ip(const IpAddress& address) {
    return contract::Ip(flatbuffers::span<const uint8_t, 16>(address.octets().data(), 16));
}

contract::Prefix wire_prefix(const Prefix& prefix) {
    return {wire_ip(prefix.address), prefix.length};
}

Frame udp_frame(const MacAddress& edge, const Endpoint& source, const Endpoint& destination, Bytes payload) {
    Family family = source.address.family();
    Frame frame(wire::kEthernetHeader + wire::ip_header_length(family) + wire::kUdpHeader + payload.size());
    size_t at = wire::write_ethernet(frame.data(), edge, EdgeBox::kGatewayMac, 0, wire::ether_type(family));
    wire::IpFields fields;
    fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload.size());
    at += wire::write_ip(frame.data() + at, source.address, destination.address, fields);
    wire::write_udp(frame.data() + at, source.port, destination.port, static_cast<uint16_t>(payload.size()), 0);
    std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<ptrdiff_t>(at + wire::kUdpHeader));
    uint16_t sum = wire::transport_checksum(source.address, destination.address, 17, Bytes{frame}.subspan(at));
    store_be16(frame.data() + at + 6, sum ? sum : 0xffff);
    return frame;
}

Frame icmp_error_frame(const MacAddress& edge, const IpAddress& router, uint8_t type, uint8_t code, Bytes about,
                       uint16_t mtu) {
    Bytes quote = about.subspan(wire::kEthernetHeader);
    Frame frame(wire::kEthernetHeader + wire::kIpv4Header + 8 + quote.size());
    wire::write_ethernet(frame.data(), edge, EdgeBox::kGatewayMac, 0, wire::kEtherTypeIpv4);
    wire::IpFields fields;
    fields.protocol = 1;
    fields.payload_length = static_cast<uint16_t>(8 + quote.size());
    wire::write_ipv4(frame.data() + wire::kEthernetHeader, router, IpAddress::v4_bytes(quote.data() + 12), fields);
    uint8_t* icmp = frame.data() + wire::kEthernetHeader + wire::kIpv4Header;
    icmp[0] = type;
    icmp[1] = code;
    store_be16(icmp + 6, mtu);
    std::copy(quote.begin(), quote.end(), icmp + 8);
    store_be16(icmp + 2, wire::checksum({icmp, 8 + quote.size()}));
    return frame;
}

EdgeBox::EdgeBox(const EdgeBoxPlan& plan) : plan_(plan), name_("box") {
    SeededRandom random(1);
    core::AssemblyPlan parts;
    parts.name = name_ + "-";
    for (uint16_t i = 0; i < plan.cores; i++)
        parts.places.push_back({.media = i < plan.media, .signalling = i >= plan.signalling_from});
    parts.signalling = plan.signalling;
    parts.mbufs.mbufs = plan.mbufs;
    parts.allocations_per_core = plan.allocations_per_core;
    parts.relay_addresses = plan.relay_addresses;
    parts.idle = plan.idle;
    assembly_ = std::make_unique<core::Assembly>(parts, random);
    for (uint16_t i = 0; i < plan.cores; i++) {
        std::string suffix = std::to_string(i);
        in_.push_back(make_ring(name_ + "-in-" + suffix, plan.ring));
        out_.push_back(make_ring(name_ + "-out-" + suffix, plan.ring));
    }
    if (rte_eth_from_rings(name_.c_str(), in_.data(), plan.cores, out_.data(), plan.cores, 0) < 0)
        throw std::runtime_error("no ring port");
    port::PortConfig port_config;
    port_config.name = "wan";
    port_config.device = "net_ring_" + name_;
    port_ = &assembly_->add_port(port_config);
    port_->start();
    assembly_->make_cores();
}

EdgeBox::~EdgeBox() {
    for (auto& rings : {in_, out_}) {
        for (rte_ring* ring : rings) {
            void* left = nullptr;
            while (rte_ring_dequeue(ring, &left) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(left));
        }
    }
    assembly_.reset();
    rte_vdev_uninit(("net_ring_" + name_).c_str());  // the next box has a device of the same name
    for (auto& rings : {in_, out_})
        for (rte_ring* ring : rings) rte_ring_free(ring);
}

contract::SnapshotT EdgeBox::snapshot() {
    contract::SnapshotT snapshot;
    snapshot.revision = 1;
    auto outside = std::make_unique<contract::InterfaceT>();
    outside->name = "outside";
    outside->port = "wan";
    outside->addresses = {wire_prefix(*Prefix::parse("192.0.2.10/24")),
                          wire_prefix(*Prefix::parse("2001:db8:1::10/64"))};
    outside->gateways = {wire_ip(ip("192.0.2.1")), wire_ip(ip("2001:db8:1::1"))};
    snapshot.interfaces.push_back(std::move(outside));
    for (const char* address : {"192.0.2.10", "2001:db8:1::10"}) {
        auto listener = std::make_unique<contract::ListenerT>();
        listener->interface = "outside";
        listener->address = std::make_unique<contract::Ip>(wire_ip(ip(address)));
        listener->port = 3478;
        snapshot.listeners.push_back(std::move(listener));
    }
    snapshot.turn = std::make_unique<contract::TurnT>();
    snapshot.turn->realm = "example.org";
    for (Family family : {Family::ipv4, Family::ipv6}) {
        auto relay = std::make_unique<contract::RelayAddressT>();
        relay->address = std::make_unique<contract::Ip>(wire_ip(relay_address(family)));
        relay->advertised = std::make_unique<contract::Ip>(wire_ip(relay_address(family)));
        snapshot.turn->relay_addresses.push_back(std::move(relay));
    }
    snapshot.turn->nonce_keys = std::vector<uint8_t>(16, 0x17);
    snapshot.turn->users.push_back(user("alice", "example.org", "secret"));
    return snapshot;
}

IpAddress EdgeBox::relay_address(Family family) {
    return ip(family == Family::ipv4 ? "192.0.2.20" : "2001:db8:1::20");
}

void EdgeBox::offer(const contract::SnapshotT& snapshot, core::VerdictTables verdicts) {
    flatbuffers::FlatBufferBuilder builder;
    contract::FinishSnapshotBuffer(builder, contract::Snapshot::Pack(builder, &snapshot));
    core::Adoption& adoption = assembly_->adoption;
    adoption.offer(core::compile_snapshot({builder.GetBufferPointer(), builder.GetSize()}, assembly_->context,
                                          adoption.latest(), std::move(verdicts)));
}

void EdgeBox::publish(const contract::SnapshotT& snapshot, core::VerdictTables verdicts) {
    offer(snapshot, std::move(verdicts));
    turn();
    if (!adopted()) throw std::logic_error("a core did not adopt the snapshot");
}

void EdgeBox::learn_gateways() {
    Frame arp(wire::kEthernetHeader + wire::kArpLength);
    wire::write_ethernet(arp.data(), mac(), kGatewayMac, 0, wire::kEtherTypeArp);
    wire::Arp question;
    question.sender_mac = kGatewayMac;
    question.sender = ip("192.0.2.1");
    question.target = ip("192.0.2.10");
    question.write(std::span(arp).subspan<wire::kEthernetHeader, wire::kArpLength>());
    send(arp);

    Frame ndp(wire::kEthernetHeader + wire::kIpv6Header + wire::kNdpLength);
    IpAddress source = ip("2001:db8:1::1"), target = ip("2001:db8:1::10"),
              group = wire::solicited_node_multicast(target);
    wire::write_ethernet(ndp.data(), wire::multicast_mac(group), kGatewayMac, 0, wire::kEtherTypeIpv6);
    wire::IpFields fields;
    fields.protocol = static_cast<uint8_t>(wire::Protocol::icmpv6);
    fields.ttl = wire::kNdpHopLimit;
    fields.payload_length = wire::kNdpLength;
    wire::write_ipv6(ndp.data() + wire::kEthernetHeader, source, group, fields);
    wire::write_neighbor_solicitation(
        std::span(ndp).subspan<wire::kEthernetHeader + wire::kIpv6Header, wire::kNdpLength>(), source, group, target,
        kGatewayMac);
    send(ndp);
    turn();
    turn();  // the other cores take their copies
    receive();
}

void EdgeBox::answer_arp(Bytes frame) {
    constexpr size_t kType = 12;
    if (frame.size() < wire::kEthernetHeader + wire::kVlanTag) return;
    bool tagged = load_be16(frame.data() + kType) == wire::kEtherTypeVlan;
    uint16_t vlan = tagged ? load_be16(frame.data() + kType + 2) & 0xfff : 0;
    if (tagged) frame = frame.subspan(wire::kVlanTag);
    if (load_be16(frame.data() + kType) != wire::kEtherTypeArp) return;
    // Read by hand: a ring port's MAC address is all zero, which no parser of ARP takes from a sender.
    constexpr size_t kOperation = 6, kSender = 14, kTarget = 24;
    Bytes question = frame.subspan(wire::kEthernetHeader);
    if (question.size() < wire::kArpLength || load_be16(question.data() + kOperation) != 1) return;
    if (std::memcmp(question.data() + kSender, question.data() + kTarget, 4) == 0)
        return;  // it announces its own address
    Frame reply(wire::kEthernetHeader + (tagged ? wire::kVlanTag : 0) + wire::kArpLength);
    size_t header = wire::write_ethernet(reply.data(), mac(), kGatewayMac, vlan, wire::kEtherTypeArp);
    wire::Arp answer{wire::ArpOperation::reply, kGatewayMac, IpAddress::v4_bytes(question.data() + kTarget), mac(),
                     IpAddress::v4_bytes(question.data() + kSender)};
    answer.write(std::span(reply).subspan(header).first<wire::kArpLength>());
    send(reply);
}

bool EdgeBox::send(const Frame& frame, uint16_t queue) {
    rte_mbuf* mbuf = allocate(queue);
    if (!mbuf) return false;
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    if (inject({&mbuf, 1}, queue)) return true;
    rte_pktmbuf_free(mbuf);
    return false;
}

rte_mbuf* EdgeBox::allocate(uint16_t queue) {
    return rte_pktmbuf_alloc(assembly_->pool(queue).get());
}

bool EdgeBox::inject(std::span<rte_mbuf*> frames, uint16_t queue) {
    for (rte_mbuf* frame : frames) frame->port = port_->id();
    return rte_ring_enqueue_bulk(in_[queue], reinterpret_cast<void**>(frames.data()),
                                 static_cast<unsigned>(frames.size()), nullptr) != 0;
}

void EdgeBox::turn() {
    for (auto& core : assembly_->cores()) core->iterate();
}

uint32_t EdgeBox::collect(std::span<rte_mbuf*> out, uint16_t queue) {
    return rte_ring_dequeue_burst(out_[queue], reinterpret_cast<void**>(out.data()), static_cast<unsigned>(out.size()),
                                  nullptr);
}

std::vector<Frame> EdgeBox::receive() {
    std::vector<Frame> frames;
    for (uint16_t queue = 0; queue < plan_.cores; queue++) {
        rte_mbuf* mbuf = nullptr;
        while (collect({&mbuf, 1}, queue) == 1) {
            const uint8_t* data = rte_pktmbuf_mtod(mbuf, const uint8_t*);
            frames.emplace_back(data, data + mbuf->data_len);
            rte_pktmbuf_free(mbuf);
        }
    }
    return frames;
}

std::vector<core::ConnectionRecord> EdgeBox::connections(uint16_t core, bool ended) {
    auto request = std::make_unique<core::CoreRequest>();
    request->kind = ended ? core::CoreRequest::Kind::endings : core::CoreRequest::Kind::connections;
    request->limit = 3;  // small: the cursor is used
    std::vector<core::ConnectionRecord> all;
    do {
        if (!assembly_->core(core).requests().send(request.get())) throw std::logic_error("no room for a request");
        std::array<core::CoreRequest*, 1> answer;
        while (replies().receive(answer) == 0) turn();
        all.insert(all.end(), request->connections.begin(), request->connections.begin() + request->count);
    } while (request->cursor != 0);
    return all;
}

MacAddress EdgeBox::mac() const {
    return port_->mac();
}

uint64_t EdgeBox::total(Counter counter) {
    uint64_t sum = 0;
    for (uint16_t i = 0; i < plan_.cores; i++) sum += counters(i).value(counter);
    return sum;
}

uint64_t EdgeBox::total(Drop drop) {
    uint64_t sum = 0;
    for (uint16_t i = 0; i < plan_.cores; i++) sum += counters(i).value(drop);
    return sum;
}

std::string EdgeBox::drops() {
    std::string text;
    for (size_t i = 0; i < contract::kDropCount; i++) {
        uint64_t n = total(static_cast<Drop>(i));
        if (n)
            text +=
                (text.empty() ? "dropped: " : ", ") + std::string(contract::kDrops[i].name) + " " + std::to_string(n);
    }
    return text.empty() ? "no drops" : text;
}

uint32_t EdgeBox::mbufs_in_use() const {
    uint32_t used = 0;
    for (uint16_t i = 0; i < plan_.cores; i++) used += rte_mempool_in_use_count(assembly_->pool(i).get());
    return used;
}

}  // namespace fedge::test
