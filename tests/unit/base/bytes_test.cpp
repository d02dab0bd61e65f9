#include "dataplane/base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace fedge {
namespace {

TEST(Bytes, LoadAndStoreAreInverseAtEveryAlignment) {
    std::array<uint8_t, 32> memory{};
    for (size_t at = 0; at < 8; at++) {
        store_be16(&memory[at], 0x0123);
        EXPECT_EQ(memory[at], 0x01);
        EXPECT_EQ(load_be16(&memory[at]), 0x0123);
        store_be32(&memory[at], 0x89abcdef);
        EXPECT_EQ(memory[at], 0x89);
        EXPECT_EQ(load_be32(&memory[at]), 0x89abcdefU);
        store_be64(&memory[at], 0xfedcba9876543210);
        EXPECT_EQ(memory[at + 7], 0x10);
        EXPECT_EQ(load_be64(&memory[at]), 0xfedcba9876543210U);
    }
}

TEST(ByteReader, ReadsInOrder) {
    const std::array<uint8_t, 15> in{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ByteReader reader{in};
    EXPECT_EQ(reader.u8(), 0x01);
    EXPECT_EQ(reader.u16(), 0x0203);
    EXPECT_EQ(reader.u32(), 0x04050607U);
    EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fU);
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, StaysFailedAfterReadingPastTheEnd) {
    const std::array<uint8_t, 3> in{1, 2, 3};
    ByteReader reader{in};
    EXPECT_EQ(reader.u32(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0) << "nothing more is readable after a failure";
    EXPECT_TRUE(reader.bytes(1).empty());
    EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, EmptyReadOfEmptyInputIsFine) {
    ByteReader reader{Bytes{}};
    EXPECT_TRUE(reader.bytes(0).empty());
    reader.skip(0);
    EXPECT_TRUE(reader.ok());
    reader.skip(1);
    EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesInOrderAndStopsAtTheEnd) {
    std::array<uint8_t, 16> memory;
    memory.fill(0xee);
    ByteWriter writer{MutableBytes{memory}.first(15)};
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    const std::array<uint8_t, 2> two{8, 9};
    writer.bytes(two);
    writer.zeros(2);
    EXPECT_TRUE(writer.ok());
    EXPECT_EQ(writer.size(), 11U);
    writer.u64(~uint64_t{0});
    EXPECT_FALSE(writer.ok()) << "8 bytes do not fit into 4";
    EXPECT_EQ(writer.size(), 11U);
    const std::vector<uint8_t> expected{1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0};
    EXPECT_EQ(std::vector<uint8_t>(writer.written().begin(), writer.written().end()), expected);
    EXPECT_EQ(memory[11], 0xee) << "a write that does not fit writes nothing";
    EXPECT_EQ(memory[15], 0xee);
}

TEST(ByteWriter, FailsForGood) {
    std::array<uint8_t, 2> memory{};
    ByteWriter writer{memory};
    writer.u32(1);
    EXPECT_FALSE(writer.ok());
    writer.u8(1);
    EXPECT_FALSE(writer.ok());
}

TEST(ByteWriter, HugeSizesDoNotWrap) {
    std::array<uint8_t, 4> memory{};
    ByteWriter writer{memory};
    writer.u8(1);
    EXPECT_EQ(writer.reserve(~size_t{0}), nullptr);
    EXPECT_FALSE(writer.ok());
    ByteReader reader{memory};
    reader.u8();
    EXPECT_TRUE(reader.bytes(~size_t{0}).empty());
    EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace fedge
