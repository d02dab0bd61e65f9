// How many connections one IPv4 address or one IPv6 /64 has here.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/hash_table.h"
#include "dataplane/tcp/source_network.h"

namespace fedge::tcp {

class PrefixCounts {
  public:
    PrefixCounts(uint32_t entries, int socket, Random& random) : table_("TCP prefixes", entries, socket, random) {}

    uint32_t count(const IpAddress& address) const { return static_cast<uint32_t>(table_.find(key(address))); }
    void add(const IpAddress& address) { table_.set(key(address), table_.find(key(address)) + 1); }
    void remove(const IpAddress& address) {
        Key k = key(address);
        uint64_t left = table_.find(k);
        if (left > 1) {
            table_.set(k, left - 1);
        } else {
            table_.remove(k);
        }
    }
    size_t bytes() const { return table_.bytes(); }

  private:
    struct Key {
        uint64_t high;
        uint64_t low;
    };
    static Key key(const IpAddress& address) {
        IpAddress network = source_network(address);
        return {network.high(), network.low()};
    }

    HashTable<Key> table_;
};

}  // namespace fedge::tcp
