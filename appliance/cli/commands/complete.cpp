// `fedge complete -- WORD...`: what the last word may become, one candidate per line. For the completion script.
#include <algorithm>
#include <chrono>
#include <set>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/help.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

using Candidates = std::set<std::string>;

struct Typed {
    std::vector<std::string> path;  // words that are no options, without the one being typed
    std::string last_option;        // "--user" if the word being typed is its value
    std::string current;
    std::string socket;
};

const Option* option_of(const Command* command, const std::string& word) {
    for (const auto* list : {command ? &command->options : nullptr, &common_options()}) {
        if (!list) continue;
        for (const Option& option : *list) {
            const std::string name = option.name;
            const size_t comma = name.find(',');
            if (word == "--" + name.substr(0, comma)) return &option;
            if (comma != std::string::npos && word == "-" + name.substr(comma + 1)) return &option;
        }
    }
    return nullptr;
}

Typed typed(const std::vector<std::string>& words, const std::string& socket) {
    Typed out{{}, "", words.empty() ? "" : words.back(), socket};
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i].empty() || words[i][0] != '-') {
            out.path.push_back(words[i]);
            continue;
        }
        const Option* option = option_of(find_command(out.path).command, words[i]);
        if (!option || !option->value) continue;
        if (i + 2 == words.size()) out.last_option = words[i];
        if (words[i] == "--socket" && i + 2 < words.size()) out.socket = words[i + 1];
        ++i;
    }
    return out;
}

void add_next_words(Candidates& out, const std::vector<std::string>& path) {
    std::string prefix;
    for (const std::string& word : path) prefix += word + " ";
    for (const Command& command : all_commands()) {
        if (command.hidden || !command.path.starts_with(prefix)) continue;
        const std::string rest = command.path.substr(prefix.size());
        out.insert(rest.substr(0, rest.find(' ')));
    }
}

void add_column(Candidates& out, const Json& reply, const char* key) {
    for (const Json& row : reply.value("rows", Json::array())) out.insert(text_or(row, key, ""));
}

// Keys without placeholders as they are; keys with one for every name in use, and for the name being typed.
void add_settings(Candidates& out, const Api& api, const std::string& current) {
    const Json settings = api.get("/v1/candidate").value("settings", Json::object());
    for (const std::string& pattern : key_patterns(api.get("/v1/schema"))) {
        const size_t open = pattern.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (open == std::string::npos) {
            out.insert(pattern);
            continue;
        }
        const std::string head = pattern.substr(0, open);
        const size_t close = pattern.find('.', open);
        const std::string tail = close == std::string::npos ? "" : pattern.substr(close);
        if (!current.starts_with(head)) out.insert(head);
        if (const size_t dot = current.rfind('.');
            current.starts_with(head) && dot != std::string::npos && dot > head.size())
            out.insert(current.substr(0, dot) + tail);
        for (const auto& [key, value] : settings.items())
            if (key.starts_with(head) && key.ends_with(tail)) out.insert(key);
    }
}

// Those that begin as what is typed: there may be a million.
void add_entries(Candidates& out, const Api& api, const std::string& kind, const std::string& current) {
    // What comes behind the name before the first that begins so.
    std::string filter;
    if (!current.empty()) {
        std::string before = current;
        before.back() = static_cast<char>(before.back() - 1);
        filter = "&after=" + encoded(kind + ":" + before + "\x7f");
    }
    add_column(out, api.get("/v1/entries?kind=" + kind + "&limit=100" + filter), "name");
}

