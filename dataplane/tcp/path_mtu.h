// What is known of paths: the MTU per destination, learned from ICMP or from lost segments (RFC 1191, 8201, 4821),
// never raised, forgotten after ten minutes (RFC 1191 section 6.3).
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/hash_table.h"
#include "dataplane/base/table.h"
#include "dataplane/base/time.h"

namespace fedge::tcp {

inline constexpr uint16_t kMinMtuIpv4 = 552;   // below this, ICMP is not believed (Linux's min_pmtu as well)
inline constexpr uint16_t kMinMtuIpv6 = 1280;  // RFC 8200 section 5

inline uint16_t min_mtu(const IpAddress& destination) {
    return destination.is_v4() ? kMinMtuIpv4 : kMinMtuIpv6;
}

class PathMtu {
  public:
    static constexpr Duration kLifetime = 10min;

    PathMtu(uint32_t destinations, int socket, Random& random)
        : table_("TCP path MTU", destinations, socket, random), keys_("TCP path MTU places", destinations, socket) {}

    // At most `interface_mtu`.
    uint16_t find(const IpAddress& destination, uint16_t interface_mtu, Instant now);
    // Full: takes the place of what has expired. If that is not soon found the new knowledge is not kept, connections
    // learn for themselves.
    void learn(const IpAddress& destination, uint16_t mtu, Instant now);

  private:
    struct Key {
        uint64_t high;
        uint64_t low;
    };
    static Key key(const IpAddress& a) { return {a.high(), a.low()}; }

    Key* expired_place(Instant now);

    static constexpr uint32_t kLooks = 16;

    HashTable<Key> table_;  // seconds until which it is valid << 16 | MTU
    Table<Key> keys_;       // of the table: the first count_
    uint32_t count_ = 0;
    uint32_t hand_ = 0;  // where the search for what has expired goes on
};

}  // namespace fedge::tcp
