#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_remove(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const std::string what = "Certificate " + printable(name) + " and its private key are removed";
    return report_tls_change(session, session.api.send("DELETE", "/v1/certificates/" + encoded(name)), what + ".",
                             what);
}

}  // namespace

Command cert_remove() {
    return {.path = "cert remove",
            .summary = "remove a certificate and its private key",
            .description = "The last certificate stays as long as a listener of TLS needs one.",
            .positionals = {{"NAME", Words::certificates}},
            .examples = {{"fedge cert remove old-edge", "connections that use it go on"}},
            .run = run_cert_remove};
}

}  // namespace fedge::cli
