#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

std::string staple_cell(const Json& row) {
    const Json staple = row.value("staple", Json());
    return staple.is_object() ? "until " + as_time("to")(staple) : "none";
}

void print_rest(Session& session, const Json& reply) {
    std::ostream& out = session.out();
    const Json keys = reply.value("ticket_keys", Json::array());
    out << "ticket keys  ";
    if (keys.empty()) {
        out << "none (tls.tickets off)\n";
    } else {
        out << keys.size() << ", the newest of " << printable(as_time("created")(keys.front()))
            << ", turned over every " << as_seconds("ticket_lifetime_s")(reply) << '\n';
    }
    out << "authorities  " << as_count("authorities")(reply) << " added, " << as_count("system_authorities")(reply)
        << " of the system\n";
    for (const Json& crl : reply.value("crls", Json::array()))
        out << "revocation   " << printable(text_or(crl, "issuer", "?")) << ", until " << as_time("to")(crl) << '\n';
}

Exit run_show_certs(Session& session, const Arguments&) {
    const Json reply = session.api.get("/v1/tls");
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    if (!true_at(reply, "served")) {
        session.out() << "No listener of TLS is in force, so no certificate is published (fedge cert list).\n";
        return Exit::ok;
    }
    print_rows(session.out(), session.at.width,
               {{{"NAME"}, as_text("name")},
                {{"NAMES IT PROVES", Column::Align::left, true}, names_cell},
                {{"KEY"}, as_text("key")},
                {{"ENDS"}, state_cell},
                {{"OCSP STAPLE", Column::Align::left, false, 1}, staple_cell},
                {{"SHA-256", Column::Align::left, true, 2}, as_text("sha256")}},
               reply.value("rows", Json::array()), "There are no certificates.");
    print_rest(session, reply);
    if (!true_at(reply, "adopted"))
        session.err() << "note: the dataplane does not run on the newest configuration (fedge show status)\n";
    return Exit::ok;
}

}  // namespace

Command show_certs() {
    return {.path = "show certs",
            .summary = "show the certificates, keys and lists that the dataplane works with",
            .description = "What is stored, published or not, is shown by fedge cert list.",
            .examples = {{"fedge show certs", "certificates, stapled responses, ticket keys, authorities"},
                         {"fedge show certs --json", "the same for scripts"}},
            .run = run_show_certs};
}

}  // namespace fedge::cli
