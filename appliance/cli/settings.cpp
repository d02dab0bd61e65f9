#include "appliance/cli/settings.h"

#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/suggest.h"

namespace fedge::cli {
namespace {

bool known(const std::string& key, const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns)
        if (key_in_pattern(pattern, key) == key) return true;
    return false;
}

}  // namespace

std::vector<std::string> key_patterns(const Json& schema) {
    std::vector<std::string> patterns;
    for (const Json& setting : schema.value("settings", Json::array())) patterns.push_back(text_or(setting, "key", ""));
    return patterns;
}

Json edit_candidate(Session& session, const Json& patch, const std::vector<std::string>& keys) {
    try {
        return session.api.send("PATCH", "/v1/candidate", patch);
    } catch (const Failure& refused) {
        if (refused.exit != Exit::refused) throw;
        const auto patterns = key_patterns(session.api.get("/v1/schema"));
        for (const std::string& key : keys) {
            if (known(key, patterns)) continue;
            const std::string near = nearest_key(key, patterns);
            throw Failure(Exit::refused, "there is no setting '" + key + "'",
                          near.empty() ? "fedge help settings lists all of them" : "did you mean " + near + "?");
        }
        throw;
    }
}

Exit report_edit(Session& session, const Json& reply) {
    const size_t changes =
        reply.value("changes", Json::array()).size() + static_cast<size_t>(number_or(reply, "entry_changes", 0));
    if (session.json) {
        print_json(session.out(), reply);
    } else if (changes == 0) {
        session.out() << "The candidate is as the configuration in force: there is nothing to commit.\n";
    } else {
        session.out() << counted(changes, "change")
                      << " not committed: fedge diff shows, fedge commit puts into force.\n";
    }
    return Exit::ok;
}

void print_changes(Session& session, const Json& changes) {
    if (!changes.is_array() || changes.empty()) {
        session.out() << "There are no differences.\n";
        return;
    }
    for (const Json& change : changes) {
        const std::string key = text_or(change, "key", "?");
        const auto line = [&](char sign, const char* side) {
            if (change.contains(side) && !change[side].is_null())
                session.out() << sign << ' ' << printable(key + " = " + value_text(change[side])) << '\n';
        };
        line('-', "old");
        line('+', "new");
    }
}

}  // namespace fedge::cli
