// The federation part of the snapshot, and control's enumerations as those of the contract.
#pragma once

#include <string>
#include <vector>

#include "control/partners/entry.h"
#include "control/settings/federation.h"
#include "snapshot_generated.h"

namespace fedge::control {

contract::Purpose to_contract(Purpose purpose);
contract::Verification to_contract(Verification verification);
contract::SrvMode to_contract(SrvMode mode);
inline contract::Access access_to_contract(uint8_t access) {
    return static_cast<contract::Access>(access);
}

flatbuffers::Offset<contract::Federation> add_federation(flatbuffers::FlatBufferBuilder& builder,
                                                         const FederationConfig& federation,
                                                         const std::vector<Entry>& patterns);

// Empty if the parts fit together; nullptr does.
std::string check_federation_part(const contract::Federation* federation);

}  // namespace fedge::control
