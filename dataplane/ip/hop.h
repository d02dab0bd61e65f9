// A remembered way to a destination: which neighbour, and the proof that the memory is still good. Kept by flows so
// that the next packet needs neither route look-up nor neighbour look-up.
#pragma once

#include <cstdint>

namespace fedge::ip {

// Good while the neighbour slot still has this generation; slots change generation when the entry is replaced, changes
// its MAC address, expires, or when routes change. {0, 0} is never good.
struct Hop {
    uint32_t slot = 0;
    uint32_t generation = 0;
};

}  // namespace fedge::ip
