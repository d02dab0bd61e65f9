#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Json question(const Arguments& arguments) {
    if (arguments.has("file") && arguments.has("user-agent"))
        throw Failure(Exit::usage, "--file and --user-agent exclude each other", "give one of them");
    if (arguments.has("type") && (arguments.has("file") || arguments.has("user-agent")))
        throw Failure(Exit::usage, "--type is about messages", "leave it out");
    Json out = {{"text", arguments.positional(0)}};
    if (arguments.has("file")) out["as"] = "file";
    if (arguments.has("user-agent")) out["as"] = "user-agent";
    if (arguments.has("type")) out["type"] = arguments.text("type");
    if (arguments.has("candidate")) out["candidate"] = true;
    return out;
}

Exit run_sip_filter_test(Session& session, const Arguments& arguments) {
    const Json reply = session.api.send("POST", "/v1/sip/filter/test", question(arguments));
    const bool passes = true_at(reply, "passes");
    if (session.json) {
        print_json(session.out(), reply);
        return passes ? Exit::ok : Exit::refused;
    }
    std::ostream& out = session.out();
    out << printable(text_or(reply, "words", "?")) << '\n';
    if (const std::string signature = text_or(reply, "signature", ""); !signature.empty())
        out << "  signature: " << printable(signature) << '\n';
    if (const Json wire = reply.value("wire", Json()); wire.is_object())
        out << "  the sender is told: " << printable(text_or(wire, "status", "")) << ", ms-diagnostics "
            << printable(text_or(wire, "code", "")) << " (" << printable(text_or(wire, "text", "")) << ")\n";
    std::string text = text_or(reply, "text", "");
    std::erase(text, '\r');
    if (!text.empty()) out << "  it becomes:\n" << printable(text, true) << '\n';
    return passes ? Exit::ok : Exit::refused;
}

}  // namespace

Command sip_filter_test() {
    return {
        .path = "sip filter test",
        .summary = "say what a text would meet in the filters",
        .description =
            "By the same code that looks at messages. Exit code 0: it would pass, perhaps changed; 1: it would not.",
        .positionals = {{"TEXT"}},
        .options = {{"type", "TYPE", "Content-Type of the message (default: text/plain)"},
                    {"file", nullptr, "TEXT is the name of a file that is offered"},
                    {"user-agent", nullptr, "TEXT is what a client calls itself"},
                    {"candidate", nullptr, "by the filters as fedge commit would make them"}},
        .examples = {{"fedge sip filter test 'see http://www.example.org'", "a message with a link"},
                     {"fedge sip filter test '<a href=x>y</a>' --type text/html", "one in HTML"},
                     {"fedge sip filter test setup.exe --file", "an offer of a file"},
                     {"fedge sip filter test friendly-scanner --user-agent", "a client by its name"}},
        .run = run_sip_filter_test};
}

}  // namespace fedge::cli
