#include "dataplane/signal/sip/send_queue.h"

#include <algorithm>
#include <cstring>

namespace fedge::signal {

std::unique_ptr<SendBlocks::Block> SendBlocks::take() {
    if (used_ >= most_) return nullptr;
    used_++;
    if (spare_.empty()) return std::unique_ptr<Block>(new Block);  // its bytes are not zeroed
    std::unique_ptr<Block> block = std::move(spare_.back());
    spare_.pop_back();
    return block;
}

void SendBlocks::give(std::unique_ptr<Block> block) {
    used_--;
    if (spare_.size() >= kSpare) return;
    block->begin = block->end = 0;
    spare_.push_back(std::move(block));
}

bool SendQueue::add(SendBlocks& blocks, uint64_t most, std::initializer_list<Bytes> parts) {
    uint64_t size = 0;
    for (Bytes part : parts) size += part.size();
    uint64_t room = last_ ? Block::kSize - last_->end : 0;
    uint64_t needed = size > room ? (size - room + Block::kSize - 1) / Block::kSize : 0;
    if ((size_ > 0 && size_ + size > most) || !blocks.can_take(needed)) return false;
    for (Bytes part : parts) {
        while (!part.empty()) {
            if (!last_ || last_->end == Block::kSize) {
                std::unique_ptr<Block> block = blocks.take();
                Block* added = block.get();
                (last_ ? last_->next : first_) = std::move(block);
                last_ = added;
            }
            size_t n = std::min<size_t>(part.size(), Block::kSize - last_->end);
            std::memcpy(last_->data.data() + last_->end, part.data(), n);
            last_->end += static_cast<uint32_t>(n);
            part = part.subspan(n);
        }
    }
    size_ += size;
    return true;
}

bool SendQueue::flush(SendBlocks& blocks, tcp::Stream& stream) {
    while (first_) {
        Bytes bytes{first_->data.data() + first_->begin, first_->end - first_->begin};
        size_t n = stream.write(bytes);
        size_ -= n;
        first_->begin += static_cast<uint32_t>(n);
        if (n < bytes.size()) return false;
        std::unique_ptr<Block> next = std::move(first_->next);
        blocks.give(std::move(first_));
        first_ = std::move(next);
        if (!first_) last_ = nullptr;
    }
    return true;
}

void SendQueue::clear(SendBlocks& blocks) {
    while (first_) {
        std::unique_ptr<Block> next = std::move(first_->next);
        blocks.give(std::move(first_));
        first_ = std::move(next);
    }
    last_ = nullptr;
    size_ = 0;
}

}  // namespace fedge::signal
