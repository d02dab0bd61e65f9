#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/password.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_turn_user_add(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    Json body = {{"name", name}, {"password", read_password(session, arguments, name)}};
    if (arguments.has("replace")) body["replace"] = true;
    const std::string user = "User " + printable(name);
    return report_change(session, session.api.send("POST", "/v1/turn/users", body), user + " can authenticate now.",
                         user + " is stored");
}

}  // namespace

Command turn_user_add() {
    return {
        .path = "turn user add",
        .summary = "add a TURN user with a password",
        .description =
            "The password is asked for without echo, or read from a file or standard input (first line). It cannot\n"
            "be an argument, because arguments can be seen by everybody on the machine. Takes effect at once.",
        .positionals = {{"NAME"}},
        .options = {{"password-file", "FILE", "read the password from FILE (- is standard input)", Words::files},
                    {"replace", nullptr, "give an existing user a new password"}},
        .examples = {{"fedge turn user add alice", "asks for the password"},
                     {"fedge turn user add alice --password-file /root/alice.password", "for scripts"},
                     {"fedge turn user add alice --replace", "changes the password"}},
        .run = run_turn_user_add};
}

}  // namespace fedge::cli
