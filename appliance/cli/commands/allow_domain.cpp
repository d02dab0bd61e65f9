#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_allow_domain(Session& session, const Arguments& arguments) {
    return put_entry(session, entry_from(arguments, "domain", "allow"), arguments.has("replace"));
}

}  // namespace

Command allow_domain() {
    return {
        .path = "allow domain",
        .summary = "put a partner's domain on the allowed list, in the candidate",
        .description =
            "Covers the domain and all below it; of several entries the longest decides, and blocked wins a tie.\n"
            "With --via the partner is reached by that server alone (allowed partner server, direct federation);\n"
            "without, by its SRV records (allowed partner domain, enhanced federation). Takes effect with\n"
            "fedge commit. A name is on one list only.",
        .positionals = {{"DOMAIN"}},
        .options = entry_options(),
        .examples = {{"fedge allow domain contoso.com", "found by DNS"},
                     {"fedge allow domain contoso.com --via sip.contoso.com", "by a server that is known"},
                     {"fedge allow domain fabrikam.com --verification always-unverifiable --comment 'trial until May'",
                      "reaches only users who have the sender as a contact"},
                     {"fedge allow domain contoso.com --monitor --replace", "changes what is there"}},
        .run = run_allow_domain};
}

}  // namespace fedge::cli
