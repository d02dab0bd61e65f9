#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_cert_crl_list(Session& session, const Arguments&) {
    return show_all_rows(session, {"/v1/crls", "", "There are no revocation lists.", "list"},
                         {{{"ISSUER", Column::Align::left, true}, as_text("issuer")},
                          {{"REVOKED", kRight}, as_count("entries")},
                          {{"FROM", Column::Align::left, false, 1}, as_time("from")},
                          {{"ENDS"}, as_time("to")},
                          {{"BY", Column::Align::left, false, 2}, as_text("who")}});
}

}  // namespace

Command cert_crl_list() {
    return {.path = "cert crl list",
            .summary = "list the revocation lists",
            .description = "",
            .examples = {{"fedge cert crl list", "issuers, how many are revoked, when the lists end"}},
            .run = run_cert_crl_list};
}

}  // namespace fedge::cli
