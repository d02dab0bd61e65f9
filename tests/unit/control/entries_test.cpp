// Entries of revisions and of the candidate: against a model that keeps a copy of everything.
#include "control/store/entries.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "control/store/store.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

const Actor kActor{"alice", 1000};

using Key = std::pair<EntryKind, std::string>;
using World = std::map<Key, Entry>;

Entry allowed(const std::string& name, const std::string& via = "") {
    return {.kind = EntryKind::domain, .name = name, .via = via};
}

Entry blocked(const std::string& name) {
    return {.kind = EntryKind::domain, .name = name, .blocked = true};
}

void put(Store& store, const Entry& entry) {
    store.edit_entries([&](Entries& entries) { entries.put(entry); });
}

void remove(Store& store, const std::string& name) {
    store.edit_entries([&](Entries& entries) { entries.remove(EntryKind::domain, name); });
}

int64_t commit(Store& store) {
    return store.append({}, "", kActor);
}

// Page by page, as an export does it.
World exported(Store& store) {
    World out;
    for (EntryKind kind : {EntryKind::domain, EntryKind::pattern, EntryKind::user}) {
        std::string after;
        while (true) {
            auto page = store.entries().page(kind, after, 3);
            if (page.empty()) break;
            for (const auto& entry : page) {
                EXPECT_GT(entry.name, after);
                after = entry.name;
                out[{kind, entry.name}] = entry;
            }
        }
    }
    return out;
}

World exported_of(Store& store, int64_t revision) {
    World out;
    for (EntryKind kind : {EntryKind::domain, EntryKind::pattern, EntryKind::user}) {
        for (const auto& entry : store.entries().page_in(revision, kind, "", 1000)) out[{kind, entry.name}] = entry;
    }
    return out;
}

World candidate_of(Store& store) {
    World out;
    for (EntryKind kind : {EntryKind::domain, EntryKind::pattern, EntryKind::user}) {
        for (const auto& entry : store.entries().candidate_page(kind, "", 1000)) out[{kind, entry.name}] = entry;
    }
    return out;
}

TEST(Entries, ComeIntoForceWithTheCommitAndGoWithTheRollback) {
    Scratch scratch;
    Store store(scratch.path());
    put(store, allowed("contoso.com"));
    put(store, blocked("evil.example"));
    EXPECT_TRUE(exported(store).empty());
    EXPECT_EQ(store.entries().edit_count(), 2);
    EXPECT_EQ(commit(store), 1);
    EXPECT_EQ(store.entries().edit_count(), 0);
    EXPECT_EQ(exported(store).size(), 2U);
    EXPECT_EQ(store.entries().find(EntryKind::domain, "contoso.com")->since, 1);

    put(store, allowed("contoso.com", "sip.contoso.com"));
    remove(store, "evil.example");
    EXPECT_EQ(commit(store), 2);
    EXPECT_EQ(store.entries().find(EntryKind::domain, "contoso.com")->entry.via, "sip.contoso.com");
    EXPECT_FALSE(store.entries().find(EntryKind::domain, "evil.example"));

    EXPECT_EQ(store.append_rollback(1, "", kActor), 3);
    EXPECT_EQ(exported(store), exported_of(store, 1));
    EXPECT_EQ(store.entries().find(EntryKind::domain, "evil.example")->since, 3);
    EXPECT_EQ(store.append_rollback(0, "", kActor), 4);
    EXPECT_TRUE(exported(store).empty());
}

TEST(Entries, WhatComesBackAsItWasIsNoChange) {
    Scratch scratch;
    Store store(scratch.path());
    put(store, allowed("a.example"));
    commit(store);
    put(store, blocked("a.example"));
    EXPECT_EQ(store.entries().edit_count(), 1);
    put(store, allowed("a.example"));
    EXPECT_EQ(store.entries().edit_count(), 0) << "the candidate is as what is in force";
    remove(store, "a.example");
    put(store, allowed("b.example"));
    remove(store, "b.example");
    EXPECT_EQ(store.entries().edit_count(), 1);
    commit(store);                     // 2: without
    put(store, allowed("a.example"));  // 3: the same again
    commit(store);
    int changes = 0;
    store.entries().each_change(1, 3, [&](const EntryChange&) { changes++; });
    EXPECT_EQ(changes, 0);
    store.append_rollback(1, "", kActor);
    EXPECT_EQ(store.entries().find(EntryKind::domain, "a.example")->since, 3) << "a rollback opened it again";
}

