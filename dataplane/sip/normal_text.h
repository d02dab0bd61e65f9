// Text as filters see it: what a reader's program undoes or does not show is undone, so that a link looks the same
// however it is written. Every octet that comes out knows where it came from.
//
// Undone: %HH, &#n; &#xh; and the named references of punctuation; full-width and other forms of ASCII characters and
// of the dot, colon and slash; folds. Left out: control characters (and with them the zeros of UTF-16), invisible
// characters (zero width, direction, soft hyphen). In HTML the tags, in RTF control words and groups.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace fedge::sip {

enum class Markup : uint8_t {
    plain,
    html,  // tags are left out
    rtf,
};

// What comes out for what is invisible.
enum class Gaps : uint8_t { nothing, spaces };

// Takes text in pieces, cut anywhere.
class Normalizer {
  public:
    explicit Normalizer(Markup markup, Gaps gaps = Gaps::nothing) : markup_(markup), gaps_(gaps) {}

    // There was something invisible: the other reading differs.
    bool had_gaps() const { return had_gaps_; }

    // Writes what can be said of the text so far to `out`, and for each octet where it began (from the start of the
    // first piece) to `origin`, unless that is empty. Both have room for piece + kHeld octets; `origin` as well, or
    // none. Returns how many.
    size_t feed(std::string_view piece, MutableBytes out, std::span<uint32_t> origin);
    // What was held back because it might have gone on. At most kHeld.
    size_t finish(MutableBytes out, std::span<uint32_t> origin);

    static constexpr size_t kHeld = 40;

  private:
    struct Sink {
        MutableBytes out;
        std::span<uint32_t> origin;
        size_t size = 0;
        void put(char c, uint32_t at);
        void put(std::string_view text, uint32_t at);
    };
    // A character, or a gap if it is none that is shown.
    void put(char c, Sink& sink);
    void put_gap(Sink& sink);
    // Reads one item off the front of held text: how many octets it takes. 0: it may go on.
    size_t take(std::string_view text, bool last, Sink& sink);
    size_t take_entity(std::string_view text, bool last, Sink& sink);
    size_t take_rtf(std::string_view text, bool last, Sink& sink);
    size_t take_utf8(std::string_view text, bool last, Sink& sink);
    void put_code_point(uint32_t code, size_t size, std::string_view text, Sink& sink);
    void run(std::string_view text, bool last, Sink& sink);

    Markup markup_;
    Gaps gaps_;
    bool had_gaps_ = false;
    bool in_tag_ = false;
    char held_[kHeld];
    size_t held_size_ = 0;
    uint32_t at_ = 0;  // of held_[0]
};

// All of a text at once, out of a fresh normalizer. `out` and `origin` have room for as many octets as the text.
// Returns what is written.
std::string_view normalize(std::string_view text, Normalizer& normalizer, MutableBytes out, std::span<uint32_t> origin);

// Content-Transfer-Encoding of MIME parts (RFC 2045). `out` has room for as many octets as the text.
enum class TransferEncoding : uint8_t { none, base64, quoted_printable };
TransferEncoding transfer_encoding(std::string_view value);
std::string_view decode(TransferEncoding encoding, std::string_view text, MutableBytes out);

}  // namespace fedge::sip
