// The latest connections of a core that are no more, so that somebody who asks why a call failed can be told.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/connection_record.h"

namespace fedge::core {

class Endings {
  public:
    static constexpr size_t kKept = 512;

    Endings() : records_(kKept) {}

    void add(const ConnectionRecord& record) { records_[added_++ % kKept] = record; }

    // Newest first, from `cursor` on (start with 0; 0 again at the end). Returns how many.
    uint32_t list(std::span<ConnectionRecord> out, uint64_t& cursor, Instant now) const {
        uint64_t held = std::min<uint64_t>(added_, kKept);
        uint32_t n = 0;
        for (; cursor < held && n < out.size(); cursor++, n++) {
            out[n] = records_[(added_ - 1 - cursor) % kKept];
            out[n].ended_ago = now - out[n].ended_at;
        }
        if (cursor >= held) cursor = 0;
        return n;
    }

  private:
    std::vector<ConnectionRecord> records_;
    uint64_t added_ = 0;
};

}  // namespace fedge::core
