#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_trust_remove(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const std::string what = "Authority " + printable(name) + " is no longer trusted";
    return report_tls_change(session, session.api.send("DELETE", "/v1/trust/" + encoded(name)), what + ".", what);
}

}  // namespace

Command cert_trust_remove() {
    return {.path = "cert trust remove",
            .summary = "trust an authority no longer",
            .description = "Connections that were checked with it go on.",
            .positionals = {{"NAME", Words::authorities}},
            .examples = {{"fedge cert trust remove partner", "as fedge cert trust list names it"}},
            .run = run_cert_trust_remove};
}

}  // namespace fedge::cli
