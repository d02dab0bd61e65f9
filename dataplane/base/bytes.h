// Bytes from and to the wire: byte-wise loads (no alignment is ever assumed) and cursors that cannot run over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace fedge {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

inline uint16_t load_be16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t load_be32(const uint8_t* p) {
    return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 | static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline uint64_t load_be64(const uint8_t* p) { return static_cast<uint64_t>(load_be32(p)) << 32 | load_be32(p + 4); }
inline void store_be16(uint8_t* p, uint16_t v) {
    p[0] = static_cast<uint8_t>(v >> 8);
    p[1] = static_cast<uint8_t>(v);
}
inline void store_be32(uint8_t* p, uint32_t v) {
    store_be16(p, static_cast<uint16_t>(v >> 16));
    store_be16(p + 2, static_cast<uint16_t>(v));
}
inline void store_be64(uint8_t* p, uint64_t v) {
    store_be32(p, static_cast<uint32_t>(v >> 32));
    store_be32(p + 4, static_cast<uint32_t>(v));
}

inline Bytes bytes_of(std::string_view s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
inline std::string_view text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

// Reads in order. A read past the end yields zero or an empty view and makes ok() false for good; check once at the end.
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