void add_words(Candidates& out, Words words, const Api& api, const Typed& line, const std::vector<std::string>& given) {
    switch (words) {
        case Words::none: break;
        case Words::settings: add_settings(out, api, line.current); break;
        case Words::users: add_column(out, api.get("/v1/turn/users"), "name"); break;
        case Words::secrets: add_column(out, api.get("/v1/turn/secrets"), "id"); break;
        case Words::revisions: add_column(out, api.get("/v1/revisions"), "revision"); break;
        case Words::allocations: add_column(out, api.rows("/v1/allocations", "", 100, ""), "id"); break;
        case Words::connections: add_column(out, api.rows("/v1/connections", "", 100, ""), "id"); break;
        case Words::certificates: add_column(out, api.get("/v1/certificates"), "name"); break;
        case Words::authorities: add_column(out, api.get("/v1/trust"), "name"); break;
        case Words::crl_issuers: add_column(out, api.get("/v1/crls"), "issuer"); break;
        case Words::commands: add_next_words(out, given); break;
        case Words::files: out.insert(":files"); break;
        case Words::on_off: out.insert({"on", "off"}); break;
        case Words::partners: add_entries(out, api, "domain", line.current); break;
        case Words::policy_users: add_entries(out, api, "user", line.current); break;
        case Words::discovered: add_column(out, api.rows("/v1/discovered", "", 100, ""), "domain"); break;
        case Words::providers: add_column(out, api.get("/v1/providers?candidate=true"), "name"); break;
        case Words::sites: add_column(out, api.get("/v1/policies?candidate=true"), "name"); break;
        case Words::access:
            out.insert({"federation", "xmpp", "public-im", "public-im-av", "outside", "nothing"});
            break;
        case Words::verifications: out.insert({"always-verifiable", "always-unverifiable", "use-source"}); break;
        case Words::purposes: out.insert({"server-or-client", "client-strict", "sip-domain"}); break;
        case Words::srv_modes: out.insert({"microsoft-then-sips", "microsoft", "sips"}); break;
        case Words::shells: out.insert("bash"); break;
    }
}

void add_options(Candidates& out, const Command* command) {
    for (const auto* list : {command ? &command->options : nullptr, &common_options()}) {
        if (!list) continue;
        for (const Option& option : *list) {
            const std::string name = option.name;
            out.insert("--" + name.substr(0, name.find(',')));
        }
    }
}

Candidates candidates(const Typed& line) {
    // A shell that waits for a tab key must not wait long for an edge in trouble.
    const Api api(line.socket, std::chrono::seconds(2));
    const Found found = find_command(line.path);
    Candidates out;
    if (!line.last_option.empty()) {
        if (const Option* option = option_of(found.command, line.last_option))
            add_words(out, option->words, api, line, {});
        return out;
    }
    if (!line.current.empty() && line.current[0] == '-') {
        add_options(out, found.command);
        return out;
    }
    if (!found.command || found.words == line.path.size()) add_next_words(out, line.path);
    if (!found.command || found.command->positionals.empty()) return out;
    const std::vector<std::string> given(line.path.begin() + static_cast<std::ptrdiff_t>(found.words), line.path.end());
    const auto& positionals = found.command->positionals;
    if (given.size() >= positionals.size() && !positionals.back().repeated) return out;
    add_words(out, positionals[std::min(given.size(), positionals.size() - 1)].words, api, line, given);
    return out;
}

Exit run_complete(Session& session, const Arguments& arguments) {
    const Typed line = typed(arguments.positionals(), session.at.socket);
    Candidates found;
    try {
        found = candidates(line);
    } catch (const Failure&) {
        // No edge to ask: nothing to offer, and no place to say so.
        return Exit::ok;
    }
    for (const std::string& candidate : found)
        if (!candidate.empty() && (candidate == ":files" || candidate.starts_with(line.current)))
            session.out() << candidate << '\n';
    return Exit::ok;
}

}  // namespace

Command complete() {
    return {.path = "complete",
            .summary = "print what the last word may become",
            .description = "For the completion script.",
            .positionals = {{"WORD", Words::none, false, true}},
            .examples = {{"fedge complete -- show st", "prints status and streams"}},
            .run = run_complete,
            .hidden = true};
}

}  // namespace fedge::cli
