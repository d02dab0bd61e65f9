// The outgoing header section of a message that is passed on (RFC 3261 sections 16.6 and 16.7): what stays is copied
// from the message in as few pieces as possible, what changes is written in between. The body is not touched.
//
// Everything given here is a view that must live until write(). Text that would break out of its line makes ok() false.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/sip/message.h"

namespace fedge::sip {

class Edit {
  public:
    static constexpr size_t kMaxAdded = 12;

    // The message was parsed without fault. `body_bytes` is told as Content-Length, whatever the message said and
    // however it spelled it.
    Edit(const Message& message, uint32_t body_bytes);

    // Of requests.
    void set_request_uri(std::string_view uri) { request_uri_ = uri; }

    // A line in front of all others; the first that is added is the topmost. Via and Record-Route belong there.
    void add_on_top(std::string_view name, std::string_view value);
    void add_on_top(HeaderId id, std::string_view value) { add_on_top(header_text(id), value); }
    // A line behind all others.
    void append(std::string_view name, std::string_view value);
    void append(HeaderId id, std::string_view value) { append(header_text(id), value); }

    // Every field of this kind, or of this name, however it is spelled and repeated.
    void remove(HeaderId id);
    void remove(std::string_view name);
    // Every field for which is_trust_header() holds.
    void remove_trust_headers();
    // The first so many values of the fields of this kind: of Via, Route, Record-Route.
    void remove_first(HeaderId id, size_t values);
    // The last value of the fields of this kind.
    void remove_last(HeaderId id);
    // The first value that remains gets this text instead.
    void replace_first(HeaderId id, std::string_view value);
    // In place of all fields of this kind.
    void set(HeaderId id, std::string_view value);

    bool ok() const { return ok_; }
    // The new header section, empty line included; 0 if it does not fit or ok() is false.
    size_t write(MutableBytes out) const;

  private:
    struct Line {
        std::string_view name;
        std::string_view value;
    };
    // Of a field that stays in part: this text instead of its value.
    struct Rest {
        const Field* field = nullptr;
        std::string_view before;  // in front of `value`, a comma between them
        std::string_view value;
    };

    void add(std::array<Line, kMaxAdded>& lines, size_t& count, std::string_view name, std::string_view value);
    void drop(const Field& field) { dropped_.set(static_cast<size_t>(&field - message_->fields().data())); }
    bool dropped(const Field& field) const {
        return dropped_.test(static_cast<size_t>(&field - message_->fields().data()));
    }
    Rest* rest_of(const Field& field);
    std::string_view remaining(const Field& field);
    const Field* first_remaining(HeaderId id);

    const Message* message_;
    uint32_t body_bytes_;
    std::string_view request_uri_;
    std::bitset<Message::kMaxFields> dropped_;
    std::array<Line, kMaxAdded> top_;
    std::array<Line, kMaxAdded> bottom_;
    std::array<Rest, 8> rests_;
    size_t top_count_ = 0;
    size_t bottom_count_ = 0;
    size_t rest_count_ = 0;
    bool ok_ = true;
};

// The text may stand in a header field: no control characters, except folds.
bool is_field_text(std::string_view text);

}  // namespace fedge::sip
