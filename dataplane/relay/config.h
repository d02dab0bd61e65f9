// The TURN settings of one snapshot in the form that cores use: checked once, immutable, shared read-only by all cores.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"

namespace fedge::contract {
struct Snapshot;
enum class Service : uint8_t;
}  // namespace fedge::contract
namespace fedge::classify {
class PeerPolicy;
}

namespace fedge::relay {

class Credentials;
class Digest;
struct UserHashKey;

// Where clients come to. One over UDP and one over TCP or TLS may have the same address and port.
struct Listener {
    Endpoint endpoint;
    contract::Service service{};
    bool stream = false;  // TCP or TLS
};

// Where allocations live, and what clients are told when a 1:1 NAT stands outside.
struct RelayAddress {
    IpAddress address;
    IpAddress advertised;
};

// Limits of the tables that a core was started with; a snapshot that does not fit is refused before any core sees it.
struct TableLimits {
    uint32_t relay_addresses = 128;
    uint32_t listeners = 64;
};

struct Config {
    // Empty and `error` (a sentence for the operator, naming the setting) if the snapshot cannot be served. Built on
    // the management thread, with that thread's `digest`; keeps no reference to the snapshot. `hash_key`: the same for
    // the life of the process, so that a user stays the same user over snapshots.
    static std::shared_ptr<const Config> build(const contract::Snapshot& snapshot, const TableLimits& limits,
                                               const UserHashKey& hash_key, Digest& digest, std::string& error);
    Config();
    ~Config();
    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;

    uint64_t revision = 0;
    bool drain = false;  // refuse new allocations, keep those that exist

    // Positions are those of the snapshot: `listener` and `relay address index` of Turn count in these.
    std::vector<Listener> listeners;
    std::vector<RelayAddress> relay_addresses;
    uint16_t port_first = 0;  // inclusive
    uint16_t port_last = 0;   // inclusive
    Duration port_quarantine{};

    uint32_t default_lifetime_s = 0;
    uint32_t max_lifetime_s = 0;
    Duration permission_lifetime{};
    Duration channel_lifetime{};
    uint16_t max_permissions = 0;  // per allocation, counted as distinct peer addresses
    uint16_t max_channels = 0;     // per allocation

    uint32_t user_quota = 0;       // allocations; 0 = no limit
    uint32_t total_quota = 0;      // allocations; 0 = as many as the pools hold
    uint32_t allocation_kbps = 0;  // each direction; 0 = no limit
    uint32_t user_kbps = 0;        // each direction; 0 = no limit

    uint32_t unauthenticated_rate = 0;   // bytes per second to a source, beyond what it sent
    uint32_t unauthenticated_burst = 0;  // bytes

    bool measure = true;  // streams; those that are known stay listed until they end

    std::shared_ptr<const Credentials> credentials;  // realm, users, secrets, nonce keys
    std::shared_ptr<const classify::PeerPolicy> peer_policy;
};

}  // namespace fedge::relay
