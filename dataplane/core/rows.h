// Rows as cores fill them, turned into the contract's tables for control.
#pragma once

#include <vector>

#include "dataplane/contract/message_generated.h"
#include "dataplane/core/request.h"
#include "dataplane/core/run_config.h"
#include "dataplane/signal/sip/sip_trace.h"

namespace fedge::core {

// A Page with the answer in `request`. `config` names interfaces; `next` is the cursor for the following page, 0 =
// last.
flatbuffers::Offset<contract::Page> make_page(flatbuffers::FlatBufferBuilder& builder, uint32_t id,
                                              const CoreRequest& request, const RunConfig* config, uint64_t next);

// What the cores make of a name, by core. `error`: nullptr, or why rows are missing.
flatbuffers::Offset<contract::LookedUp> make_looked_up(flatbuffers::FlatBufferBuilder& builder, uint32_t id,
                                                       const std::vector<VerdictRow>& rows, const char* error);

// One message of a trace, for the trace of this place in `record.wanted`.
flatbuffers::Offset<contract::Traced> make_traced(flatbuffers::FlatBufferBuilder& builder, uint16_t core,
                                                  const signal::TraceRecord& record, size_t which, uint64_t unix_ns);

flatbuffers::Offset<contract::PartnerTested> make_partner_tested(flatbuffers::FlatBufferBuilder& builder, uint32_t id,
                                                                 const signal::PartnerTestReport& report);

}  // namespace fedge::core
