// How commit and rollback end: a new revision that the dataplane has adopted, or not.
#pragma once

#include "appliance/cli/exit.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// Prints the reply {"revision","adopted","warnings","refused_reason"}; Exit::dataplane if it was not adopted.
Exit report_revision(Session& session, const Json& reply);

}  // namespace fedge::cli
