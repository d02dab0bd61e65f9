#include "dataplane/relay/flows.h"

#include <gtest/gtest.h>

#include <vector>

namespace fedge::relay {
namespace {

// As many flows as leave the sets of hints half full on average: some sets are full, and what does not fit into them is
// found all the same.
constexpr uint32_t kFlows = 4092;

FlowKey key_of(uint32_t i) {
    return {IpAddress::v4(0xc6120000 + i % 1000).octets(), static_cast<uint16_t>(1024 + i / 1000), 1, 0};
}

class FlowsTest : public testing::Test {
  protected:
    // A flow as Turn makes one.
    void add(uint32_t i, Handle handle) {
        ASSERT_TRUE(flows_.set(key_of(i), handle)) << i;
        Allocation& a = pool_[handle & ~kForeign];
        a.flow_address = IpAddress::v4(0xc6120000 + i % 1000);
        a.client_port = static_cast<uint16_t>(1024 + i / 1000);
        a.listener = 1;
        ASSERT_EQ(a.key(), key_of(i));
    }
    // Looked up with others around it, in a burst and alone.
    Handle find(uint32_t i) {
        std::vector<FlowKey> keys{key_of(i + 1), key_of(i), key_of(kFlows + i)};
        std::vector<Handle> handles(keys.size());
        flows_.find(keys, handles.data());
        EXPECT_EQ(handles[1], flows_.find(keys[1]));
        EXPECT_EQ(handles[2], 0u) << "was never added";
        return handles[1];
    }

    SeededRandom random_{5};
    Table<Allocation> pool_{"flows test", kFlows + 2, -1};
    Flows flows_{kFlows, -1, random_, pool_};
};

TEST_F(FlowsTest, AreFoundWhileTheyAreThere) {
    EXPECT_EQ(find(0), 0u);
    for (uint32_t i = 0; i < kFlows; i++) ASSERT_NO_FATAL_FAILURE(add(i, i + 1));
    for (uint32_t i = 0; i < kFlows; i++) ASSERT_EQ(find(i), i + 1);
    for (uint32_t i = 0; i < kFlows; i += 2) flows_.remove(key_of(i));
    for (uint32_t i = 0; i < kFlows; i++) ASSERT_EQ(find(i), i % 2 ? i + 1 : 0);
    flows_.remove(key_of(0));
    EXPECT_EQ(find(0), 0u);
}

TEST_F(FlowsTest, OfOtherCoresKeepTheirMark) {
    add(1, 7 | kForeign);
    EXPECT_EQ(find(1), 7 | kForeign);
}

TEST_F(FlowsTest, ReplacedHandlesAreGone) {
    add(1, 7);
    add(1, 8);
    EXPECT_EQ(find(1), 8u);
    flows_.remove(key_of(1));
    EXPECT_EQ(find(1), 0u);
}

TEST_F(FlowsTest, AHintThatNamesAnothersAllocationIsNotBelieved) {
    add(1, 7);
    flows_.set(key_of(2), 7);  // the allocation says that it is of flow 1
    flows_.set(key_of(1), 9);
    EXPECT_EQ(find(2), 7u);
    EXPECT_EQ(find(1), 9u);
}

}  // namespace
}  // namespace fedge::relay
