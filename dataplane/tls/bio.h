// OpenSSL's view of a tcp::Stream: records are read from and written to the stream's own queues, nothing lies between.
//
// Two small exceptions. What was gathered of a ClientHello before OpenSSL came in is read first. And a record that the
// stream takes only in part leaves its rest here, so that OpenSSL never has to be called again with the same bytes: the
// session writes nothing more until it is gone.
#pragma once

#include <openssl/bio.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/tcp/stream.h"

namespace fedge::tls {

class StreamLink {
  public:
    explicit StreamLink(tcp::Stream* below = nullptr) : below_(below) {}
    StreamLink(const StreamLink&) = delete;
    StreamLink& operator=(const StreamLink&) = delete;

    // Owned by the caller, usually given to an SSL; must not be used after the link. nullptr: no memory.
    BIO* make_bio();

    tcp::Stream* below() const { return below_; }
    void attach(tcp::Stream* below) { below_ = below; }  // nullptr: gone; reads then find the end, writes vanish

    std::vector<uint8_t>& gathered() { return gathered_; }
    bool holds() const { return !held_.empty(); }
    size_t held() const { return held_.size(); }
    // Gives the stream what is held. True when nothing is any more.
    bool flush();

    // Takes bytes, at most out.size(). 0: none there now, see at_end().
    size_t take(MutableBytes out);
    bool at_end() const { return gathered_used_ == gathered_.size() && (!below_ || below_->at_end()); }
    void put(Bytes bytes);
    // Whether a take() found nothing since the last call.
    bool ran_dry() { return std::exchange(dry_, false); }

  private:
    tcp::Stream* below_;
    std::vector<uint8_t> gathered_;
    size_t gathered_used_ = 0;
    std::vector<uint8_t> held_;
    bool dry_ = false;
};

}  // namespace fedge::tls
