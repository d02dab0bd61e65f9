// A wire that loses, delays and reorders what is put on it, reproducibly. One direction; knows nothing of what it
// carries.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "dataplane/base/random.h"
#include "dataplane/base/time.h"

namespace fedge::test {

struct Impairment {
    double loss = 0;           // probability
    double reorder = 0;        // probability that one is held back, so that later ones overtake it
    Duration held_back = 3ms;  // for so long
    Duration delay{};          // of every one
    bool any() const { return loss > 0 || reorder > 0 || delay != Duration{0}; }
};

template <typename Item>
class ImpairedWire {
  public:
    ImpairedWire(const Impairment& impairment, uint64_t seed) : impairment_(impairment), random_(seed) {}

    // Gives the item back when it is lost.
    std::optional<Item> put(Item item, Instant now) {
        if (happens(impairment_.loss)) {
            lost_++;
            return item;
        }
        Instant due = now + impairment_.delay;
        if (happens(impairment_.reorder)) due += impairment_.held_back;
        waiting_.emplace(due, std::move(item));  // behind those of the same instant
        return std::nullopt;
    }

    // The next one that has arrived by now.
    std::optional<Item> take(Instant now) {
        auto first = waiting_.begin();
        if (first == waiting_.end() || first->first > now) return std::nullopt;
        Item item = std::move(first->second);
        waiting_.erase(first);
        return item;
    }

    bool empty() const { return waiting_.empty(); }
    uint64_t lost() const { return lost_; }

  private:
    bool happens(double probability) {
        return probability > 0 && random_.below(1'000'000) < static_cast<uint32_t>(probability * 1'000'000);
    }

    Impairment impairment_;
    SeededRandom random_;
    std::multimap<Instant, Item> waiting_;
    uint64_t lost_ = 0;
};

}  // namespace fedge::test
