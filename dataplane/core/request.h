// What the management thread asks of a core: a page of rows, a verdict, an end to allocations, or a test of a partner.
// The object belongs to management, travels to the core by mailbox and comes back by mailbox with the answer in it.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/fixed_text.h"
#include "dataplane/base/mailbox.h"
#include "dataplane/contract/verdicts.h"
#include "dataplane/core/connection_record.h"
#include "dataplane/ip/neighbors.h"
#include "dataplane/relay/rows.h"
#include "dataplane/signal/sip/dialog_list.h"
#include "dataplane/signal/sip/next_hops.h"
#include "dataplane/signal/sip/partner_test.h"
#include "dataplane/signal/sip/sip_filters.h"

namespace fedge::core {

inline constexpr uint32_t kRowsPerRequest = 64;

using VerdictName = FixedText<contract::kMaxUserEntry>;

// What a core makes of a domain, or of a user.
struct VerdictRow {
    uint64_t revision = 0;  // 0: it has no configuration yet
    uint64_t base = 0;
    uint64_t delta = 0;
    bool user = false;  // a user that has a policy
    contract::Access access{};
    contract::Rule rule = contract::Rule::none;
    FixedText<contract::kMaxDomainEntry> entry;
    FixedText<contract::kMaxDomainEntry> via;
};

struct CoreRequest {
    enum class Kind : uint8_t {
        allocations,
        streams,
        neighbors,
        connections,
        endings,
        dialogs,
        next_hops,
        scanners,
        verdict,
        disconnect_id,
        disconnect_user,
        test_partner  // comes back when it is over
    };

    Kind kind = Kind::allocations;
    uint16_t core = 0;
    uint32_t limit = kRowsPerRequest;
    uint64_t cursor = 0;      // in: where to start; out: where to go on, 0 at the end
    uint64_t allocation = 0;  // disconnect_id
    relay::UserText user;     // disconnect_user
    VerdictName name;         // verdict
    VerdictRow verdict;       // out
    uint32_t count = 0;       // out: rows, or allocations ended

    signal::PartnerTestOrder test;  // test_partner
    signal::PartnerTestReport tested;

    std::array<relay::AllocationRow, kRowsPerRequest> allocations;
    std::array<relay::StreamRow, kRowsPerRequest> streams;
    std::array<ip::NeighborRow, kRowsPerRequest> neighbors;
    std::array<ConnectionRecord, kRowsPerRequest> connections;  // and endings
    std::array<signal::DialogRecord, kRowsPerRequest> dialogs;
    std::array<signal::NextHopRecord, kRowsPerRequest> next_hops;
    std::array<signal::ScannerRecord, kRowsPerRequest> scanners;
};

using RequestBox = Mailbox<CoreRequest>;

}  // namespace fedge::core
