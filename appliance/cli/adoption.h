// How commands end that change what the dataplane runs on: it has adopted the change, or not.
#pragma once

#include "appliance/cli/exit.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// Prints the reply {"revision","adopted","warnings","refused_reason"}; Exit::dataplane if it was not adopted.
Exit report_revision(Session& session, const Json& reply);

// The same for credentials and drain, which are no part of revisions. `adopted` and `stored` are the sentences for the
// two ends; `stored` goes on with ", but that is not in force".
Exit report_change(Session& session, const Json& reply, const std::string& adopted, const std::string& stored);

// The same for a new secret: it stands alone on standard output, so that it can be piped to where it is needed and
// nowhere else. `more` is said after it is said that it is in force.
Exit report_secret(Session& session, const Json& reply, const std::string& more);

}  // namespace fedge::cli
