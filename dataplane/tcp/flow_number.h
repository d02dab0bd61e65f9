// The number of a connection, as people and programs outside name it.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/hash.h"

namespace fedge::tcp {

// Of its flow, the same as long as it lives and after it; small enough for every reader of JSON: 48 bits.
inline uint64_t flow_number(uint16_t core, const Endpoint& local, const Endpoint& remote) {
    uint64_t ports = uint64_t{core} << 32 | uint64_t{local.port} << 16 | remote.port;
    return fold_multiply(local.address.hash() ^ ports, remote.address.hash() | 1) >> 16;
}

}  // namespace fedge::tcp
