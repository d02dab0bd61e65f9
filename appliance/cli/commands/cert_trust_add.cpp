#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/input_file.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_trust_add(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const Json reply =
        session.api.send("POST", "/v1/trust", {{"name", name}, {"certificate", read_pem(session, arguments, "file")}});
    const std::string what = "Authority " + printable(name);
    return report_tls_change(session, reply, what + " is trusted.", what + " is stored");
}

}  // namespace

Command cert_trust_add() {
    return {.path = "cert trust add",
            .summary = "trust an authority for partners' certificates",
            .description =
                "The root of a partner's own authority, or the lab-ca of another edge. With tls.trust system it comes\n"
                "on top of the authorities of the system; with tls.trust own only those added here count.",
            .positionals = {{"NAME", Words::authorities}},
            .options = {{"file", "FILE", "the root certificate, PEM (- is standard input)", Words::files}},
            .examples = {{"fedge cert trust add partner --file partner-root.pem", "replaces one of that name"}},
            .run = run_cert_trust_add};
}

}  // namespace fedge::cli
