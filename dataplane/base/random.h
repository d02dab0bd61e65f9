// Randomness as an argument. Production fills the pool from OpenSSL's DRBG, tests from a seed.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/bytes.h"

namespace fedge {

// A pool of random bytes that belongs to one core. Refilling costs a few microseconds per 4 KiB and no system call in
// the common case (the DRBG reseeds itself now and then). Never predictable from earlier output.
class Random {
  public:
    virtual ~Random() = default;

    uint32_t u32() {
        uint32_t v;
        fill({reinterpret_cast<uint8_t*>(&v), sizeof(v)});
        return v;
    }
    uint64_t u64() {
        uint64_t v;
        fill({reinterpret_cast<uint8_t*>(&v), sizeof(v)});
        return v;
    }
    // Uniform in [0, bound); bound > 0. Lemire's method, without bias.
    uint32_t below(uint32_t bound);
    void fill(MutableBytes out);

  protected:
    virtual void refill(MutableBytes pool) = 0;

  private:
    std::array<uint8_t, 4096> pool_;
    size_t used_ = sizeof(pool_);
};

// OpenSSL RAND_bytes. Aborts if the DRBG fails: there is no safe way to go on.
class SystemRandom final : public Random {
    void refill(MutableBytes pool) override;
};

// Reproducible sequence for tests and simulations.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(uint64_t seed) : state_(seed) {}

  private:
    void refill(MutableBytes pool) override;
    uint64_t state_;
};

}  // namespace fedge
