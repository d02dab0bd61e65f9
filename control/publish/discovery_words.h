// What discovery is asked and answers, in the words of the contract: for cores and explanations alike.
#pragma once

#include <cstdint>

#include "control/discovery/route.h"
#include "control/settings/config.h"

namespace fedge::contract {
enum class Finding : uint8_t;
enum class SrvMode : uint8_t;
}  // namespace fedge::contract

namespace fedge::control {

SipMode mode_of(contract::SrvMode mode);
contract::Finding finding_of(discovery::Outcome outcome);

}  // namespace fedge::control
