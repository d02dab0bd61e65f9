// A stream of bytes through the framer, in pieces, written down as the frames that come out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/sip/framing.h"

namespace fedge::sip {

struct FramedMessage {
    std::string header;
    std::string body;
    friend bool operator==(const FramedMessage&, const FramedMessage&) = default;
};

struct FramedText {
    std::vector<FramedMessage> messages;  // whole ones
    FramingFault fault = FramingFault::none;
    std::string refused_header;  // of the message that was refused, if its header section was complete
    size_t crlfs = 0;
    size_t pings = 0;
    bool unfinished = false;  // something of a message is there that has not ended

    friend bool operator==(const FramedText&, const FramedText&) = default;
};

// As a connection uses the framer: what has arrived and was not taken stands in one piece.
class FramedStream {
  public:
    explicit FramedStream(const FramingLimits& limits) : framer_(limits) {}

    void arrive(Instant now, std::string_view bytes) {
        waiting_ += bytes;
        while (out_.fault == FramingFault::none) {
            Frame frame = framer_.scan(now, bytes_of(waiting_));
            if (frame.what == Framed::more) break;
            std::string taken = waiting_.substr(0, frame.take);
            waiting_.erase(0, frame.take);
            switch (frame.what) {
                case Framed::more: break;
                case Framed::keepalive: out_.crlfs++; break;
                case Framed::ping:
                    out_.crlfs++;
                    out_.pings++;
                    break;
                case Framed::header: current_ = {taken, {}}; break;
                case Framed::body: current_.body += taken; break;
                case Framed::refused:
                    out_.fault = frame.fault;
                    out_.refused_header = taken;
                    break;
            }
            if (frame.what == Framed::header || frame.what == Framed::body) {
                if (frame.last) out_.messages.push_back(current_);
            }
        }
        out_.unfinished = framer_.in_body() || !framer_.idle() || !waiting_.empty();
    }
    const FramedText& out() const { return out_; }

  private:
    Framer framer_;
    std::string waiting_;
    FramedMessage current_;
    FramedText out_;
};

// In pieces of `piece` bytes.
inline FramedText frame_text(std::string_view text, const FramingLimits& limits, size_t piece = SIZE_MAX) {
    FramedStream stream{limits};
    for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
        stream.arrive(Instant{} + 1h, text.substr(at, piece));
    return stream.out();
}

}  // namespace fedge::sip
