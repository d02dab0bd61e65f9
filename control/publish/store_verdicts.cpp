#include "control/publish/store_verdicts.h"

#include "control/publish/federation.h"

namespace fedge::control {
namespace {

NamedVerdict verdict_of(const Entry& entry) {
    NamedVerdict out;
    out.name = entry.name;
    out.user = entry.kind == EntryKind::user;
    out.access = static_cast<contract::Access>(entry.access);
    out.rule = entry.blocked ? contract::Rule::blocked : contract::Rule::allowed;
    out.verification = to_contract(entry.verification);
    out.purpose = to_contract(entry.purpose);
    out.srv_mode = to_contract(entry.srv_mode);
    out.monitored = entry.monitored;
    out.via = entry.via;
    return out;
}

NamedVerdict verdict_of(const DiscoveredPartner& partner) {
    NamedVerdict out;
    out.name = partner.domain;
    out.rule = contract::Rule::discovered;
    out.suspicious = partner.suspicious;
    return out;
}

}  // namespace

VerdictSource::Moment StoreVerdicts::now() {
    return {store_.current(), discovered_.next_change()};
}

bool StoreVerdicts::changes(const Moment& then, size_t most, const Each& each) {
    int64_t revision = store_.current();
    if (store_.entries().more_changes(then.revision, revision, most)) return false;
    store_.entries().each_change(then.revision, revision, [&](const EntryChange& change) {
        const Entry& entry = change.either();
        if (entry.kind == EntryKind::pattern) return;  // those are in the snapshot
        if (change.after) return each(verdict_of(*change.after));
        if (entry.kind == EntryKind::domain) return give_domain(entry.name, each);
        NamedVerdict gone;
        gone.name = entry.name;
        gone.user = true;
        each(gone);
    });
    // A moment of before this start knows nothing of discovered partners, whatever the history has.
    bool from_the_start = then.discovered == 0;
    if (from_the_start
            ? discovered_.count() > static_cast<int64_t>(most)
            : then.discovered < discovered_.first_change() || discovered_.next_change() - then.discovered > most)
        return false;
    if (from_the_start) {
        for (const auto& partner : discovered_.page("", most)) give_domain(partner.domain, each);
    } else {
        for (uint64_t i = then.discovered; i < discovered_.next_change(); i++) give_domain(discovered_.change(i), each);
    }
    return true;
}

void StoreVerdicts::give_domain(const std::string& name, const Each& each) {
    if (auto entry = store_.entries().find(EntryKind::domain, name)) return each(verdict_of(entry->entry));
    if (auto partner = discovered_.find(name)) return each(verdict_of(*partner));
    NamedVerdict gone;
    gone.name = name;
    each(gone);
}

void StoreVerdicts::begin() {
    part_ = Part::domains;
    after_.clear();
}

bool StoreVerdicts::next(size_t rows, const Each& each) {
    size_t given = 0;
    switch (part_) {
        case Part::domains:
        case Part::users: {
            auto kind = part_ == Part::domains ? EntryKind::domain : EntryKind::user;
            for (const Entry& entry : store_.entries().page(kind, after_, rows)) {
                each(verdict_of(entry));
                after_ = entry.name;
                given++;
            }
            break;
        }
        case Part::discovered:
            for (const DiscoveredPartner& partner : discovered_.page(after_, rows)) {
                each(verdict_of(partner));
                after_ = partner.domain;
                given++;
            }
            break;
        case Part::end: return false;
    }
    if (given == rows) return true;
    part_ = static_cast<Part>(static_cast<uint8_t>(part_) + 1);
    after_.clear();
    return part_ != Part::end;
}

}  // namespace fedge::control
