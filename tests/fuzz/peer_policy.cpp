// Peer policy over any configured prefixes and any peers. Input: numbers of allow, deny and own entries (a byte each),
// the entries (prefixes of 17 bytes, addresses of 16), then peers of 16 bytes.
#include "dataplane/classify/peer_policy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using namespace fedge::classify;
using fedge::fuzz::expect;

namespace {

IpAddress take_address(ByteReader& in) {
    std::array<uint8_t, 16> octets{};
    Bytes b = in.bytes(16);
    std::ranges::copy(b, octets.begin());
    return IpAddress::v6_bytes(octets.data());
}

std::vector<Prefix> take_prefixes(ByteReader& in, size_t n) {
    std::vector<Prefix> list;
    for (; n && in.remaining() >= 17; n--) {
        uint8_t length = in.u8();
        list.push_back({take_address(in), static_cast<uint8_t>(length % 129)});
    }
    return list;
}

// The longest prefix of the address's own family that contains it; -1 if none.
int longest(const std::vector<Prefix>& list, const IpAddress& peer) {
    int length = -1;
    for (const Prefix& p : list)
        if ((p.length >= 96 && p.address.is_v4()) == peer.is_v4() && p.contains(peer))
            length = std::max(length, int{p.length});
    return length;
}

// Forms of an IPv4 address that a translator or tunnel would turn back into it.
std::vector<IpAddress> forms_of(const IpAddress& v4) {
    struct Form {
        uint8_t octets[16];
        uint8_t at;
        bool inverted;
    };
    static constexpr Form kForms[] = {
        {{}, 12, false},                                             // IPv4-compatible
        {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, false},           // IPv4-translated
        {{0, 0x64, 0xff, 0x9b}, 12, false},                          // NAT64
        {{0, 0x64, 0xff, 0x9b, 0, 1, 7, 7}, 12, false},              // NAT64, local use
        {{0x20, 0x02}, 2, false},                                    // 6to4
        {{0x20, 0x01, 0, 0, 8, 8, 8, 8}, 12, true},                  // Teredo client
        {{0x20, 0x01}, 4, false},                                    // Teredo server
        {{0x2a, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe}, 12, false},  // ISATAP
        {{0x2a, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0x5e, 0xfe}, 12, false},  // ISATAP, universal bit
    };
    std::vector<IpAddress> list;
    for (const Form& form : kForms) {
        std::array<uint8_t, 16> octets;
        std::ranges::copy(form.octets, octets.begin());
        uint32_t value = v4.v4_host_order();
        store_be32(octets.data() + form.at, form.inverted ? ~value : value);
        list.push_back(IpAddress::v6_bytes(octets.data()));
    }
    return list;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ByteReader in{{data, size}};
    size_t allows = in.u8() % 32;
    size_t denies = in.u8() % 32;
    size_t owns = in.u8() % 8;
    std::vector<Prefix> allow = take_prefixes(in, allows);
    std::vector<Prefix> deny = take_prefixes(in, denies);
    std::vector<IpAddress> own;
    for (; owns && in.remaining() >= 16; owns--) own.push_back(take_address(in));
    PeerPolicy policy{allow, deny, own};
    std::vector<Prefix> allow_reversed(allow.rbegin(), allow.rend());
    std::vector<Prefix> deny_reversed(deny.rbegin(), deny.rend());
    PeerPolicy reversed{allow_reversed, deny_reversed, own};

    // The peers of the input, and the edges of every prefix and own address.
    std::vector<IpAddress> peers = own;
    for (const auto* list : {&allow, &deny})
        for (const Prefix& p : *list) peers.push_back(p.address);
    while (in.remaining() >= 16) peers.push_back(take_address(in));

    for (const IpAddress& peer : peers) {
        PeerVerdict verdict = policy.verdict(peer);
        expect(verdict == reversed.verdict(peer), "the order of prefixes does not matter");
        bool is_own = std::ranges::find(own, peer) != own.end();
        expect(!is_own || verdict == PeerVerdict::denied_own, "own addresses are refused");
        bool never = peer.is_unspecified() || peer.is_loopback() || peer.is_multicast();
        expect(!never || verdict != PeerVerdict::allowed, "what is not unicast is refused");
        int allowed_by = longest(allow, peer);
        int denied_by = longest(deny, peer);
        if (denied_by > allowed_by) expect(verdict != PeerVerdict::allowed, "a longer deny refuses");
        if (!peer.is_v4()) continue;
        if (allowed_by >= 0 && allowed_by >= denied_by && !is_own && peer.v4_host_order() >> 24 != 0 && !never &&
            peer.v4_host_order() != UINT32_MAX)
            expect(verdict == PeerVerdict::allowed, "a longer allow opens");
        if (verdict == PeerVerdict::allowed) continue;
        for (const IpAddress& form : forms_of(peer))
            expect(policy.verdict(form) != PeerVerdict::allowed, "no form of a refused address is allowed");
    }
    return 0;
}
