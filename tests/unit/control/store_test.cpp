#include "control/store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <random>

#include "control/store/schema.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

const Actor kActor{"alice", 1000};

TEST(Store, CommitsRollsBackAndKeepsHistory) {
    Scratch scratch;
    Store store(scratch.path());
    EXPECT_EQ(store.current(), 0);
    EXPECT_EQ(store.settings(0), Settings{});
    EXPECT_EQ(store.settings(1), std::nullopt);
    Settings first{{"turn.listen", {"192.0.2.1:3478", "192.0.2.2:3478"}}, {"turn.realm", {"a b"}}};
    store.edit({{"turn.realm", Values{"a b"}}});
    EXPECT_EQ(store.append(first, "one", kActor), 1);
    EXPECT_TRUE(store.candidate().empty());
    EXPECT_EQ(store.append({{"turn.realm", {"c"}}}, "two", kActor), 2);
    EXPECT_EQ(store.append_rollback(1, "back", kActor), 3);
    EXPECT_EQ(store.settings(1), first);
    EXPECT_EQ(store.settings(3), first);
    auto revisions = store.revisions(10);
    ASSERT_EQ(revisions.size(), 3U);
    EXPECT_EQ(revisions[0].id, 3);
    EXPECT_EQ(revisions[0].parent, 2);
    EXPECT_EQ(revisions[2].parent, 0);
    EXPECT_EQ(revisions[2].who, "alice");
    EXPECT_EQ(revisions[2].comment, "one");
    EXPECT_EQ(revisions[2].created, 1000);
}

TEST(Store, CandidateSurvivesRestartsUntilDiscarded) {
    Scratch scratch;
    Edits edits{{"icmp.rate", Values{"5"}}, {"turn.realm", std::nullopt}};
    {
        Store store(scratch.path());
        store.edit({{"icmp.rate", Values{"4"}}});
        store.edit(edits);
    }
    Store store(scratch.path());
    EXPECT_EQ(store.candidate(), edits);
    store.discard();
    EXPECT_TRUE(store.candidate().empty());
}

TEST(Store, OlderStoresAreBroughtUpToDate) {
    Scratch scratch;
    {
        Database old(scratch.path() + "/control.db");
        old.execute(kSchema[0]);
        old.execute("INSERT INTO turn_user VALUES('amy', 'r', x'01', x'02', x'03', 5, 'bob'); PRAGMA user_version=1");
    }
    Store store(scratch.path());
    ASSERT_EQ(store.users().size(), 1U);
    EXPECT_EQ(store.users()[0].who, "bob");
    EXPECT_TRUE(store.certificates().empty());
    store.put_certificate({"edge", "CHAIN", "KEY", "", {}, 0, ""}, kActor, "certificate-import", "edge");
    EXPECT_EQ(store.certificate("edge")->chain, "CHAIN");
}

