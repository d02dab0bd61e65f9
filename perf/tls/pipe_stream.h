// A stream in memory for benchmarks: what is written is copied to the other side's queue, as TCP copies it into blocks.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "dataplane/tcp/stream.h"

namespace fedge::perf {

class PipeStream final : public tcp::Stream {
  public:
    // What arrives from the far end. Empties cost no memory.
    void arrive(Bytes bytes) {
        if (used_ == in_.size()) {
            in_.clear();
            used_ = 0;
        }
        in_.insert(in_.end(), bytes.begin(), bytes.end());
    }
    std::vector<uint8_t> out;  // written, for the far end
    bool keeps = true;         // false: what is written goes into a buffer that is used again and again
    bool aborted = false;

    void release() {
        in_ = {};
        out = {};
        used_ = 0;
    }

    Bytes peek() override { return Bytes{in_}.subspan(used_); }
    void consume(size_t n) override { used_ += n; }
    size_t look(MutableBytes to) override {
        size_t n = std::min(to.size(), in_.size() - used_);
        if (n > 0) std::memcpy(to.data(), in_.data() + used_, n);
        return n;
    }
    bool at_end() const override { return false; }
    size_t write(Bytes bytes) override {
        if (!keeps) out.clear();
        out.insert(out.end(), bytes.begin(), bytes.end());
        return bytes.size();
    }
    size_t writable() const override { return tcp::kMaxBuffer; }
    void shutdown() override {}
    void set_handler(tcp::StreamHandler&) override {}
    void close() override { aborted = true; }
    void linger() override { aborted = true; }
    void abort() override { aborted = true; }
    Endpoint local() const override { return {IpAddress::v4(0x0a000001), 443}; }
    Endpoint remote() const override { return {IpAddress::v4(0x0a000002), 50000}; }
    tcp::StreamInfo info() const override { return {.mss = 1460}; }

  private:
    std::vector<uint8_t> in_;
    size_t used_ = 0;
};

}  // namespace fedge::perf
