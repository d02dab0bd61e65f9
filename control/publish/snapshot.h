// The snapshot as control builds and checks it (dataplane/contract/snapshot.fbs).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/settings/config.h"
#include "control/store/store.h"
#include "dataplane/contract/channel.h"

namespace fedge::control {

// What goes into a snapshot besides the settings.
struct SnapshotState {
    uint64_t revision = 0;
    bool drain = false;
    std::vector<UserRecord> users;  // sorted by name
    std::vector<SecretRecord> secrets;
    std::vector<KeyRecord> nonce_keys;            // newest first, at least one
    std::vector<KeyRecord> ticket_keys;           // newest first
    std::vector<KeyRecord> token_keys;            // newest first; of SIP
    std::vector<CertificateRecord> certificates;  // those without a chain are left out
    std::string trust;                            // PEM
    std::string crls;                             // PEM
    std::vector<Entry> patterns;                  // in force
};

std::vector<uint8_t> build_snapshot(const Config& config, const SnapshotState& state);

// Empty if `bytes` are a snapshot that verifies and whose parts fit together; else the reason in words. Safe on any
// bytes.
std::string verify_snapshot(std::span<const uint8_t> bytes);

// A memfd with `bytes` that nobody can change any more. Throws std::system_error.
contract::Descriptor sealed_memory(std::span<const uint8_t> bytes);

}  // namespace fedge::control
