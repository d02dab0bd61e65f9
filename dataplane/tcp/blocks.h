// Memory of queues: fixed blocks of one pool per core, and a paged ring that finds a byte by its position.
//
// A connection without queued bytes holds no block. What is held is counted by block and not by byte, so tiny segments
// cannot pin more than the limits say.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/base/table.h"

namespace fedge::tcp {

inline constexpr uint32_t kBlockBits = 11;
inline constexpr uint32_t kBlockSize = 1U << kBlockBits;
inline constexpr uint32_t kNoBlock = ~0U;

class BlockPool {
  public:
    BlockPool(uint32_t blocks, int socket);

    // kNoBlock when there is none left. The content is whatever it was.
    uint32_t take() { return free_count_ ? free_[--free_count_] : kNoBlock; }
    void put(uint32_t block) { free_[free_count_++] = block; }
    uint8_t* data(uint32_t block) { return blocks_[block].bytes; }

    uint32_t available() const { return free_count_; }
    uint32_t total() const { return static_cast<uint32_t>(free_.size()); }
    // Less than an eighth left: no new windows are opened, no new connections begun.
    bool scarce() const { return free_count_ < total() / 8; }
    // Fetches the beginnings of `count` blocks, those that will be taken after `skip` others: a short message lies
    // there (see PagedRing).
    void prefetch(uint32_t skip, uint32_t count) const {
        for (uint32_t i = skip; i < std::min(skip + count, free_count_); i++) {
            const uint8_t* begin = blocks_[free_[free_count_ - 1 - i]].bytes;
            __builtin_prefetch(begin, 1);
            __builtin_prefetch(begin + 64, 1);
        }
    }

  private:
    struct alignas(64) Block {
        uint8_t bytes[kBlockSize];
    };
    Table<Block> blocks_;
    Table<uint32_t> free_;
    uint32_t free_count_;
};

// Bytes at positions modulo 2^32, of which a range of at most kCapacity exists at a time; parts of it may have no
// memory yet. Up to two blocks are named here, more in a directory that is a block itself. The first byte of an empty
// ring is the first of a block, so that messages do not lie in more blocks, and in more cache lines, than they must.
class PagedRing {
  public:
    static constexpr uint32_t kCapacity = (kBlockSize / 4 - 2) * kBlockSize;

    // Memory for [position, position + size). `base`, at most position, is the first position that may still be needed.
    // False: the pool is empty; what was added stays for later.
    bool reserve(BlockPool& pool, uint32_t base, uint32_t position, uint32_t size);
    // Copies to where reserve() made room.
    void write(BlockPool& pool, uint32_t position, Bytes bytes);
    // The bytes from `position` that lie together, at most `size`. They must have been reserved.
    Bytes view(BlockPool& pool, uint32_t position, uint32_t size) const;
    uint8_t* at(BlockPool& pool, uint32_t position) const {
        uint32_t offset = position - origin_;
        return pool.data(slot(pool, offset >> kBlockBits)) + (offset & (kBlockSize - 1));
    }
    // Where the first byte of a message lies that was written to an empty ring.
    const uint8_t* first(BlockPool& pool) const { return pool.data(slot(pool, first_)); }
    // Gives back every block that lies wholly before `position`; with `empty`, all of them.
    void release(BlockPool& pool, uint32_t position, bool empty);

    uint32_t blocks() const { return held_; }

  private:
    static constexpr uint32_t kEntries = kBlockSize / 4;
    static constexpr uint32_t kBlockNumbers = 1U << (32 - kBlockBits);

    bool cover(BlockPool& pool, uint32_t number);
    uint32_t left_in_block(uint32_t position) const { return kBlockSize - ((position - origin_) & (kBlockSize - 1)); }
    uint32_t& slot(BlockPool& pool, uint32_t number) const {
        if (directory_ == kNoBlock) return slots_[number & 1];
        return reinterpret_cast<uint32_t*>(pool.data(directory_))[number & (kEntries - 1)];
    }

    mutable std::array<uint32_t, 2> slots_{kNoBlock, kNoBlock};
    uint32_t directory_ = kNoBlock;
    uint32_t origin_ = 0;  // the position where block 0 begins
    uint32_t first_ = 0;   // number of the first block that is covered
    uint16_t count_ = 0;   // blocks covered, with or without memory
    uint16_t held_ = 0;    // blocks taken from the pool, the directory included
};

}  // namespace fedge::tcp
