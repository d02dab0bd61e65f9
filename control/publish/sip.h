// The SIP part of the snapshot.
#pragma once

#include <string>
#include <vector>

#include "control/settings/sip.h"
#include "control/store/store.h"
#include "snapshot_generated.h"

namespace fedge::control {

// Nothing if SIP is not configured.
flatbuffers::Offset<contract::Sip> add_sip(flatbuffers::FlatBufferBuilder& builder, const SipConfig& sip,
                                           const std::vector<KeyRecord>& token_keys);

// Empty if the parts fit together.
std::string check_sip_part(const contract::Snapshot& snapshot);

}  // namespace fedge::control
