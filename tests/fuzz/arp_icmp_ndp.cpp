// Neighbour and control messages. The first byte chooses the parser; checksums are made right before parsing, since a
// fuzzer does not find them by itself.
#include <algorithm>
#include <array>
#include <vector>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;
using wire::Icmp;

namespace {

constexpr size_t kAddresses = 33;  // source, destination, hop limit in front of an ICMPv6 message

void arp(Bytes payload) {
    auto parsed = wire::Arp::parse(payload);
    if (!parsed) return;
    expect(parsed->sender.is_v4() && parsed->target.is_v4(), "ARP is IPv4");
    expect(!parsed->sender_mac.is_multicast(), "a station sends");
    std::array<uint8_t, wire::kArpLength> out;
    parsed->write(out);
    expect(std::equal(out.begin(), out.end(), payload.begin()), "written again it is the same");
}

void check(const Icmp& icmp, Bytes message) {
    expect(fuzz::inside(message, icmp.data()), "data inside");
    auto quoted = icmp.quoted();
    if (quoted) {
        expect(icmp.kind() == Icmp::Kind::error, "errors quote");
        expect(quoted->source.family() == icmp.family(), "quote of the same family");
        expect(quoted->has_ports || (quoted->source_port == 0 && quoted->destination_port == 0),
               "no ports, no numbers");
    }
}

void icmpv4(std::vector<uint8_t> message) {
    if (message.size() >= wire::kIcmpHeader) {
        store_be16(&message[2], 0);
        store_be16(&message[2], wire::checksum(message));
    }
    auto icmp = Icmp::parse_v4(message);
    expect(icmp.has_value() == (message.size() >= wire::kIcmpHeader), "right checksum, long enough: accepted");
    if (!icmp) return;
    check(*icmp, message);
    if (icmp->kind() != Icmp::Kind::echo_request) return;
    wire::turn_into_echo_reply(Family::ipv4, message);
    auto reply = Icmp::parse_v4(message);
    expect(reply && reply->kind() == Icmp::Kind::echo_reply, "the reply is right");
}

void neighbour(const Icmp& icmp, const IpAddress& source, const IpAddress& destination, uint8_t hop_limit) {
    auto solicitation = wire::NeighborSolicitation::parse(source, destination, hop_limit, icmp);
    auto advertisement = wire::NeighborAdvertisement::parse(destination, hop_limit, icmp);
    expect(!(solicitation && advertisement), "one or the other");
    if (!solicitation && !advertisement) return;
    expect(hop_limit == 255, "from this link");
    const IpAddress& target = solicitation ? solicitation->target : advertisement->target;
    expect(!target.is_multicast() && !target.is_v4() && !target.is_unspecified(), "a unicast IPv6 target");
    if (solicitation && source.is_unspecified()) expect(!solicitation->source_mac, "no MAC without source");
    auto mac = solicitation ? solicitation->source_mac : advertisement->target_mac;
    expect(!mac || !mac->is_multicast(), "a station's MAC");
    if (!mac || !solicitation) return;
    std::array<uint8_t, wire::kNdpLength> out;
    wire::write_neighbor_solicitation(out, source, destination, target, *mac);
    auto again = Icmp::parse_v6(source, destination, out);
    expect(again.has_value(), "written again its checksum is right");
    auto same = wire::NeighborSolicitation::parse(source, destination, hop_limit, *again);
    expect(same && same->target == target && same->source_mac == mac, "written again it is the same");
}

void icmpv6(Bytes input) {
    if (input.size() < kAddresses) return;
    IpAddress source = IpAddress::v6_bytes(input.data());
    IpAddress destination = IpAddress::v6_bytes(input.data() + 16);
    std::vector<uint8_t> message(input.begin() + kAddresses, input.end());
    if (message.size() >= wire::kIcmpHeader) {
        store_be16(&message[2], 0);
        store_be16(&message[2], wire::transport_checksum(source, destination, 58, message));
    }
    auto icmp = Icmp::parse_v6(source, destination, message);
    expect(icmp.has_value() == (message.size() >= wire::kIcmpHeader), "right checksum, long enough: accepted");
    if (!icmp) return;
    check(*icmp, message);
    neighbour(*icmp, source, destination, input[32]);
    if (icmp->kind() != Icmp::Kind::echo_request) return;
    wire::turn_into_echo_reply(Family::ipv6, message);
    auto reply = Icmp::parse_v6(destination, source, message);
    expect(reply && reply->kind() == Icmp::Kind::echo_reply, "the reply is right");
}

// An error about any bytes is bounded and right.
void write_error(Bytes offending) {
    std::array<uint8_t, 2000> out;
    for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
        IpAddress us = IpAddress::parse(text).value();
        size_t length = wire::write_icmp_error(out, us, us, us.is_v4() ? 3 : 1, 0, 1280, offending);
        Bytes message = Bytes{out}.first(length);
        expect(length <= (us.is_v4() ? 556U : 1240U), "bounded");
        auto icmp = us.is_v4() ? Icmp::parse_v4(message) : Icmp::parse_v6(us, us, message);
        expect(icmp && icmp->kind() == Icmp::Kind::error, "a right error");
        check(*icmp, message);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    Bytes rest{data + 1, size - 1};
    switch (data[0] & 3) {
        case 0: arp(rest); break;
        case 1: icmpv4({rest.begin(), rest.end()}); break;
        case 2: icmpv6(rest); break;
        default: write_error(rest); break;
    }
    return 0;
}
