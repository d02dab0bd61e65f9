#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_cert_csr(Session& session, const Arguments& arguments) {
    const Json reply = session.api.send("POST", "/v1/certificates/request", hosts_request(arguments));
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    session.out() << printable(text_or(reply, "request", ""), true);
    session.err() << "Send it to your authority; then: fedge cert import " << printable(arguments.positional(0))
                  << " --cert FILE\n";
    return Exit::ok;
}

}  // namespace

Command cert_csr() {
    return {.path = "cert csr",
            .summary = "make a private key and print the request for its certificate",
            .description =
                "The key is made in the edge and stays there. The request goes to standard output. A certificate of\n"
                "that name serves on until the new one is imported; a second request replaces the first.",
            .positionals = {{"NAME", Words::certificates}, {"HOST", Words::none, true, true}},
            .options = algorithm_options(),
            .examples = {{"fedge cert csr edge access.example.org sip.example.org example.org",
                          "all names that SIP and XMPP partners look for"},
                         {"fedge cert csr edge-rsa access.example.org --rsa", "for an RSA certificate"}},
            .run = run_cert_csr};
}

}  // namespace fedge::cli
