// kill -9 at every step of a commit and of a rollback: each write, sync and truncation of the store's files, and
// halfway through each write. What is found then is the old revision or the new one, never a mixture, with settings,
// entries and candidate that belong together.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "control/store/store.h"
#include "tests/unit/control/killing_files.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

namespace fs = std::filesystem;

const Actor kActor{"alice", 1000};
constexpr int kEntries = 300;  // more pages than a commit of settings alone would touch

std::string name(int i) {
    return "d" + std::to_string(i) + ".example";
}

// Revision n: setting "n" and entries that all say n; every third one is not there in even revisions.
void edit_for(Store& store, int64_t n) {
    store.edit({{"mark", Values{std::to_string(n)}}});
    store.edit_entries([&](Entries& entries) {
        for (int i = 0; i < kEntries; i++) {
            if (i % 3 == 0 && n % 2 == 0) {
                entries.remove(EntryKind::domain, name(i));
            } else {
                entries.put({.name = name(i), .comment = std::to_string(n)});
            }
        }
    });
}

void commit(Store& store, int64_t n) {
    store.append({{"mark", {std::to_string(n)}}}, "", kActor);
}

// What the store says it is, or a failure if its parts disagree.
struct Found {
    int64_t revision = 0;
    std::string mark;
    bool candidate = false;
};

Found look(const std::string& directory) {
    Store store(directory);
    Found found{store.current(), store.settings(store.current())->at("mark").at(0), store.entries().edited()};
    int64_t n = std::stoll(found.mark);
    auto page = store.entries().page(EntryKind::domain, "", 10 * kEntries);
    size_t expected = n % 2 == 0 ? kEntries - kEntries / 3 : kEntries;
    EXPECT_EQ(page.size(), expected);
    for (const auto& entry : page) EXPECT_EQ(entry.comment, found.mark) << entry.name;
    EXPECT_EQ(found.candidate, !store.candidate().empty());
    // Whatever happened, history is whole.
    for (int64_t revision = 1; revision <= found.revision; revision++) {
        std::string mark = store.settings(revision)->at("mark").at(0);
        for (const auto& entry : store.entries().page_in(revision, EntryKind::domain, "", 10 * kEntries))
            EXPECT_EQ(entry.comment, mark) << revision << " " << entry.name;
    }
    return found;
}

using Work = void (*)(Store&);

// Does `work` in a child that is killed at step `at`; true if it lived.
bool survived(const std::string& directory, Work work, uint64_t at, bool torn, uint64_t* steps = nullptr) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        install_killing_files();
        arm_killing_files(0, false);
        {
            Store store(directory);
            arm_killing_files(at, torn);
            work(store);
        }
        uint64_t count = killing_steps();
        if (write(ends[1], &count, sizeof(count)) != sizeof(count)) _exit(1);
        _exit(0);
    }
    close(ends[1]);
    uint64_t count = 0;
    bool whole = read(ends[0], &count, sizeof(count)) == sizeof(count);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(whole ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                      : WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "step " << at << ": status " << status;
    if (steps) *steps = count;
    return whole;
}

void at_every_step(Work work, bool keeps_candidate) {
    Scratch origin;
    {
        Store store(origin.path());
        edit_for(store, 1);
        commit(store, 1);
        edit_for(store, 2);
        commit(store, 2);
        edit_for(store, 3);  // in the candidate
    }
    uint64_t steps = 0;
    {
        Scratch copy;
        fs::copy(origin.path(), copy.path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
        ASSERT_TRUE(survived(copy.path(), work, 0, false, &steps));
        ASSERT_EQ(look(copy.path()).revision, 3);
    }
    ASSERT_GT(steps, 20U);
    int old = 0, fresh = 0;
    for (uint64_t at = 1; at <= steps; at++) {
        for (bool torn : {false, true}) {
            Scratch copy;
            fs::copy(origin.path(), copy.path(), fs::copy_options::overwrite_existing | fs::copy_options::recursive);
            ASSERT_FALSE(survived(copy.path(), work, at, torn)) << at;
            Found found = look(copy.path());
            if (testing::Test::HasFailure())
                FAIL() << "after a kill at step " << at << (torn ? " within the write" : "");
            ASSERT_TRUE(found.revision == 2 || found.revision == 3);
            EXPECT_EQ(found.candidate, found.revision == 2 || keeps_candidate) << at;
            (found.revision == 2 ? old : fresh)++;
            // And it goes on from there.
            Store store(copy.path());
            store.discard();
            edit_for(store, found.revision + 10);
            commit(store, found.revision + 10);
            EXPECT_EQ(store.current(), found.revision + 1);
        }
    }
    EXPECT_GT(old, 0);
    EXPECT_GT(fresh, 0) << "no kill came after the commit took effect";
}

TEST(CommitKill, OldOrNewRevisionAtEveryStepOfACommit) {
    at_every_step([](Store& store) { commit(store, 3); }, false);
}

TEST(CommitKill, OldOrNewRevisionAtEveryStepOfARollback) {
    at_every_step([](Store& store) { store.append_rollback(1, "", kActor); }, true);
}

}  // namespace
}  // namespace fedge::control
