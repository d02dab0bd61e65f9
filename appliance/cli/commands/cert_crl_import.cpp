#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/input_file.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_crl_import(Session& session, const Arguments& arguments) {
    const Json reply = session.api.send_bytes("POST", "/v1/crls", read_file(session, arguments, "file"));
    if (!session.json && !true_at(reply, "verified"))
        session.err()
            << "note: its issuer is not among the authorities here, so its signature is checked when a partner\n"
               "  shows a certificate of that issuer\n";
    const std::string what = "The revocation list of " + printable(text_or(reply, "issuer", "?"));
    return report_tls_change(session, reply, what + " is in force.", what + " is stored");
}

}  // namespace

Command cert_crl_import() {
    return {.path = "cert crl import",
            .summary = "import a revocation list for partners' certificates",
            .description =
                "It replaces the list of the same issuer. From then on the list must be kept fresh: when it ends,\n"
                "partners with certificates of that issuer are refused. fedge show status warns two days before.",
            .options = {{"file", "FILE", "the list, PEM or DER (- is standard input)", Words::files}},
            .examples = {{"fedge cert crl import --file partner-ca.crl", "again before it ends, from a timer"}},
            .run = run_cert_crl_import};
}

}  // namespace fedge::cli
