#include "dataplane/base/counters.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <set>
#include <string>

namespace fedge {
namespace {

TEST(Counters, NamesAreUniqueAndExplained) {
    std::set<std::string> names;
    for (const auto& info : contract::kCounters) {
        EXPECT_TRUE(names.insert(info.name).second) << info.name;
        EXPECT_GT(std::strlen(info.help), 5U) << info.name;
    }
    for (const auto& info : contract::kDrops) {
        EXPECT_TRUE(names.insert(std::string("drop ") + info.name).second) << info.name;
        EXPECT_GT(std::strlen(info.help), 5U) << info.name;
    }
    EXPECT_STREQ(contract::kDrops[static_cast<size_t>(Drop::ether_short)].name, "ether_short");
    EXPECT_STREQ(contract::kDrops[static_cast<size_t>(Drop::bandwidth_user)].name, "bandwidth_user");
    EXPECT_STREQ(contract::kCounters[static_cast<size_t>(Counter::rx_packets)].name, "rx_packets");
}

TEST(Counters, ReadersOfTheDescriptorSeeEachCoresValues) {
    constexpr uint32_t kCores = 3;
    CounterMemory memory{kCores};
    struct stat status {};
    ASSERT_EQ(fstat(memory.descriptor(), &status), 0);
    auto size = static_cast<size_t>(status.st_size);
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.descriptor(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    const auto* header = static_cast<const contract::CounterHeader*>(mapped);
    EXPECT_EQ(header->magic, contract::kCounterMagic);
    EXPECT_EQ(header->version, contract::kContractVersion);
    EXPECT_EQ(header->cores, kCores);
    EXPECT_EQ(header->counters, contract::kCounterCount);
    EXPECT_EQ(header->drops, contract::kDropCount);
    EXPECT_EQ(header->block_bytes, sizeof(contract::CounterBlock));
    ASSERT_GE(size, 64 + kCores * sizeof(contract::CounterBlock));

    auto block = [&](uint32_t core) {
        const auto* bytes = static_cast<const uint8_t*>(mapped) + 64 + core * sizeof(contract::CounterBlock);
        return reinterpret_cast<const contract::CounterBlock*>(bytes);
    };
    for (uint32_t core = 0; core < kCores; core++) {
        Counters counters = memory.core(core);
        counters.add(Counter::rx_packets);
        counters.add(Counter::rx_packets, 10 + core);
        counters.drop(Drop::bandwidth_user, 100 + core);
        EXPECT_EQ(counters.value(Counter::rx_packets), 11 + core);
        EXPECT_EQ(counters.value(Drop::bandwidth_user), 100 + core);
    }
    for (uint32_t core = 0; core < kCores; core++) {
        EXPECT_EQ(block(core)->values[static_cast<size_t>(Counter::rx_packets)], 11 + core);
        EXPECT_EQ(block(core)->drops[static_cast<size_t>(Drop::bandwidth_user)], 100 + core);
        EXPECT_EQ(block(core)->drops[static_cast<size_t>(Drop::ether_short)], 0U);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block(core)) % 64, 0U) << "cores do not share cache lines";
    }
    munmap(mapped, size);
}

}  // namespace
}  // namespace fedge
