// What flow tokens remember of a peer: the names that its certificate proved, so that another connection of the same
// peer is known as such (RFC 5923), on every node of a pool and after a restart.
#pragma once

#include <cstdint>

#include "dataplane/tls/names.h"

namespace fedge::signal {

inline constexpr uint64_t kNobody = 0;  // who has proved nothing: a remote user
inline constexpr uint64_t kGone = 1;    // of a connection that ended while its request waited

// 64 bits of BLAKE2b over the names in the certificate's order. Peers choose their names: with a weaker hash one of
// them could find names that pass for another's and be given its answers. kNobody for no names, never kGone.
uint64_t peer_hash(const tls::PeerNames& names);

}  // namespace fedge::signal
