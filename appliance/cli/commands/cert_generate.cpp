#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_cert_generate(Session& session, const Arguments& arguments) {
    return report_certificate(session, session.api.send("POST", "/v1/certificates/generate", hosts_request(arguments)),
                              "generated");
}

}  // namespace

Command cert_generate() {
    return {
        .path = "cert generate",
        .summary = "make a certificate for a lab, signed by an authority of the edge",
        .description =
            "The lab authority is made at the first use, and only this edge has its key. Nobody trusts it unless\n"
            "told to: fedge cert show lab-ca --pem prints it. For partners, use fedge cert csr or fedge cert import.",
        .positionals = {{"NAME", Words::certificates}, {"HOST", Words::none, true, true}},
        .options = algorithm_options(),
        .examples = {{"fedge cert generate edge edge.lab.example 192.0.2.10", "proves a name and an address"},
                     {"fedge cert generate edge-rsa edge.lab.example --rsa", "an RSA one beside it"}},
        .run = run_cert_generate};
}

}  // namespace fedge::cli
