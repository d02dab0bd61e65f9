#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_crl_remove(Session& session, const Arguments& arguments) {
    const std::string issuer = arguments.positional(0);
    const std::string what = "The revocation list of " + printable(issuer) + " is removed";
    return report_tls_change(session, session.api.send("DELETE", "/v1/crls/" + encoded(issuer)), what + ".", what);
}

}  // namespace

Command cert_crl_remove() {
    return {.path = "cert crl remove",
            .summary = "remove the revocation list of an issuer",
            .description = "Certificates of that issuer are then taken without asking whether they are revoked.",
            .positionals = {{"ISSUER", Words::crl_issuers}},
            .examples = {{"fedge cert crl remove 'CN=Partner CA,O=Partner'", "as fedge cert crl list shows it"}},
            .run = run_cert_crl_remove};
}

}  // namespace fedge::cli
