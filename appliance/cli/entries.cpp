#include "appliance/cli/entries.h"

#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit patch_entries(Session& session, const Json& body) {
    const Json reply = session.api.send("PATCH", "/v1/candidate/entries", body);
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const auto changes = static_cast<uint64_t>(number_or(reply, "candidate_changes", 0));
    if (changes == 0) {
        session.out() << "The candidate is as the configuration in force: there is nothing to commit.\n";
    } else {
        session.out() << counted(changes, "change")
                      << " not committed: fedge diff shows, fedge commit puts into force.\n";
    }
    return Exit::ok;
}

void print_entry(Session& session, char sign, const Json& entry) {
    if (entry.is_object()) session.out() << sign << ' ' << printable(entry_text(entry)) << '\n';
}

}  // namespace

std::vector<Option> plain_entry_options() {
    return {{"comment", "TEXT", "why, shown in listings"},
            {"replace", nullptr, "take the place of an entry that is there, on either list"}};
}

std::vector<Option> entry_options() {
    std::vector<Option> all = {
        {"via", "FQDN", "the partner's server; without it, DNS says where the partner is", Words::none},
        {"verification", "LEVEL", "always-verifiable, always-unverifiable or use-source (default)",
         Words::verifications},
        {"purpose", "USAGE", "of the partner's certificate: server-or-client (default), client-strict or sip-domain",
         Words::purposes},
        {"srv", "MODE", "SRV records: microsoft-then-sips (default), microsoft or sips", Words::srv_modes},
        {"monitor", nullptr, "mark the partner for monitoring"}};
    for (const Option& option : plain_entry_options()) all.push_back(option);
    return all;
}

Json entry_from(const Arguments& arguments, const char* kind, const char* list) {
    Json entry = {{"kind", kind}, {"name", arguments.positional(0)}, {"list", list}};
    for (const char* option : {"via", "verification", "purpose", "srv", "comment"})
        if (arguments.has(option)) entry[option] = arguments.text(option);
    if (arguments.has("monitor")) entry["monitor"] = true;
    return entry;
}

Exit put_entry(Session& session, const Json& entry, bool replace) {
    Json body = {{"put", Json::array({entry})}};
    if (replace) body["replace"] = true;
    return patch_entries(session, body);
}

Exit remove_entries(Session& session, const Json& entries) {
    return patch_entries(session, {{"remove", entries}});
}

std::string entry_text(const Json& entry) {
    const std::string kind = text_or(entry, "kind", "?");
    const std::string name = text_or(entry, "name", "?");
    std::string text;
    if (kind == "user") {
        const std::string access = text_or(entry, "access", "");
        text = "policy user " + name + ": " + (access.empty() ? "nothing" : access);
    } else {
        text = text_or(entry, "list", "?") + " " + kind + " " + name;
        for (const char* field : {"via", "verification", "purpose", "srv"})
            if (entry.contains(field)) text += std::string(" ") + field + " " + text_or(entry, field, "");
        if (true_at(entry, "monitor")) text += " monitor";
    }
    if (const std::string comment = text_or(entry, "comment", ""); !comment.empty()) text += " (" + comment + ")";
    return text;
}

void print_entry_changes(Session& session, const Json& entries) {
    const Json first = entries.value("first", Json::array());
    for (const Json& change : first) {
        print_entry(session, '-', change.value("old", Json()));
        print_entry(session, '+', change.value("new", Json()));
    }
    const auto count = [&](const char* what) { return static_cast<uint64_t>(number_or(entries, what, 0)); };
    const uint64_t all = count("added") + count("changed") + count("removed");
    if (all > first.size())
        session.out() << "... " << grouped(all) << " entries in all: " << grouped(count("added")) << " added, "
                      << grouped(count("changed")) << " changed, " << grouped(count("removed")) << " removed\n";
}

}  // namespace fedge::cli
