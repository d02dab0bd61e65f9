// How a verdict table lies in memory: a header, slots of one cache line each, and texts that are too long for a slot.
// For verdicts.cpp and verdict_builder.cpp only.
//
// A name's hash gives its home slot. All entries with one home stand in a row, in order of their homes, at the home or
// behind it; the home says how far behind and how many. So a look-up reads the home's line and, seldom, the next ones,
// and a name that is not there costs one line.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "dataplane/contract/verdicts.h"

namespace fedge::contract::verdict_layout {

inline constexpr uint64_t kMagic = 0x3154564547444546;  // "FEDGEVT1"
inline constexpr uint32_t kVersion = 1;
inline constexpr uint32_t kMaxDistance = 255;  // between a home and the last of its entries
inline constexpr uint64_t kMaxSlots = uint64_t{1} << 26;
inline constexpr size_t kInlineName = 44;

enum class Kind : uint8_t { empty, allowed, blocked, discovered, user, removed };
inline constexpr uint8_t kKinds = 6;

inline constexpr uint8_t kMonitored = 1;
inline constexpr uint8_t kSuspicious = 2;
inline constexpr uint8_t kFlags = kMonitored | kSuspicious;

struct alignas(64) Header {
    uint64_t magic;
    uint32_t version;
    uint32_t max_labels;  // of the domain with most; 0: there is no domain
    VerdictKey key;
    uint32_t homes;  // slots that can be homes: the first ones
    uint32_t slots;
    uint64_t text_bytes;
    uint32_t entries[kKinds];  // by kind
    uint32_t min_labels;       // of the domain with fewest
    uint8_t unused[36];
};
static_assert(sizeof(Header) == 128);

struct alignas(64) Slot {
    uint32_t tag;  // lower half of the name's hash
    uint32_t via;  // offset in the texts
    uint16_t name_length;
    uint16_t via_length;
    uint8_t first;  // of this slot as a home: distance of its first entry,
    uint8_t count;  // and how many there are
    Kind kind;
    Verification verification;
    Purpose purpose;
    SrvMode srv_mode;
    uint8_t flags;
    uint8_t access;
    char name[kInlineName];  // or, of a longer name, its offset in the texts (uint32_t)

    bool has_inline_name() const { return name_length <= kInlineName; }
    uint32_t name_offset() const {
        uint32_t offset;
        std::memcpy(&offset, name, sizeof(offset));
        return offset;
    }
};
static_assert(sizeof(Slot) == 64);

inline uint32_t tag_of(uint64_t hash) {
    return static_cast<uint32_t>(hash);
}

inline uint32_t home_of(uint64_t hash, uint32_t homes) {
    return static_cast<uint32_t>((hash >> 32) * homes >> 32);
}

// Names are hashed label by label from the right, so that the hashes of all parents come on the way to that of the
// whole. Keyed: whoever may add names, as discovered partners do, cannot aim them at one place. Names are compared in
// full afterwards, so nothing else hangs on it.
class LabelHash {
  public:
    explicit LabelHash(const VerdictKey& key) : key_(key), value_(key.c) {}

    // The next label, to the left of those before. Returns the hash of the name so far.
    uint64_t add(std::string_view label) {
        const char* at = label.data();
        size_t left = label.size();
        for (; left > 7; at += 8, left -= 8) {
            uint64_t word;
            std::memcpy(&word, at, sizeof(word));
            mix(word);
        }
        mix(tail(at, left) | uint64_t{label.size() & 0xff} << 56);
        return value_;
    }

  private:
    void mix(uint64_t word) {
        __extension__ using Wide = unsigned __int128;
        Wide product = Wide{word ^ key_.a} * (value_ ^ key_.b);
        value_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    }
    // At most seven bytes, as a number.
    static uint64_t tail(const char* at, size_t length) {
        if (length >= 4) {
            uint32_t front, back;
            std::memcpy(&front, at, sizeof(front));
            std::memcpy(&back, at + length - 4, sizeof(back));
            return front | uint64_t{back} << (8 * (length - 4));
        }
        if (length == 0) return 0;
        auto byte = [at](size_t i) { return uint64_t{static_cast<uint8_t>(at[i])} << (8 * i); };
        return byte(0) | byte(length / 2) | byte(length - 1);
    }

    VerdictKey key_;
    uint64_t value_;
};

inline uint64_t hash_name(const VerdictKey& key, std::string_view name, uint32_t& labels) {
    LabelHash hash(key);
    uint64_t value = 0;
    labels = 0;
    for (size_t end = name.size();; labels++) {
        size_t dot = end == 0 ? std::string_view::npos : name.rfind('.', end - 1);
        size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
        value = hash.add(name.substr(begin, end - begin));
        if (begin == 0) break;
        end = begin - 1;
    }
    labels++;
    return value;
}

}  // namespace fedge::contract::verdict_layout
