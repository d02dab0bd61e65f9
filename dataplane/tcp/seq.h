// Sequence numbers: 32 bits, modulo arithmetic (RFC 9293 section 3.4).
#pragma once

#include <algorithm>
#include <cstdint>

namespace fedge::tcp {

// Comparison is only meaningful between numbers less than 2^31 apart.
class Seq {
  public:
    constexpr Seq() = default;
    constexpr explicit Seq(uint32_t value) : value_(value) {}
    constexpr uint32_t raw() const { return value_; }

    friend constexpr Seq operator+(Seq s, uint32_t n) { return Seq{s.value_ + n}; }
    friend constexpr Seq operator-(Seq s, uint32_t n) { return Seq{s.value_ - n}; }
    // How far a is ahead of b.
    friend constexpr uint32_t operator-(Seq a, Seq b) { return a.value_ - b.value_; }
    Seq& operator+=(uint32_t n) {
        value_ += n;
        return *this;
    }
    friend constexpr bool operator==(Seq, Seq) = default;
    friend constexpr bool operator<(Seq a, Seq b) { return static_cast<int32_t>(a.value_ - b.value_) < 0; }
    friend constexpr bool operator>(Seq a, Seq b) { return b < a; }
    friend constexpr bool operator<=(Seq a, Seq b) { return !(b < a); }
    friend constexpr bool operator>=(Seq a, Seq b) { return !(a < b); }

  private:
    uint32_t value_ = 0;
};

inline Seq later(Seq a, Seq b) {
    return a < b ? b : a;
}
inline Seq earlier(Seq a, Seq b) {
    return a < b ? a : b;
}

}  // namespace fedge::tcp
