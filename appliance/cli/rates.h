// What `fedge monitor` shows: the difference of two samples of the edge, per second.
#pragma once

#include "appliance/cli/session.h"

namespace fedge::cli {

struct Sample {
    double at = 0;  // seconds, steady
    Json status;
    Json cores;    // rows
    Json drops;    // rows
    Json streams;  // rows, at most the first page
    bool more_streams = false;
};

// Throws Failure.
Sample take_sample(const Session& session);

// {"interval_s","status","cores":[{...row, "rx_pps","tx_pps"}],"drops":[{"name","help","per_second"}],
//  "streams":[{...row, "pps","bit_s"}],"more_streams":bool}. A rate is absent where the thing is new or has started
//  over.
// Only drops that happened are listed, most frequent first; of the streams the `top` busiest.
Json rates_between(const Sample& before, const Sample& after, size_t top);

}  // namespace fedge::cli
