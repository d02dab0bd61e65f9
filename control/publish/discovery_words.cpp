#include "control/publish/discovery_words.h"

#include "message_generated.h"

namespace fedge::control {

SipMode mode_of(contract::SrvMode mode) {
    switch (mode) {
        case contract::SrvMode::microsoft: return SipMode::microsoft;
        case contract::SrvMode::sips: return SipMode::sips;
        default: return SipMode::microsoft_then_sips;
    }
}

contract::Finding finding_of(discovery::Outcome outcome) {
    switch (outcome) {
        case discovery::Outcome::found: return contract::Finding::found;
        case discovery::Outcome::not_found: return contract::Finding::not_found;
        case discovery::Outcome::refused: return contract::Finding::refused;
        case discovery::Outcome::failed: break;
    }
    return contract::Finding::failed;
}

}  // namespace fedge::control
