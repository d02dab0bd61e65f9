#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

constexpr size_t kFilterColumn = 17;

void print_filter(std::ostream& out, const Json& filter) {
    const Json lists = filter.value("lists", Json::object());
    const auto line = [&](const char* label, const std::string& text) { print_pair(out, kFilterColumn, label, text); };
    const auto list = [&](const char* name) {
        const std::string text = lists.contains(name) ? value_text(lists[name], " ") : "";
        line(name, text.empty() ? "-" : text);
    };
    const auto on_off = [&](const char* key) { return true_at(filter, key) ? "on" : "off"; };
    line("links", on_off("links"));
    line("link-action", text_or(filter, "link_action", "-"));
    line("allow-message", text_or(filter, "allow_message", ""));
    line("warn-message", text_or(filter, "warn_message", ""));
    line("file-links", on_off("file_links"));
    line("ignore-local", on_off("ignore_local"));
    line("files", on_off("files"));
    line("file-action", text_or(filter, "file_action", "-"));
    line("scan", on_off("scan"));
    for (const char* name : {"link-prefix", "local-domain", "file-extension", "scanner"}) list(name);
}

Exit run_sip_filter_show(Session& session, const Arguments& arguments) {
    const Json filter =
        session.api.get(std::string("/v1/sip/filter") + (arguments.has("candidate") ? "?candidate=true" : ""));
    if (session.json) {
        print_json(session.out(), filter);
    } else {
        print_filter(session.out(), filter);
    }
    return Exit::ok;
}

}  // namespace

Command sip_filter_show() {
    return {.path = "sip filter show",
            .summary = "show the filters of instant messages, files and scanners",
            .description = "Everything that fedge sip filter set, add and remove change, defaults included.",
            .options = {{"candidate", nullptr, "as fedge commit would make them"}},
            .examples = {{"fedge sip filter show", "the filters in force"},
                         {"fedge sip filter show --candidate", "after fedge commit"}},
            .run = run_sip_filter_show};
}

}  // namespace fedge::cli
