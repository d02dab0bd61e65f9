#include "control/api/explain_basis.h"

#include <algorithm>
#include <stdexcept>

#include "control/publish/discovery_words.h"

namespace fedge::control::api {
namespace {

constexpr size_t kPage = 1000;

// Entries of the revision in force, or of the candidate.
std::vector<Entry> entries_for(Control& control, const ExplainQuery& query, bool candidate) {
    Entries& store = control.store().entries();
    std::vector<Entry> out;
    auto add = [&](EntryKind kind, const std::string& name) {
        if (candidate) {
            if (auto entry = store.candidate(kind, name)) out.push_back(*entry);
        } else if (auto stored = store.find(kind, name)) {
            out.push_back(stored->entry);
        }
    };
    for (const std::string& name : with_parents(query.inbound ? query.from_domain : query.to_domain))
        add(EntryKind::domain, name);
    add(EntryKind::user, user_of(query));
    return out;
}

std::vector<Entry> patterns_of(Control& control, bool candidate) {
    Entries& store = control.store().entries();
    return candidate ? store.candidate_page(EntryKind::pattern, "", kPage) : store.page(EntryKind::pattern, "", kPage);
}

}  // namespace

std::string user_of(const ExplainQuery& query) {
    std::string user =
        query.inbound ? query.to_user + "@" + query.to_domain : query.from_user + "@" + query.from_domain;
    std::transform(user.begin(), user.end(), user.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return user;
}

discovery::Query query_of(const RouteQuestion& question) {
    discovery::Query query;
    query.domain = question.domain;
    query.via = question.via;
    query.mode = mode_of(question.srv_mode);
    query.namespace_rule = question.namespace_rule && question.via.empty();
    return query;
}

std::shared_ptr<ExplainBasis> explain_basis(Control& control, const ExplainQuery& query, bool candidate) {
    FederationConfig federation =
        candidate ? compile(control.candidate()).config.federation : control.config().federation;
    try {
        return std::make_shared<ExplainBasis>(federation, patterns_of(control, candidate),
                                              entries_for(control, query, candidate));
    } catch (const std::runtime_error& error) {
        throw Refusal(RefusalKind::invalid,
                      {"", std::string("the configuration cannot be used: ") + error.what(), "fedge commit says more"});
    }
}

}  // namespace fedge::control::api
