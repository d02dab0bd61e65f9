// Buffers of the kernel twin (kernel_transport.h): blocks that streams take while they hold bytes, and a queue made of
// them.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/base/bytes.h"

namespace fedge::tcp {

inline constexpr uint32_t kKernelBlock = 16 * 1024;

using KernelBlock = std::unique_ptr<uint8_t[]>;

// Grows to the most that was ever used at once; the block given back last is given out first.
class KernelBlocks {
  public:
    KernelBlock take() {
        if (free_.empty()) return KernelBlock(new uint8_t[kKernelBlock]);
        KernelBlock block = std::move(free_.back());
        free_.pop_back();
        return block;
    }
    void put(KernelBlock block) { free_.push_back(std::move(block)); }

  private:
    std::vector<KernelBlock> free_;
};

// First in, first out. Whoever owns it says how much it may hold, and clears it before it goes.
class KernelQueue {
  public:
    static constexpr int kPieces = 8;

    size_t size() const { return size_; }
    size_t blocks() const { return blocks_.size(); }

    Bytes front() const {
        if (size_ == 0) return {};
        return {blocks_.front().get() + begin_, std::min<size_t>(size_, kKernelBlock - begin_)};
    }
    void consume(size_t n, KernelBlocks& store) {
        size_ -= n;
        begin_ += n;
        while (!blocks_.empty() && (begin_ >= kKernelBlock || size_ == 0)) {
            store.put(std::move(blocks_.front()));
            blocks_.erase(blocks_.begin());
            begin_ = size_ == 0 ? 0 : begin_ - kKernelBlock;
        }
    }
    // Room behind the last byte, never empty; commit() what was written there.
    MutableBytes tail(KernelBlocks& store) {
        size_t used = begin_ + size_;
        if (used == blocks_.size() * kKernelBlock) blocks_.push_back(store.take());
        size_t in_last = used % kKernelBlock;
        return {blocks_.back().get() + in_last, kKernelBlock - in_last};
    }
    void commit(size_t n) { size_ += n; }
    void append(Bytes bytes, KernelBlocks& store) {
        while (!bytes.empty()) {
            MutableBytes room = tail(store);
            size_t n = std::min(room.size(), bytes.size());
            std::memcpy(room.data(), bytes.data(), n);
            commit(n);
            bytes = bytes.subspan(n);
        }
    }
    // Takes back the block of a tail() that nothing was written to.
    void trim(KernelBlocks& store) {
        if (size_ == 0) clear(store);
    }
    void clear(KernelBlocks& store) {
        for (KernelBlock& block : blocks_) store.put(std::move(block));
        blocks_.clear();
        begin_ = size_ = 0;
    }
    // The first bytes, as writev() wants them. Returns the number of pieces.
    int pieces(iovec (&out)[kPieces]) const {
        int count = 0;
        size_t left = size_, begin = begin_;
        for (const KernelBlock& block : blocks_) {
            if (left == 0 || count == kPieces) break;
            size_t n = std::min<size_t>(left, kKernelBlock - begin);
            out[count++] = {block.get() + begin, n};
            left -= n;
            begin = 0;
        }
        return count;
    }

  private:
    std::vector<KernelBlock> blocks_;
    size_t begin_ = 0;  // of the first byte, in the first block
    size_t size_ = 0;
};

}  // namespace fedge::tcp
