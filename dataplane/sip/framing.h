// Framing of SIP on streams (RFC 3261 sections 7.5, 18.3 and 20.14): where messages begin and end. Strict wherever two
// parsers might disagree, because what one takes for the rest of a body is a request for the other: a message whose end
// is not beyond doubt ends the connection.
//
// A header section is looked at in one piece of memory; a body of any size passes in whatever pieces it arrives.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/base/time.h"

namespace fedge::sip {

struct FramingLimits {
    uint32_t header_bytes = 64 * 1024;  // start line and header section
    uint32_t headers = 256;             // header fields as they stand there, before commas are taken apart
    uint32_t body_bytes = 5000 * 1024;  // servers; clients get less
    uint32_t keepalives = 16;           // CRLFs between messages in a row ...
    Duration keepalive_every = 1s;      // ... of which so much time gives one back
    // "Content-Length : 5" is legal (section 25.1, HCOLON), and read differently by enough parsers to be refused.
    bool strict_length = true;
};

// Why a stream is refused. The names are shown to operators and counted.
enum class FramingFault : uint8_t {
    none,
    not_sip,            // the first line says so
    bare_lf,            // a line ends without CR
    bare_cr,            // a CR that ends no line
    nul,                // outside of a quoted pair
    control_character,  // likewise
    no_header_name,     // a line without a name and a colon
    orphan_fold,        // a continuation line behind the start line
    blank_fold,         // a continuation line of nothing but white space: others may see the end of the headers
    header_too_large,
    too_many_headers,
    no_length,        // Content-Length is mandatory on streams (section 18.3)
    several_lengths,  // whatever they say
    bad_length,       // not a plain number (folded, signed, spaced, hexadecimal, beyond 32 bits)
    body_too_large,
    too_many_keepalives,
};
std::string_view name(FramingFault fault);
// The response that tells it, for faults behind which the header section is complete; 0: close without a word.
uint16_t status(FramingFault fault);

enum class Framed : uint8_t {
    more,       // nothing to take yet
    keepalive,  // CRLF between messages (RFC 5626 section 4.4.1): the peer lives
    ping,       // the second CRLF in a row, within the time in which an answer is due: answer with one
    header,     // a whole header section
    body,       // the next piece of the body
    refused,    // for good
};

struct Frame {
    Framed what = Framed::more;
    FramingFault fault = FramingFault::none;
    bool last = false;        // header, body: the message ends behind these bytes
    uint32_t take = 0;        // bytes from the start that belong to this. To be taken before the next call; refused: of
                              // the header section, if that is complete, else 0
    uint32_t body_bytes = 0;  // header: of the body that follows
};

// One direction of one connection. Some 40 bytes; the limits belong to somebody else and outlive it.
class Framer {
  public:
    explicit Framer(const FramingLimits& limits) : limits_(&limits), keepalives_(limits.keepalives) {}

    // `bytes`: what has arrived and has not been taken, as much of it as lies together. As long as the answer is
    // `more`, every call shows at least what the one before did, at this address or another; nothing is looked at
    // twice. If memory ends within a header section (more than what is there cannot be shown together), the caller
    // copies it into one piece and goes on; header_bytes is the most that it can need.
    Frame scan(Instant now, Bytes bytes);

    bool in_body() const { return body_left_ != 0; }
    // Nothing of a message has come yet.
    bool idle() const { return phase_ == Phase::between; }

  private:
    enum class Phase : uint8_t { between, start_line, headers, refused };
    enum class Length : uint8_t { none, one, bad, several };

    Frame between(Instant now, std::string_view text);
    Frame header_section(std::string_view text);
    Frame complete(uint32_t size);
    FramingFault on_line(std::string_view text, size_t end);
    FramingFault on_field(std::string_view line);
    Frame refuse(FramingFault fault, uint32_t size = 0);

    const FramingLimits* limits_;
    Instant keepalive_from_{};  // since when keepalives are earned
    uint32_t keepalives_;       // that may come at once
    uint32_t scanned_ = 0;      // bytes known to be sound
    uint32_t line_ = 0;         // where the line begins
    uint32_t fields_ = 0;
    uint32_t length_ = 0;
    uint32_t body_left_ = 0;
    Phase phase_ = Phase::between;
    Length lengths_ = Length::none;
    bool in_length_ = false;  // the field that may be continued is Content-Length
    bool one_crlf_ = false;   // the last that came was a CRLF that is not half of a ping yet ...
    Instant crlf_at_{};       // ... at this time
};

}  // namespace fedge::sip
