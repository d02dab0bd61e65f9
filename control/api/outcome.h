// How a reply tells whether the dataplane runs on what was changed.
#pragma once

#include "control/api/json.h"
#include "control/control.h"

namespace fedge::control::api {

// Adds "adopted", and "refused_reason" if it was not.
inline Json with_outcome(Json reply, const Published& published) {
    reply["adopted"] = published.adopted;
    if (!published.adopted) reply["refused_reason"] = published.reason;
    return reply;
}

}  // namespace fedge::control::api