TEST(Entries, CandidateStaysThroughARollbackAsFarAsItDiffers) {
    Scratch scratch;
    Store store(scratch.path());
    put(store, allowed("a.example"));
    commit(store);
    remove(store, "a.example");
    commit(store);
    put(store, allowed("a.example"));
    put(store, allowed("b.example"));
    store.append_rollback(1, "", kActor);
    EXPECT_EQ(store.entries().edit_count(), 1);
    EXPECT_EQ(candidate_of(store).size(), 2U);
    store.discard();
    EXPECT_EQ(store.entries().edit_count(), 0);
    EXPECT_EQ(candidate_of(store).size(), 1U);
}

TEST(Entries, HistoryCannotBeChanged) {
    Scratch scratch;
    {
        Store store(scratch.path());
        put(store, allowed("a.example"));
        commit(store);
        remove(store, "a.example");
        commit(store);
    }
    Database database(scratch.path() + "/control.db");
    for (const char* sql : {"DELETE FROM entry", "UPDATE entry SET blocked = 1", "UPDATE entry SET since = 7",
                            "UPDATE entry SET until = 9", "UPDATE entry SET until = NULL"}) {
        EXPECT_THROW(database.execute(sql), SqlError) << sql;
    }
}

TEST(Entries, AFilterShowsWhatItSays) {
    Scratch scratch;
    Store store(scratch.path());
    put(store, allowed("contoso.com", "sip.contoso.com"));
    put(store, {.kind = EntryKind::domain, .name = "it.contoso.com", .monitored = true, .comment = "50% of calls"});
    put(store, allowed("notcontoso.com"));
    put(store, blocked("evil.example"));
    put(store, {.kind = EntryKind::user, .name = "bob@contoso.com", .access = 1});
    put(store, {.kind = EntryKind::user, .name = "bob@fabrikam.com", .access = 1});
    commit(store);
    const struct {
        const char* what;
        EntryFilter filter;
        std::vector<std::string> names;
    } rows[] = {
        {"none", {}, {"contoso.com", "evil.example", "it.contoso.com", "notcontoso.com"}},
        {"blocked", {.blocked = true}, {"evil.example"}},
        {"allowed", {.blocked = false}, {"contoso.com", "it.contoso.com", "notcontoso.com"}},
        {"monitored", {.monitored = true}, {"it.contoso.com"}},
        {"via", {.via = "sip.contoso.com"}, {"contoso.com"}},
        {"under: on label borders", {.under = "contoso.com"}, {"contoso.com", "it.contoso.com"}},
        {"contains, in the name", {.contains = "toso"}, {"contoso.com", "it.contoso.com", "notcontoso.com"}},
        {"contains, in the comment, literally", {.contains = "0% of"}, {"it.contoso.com"}},
        {"two at once", {.blocked = true, .under = "contoso.com"}, {}},
    };
    for (const auto& row : rows) {
        std::vector<std::string> names;
        for (const auto& stored : store.entries().page(EntryKind::domain, "", 100, row.filter))
            names.push_back(stored.entry.name);
        EXPECT_EQ(names, row.names) << row.what;
    }
    EXPECT_EQ(store.entries().page(EntryKind::user, "", 100, {.under = "contoso.com"}).size(), 1U);
}