TEST(Store, CertificatesAuthoritiesAndListsSurviveRestarts) {
    Scratch scratch;
    {
        Store store(scratch.path());
        store.put_certificate({"b", "CHAIN", "KEY", "NEXT", {1, 2}, 0, "", "ROOTS"}, kActor, "certificate-import", "b");
        store.put_certificate({"a", "", "", "NEXT", {}, 0, ""}, kActor, "certificate-request", "a");
        store.put_authority({"partner", "ROOT", 0, ""}, kActor);
        store.put_crl({"CN=Partner", "LIST", 0, ""}, kActor);
        store.put_lab_authority({"LAB", "LABKEY", 7}, kActor);
        store.add_ticket_key({1}, 1, 2);
        store.add_ticket_key({2}, 2, 2);
        store.add_ticket_key({3}, 3, 2);
    }
    Store store(scratch.path());
    auto certificates = store.certificates();
    ASSERT_EQ(certificates.size(), 2U);
    EXPECT_EQ(certificates[0].name, "a");
    EXPECT_TRUE(certificates[0].chain.empty());
    EXPECT_EQ(certificates[1].key, "KEY");
    EXPECT_EQ(certificates[1].requested_key, "NEXT");
    EXPECT_EQ(certificates[1].ocsp, (std::vector<uint8_t>{1, 2}));
    EXPECT_EQ(certificates[1].who, "alice");
    EXPECT_EQ(certificates[1].roots, "ROOTS");
    EXPECT_EQ(certificates[1].created, 1000);
    EXPECT_EQ(store.authorities().at(0).certificate, "ROOT");
    EXPECT_EQ(store.crls().at(0).list, "LIST");
    EXPECT_EQ(store.lab_authority()->key, "LABKEY");
    ASSERT_EQ(store.ticket_keys().size(), 2U);
    EXPECT_EQ(store.ticket_keys()[0].key, std::vector<uint8_t>{3});
    EXPECT_FALSE(store.remove_certificate("c", kActor));
    EXPECT_TRUE(store.remove_certificate("b", kActor));
    EXPECT_TRUE(store.remove_authority("partner", kActor));
    EXPECT_TRUE(store.remove_crl("CN=Partner", kActor));
    std::vector<std::string> actions;
    for (const auto& record : store.audit(100)) {
        actions.push_back(record.action);
        EXPECT_EQ(record.detail.find("KEY"), std::string::npos);
    }
    EXPECT_EQ(actions,
              (std::vector<std::string>{"crl-remove", "trust-remove", "certificate-remove", "lab-authority",
                                        "crl-import", "trust-add", "certificate-request", "certificate-import"}));
}

TEST(Store, FilesArePrivate) {
    Scratch scratch;
    ::umask(0);
    std::string path = scratch.path() + "/new/state";
    Store store(path);
    store.append({{"a", {"b"}}}, "", kActor);
    ::umask(022);
    for (const char* name : {"/control.db", "/control.db-wal", "/control.db-shm"}) {
        struct stat info;
        ASSERT_EQ(stat((path + name).c_str(), &info), 0) << name;
        EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
    }
    struct stat directory;
    ASSERT_EQ(stat(path.c_str(), &directory), 0);
    EXPECT_EQ(directory.st_mode & 0777, 0700U);
}

TEST(Store, RevisionsCannotBeChanged) {
    Scratch scratch;
    { Store(scratch.path()).append({{"a", {"b"}}}, "", kActor); }
    Database database(scratch.path() + "/control.db");
    for (const char* sql : {"DELETE FROM revision", "UPDATE revision SET who = 'x'", "DELETE FROM setting",
                            "UPDATE setting SET value = 'x'"}) {
        EXPECT_THROW(database.execute(sql), SqlError) << sql;
    }
}

// Waits at a place of the test's choice.
struct Gate {
    std::promise<void> opened;
    std::shared_future<void> open = opened.get_future().share();
};

int64_t result_of(Store& store) {
    while (true) {
        if (auto id = store.finished()) return *id;
        usleep(1000);
    }
}

TEST(Store, LongWorkIsDoneBesideAndSeenWhenItIsOver) {
    Scratch scratch;
    Store store(scratch.path());
    store.append({{"a", {"1"}}}, "", kActor);
    store.edit_entries([](Entries& entries) { entries.put({.name = "a.example"}); });
    Gate gate;
    std::promise<void> written;
    store.begin([&written, open = gate.open](Store& other) {
        int64_t id = other.append({{"a", {"2"}}}, "", kActor);
        written.set_value();
        open.wait();
        return id;
    });
    EXPECT_TRUE(store.busy());
    EXPECT_EQ(store.finished(), std::nullopt);
    EXPECT_THROW(store.edit({{"a", Values{"3"}}}), SqlError);
    EXPECT_THROW(store.set_drain(true, kActor), SqlError);
    EXPECT_FALSE(store.drain());
    written.get_future().wait();
    gate.opened.set_value();
    EXPECT_EQ(result_of(store), 2);
    EXPECT_FALSE(store.busy());
    EXPECT_EQ(store.current(), 2);
    EXPECT_TRUE(store.entries().find(EntryKind::domain, "a.example"));
    EXPECT_FALSE(store.entries().edited());
    store.edit({{"a", Values{"3"}}});
    EXPECT_EQ(store.append({{"a", {"3"}}}, "", kActor), 3);
}

