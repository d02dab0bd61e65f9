// What waits for a stream to take it: blocks of one TLS record each, so that messages to the same peer share records,
// and an idle connection holds nothing. Bounded for each connection and for all of a core.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/tcp/stream.h"

namespace fedge::signal {

class SendBlocks {
  public:
    struct Block {
        static constexpr uint32_t kSize = 16 * 1024 - 32;
        std::unique_ptr<Block> next;
        uint32_t begin = 0;
        uint32_t end = 0;
        std::array<uint8_t, kSize> data;
    };
    static constexpr uint32_t kSpare = 256;  // kept when nobody needs them

    explicit SendBlocks(uint64_t most_bytes) { set_limit(most_bytes); }
    void set_limit(uint64_t most_bytes) { most_ = most_bytes / sizeof(Block); }
    // Null: all are in use.
    std::unique_ptr<Block> take();
    void give(std::unique_ptr<Block> block);
    bool can_take(uint64_t blocks) const { return used_ + blocks <= most_; }
    uint64_t used() const { return used_; }
    uint64_t most() const { return most_; }

  private:
    std::vector<std::unique_ptr<Block>> spare_;
    uint64_t most_ = 0;
    uint64_t used_ = 0;
};

class SendQueue {
  public:
    SendQueue() = default;
    SendQueue(const SendQueue&) = delete;
    SendQueue& operator=(const SendQueue&) = delete;

    // All the parts as one, or nothing: false if the queue would be longer than `most` bytes, or memory is used up. An
    // empty queue takes any message for which there is memory.
    bool add(SendBlocks& blocks, uint64_t most, std::initializer_list<Bytes> parts);
    // As much as the stream takes. False: it is full, and will tell when there is room again.
    bool flush(SendBlocks& blocks, tcp::Stream& stream);
    void clear(SendBlocks& blocks);
    uint64_t size() const { return size_; }

  private:
    using Block = SendBlocks::Block;
    std::unique_ptr<Block> first_;
    Block* last_ = nullptr;
    uint64_t size_ = 0;
};

}  // namespace fedge::signal
