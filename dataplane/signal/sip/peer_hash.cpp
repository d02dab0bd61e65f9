#include "dataplane/signal/sip/peer_hash.h"

#include <sodium.h>

#include <array>
#include <cstring>

namespace fedge::signal {

uint64_t peer_hash(const tls::PeerNames& names) {
    if (names.empty()) return kNobody;
    crypto_generichash_state state;
    std::array<uint8_t, crypto_generichash_BYTES_MIN> digest;
    crypto_generichash_init(&state, nullptr, 0, digest.size());
    for (const tls::PeerName& name : names) {
        // Kind and length keep "a" "bc" apart from "ab" "c".
        const std::array<uint32_t, 2> head{static_cast<uint32_t>(name.kind), static_cast<uint32_t>(name.value.size())};
        crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(head.data()), sizeof(head));
        crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(name.value.data()), name.value.size());
    }
    crypto_generichash_final(&state, digest.data(), digest.size());
    uint64_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof(hash));
    return hash <= kGone ? 2 : hash;
}

}  // namespace fedge::signal
