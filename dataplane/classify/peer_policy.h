// Which addresses a relay may talk to on behalf of a client. Without it a relay is a proxy into the network behind it
// (CVE-2020-26262, CVE-2026-27624).
//
// Every address that can hide an IPv4 address is judged in all its forms: the address itself, and the IPv4 address
// inside IPv4-compatible (::/96), IPv4-translated (::ffff:0:0:0/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48 with the
// address in the last 32 bits), 6to4 (2002::/16), Teredo (2001::/32, server and client) and ISATAP (interface
// identifier [02]00:5efe) forms. One refused form refuses the peer. IPv4-mapped needs no form of its own: IpAddress
// knows no other form of IPv4.
//
// For each form the first of these that matches decides:
//   1. our own addresses: refused. Our relay addresses are own_relay instead: the relay behind it is a client's, and so
//      is the permission that lets anything in, but only on ports that are relay ports, which is for the caller to see
//      to. Configured prefixes that deny a relay address (3.) have the last word;
//   2. what can never be a unicast peer (0/8, 127/8, 224/4, 255.255.255.255, ::, ::1, ff00::/8): refused, whatever is
//   configured;
//   3. configured prefixes: the longest decides; at equal length allow beats deny;
//   4. the built-in list from the IANA special-purpose registries. For IPv6 all that is not 2000::/3 or 64:ff9b::/96 is
//      refused: that covers fe80::/10, fec0::/10, fc00::/7, 100::/64 and whatever is unassigned. Documentation ranges
//      (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 3fff::/20) stay open because labs use them, and
//      nothing on the internet is there to be reached.
//
// A prefix shorter than /96 speaks of IPv6 only: allowing ::/0 does not open 10.0.0.0/8 (say 0.0.0.0/0, which is
// ::ffff:0:0/96). A NAT64 prefix of the operator's own cannot be known here: deny it, or what it must not reach.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"

namespace fedge::classify {

enum class PeerVerdict : uint8_t { allowed, own_relay, denied_special, denied_configured, denied_own };

// For people: "allowed", "relay address of this edge", "special-purpose address", "denied by configuration", "address
// of this edge".
std::string_view words(PeerVerdict verdict);

// Immutable; built once per snapshot on the management thread, then read by any core. A look-up is one or a few binary
// searches (no heap, no locks) and belongs where a peer is named (permission, channel, Send), not on the data path.
class PeerPolicy {
  public:
    // Host bits of prefixes are ignored. Any order, duplicates welcome. `own`: listener and all interface
    // addresses. `relays`: relay addresses, as they are and as advertised; they may be among `own` too.
    PeerPolicy(std::span<const Prefix> allow, std::span<const Prefix> deny, std::span<const IpAddress> own,
               std::span<const IpAddress> relays = {});

    PeerVerdict verdict(const IpAddress& peer) const;
    bool allowed(const IpAddress& peer) const { return verdict(peer) == PeerVerdict::allowed; }

  private:
    // Disjoint ranges of one family, each from its start to the next one's; the first starts at zero.
    struct Range {
        IpAddress start;
        PeerVerdict verdict;
    };
    struct Rule;
    static std::vector<Range> flatten(std::vector<Rule>& rules, const Prefix& family);
    PeerVerdict verdict_of_form(const IpAddress& form) const;

    std::vector<Range> ipv4_;
    std::vector<Range> ipv6_;
};

}  // namespace fedge::classify
