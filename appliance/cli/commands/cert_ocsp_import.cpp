#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/input_file.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_ocsp_import(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const Json reply = session.api.send_bytes("PUT", "/v1/certificates/" + encoded(name) + "/ocsp",
                                              read_file(session, arguments, "file"));
    const Json staple = reply.value("staple", Json::object());
    const std::string what =
        "The response for certificate " + printable(name) + " is stapled until " + as_time("to")(staple);
    return report_tls_change(session, reply, what + ".", what);
}

}  // namespace

Command cert_ocsp_import() {
    return {
        .path = "cert ocsp import",
        .summary = "staple an OCSP response to the handshakes with a certificate",
        .description = "The response is checked: it must be about this certificate, from its issuer, fresh, and good.",
        .positionals = {{"NAME", Words::certificates}},
        .options = {{"file", "FILE", "the response, DER, as openssl ocsp -respout writes it", Words::files}},
        .examples = {{"fedge cert ocsp import edge --file edge.ocsp", "again before it ends, from a timer"}},
        .run = run_cert_ocsp_import};
}

}  // namespace fedge::cli
