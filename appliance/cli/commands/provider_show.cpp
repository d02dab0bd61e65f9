#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/providers.h"

namespace fedge::cli {
namespace {

Exit run_provider_show(Session& session, const Arguments& arguments) {
    const Json p = provider(session, arguments.positional(0), arguments.has("candidate"));
    if (session.json) {
        print_json(session.out(), p);
        return Exit::ok;
    }
    const std::string title = text_or(p, "title", "");
    print_pair(session.out(), 22, "provider",
               text_or(p, "name", "?") + (title.empty() ? "" : " (" + title + ", built in)"));
    print_pair(session.out(), 22, "kind", text_or(p, "kind", "?"));
    print_pair(session.out(), 22, "state", true_at(p, "enabled") ? "enabled" : "disabled");
    print_pair(session.out(), 22, "proxy", text_or(p, "proxy", "-"));
    print_pair(session.out(), 22, "verification", text_or(p, "verification", "?"));
    print_pair(session.out(), 22, "purpose", text_or(p, "purpose", "?"));
    if (p.contains("capabilities")) {
        print_pair(session.out(), 22, "capabilities", text_or(p, "capabilities", "-"));
        print_pair(session.out(), 22, "our certificate",
                   true_at(p, "wants_client_auth") ? "must have serverAuth and clientAuth" : "must have serverAuth");
    } else {
        print_pair(session.out(), 22, "shared address space", true_at(p, "shared_address_space") ? "yes" : "no");
        print_pair(session.out(), 22, "hosts users of ours", true_at(p, "hosts_users") ? "yes" : "no");
    }
    if (const Json decoration = p.value("decoration", Json()); decoration.is_object()) {
        print_pair(session.out(), 22, "decoration",
                   "user(contoso.com)@" + text_or(decoration, "domain", "?") + ", routed by " +
                       text_or(decoration, "routing_domain", "?"));
        print_pair(session.out(), 22, "not decorated", text_or(decoration, "excluded", "-"));
    }
    return Exit::ok;
}

}  // namespace

Command provider_show() {
    return {.path = "provider show",
            .summary = "show a provider with all its properties",
            .description = "",
            .positionals = {{"NAME", Words::providers}},
            .options = {{"candidate", nullptr, "as the candidate has it"}},
            .examples = {{"fedge provider show skype", "what it could do, and what it demanded"}},
            .run = run_provider_show};
}

}  // namespace fedge::cli
