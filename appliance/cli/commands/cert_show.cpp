#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

void print_facts(Session& session, const Json& facts, size_t number) {
    const auto line = [&](const char* name, const std::string& text) {
        session.out() << "  " << name << std::string(11 - std::string_view(name).size(), ' ') << printable(text)
                      << '\n';
    };
    session.out() << number << ". " << printable(text_or(facts, "subject", "?")) << '\n';
    line("issuer", text_or(facts, "issuer", "-"));
    if (!facts.value("names", Json::array()).empty()) line("names", names_cell(facts));
    line("valid", as_time("not_before")(facts) + " to " + as_time("not_after")(facts));
    line("key", text_or(facts, "key", "-") + ", signed by " + text_or(facts, "signature", "-"));
    const std::string purposes = text_or(facts, "purposes", "");
    line("purposes", purposes.empty() ? (true_at(facts, "authority") ? "authority" : "all") : purposes);
    line("serial", text_or(facts, "serial", "-"));
    line("SHA-256", text_or(facts, "sha256", "-"));
}

Exit run_cert_show(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get("/v1/certificates/" + encoded(arguments.positional(0)));
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    if (arguments.has("pem")) {
        session.out() << printable(text_or(reply, "pem", ""), true);
        return Exit::ok;
    }
    size_t number = 0;
    for (const Json& facts : reply.value("chain", Json::array())) print_facts(session, facts, ++number);
    if (number == 0) session.out() << "There is no certificate yet.\n";
    if (true_at(reply, "requested"))
        session.out() << "A request is open: fedge cert import " << printable(arguments.positional(0))
                      << " --cert FILE brings the answer.\n";
    if (const Json staple = reply.value("staple", Json()); staple.is_object())
        session.out() << "OCSP response of " << as_time("from")(staple) << ", good until " << as_time("to")(staple)
                      << '\n';
    return Exit::ok;
}

}  // namespace

Command cert_show() {
    return {.path = "cert show",
            .summary = "show a certificate and its chain",
            .description = "lab-ca is the authority that fedge cert generate made. Private keys are never shown.",
            .positionals = {{"NAME", Words::certificates}},
            .options = {{"pem", nullptr, "print the chain as PEM instead"}},
            .examples = {{"fedge cert show edge", "names, dates, key, purposes, chain"},
                         {"fedge cert show lab-ca --pem", "for the trust list of the other side"}},
            .run = run_cert_show};
}

}  // namespace fedge::cli
