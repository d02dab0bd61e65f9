#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_cert_trust_list(Session& session, const Arguments&) {
    const Json reply = session.api.get("/v1/trust");
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    print_rows(session.out(), session.at.width,
               {{{"NAME"}, as_text("name")},
                {{"SUBJECT", Column::Align::left, true}, as_text("subject")},
                {{"KEY", Column::Align::left, false, 1}, as_text("key")},
                {{"ENDS"}, as_time("not_after")},
                {{"BY", Column::Align::left, false, 2}, as_text("who")}},
               reply.value("rows", Json::array()), "No authority was added.");
    session.out() << (true_at(reply, "system") ? "Besides these, " : "Not trusted (tls.trust own): ")
                  << as_count("system_authorities")(reply) << " of the system"
                  << (true_at(reply, "system") ? " are trusted (tls.trust system).\n" : ".\n");
    return Exit::ok;
}

}  // namespace

Command cert_trust_list() {
    return {.path = "cert trust list",
            .summary = "list the authorities that partners' certificates are checked against",
            .description = "",
            .examples = {{"fedge cert trust list", "those that were added, and how many the system brings"}},
            .run = run_cert_trust_list};
}

}  // namespace fedge::cli
