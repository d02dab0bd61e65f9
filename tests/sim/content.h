// The bytes that streams carry: known at every offset, so that a receiver can check each of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/random.h"

namespace fedge::sim {

// Repeats after a prime number of bytes that is larger than any buffer, so bytes from elsewhere in the stream differ.
class Content {
  public:
    // Streams of different `id` begin at different places.
    explicit Content(uint64_t id) : start_(id * 7919 % kPeriod) {}

    // The bytes from `offset` on, at most `n`; fewer where the table ends.
    Bytes at(uint64_t offset, size_t n) const {
        size_t from = (start_ + offset) % kPeriod;
        return Bytes{table()}.subspan(from, std::min(n, kPeriod - from));
    }
    bool matches(uint64_t offset, Bytes bytes) const {
        while (!bytes.empty()) {
            Bytes expected = at(offset, bytes.size());
            if (!std::ranges::equal(expected, bytes.first(expected.size()))) return false;
            offset += expected.size();
            bytes = bytes.subspan(expected.size());
        }
        return true;
    }

  private:
    static constexpr size_t kPeriod = 1'048'573;
    static const std::vector<uint8_t>& table() {
        static const std::vector<uint8_t> bytes = [] {
            std::vector<uint8_t> made(kPeriod);
            SeededRandom{1}.fill(made);
            return made;
        }();
        return bytes;
    }
    size_t start_;
};

}  // namespace fedge::sim
