#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

std::string known_by(const Json& entry) {
    if (text_or(entry, "list", "") == "block") return "blocked";
    if (text_or(entry, "kind", "") == "pattern") return "allowed by pattern";
    return entry.contains("via") ? "allowed partner server (direct federation)"
                                 : "allowed partner domain (enhanced federation)";
}

Exit run_partner_show(Session& session, const Arguments& arguments) {
    const std::string kind = arguments.has("pattern") ? "pattern" : "domain";
    const Json reply = session.api.get("/v1/entries/" + kind + "/" + encoded(arguments.positional(0)));
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const Json in_force = reply.value("in_force", Json());
    const Json candidate = reply.value("candidate", Json());
    if (in_force.is_object()) {
        print_pair(session.out(), 14, text_or(in_force, "name", "?"), known_by(in_force));
        const bool blocked = text_or(in_force, "list", "") == "block";
        if (!blocked) {
            print_pair(session.out(), 14, "via", text_or(in_force, "via", "DNS"));
            print_pair(session.out(), 14, "verification", text_or(in_force, "verification", "use-source"));
            print_pair(session.out(), 14, "purpose", text_or(in_force, "purpose", "server-or-client"));
            if (!in_force.contains("via"))
                print_pair(session.out(), 14, "srv", text_or(in_force, "srv", "microsoft-then-sips"));
            print_pair(session.out(), 14, "monitored", true_at(in_force, "monitor") ? "yes" : "no");
        }
        print_pair(session.out(), 14, "comment", text_or(in_force, "comment", "-"));
        print_pair(session.out(), 14, "since",
                   "revision " + text_or(in_force, "since", "?") + " by " + text_or(in_force, "who", "?") + ", " +
                       as_time("when")(in_force));
    } else {
        session.out() << "Not in force.\n";
    }
    const std::string now = in_force.is_object() ? entry_text(in_force) : "";
    const std::string then = candidate.is_object() ? entry_text(candidate) : "";
    if (now != then) session.out() << "In the candidate: " << (then.empty() ? "removed" : printable(then)) << '\n';
    return Exit::ok;
}

}  // namespace

Command partner_show() {
    return {.path = "partner show",
            .summary = "show the entry of one domain or pattern, in force and in the candidate",
            .description =
                "The entry of this name itself. What holds for a domain, from entries, patterns, providers and\n"
                "DNS together, is what fedge explain federation tells.",
            .positionals = {{"DOMAIN", Words::partners}},
            .options = {{"pattern", nullptr, "the name is a pattern"}},
            .examples = {{"fedge partner show contoso.com", "how it is allowed or blocked, since when, and by whom"},
                         {"fedge partner show --pattern '*.contoso.com'", "a pattern"}},
            .run = run_partner_show};
}

}  // namespace fedge::cli
