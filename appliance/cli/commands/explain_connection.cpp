#include "appliance/cli/commands/all.h"
#include "appliance/cli/connection_story.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_explain_connection(Session& session, const Arguments& arguments) {
    const std::string which = arguments.positional(0);
    const bool id = which.find_first_not_of("0123456789") == std::string::npos;
    const Json reply = session.api.get("/v1/connection?" + std::string(id ? "id=" : "address=") + encoded(which));
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    for (const std::string& line : connection_story(reply.value("connection", Json::object())))
        session.out() << printable(line) << '\n';
    return Exit::ok;
}

}  // namespace

Command explain_connection() {
    return {
        .path = "explain connection",
        .summary = "tell what happened to a connection, in words",
        .description =
            "For one that lives, or one of the latest that ended: TCP, TLS, service, allocation, and why it ended.\n"
            "It is named by its id, or by the address and port of the other side.",
        .positionals = {{"ID|ADDRESS:PORT", Words::connections}},
        .examples = {{"fedge explain connection 4294967299", "by id, as fedge show connections shows it"},
                     {"fedge explain connection 198.51.100.2:51234", "by the other side's address, as in its own log"},
                     {"fedge explain connection '[2001:db8::2]:51234'", "an IPv6 address"}},
        .run = run_explain_connection};
}

}  // namespace fedge::cli
