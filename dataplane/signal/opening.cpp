#include "dataplane/signal/opening.h"

#include <algorithm>
#include <array>

#include "dataplane/wire/stun.h"

namespace fedge::signal {
namespace {

constexpr uint8_t kHandshake = 0x16;
constexpr uint8_t kBareControl = 0x02;  // MS-TURN section 2.1.4
constexpr uint8_t kBareData = 0x03;

// Fixed bytes of the fake ClientHello: position and value; what is not here is time, random, or part of it.
struct Fixed {
    uint8_t at;
    uint8_t value;
};
constexpr Fixed kPseudoHello[] = {{0, 0x16},  {1, 0x03},  {2, 0x01},  {3, 0x00},  {4, 0x2d},  {5, 0x01},
                                  {6, 0x00},  {7, 0x00},  {8, 0x29},  {9, 0x03},  {10, 0x01}, {43, 0x00},
                                  {44, 0x00}, {45, 0x02}, {46, 0x00}, {47, 0x18}, {48, 0x01}, {49, 0x00}};

Opening handshake_opening(Bytes first) {
    bool pseudo = std::ranges::all_of(kPseudoHello,
                                      [&](const Fixed& f) { return f.at >= first.size() || first[f.at] == f.value; });
    if (pseudo) return first.size() < kOpeningBytes ? Opening::undecided : Opening::pseudo_tls;
    // Record of a handshake, version 3.x, then a ClientHello (RFC 8446 sections 4 and 5.1). A record may hold less than
    // the type: then there is nothing more to see here.
    if (first.size() > 1 && first[1] != 3) return Opening::unknown;
    if (first.size() > 5 && first[5] != 1) return Opening::unknown;
    return first.size() > 5 ? Opening::tls : Opening::undecided;
}

// A STUN header: two zero bits, the cookie, a length that is a multiple of four (RFC 8489 section 5).
Opening stun_opening(Bytes first) {
    if (first.size() >= 4 && first[3] % 4 != 0) return Opening::unknown;
    if (first.size() < 8) return Opening::undecided;
    return load_be32(first.data() + 4) == wire::kStunCookie ? Opening::turn : Opening::unknown;
}

bool is_one_of(const std::vector<std::string>& names, std::string_view sni) {
    return std::ranges::any_of(names, [&](const std::string& name) {
        return std::ranges::equal(name, sni, [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    });
}

// The methods of requests and "SIP/2.0" begin with an upper-case letter; a keepalive is CRLF (RFC 5626 section 4.4.1).
bool is_sip_start(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || byte == '\r' || byte == '\n';
}

}  // namespace

Opening plain_opening(Bytes first) {
    if (first.empty()) return Opening::undecided;
    if (first[0] == kHandshake) return handshake_opening(first);
    if (first[0] == kBareControl || first[0] == kBareData) {
        if (first.size() < 2) return Opening::undecided;
        return first[1] == 0 ? Opening::pseudo_tls : Opening::unknown;
    }
    return first[0] < 2 ? stun_opening(first) : Opening::unknown;
}

Opening secured_opening(std::string_view alpn, std::string_view sni, const SharedNames& names, Bytes first) {
    if (alpn == "stun.turn" || alpn == "stun.nat-discovery") return Opening::turn;
    if (alpn == "sip/2") return Opening::sip;
    if (!sni.empty() && is_one_of(names.turn, sni)) return Opening::turn;
    if (!sni.empty() && is_one_of(names.sip, sni)) return Opening::sip;
    if (first.empty()) return Opening::undecided;
    if (first[0] < 2) return stun_opening(first);
    return is_sip_start(first[0]) ? Opening::sip : Opening::unknown;
}

}  // namespace fedge::signal
