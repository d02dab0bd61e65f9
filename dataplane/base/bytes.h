// Bytes from and to the wire: byte-wise loads (no alignment is ever assumed) and cursors that cannot run over.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace fedge {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// A word as the machine loads it, for sums and comparisons that do not depend on byte order.
inline uint32_t load_native32(const uint8_t* p) {
    uint32_t v;
    std::memcpy(&v, p, sizeof(v));
    return v;
}
inline void store_native32(uint8_t* p, uint32_t v) {
    std::memcpy(p, &v, sizeof(v));
}

// Loads and stores of network order. memcpy and a swap: one instruction each, whatever the alignment.
template <typename T>
T swap_if_little(T v) {
    if constexpr (std::endian::native == std::endian::big) return v;
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
}
template <typename T>
T load_be(const uint8_t* p) {
    T v;
    std::memcpy(&v, p, sizeof(v));
    return swap_if_little(v);
}
template <typename T>
void store_be(uint8_t* p, T v) {
    v = swap_if_little(v);
    std::memcpy(p, &v, sizeof(v));
}
inline uint16_t load_be16(const uint8_t* p) {
    return load_be<uint16_t>(p);
}
inline uint32_t load_be32(const uint8_t* p) {
    return load_be<uint32_t>(p);
}
inline uint64_t load_be64(const uint8_t* p) {
    return load_be<uint64_t>(p);
}
inline void store_be16(uint8_t* p, uint16_t v) {
    store_be(p, v);
}
inline void store_be32(uint8_t* p, uint32_t v) {
    store_be(p, v);
}
inline void store_be64(uint8_t* p, uint64_t v) {
    store_be(p, v);
}

inline Bytes bytes_of(std::string_view s) {
    return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline std::string_view text_of(Bytes b) {
    return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// Reads in order. A read past the end yields zero or an empty view and makes ok() false for good; check once at the
// end.
class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) : rest_(bytes) {}

    uint8_t u8() { return take(1) ? prev_[0] : uint8_t{0}; }
    uint16_t u16() { return take(2) ? load_be16(prev_) : uint16_t{0}; }
    uint32_t u32() { return take(4) ? load_be32(prev_) : 0; }
    uint64_t u64() { return take(8) ? load_be64(prev_) : 0; }
    Bytes bytes(size_t n) { return take(n) ? Bytes{prev_, n} : Bytes{}; }
    void skip(size_t n) { take(n); }

    size_t remaining() const { return rest_.size(); }
    bool ok() const { return ok_; }

  private:
    bool take(size_t n) {
        if (n > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return false;
        }
        prev_ = rest_.data();
        rest_ = rest_.subspan(n);
        return true;
    }

    Bytes rest_;
    const uint8_t* prev_ = nullptr;
    bool ok_ = true;
};

// Writes in order into memory of the caller. A write past the end writes nothing and makes ok() false for good.
class ByteWriter {
  public:
    explicit ByteWriter(MutableBytes out) : out_(out) {}

    void u8(uint8_t v) {
        if (uint8_t* p = reserve(1)) *p = v;
    }
    void u16(uint16_t v) {
        if (uint8_t* p = reserve(2)) store_be16(p, v);
    }
    void u32(uint32_t v) {
        if (uint8_t* p = reserve(4)) store_be32(p, v);
    }
    void u64(uint64_t v) {
        if (uint8_t* p = reserve(8)) store_be64(p, v);
    }
    void bytes(Bytes b) {
        if (uint8_t* p = reserve(b.size()); p && !b.empty()) std::memcpy(p, b.data(), b.size());
    }
    void zeros(size_t n) {
        if (uint8_t* p = reserve(n); p && n) std::memset(p, 0, n);
    }
    // n bytes to fill in by hand, or nullptr.
    uint8_t* reserve(size_t n) {
        if (n > out_.size() - size_) {
            ok_ = false;
            return nullptr;
        }
        uint8_t* p = out_.data() + size_;
        size_ += n;
        return p;
    }

    size_t size() const { return size_; }
    bool ok() const { return ok_; }
    Bytes written() const { return out_.first(size_); }

  private:
    MutableBytes out_;
    size_t size_ = 0;
    bool ok_ = true;
};

}  // namespace fedge
