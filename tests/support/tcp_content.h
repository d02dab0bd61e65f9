// Content of test streams: bytes from a seed, and the SHA-256 of what went by.
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "dataplane/base/bytes.h"
#include "dataplane/base/random.h"

namespace fedge::test {

// SHA-256, for comparison with a peer that is not ours.
class Digest {
  public:
    Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
    void add(Bytes bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
    // Of all that was added so far, in hex.
    std::string hex() const {
        std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> copy(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        std::array<uint8_t, EVP_MAX_MD_SIZE> out;
        unsigned length = 0;
        EVP_MD_CTX_copy_ex(copy.get(), context_.get());
        EVP_DigestFinal_ex(copy.get(), out.data(), &length);
        std::string text;
        for (unsigned i = 0; i < length; i++) {
            constexpr const char* kDigits = "0123456789abcdef";
            text += kDigits[out[i] >> 4];
            text += kDigits[out[i] & 15];
        }
        return text;
    }

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// `total` bytes that the seed decides, in order. `repeats`: the first 16 KiB of them over and over, which costs
// nothing.
class Pattern {
  public:
    Pattern(uint64_t seed, uint64_t total, bool repeats = false) : random_(seed), left_(total), repeats_(repeats) {
        random_.fill(chunk_);
    }

    // The next bytes, empty at the end; take(n) those that were used.
    Bytes next() {
        if (begin_ == chunk_.size()) {
            if (!repeats_) random_.fill(chunk_);
            begin_ = 0;
        }
        return Bytes(chunk_).subspan(begin_).first(std::min<uint64_t>(left_, chunk_.size() - begin_));
    }
    void take(size_t n) {
        begin_ += n;
        left_ -= n;
    }
    uint64_t left() const { return left_; }

  private:
    SeededRandom random_;
    uint64_t left_;
    bool repeats_;
    std::array<uint8_t, 16384> chunk_;
    size_t begin_ = 0;
};

}  // namespace fedge::test
