#include "dataplane/signal/sip/held_messages.h"

#include <utility>

namespace fedge::signal {
namespace {

constexpr Duration kLookEvery = 50ms;
constexpr size_t kExpiredAtOnce = 64;
constexpr uint64_t kOfOwner = 1;      // times what is left behind it: half of all
constexpr uint64_t kOfDirection = 3;  // ... three quarters

}  // namespace

HeldMessages::Room HeldMessages::room(uint64_t bytes, const Limits& limits) const {
    bool fits = all_.messages < limits.messages && all_.bytes + bytes <= limits.bytes;
    return fits ? Room::free : Room::full;
}

HeldMessages::Room HeldMessages::room(PeerKind from, uint64_t owner, uint64_t bytes, const Limits& limits) const {
    if (room(bytes, limits) == Room::full) return Room::full;
    uint64_t messages_left = limits.messages - all_.messages - 1;
    uint64_t bytes_left = limits.bytes - all_.bytes - bytes;
    auto fair = [&](const Use& use, uint64_t part) {
        return use.messages == 0 ||
               (use.messages + 1 <= part * messages_left && use.bytes + bytes <= part * bytes_left);
    };
    auto known = owners_.find(owner);
    if (known != owners_.end() && !fair(known->second, kOfOwner)) return Room::shared;
    return fair(directions_[direction(from)], kOfDirection) ? Room::free : Room::shared;
}

void HeldMessages::hold(HeldMessage&& message) {
    for (Use* use : {&all_, &directions_[direction(message.kind)], &owners_[message.owner]})
        use->add(message.bytes.size());
    waiting_[message.key].push_back(std::move(message));
}

void HeldMessages::gone(const HeldMessage& message) {
    auto owner = owners_.find(message.owner);
    for (Use* use : {&all_, &directions_[direction(message.kind)], &owner->second}) use->remove(message.bytes.size());
    if (owner->second.messages == 0) owners_.erase(owner);
}

std::vector<HeldMessage> HeldMessages::release(const WaitKey& key) {
    std::vector<HeldMessage> out;
    auto found = waiting_.find(key);
    if (found == waiting_.end()) return out;
    out.reserve(found->second.size());
    for (HeldMessage& message : found->second) {
        gone(message);
        out.push_back(std::move(message));
    }
    waiting_.erase(found);
    return out;
}

// Within one key the first is the oldest.
std::vector<HeldMessage> HeldMessages::expired(Instant now) {
    std::vector<HeldMessage> out;
    if (all_.messages == 0 || now < next_look_) return out;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        auto& line = it->second;
        while (!line.empty() && line.front().deadline <= now) {
            if (out.size() == kExpiredAtOnce) return out;
            gone(line.front());
            out.push_back(std::move(line.front()));
            line.pop_front();
        }
        it = line.empty() ? waiting_.erase(it) : std::next(it);
    }
    if (out.empty()) next_look_ = now + kLookEvery;
    return out;
}

uint32_t HeldMessages::count(const WaitKey& key) const {
    auto found = waiting_.find(key);
    return found == waiting_.end() ? 0 : static_cast<uint32_t>(found->second.size());
}

}  // namespace fedge::signal
