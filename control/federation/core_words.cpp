#include "control/federation/core_words.h"

#include "message_generated.h"

namespace fedge::control {
namespace {

using api::Json;

std::string text_of(const flatbuffers::String* text) {
    return text ? text->str() : std::string();
}

// What explains a core that says something else.
std::string why(const CoreWord& core, const CoreState& state) {
    if (state.candidate) return "what is explained is the candidate, which is not committed";
    if (core.revision < state.revision)
        return "revision " + std::to_string(state.revision) + " is not on this core yet, which runs on " +
               std::to_string(core.revision);
    if (!state.in_force) return "the table with it is on its way to the cores";
    return "that should not be: restart fedge-control, and report it";
}

}  // namespace

bool TableWord::same(const TableWord& other) const {
    auto known = [](const TableWord& word) { return word.rule != "none" && word.rule != "discovered"; };
    if (!known(*this) || !known(other)) return known(*this) == known(other);
    return rule == other.rule && entry == other.entry && via == other.via && access == other.access;
}

std::string TableWord::text() const {
    if (rule == "none") return "no entry";
    if (rule == "discovered") return "no entry, discovered before";
    if (rule == "user") return "a policy of its own";
    return std::string(rule == "blocked" ? "block" : "allow") + " domain " + entry + (via.empty() ? "" : " via " + via);
}

TableWord word_of(const contract::Verdicts& verdicts, const std::string& name) {
    TableWord out;
    if (name.find('@') != std::string::npos) {
        auto access = verdicts.user(name);
        if (access) out.rule = "user";
        out.access = access.value_or(contract::Access{});
        return out;
    }
    contract::DomainVerdict found = verdicts.domain(name);
    switch (found.rule) {
        case contract::Rule::none: return out;
        case contract::Rule::allowed: out.rule = "allowed"; break;
        case contract::Rule::blocked: out.rule = "blocked"; break;
        case contract::Rule::discovered: out.rule = "discovered"; break;
    }
    out.entry = found.entry;
    out.via = found.via;
    return out;
}

std::vector<CoreWord> core_words(const contract::LookedUp& found) {
    std::vector<CoreWord> out;
    if (!found.rows()) return out;
    for (const auto* row : *found.rows())
        out.push_back({row->core(),
                       row->revision(),
                       {text_of(row->rule()), text_of(row->entry()), text_of(row->via()), row->access()}});
    return out;
}

Json core_words_json(const std::string& name, const TableWord& expected, const std::vector<CoreWord>& cores,
                     const CoreState& state) {
    Json rows = Json::array();
    std::string words;
    for (const CoreWord& core : cores) {
        bool same = core.word.same(expected);
        rows.push_back(
            {{"core", core.core}, {"revision", core.revision}, {"says", core.word.text()}, {"agrees", same}});
        if (same) continue;
        words += (words.empty() ? "" : "; ") + std::string("core ") + std::to_string(core.core) + " has " +
                 core.word.text() + " and not " + expected.text() + ": " + why(core, state);
    }
    bool agree = words.empty();
    if (agree) {
        std::string who = cores.size() == 1 ? "the core says" : "all " + std::to_string(cores.size()) + " cores say";
        words = who + " the same: " + expected.text();
    }
    return {{"name", name}, {"agree", agree}, {"words", words}, {"rows", rows}};
}

}  // namespace fedge::control
