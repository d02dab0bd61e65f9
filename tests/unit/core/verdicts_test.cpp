// Verdict tables on their way to the cores.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/contract/verdict_builder.h"
#include "dataplane/core/verdict_shelf.h"
#include "tests/unit/core/edge_fixture.h"

namespace fedge::core {
namespace {

contract::Descriptor table(uint64_t key, const char* name, contract::Rule rule = contract::Rule::allowed) {
    contract::VerdictBuilder builder({key, 2, 3});
    builder.add({.name = name, .rule = rule, .via = "edge.partner.example"});
    builder.add_user("alice@example.org", contract::Access::federation);
    return builder.build_sealed();
}

// What taking these tables is refused with.
std::string refused(VerdictShelf& shelf, uint64_t base, uint64_t delta) {
    try {
        shelf.take(base, delta);
    } catch (const SnapshotError& error) {
        return error.what();
    }
    return "";
}

TEST(VerdictShelf, GivesWhatAConfigurationNames) {
    VerdictShelf shelf;
    shelf.put(1, table(1, "base.example"));
    shelf.put(2, table(1, "delta.example"));
    VerdictTables both = shelf.take(1, 2);
    EXPECT_EQ(both.base_id, 1u);
    EXPECT_EQ(both.delta_id, 2u);
    EXPECT_EQ(both.view().domain("base.example").rule, contract::Rule::allowed);
    EXPECT_EQ(both.view().domain("delta.example").rule, contract::Rule::allowed);
    EXPECT_EQ(shelf.take(0, 0).view().domain("base.example").rule, contract::Rule::none);
}

TEST(VerdictShelf, KeepsWhatIsNamedAndWhatCameAfterIt) {
    VerdictShelf shelf;
    for (uint64_t id = 1; id <= 4; id++) shelf.put(id, table(1, "a.example"));
    shelf.take(1, 3);
    EXPECT_EQ(shelf.size(), 3u);
    EXPECT_EQ(refused(shelf, 1, 2), "verdict table 2 did not arrive");
    EXPECT_EQ(refused(shelf, 1, 4), "");
    EXPECT_EQ(shelf.size(), 2u);
}

TEST(VerdictShelf, IsBoundedWhateverComes) {
    VerdictShelf shelf;
    for (uint64_t id = 1; id <= 100; id++) shelf.put(id, table(1, "a.example"));
    EXPECT_EQ(shelf.size(), VerdictShelf::kMost);
    EXPECT_EQ(refused(shelf, 100, 0), "");
}

TEST(VerdictShelf, TableInForceOutlivesTheShelf) {
    VerdictShelf shelf;
    shelf.put(1, table(1, "a.example"));
    VerdictTables tables = shelf.take(1, 0);
    shelf.clear();
    EXPECT_EQ(tables.view().domain("a.example").rule, contract::Rule::allowed);
    EXPECT_EQ(refused(shelf, 1, 0), "verdict table 1 did not arrive");
}

TEST(VerdictShelf, RefusesTablesThatDoNotGoTogether) {
    VerdictShelf shelf;
    shelf.put(1, table(1, "a.example"));
    shelf.put(2, table(9, "b.example"));
    EXPECT_EQ(refused(shelf, 1, 2), "verdict table 2 is not of base 1");
}

TEST(VerdictShelf, RefusesWhatDoesNotVerifyWithTheReason) {
    VerdictShelf shelf;
    shelf.put(1, contract::Descriptor());
    EXPECT_NE(refused(shelf, 1, 0).find("did not arrive"), std::string::npos);
    contract::Descriptor memory(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(ftruncate(memory.get(), 4096), 0);
    shelf.put(2, memory);
    EXPECT_NE(refused(shelf, 2, 0).find("not sealed"), std::string::npos);
    ASSERT_EQ(fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    shelf.put(3, memory);
    EXPECT_NE(refused(shelf, 3, 0).find("verdict table 3: the verdict table is damaged"), std::string::npos);
}

class VerdictsOfCores : public test_edge::Edge {
  protected:
    VerdictRow ask(uint16_t core, const char* name) {
        auto request = std::make_unique<CoreRequest>();
        request->kind = CoreRequest::Kind::verdict;
        request->name = VerdictName(name);
        EXPECT_TRUE(box_->core(core).requests().send(request.get()));
        box_->turn();
        std::array<CoreRequest*, 1> answer{};
        EXPECT_EQ(box_->replies().receive(answer), 1u);
        return request->verdict;
    }
};

TEST_F(VerdictsOfCores, AreThoseOfTheConfigurationInForce) {
    start(2);
    EXPECT_EQ(ask(1, "partner.example").rule, contract::Rule::none);
    VerdictShelf shelf;
    shelf.put(1, table(1, "partner.example"));
    shelf.put(2, table(1, "it.partner.example", contract::Rule::blocked));
    contract::SnapshotT snapshot = test::EdgeBox::snapshot();
    snapshot.revision = 7;
    box_->publish(snapshot, shelf.take(1, 2));
    for (uint16_t core : {0, 1}) {
        VerdictRow row = ask(core, "www.partner.example");
        EXPECT_EQ(row.rule, contract::Rule::allowed);
        EXPECT_EQ(row.entry.view(), "partner.example");
        EXPECT_EQ(row.via.view(), "edge.partner.example");
        EXPECT_EQ(row.revision, 7u);
        EXPECT_EQ(row.base, 1u);
        EXPECT_EQ(row.delta, 2u);
        EXPECT_EQ(ask(core, "it.partner.example").rule, contract::Rule::blocked);
        EXPECT_EQ(ask(core, "alice@example.org").access, contract::Access::federation);
        EXPECT_TRUE(ask(core, "alice@example.org").user);
        EXPECT_FALSE(ask(core, "bob@example.org").user);
    }
    box_->publish(snapshot);
    EXPECT_EQ(ask(0, "partner.example").rule, contract::Rule::none);
}

TEST_F(VerdictsOfCores, TablesAreGivenUpWithTheConfiguration) {
    start(2);
    VerdictShelf shelf;
    shelf.put(1, table(1, "partner.example"));
    VerdictTables tables = shelf.take(1, 0);
    std::weak_ptr<const contract::VerdictMemory> memory = tables.base;
    box_->publish(test::EdgeBox::snapshot(), std::move(tables));
    shelf.clear();
    EXPECT_FALSE(memory.expired()) << "the cores use it";
    box_->publish(test::EdgeBox::snapshot());
    EXPECT_TRUE(memory.expired());
}

}  // namespace
}  // namespace fedge::core
