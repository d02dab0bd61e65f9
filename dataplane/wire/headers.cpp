#include "dataplane/wire/headers.h"

namespace fedge::wire {

MacAddress multicast_mac(const IpAddress& group) {
    const auto& octets = group.octets();
    if (group.is_v4()) return {{0x01, 0x00, 0x5e, static_cast<uint8_t>(octets[13] & 0x7f), octets[14], octets[15]}};
    return {{0x33, 0x33, octets[12], octets[13], octets[14], octets[15]}};
}

}  // namespace fedge::wire
