// What the management thread asks of a core: a page of rows, or an end to allocations. The object belongs to
// management, travels to the core by mailbox and comes back by mailbox with the answer in it.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/mailbox.h"
#include "dataplane/core/connection_record.h"
#include "dataplane/ip/neighbors.h"
#include "dataplane/relay/rows.h"

namespace fedge::core {

inline constexpr uint32_t kRowsPerRequest = 64;

struct CoreRequest {
    enum class Kind : uint8_t { allocations, streams, neighbors, connections, endings, disconnect_id, disconnect_user };

    Kind kind = Kind::allocations;
    uint16_t core = 0;
    uint32_t limit = kRowsPerRequest;
    uint64_t cursor = 0;      // in: where to start; out: where to go on, 0 at the end
    uint64_t allocation = 0;  // disconnect_id
    relay::UserText user;     // disconnect_user
    uint32_t count = 0;       // out: rows, or allocations ended

    std::array<relay::AllocationRow, kRowsPerRequest> allocations;
    std::array<relay::StreamRow, kRowsPerRequest> streams;
    std::array<ip::NeighborRow, kRowsPerRequest> neighbors;
    std::array<ConnectionRecord, kRowsPerRequest> connections;  // and endings
};

using RequestBox = Mailbox<CoreRequest>;

}  // namespace fedge::core
