#include "dataplane/signal/sip/held_messages.h"

#include <utility>

namespace fedge::signal {

constexpr Duration kLookEvery = 50ms;

bool HeldMessages::hold(HeldMessage&& message, uint32_t most, uint64_t most_bytes) {
    if (count_ >= most || bytes_ + message.bytes.size() > most_bytes) return false;
    count_++;
    bytes_ += message.bytes.size();
    waiting_[message.key].push_back(std::move(message));
    return true;
}

std::vector<HeldMessage> HeldMessages::release(const WaitKey& key) {
    std::vector<HeldMessage> out;
    auto found = waiting_.find(key);
    if (found == waiting_.end()) return out;
    for (HeldMessage& message : found->second) {
        gone(message);
        out.push_back(std::move(message));
    }
    waiting_.erase(found);
    return out;
}

// Within one key the first is the oldest, and there are not many keys.
std::optional<HeldMessage> HeldMessages::expired(Instant now) {
    if (count_ == 0 || now < next_look_) return std::nullopt;
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
        if (it->second.front().deadline > now) continue;
        HeldMessage message = std::move(it->second.front());
        it->second.pop_front();
        if (it->second.empty()) waiting_.erase(it);
        gone(message);
        return message;
    }
    next_look_ = now + kLookEvery;
    return std::nullopt;
}

uint32_t HeldMessages::count(const WaitKey& key) const {
    auto found = waiting_.find(key);
    return found == waiting_.end() ? 0 : static_cast<uint32_t>(found->second.size());
}

}  // namespace fedge::signal