TEST(Store, WhoReadsBesideLongWorkFindsWhatWasBefore) {
    Scratch scratch;
    Store store(scratch.path());
    store.append({{"a", {"1"}}}, "", kActor);
    constexpr int kEntries = 20'000;
    store.edit_entries([](Entries& entries) {
        for (int i = 0; i < kEntries; i++) entries.put({.name = "d" + std::to_string(i) + ".example"});
    });
    store.begin([](Store& other) { return other.append({{"a", {"2"}}}, "", kActor); });
    size_t looks = 0;
    std::optional<int64_t> id;
    for (; !id; looks++) {
        int64_t revision = store.current();
        std::string mark = store.settings(revision)->at("a").at(0);
        ASSERT_EQ(mark, std::to_string(revision));
        bool first = store.entries().find(EntryKind::domain, "d0.example").has_value();
        bool last = store.entries().find(EntryKind::domain, "d19999.example").has_value();
        ASSERT_TRUE(revision == 1 ? !last || first : first && last) << "nothing of revision 2 comes before it";
        id = store.finished();
    }
    EXPECT_EQ(*id, 2);
    EXPECT_GT(looks, 0U);
    EXPECT_EQ(store.entries().page(EntryKind::domain, "", kEntries + 1).size(), size_t{kEntries});
}

TEST(Store, WhatLongWorkThrowsIsThrownOnceAndLeavesTheStoreAsItWas) {
    Scratch scratch;
    Store store(scratch.path());
    store.edit({{"a", Values{"1"}}});
    store.begin([](Store& other) -> int64_t {
        other.append({{"a", {"1"}}}, "", kActor);
        throw StoreError("on second thoughts");
    });
    EXPECT_THROW(result_of(store), StoreError);
    EXPECT_FALSE(store.busy());
    EXPECT_EQ(store.finished(), std::nullopt);
    EXPECT_EQ(store.current(), 1) << "what was stored before is stored";
    store.begin([](Store& other) { return other.append_rollback(7, "", kActor); });
    EXPECT_THROW(result_of(store), StoreError);
    EXPECT_EQ(store.current(), 1);
    store.edit({{"a", Values{"2"}}});
}

TEST(Store, OneProcessAtATimeAndNoneOlderThanTheSchema) {
    Scratch scratch;
    {
        Store store(scratch.path());
        EXPECT_THROW(Store(scratch.path()), StoreError);
    }
    {
        Database database(scratch.path() + "/control.db");
        database.execute("PRAGMA user_version=99");
    }
    try {
        Store store(scratch.path());
        ADD_FAILURE() << "a store of schema 99 was opened";
    } catch (const StoreError& error) {
        EXPECT_NE(std::string(error.what()).find("newer"), std::string::npos) << error.what();
    }
}

TEST(Store, RollbackNeverBringsACredentialBack) {
    Scratch scratch;
    Store store(scratch.path());
    store.append({{"a", {"1"}}}, "", kActor);
    store.put_user({"bob", "r", {1}, {2}, {3}, 0, ""}, kActor);
    int64_t secret = store.add_secret("sesame", kActor);
    EXPECT_TRUE(store.remove_user("bob", kActor));
    EXPECT_TRUE(store.remove_secret(secret, kActor));
    store.append_rollback(1, "back", kActor);
    EXPECT_TRUE(store.users().empty());
    EXPECT_TRUE(store.secrets().empty());
    EXPECT_FALSE(store.remove_user("bob", kActor));
    EXPECT_FALSE(store.remove_secret(secret, kActor));
    EXPECT_GT(store.add_secret("again", kActor), secret) << "ids are never used twice";
}

TEST(Store, SecretsRotateAndExpire) {
    Scratch scratch;
    Store store(scratch.path());
    int64_t old = store.add_secret("old", kActor);
    int64_t fresh = store.rotate_secrets("fresh", 1500, kActor);
    EXPECT_EQ(store.secrets()[0].remove_at, 1500);
    EXPECT_EQ(store.secrets()[1].remove_at, std::nullopt);
    EXPECT_EQ(store.expire_secrets(1499), 0U);
    EXPECT_EQ(store.expire_secrets(1500), 1U);
    ASSERT_EQ(store.secrets().size(), 1U);
    EXPECT_EQ(store.secrets()[0].id, fresh);
    EXPECT_NE(old, fresh);
}

