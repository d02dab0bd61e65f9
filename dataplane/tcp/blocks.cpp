#include "dataplane/tcp/blocks.h"

#include <algorithm>
#include <cstring>

namespace fedge::tcp {

BlockPool::BlockPool(uint32_t blocks, int socket)
    : blocks_("TCP buffers", blocks, socket), free_("TCP buffer list", blocks, socket), free_count_(blocks) {
    for (uint32_t i = 0; i < blocks; i++) free_[i] = blocks - 1 - i;
}

// Makes `number` one of the covered blocks, moving to a directory when there are more than two.
bool PagedRing::cover(BlockPool& pool, uint32_t number) {
    uint32_t distance = (number - first_) & (kBlockNumbers - 1);
    if (distance < count_) return true;
    if (distance >= kEntries) return false;  // beyond kCapacity: the callers' windows forbid it
    if (distance >= 2 && directory_ == kNoBlock) {
        uint32_t directory = pool.take();
        if (directory == kNoBlock) return false;
        held_++;
        auto* entries = reinterpret_cast<uint32_t*>(pool.data(directory));
        std::fill_n(entries, kEntries, kNoBlock);
        for (uint32_t n = first_; n < first_ + 2; n++) entries[n & (kEntries - 1)] = slots_[n & 1];
        slots_ = {kNoBlock, kNoBlock};
        directory_ = directory;
    }
    count_ = static_cast<uint16_t>(distance + 1);
    return true;
}

bool PagedRing::reserve(BlockPool& pool, uint32_t base, uint32_t position, uint32_t size) {
    if (size == 0) return true;
    if (count_ == 0) {
        origin_ = base;
        first_ = 0;
    }
    uint32_t number = (position - origin_) >> kBlockBits;
    uint32_t last = (position - origin_ + size - 1) >> kBlockBits;
    for (;; number = (number + 1) & (kBlockNumbers - 1)) {
        if (!cover(pool, number)) return false;
        uint32_t& block = slot(pool, number);
        if (block == kNoBlock) {
            block = pool.take();
            if (block == kNoBlock) return false;
            held_++;
        }
        if (number == last) return true;
    }
}

void PagedRing::write(BlockPool& pool, uint32_t position, Bytes bytes) {
    while (!bytes.empty()) {
        size_t n = std::min<size_t>(bytes.size(), left_in_block(position));
        std::memcpy(at(pool, position), bytes.data(), n);
        bytes = bytes.subspan(n);
        position += static_cast<uint32_t>(n);
    }
}

Bytes PagedRing::view(BlockPool& pool, uint32_t position, uint32_t size) const {
    return {at(pool, position), std::min(size, left_in_block(position))};
}

void PagedRing::release(BlockPool& pool, uint32_t position, bool empty) {
    uint32_t keep = (position - origin_) >> kBlockBits;
    while (count_ > 0 && (empty || first_ != keep)) {
        uint32_t& block = slot(pool, first_);
        if (block != kNoBlock) {
            pool.put(block);
            held_--;
            block = kNoBlock;
        }
        first_ = (first_ + 1) & (kBlockNumbers - 1);
        count_--;
    }
    if (count_ == 0 && directory_ != kNoBlock) {
        pool.put(directory_);
        held_--;
        directory_ = kNoBlock;
    }
}

}  // namespace fedge::tcp
