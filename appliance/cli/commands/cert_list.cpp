#include "appliance/cli/certificates.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_cert_list(Session& session, const Arguments&) {
    return show_all_rows(
        session,
        {"/v1/certificates", "", "There are no certificates: fedge cert import NAME --cert FILE --key FILE adds one.",
         "certificate"},
        {{{"NAME"}, as_text("name")},
         {{"NAMES IT PROVES", Column::Align::left, true}, names_cell},
         {{"KEY"}, as_text("key")},
         {{"ISSUER", Column::Align::left, true, 1}, as_text("issuer")},
         {{"ENDS"}, state_cell},
         {{"BY", Column::Align::left, false, 2}, as_text("who")}});
}

}  // namespace

Command cert_list() {
    return {
        .path = "cert list",
        .summary = "list the certificates of the edge",
        .description =
            "Several may serve side by side: of those that fit the name which a client asks for (SNI) the first is\n"
            "offered that the client understands, RSA or ECDSA; the first of all when no name fits.",
        .examples = {{"fedge cert list", "names, keys, issuers and when they end"},
                     {"fedge cert list --json", "the same for scripts"}},
        .run = run_cert_list};
}

}  // namespace fedge::cli