TEST(Store, NonceKeysNewestFirstAndNoMoreThanKept) {
    Scratch scratch;
    Store store(scratch.path());
    for (uint8_t i = 1; i <= 3; i++) store.add_nonce_key({i}, i, 2);
    auto keys = store.nonce_keys();
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].key, std::vector<uint8_t>{3});
    EXPECT_EQ(keys[1].key, std::vector<uint8_t>{2});
}

TEST(Store, AuditTellsWhoDidWhatAndNoSecret) {
    Scratch scratch;
    Store store(scratch.path());
    store.put_user({"bob", "r", {1}, {2}, {3}, 0, ""}, kActor);
    store.put_user({"bob", "r", {4}, {5}, {6}, 0, ""}, kActor);
    store.add_secret("open sesame", kActor);
    store.rotate_secrets("shut sesame", 2000, {"carol", 1001});
    store.expire_secrets(2000);
    store.set_drain(true, kActor);
    EXPECT_TRUE(store.drain());
    std::vector<std::string> actions;
    for (const auto& record : store.audit(100)) {
        actions.push_back(record.action);
        EXPECT_EQ(record.detail.find("sesame"), std::string::npos);
    }
    EXPECT_EQ(actions, (std::vector<std::string>{"drain", "secret-expire", "secret-rotate", "secret-add",
                                                 "user-replace", "user-add"}));
    EXPECT_EQ(store.audit(100)[2].who, "carol");
    EXPECT_EQ(store.users()[0].md5, std::vector<uint8_t>{4});
}

// A writer commits revision after revision, each with the same number in every key, and is killed at a moment that no
// one chose. What is found then must be whole: one of its revisions, and never fewer than it had reported as done.
TEST(Store, KillAtAnyMomentLeavesOldOrNew) {
    constexpr int kKeys = 50;
    Scratch scratch;
    std::mt19937 random(20260101);
    int64_t before = 0;
    for (int round = 0; round < 15; round++) {
        int pipe_ends[2];
        ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0) {
            Store store(scratch.path());
            while (true) {
                Settings settings;
                int64_t next = store.current() + 1;
                for (int i = 0; i < kKeys; i++) settings["key" + std::to_string(i)] = {std::to_string(next)};
                store.edit({{"key0", Values{std::to_string(next)}}});
                int64_t done = store.append(settings, "", kActor);
                store.put_user({"user" + std::to_string(done), "r", {1}, {2}, {3}, 0, ""}, kActor);
                if (write(pipe_ends[1], &done, sizeof(done)) != sizeof(done)) _exit(1);
            }
        }
        close(pipe_ends[1]);
        int64_t reported = before, value;
        ASSERT_EQ(read(pipe_ends[0], &value, sizeof(value)), static_cast<ssize_t>(sizeof(value)));
        reported = value;
        usleep(random() % 20000);
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        while (read(pipe_ends[0], &value, sizeof(value)) == static_cast<ssize_t>(sizeof(value))) reported = value;
        close(pipe_ends[0]);

        Store store(scratch.path());
        int64_t current = store.current();
        EXPECT_GT(reported, before);
        ASSERT_GE(current, reported);
        ASSERT_LE(current, reported + 1);
        auto settings = store.settings(current);
        ASSERT_EQ(settings->size(), static_cast<size_t>(kKeys));
        for (const auto& [key, values] : *settings) ASSERT_EQ(values, Values{std::to_string(current)}) << key;
        ASSERT_TRUE(store.has_user("user" + std::to_string(reported)));
        ASSERT_EQ(store.user_count(), store.audit(1'000'000).size())
            << "a user without its audit record, or the reverse";
        for (const auto& [key, values] : store.candidate())
            ASSERT_EQ(values, Values{std::to_string(current + 1)}) << key;
        before = current;
    }
}

}  // namespace
}  // namespace fedge::control
