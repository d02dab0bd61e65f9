#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/input_file.h"

namespace fedge::cli {
namespace {

Exit run_cert_import(Session& session, const Arguments& arguments) {
    if (arguments.text("cert") == "-" && arguments.text("key") == "-")
        throw Failure(Exit::usage, "--cert and --key cannot both be standard input", "give one of them as a file");
    Json body = {{"name", arguments.positional(0)}, {"chain", read_pem(session, arguments, "cert")}};
    if (arguments.has("key")) body["key"] = read_pem(session, arguments, "key");
    if (arguments.has("ca")) body["roots"] = read_pem(session, arguments, "ca");
    const Json reply = session.api.send("POST", "/v1/certificates", body);
    return report_certificate(session, reply, true_at(reply, "replaced") ? "replaced" : "imported");
}

}  // namespace

Command cert_import() {
    return {
        .path = "cert import",
        .summary = "import a certificate with its private key, or replace one",
        .description =
            "FILE of --cert has the certificate of the edge first, then the intermediates, each behind what it\n"
            "issued. It is checked as partners will check it, and refused with every reason at once. Without --key\n"
            "the key of fedge cert csr is used, or that of the certificate which is replaced. The key stays in the\n"
            "edge: no command shows it again. Takes effect at once; connections go on.",
        .positionals = {{"NAME", Words::certificates}},
        .options = {{"cert", "FILE", "certificate and intermediates, PEM (- is standard input)", Words::files},
                    {"key", "FILE", "private key, PEM, not encrypted (- is standard input)", Words::files},
                    {"ca", "FILE", "root of your own authority, for this chain only", Words::files}},
        .examples = {{"fedge cert import edge --cert fullchain.pem --key privkey.pem", "as Let's Encrypt leaves them"},
                     {"fedge cert import edge --cert signed.pem", "the answer to fedge cert csr edge"},
                     {"fedge cert import lan --cert lan.pem --key lan.key --ca corporate-root.pem",
                      "from an authority of your own"}},
        .run = run_cert_import};
}

}  // namespace fedge::cli