// Whatever is edited, committed and rolled back in whatever order: every revision exports what it did when it was made,
// the differences of any two lead from one to the other, and a rollback restores the exact export.
TEST(Entries, EveryRevisionStaysAsItWas) {
    Scratch scratch;
    std::mt19937 random(4711);
    auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    auto name = [&](EntryKind kind) {
        std::string domain = std::string(1, static_cast<char>('a' + below(8))) + ".example";
        return kind == EntryKind::user ? "bob@" + domain : kind == EntryKind::pattern ? "*." + domain : domain;
    };
    auto kind = [&] { return static_cast<EntryKind>(below(3)); };
    std::vector<World> history(1);
    World candidate;
    auto store = std::make_unique<Store>(scratch.path());
    for (int step = 0; step < 1500; step++) {
        switch (below(10)) {
            case 0: {
                EXPECT_EQ(store->entries().edited(), candidate != history.back());
                EXPECT_EQ(commit(*store), static_cast<int64_t>(history.size()));
                history.push_back(candidate);
                break;
            }
            case 1: {
                size_t to = below(history.size());
                // The candidate's edits stay on top of what the rollback brings.
                World edits_on_top = history[to];
                store->entries().each_edit([&](const EntryChange& change) {
                    Key key{change.either().kind, change.either().name};
                    if (change.after) {
                        edits_on_top[key] = *change.after;
                    } else {
                        edits_on_top.erase(key);
                    }
                });
                store->append_rollback(static_cast<int64_t>(to), "", kActor);
                history.push_back(history[to]);
                candidate = edits_on_top;
                break;
            }
            case 2: {
                store->discard();
                candidate = history.back();
                break;
            }
            case 3: {
                store.reset();
                store = std::make_unique<Store>(scratch.path());
                break;
            }
            case 4:
            case 5: {
                EntryKind k = kind();
                std::string n = name(k);
                store->edit_entries([&](Entries& entries) { entries.remove(k, n); });
                candidate.erase({k, n});
                break;
            }
            default: {
                Entry entry{.kind = kind(), .name = "", .blocked = below(2) == 0};
                entry.name = name(entry.kind);
                entry.access = static_cast<uint8_t>(below(2));
                if (below(3) == 0) entry.via = "sip.example";
                put(*store, entry);
                candidate[{entry.kind, entry.name}] = entry;
            }
        }
        ASSERT_EQ(exported(*store), history.back()) << "step " << step;
        ASSERT_EQ(candidate_of(*store), candidate) << "step " << step;
    }
    ASSERT_GT(history.size(), 100U);
    for (int i = 0; i < 300; i++) {
        size_t from = below(history.size()), to = below(history.size());
        ASSERT_EQ(exported_of(*store, static_cast<int64_t>(from)), history[from]) << from;
        World world = history[from];
        EntryCounts counts;
        store->entries().each_change(
            static_cast<int64_t>(from), static_cast<int64_t>(to), [&](const EntryChange& change) {
                counts.count(change);
                Key key{change.either().kind, change.either().name};
                auto there = world.find(key);
                ASSERT_EQ(change.before, there == world.end() ? std::nullopt : std::optional(there->second));
                ASSERT_NE(change.before, change.after);
                if (change.after) {
                    world[key] = *change.after;
                } else {
                    world.erase(key);
                }
            });
        ASSERT_EQ(world, history[to]) << from << " to " << to;
        ASSERT_EQ(counts.all() == 0, history[from] == history[to]);
    }
}

// The same entries in any order are the same revision.
TEST(Entries, OrderOfEditsDoesNotMatter) {
    std::mt19937 random(7);
    std::vector<Entry> entries;
    for (int i = 0; i < 200; i++) {
        Entry entry =
            i % 3 ? allowed("d" + std::to_string(i) + ".example") : blocked("d" + std::to_string(i) + ".example");
        entries.push_back(entry);
    }
    std::optional<World> first;
    for (int round = 0; round < 5; round++) {
        std::shuffle(entries.begin(), entries.end(), random);
        Scratch scratch;
        Store store(scratch.path());
        for (const auto& entry : entries) put(store, entry);
        commit(store);
        World world = exported(store);
        if (!first) first = world;
        ASSERT_EQ(world, *first);
        ASSERT_EQ(world.size(), entries.size());
    }
}

}  // namespace
}  // namespace fedge::control
