// A view of one SIP message (RFC 3261 section 7): an index of the header section, and what every proxy has to know of
// it, read once. A message that was parsed without fault cannot fail later: its start line, Via, From, To, Call-ID,
// CSeq, Max-Forwards, Route and Record-Route are sound. Fields that a proxy only passes on are not judged.
//
// Strict: one each of the fields that allow one; control characters only as quoted pairs in quoted strings; exactly one
// space between the parts of a start line. Tolerant (RFC 3261 section 16.3, RFC 4475): any order, case and compact
// form, folds, white space before colons, unknown methods, schemes, fields and parameters.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/sip/fields.h"
#include "dataplane/sip/header_names.h"
#include "dataplane/sip/lexical.h"
#include "dataplane/sip/uri.h"

namespace fedge::sip {

enum class Method : uint8_t {
    other,
    ack,
    benotify,
    bye,
    cancel,
    info,
    invite,
    message,
    notify,
    options,
    prack,
    publish,
    refer,
    register_,
    service,
    subscribe,
    update,
};
Method method_id(std::string_view text);  // case counts (section 7.1)

enum class MessageFault : uint8_t {
    none,
    bad_line,  // no header name, no end of the section, a line of nothing but white space
    too_many_fields,
    control_character,  // outside of a quoted pair in a quoted string
    bad_start_line,
    bad_request_uri,  // also: header fields in it (section 19.1.5)
    version,          // not SIP/2.0
    bad_status,       // not 100 to 699
    missing_field,    // of those without which nothing can be routed or answered
    several_fields,   // of those that allow one
    bad_via,
    too_many_vias,
    bad_from,
    bad_to,
    bad_call_id,
    bad_cseq,
    cseq_method,  // not that of the request
    bad_max_forwards,
    bad_route,  // Route or Record-Route
    too_many_routes,
    bad_credentials,  // Authorization or Proxy-Authorization
};
std::string_view name(MessageFault fault);
// The response to a request with this fault; responses with a fault are dropped.
uint16_t status(MessageFault fault);

// One header field as it stands there.
struct Field {
    uint32_t line = 0;       // where its first line begins, from the start of the header section
    uint32_t line_size = 0;  // up to and including its last CRLF
    uint32_t value = 0;      // where its value begins; white space around is left out, folds inside are there
    uint32_t value_size = 0;
    uint16_t name_size = 0;
    uint16_t next = 0;  // the next field of this id; 0: none (the first field is no successor)
    HeaderId id = HeaderId::other;
};

class Message {
  public:
    static constexpr size_t kMaxFields = 256;
    static constexpr size_t kMaxVias = 64;
    static constexpr size_t kMaxRoutes = 32;

    // `header`: start line to empty line, as framed. It must outlive what is asked of this object. May be called again
    // for the next message. With a fault, fields() and what stands before the fault in the order of MessageFault is
    // there: enough to answer, see answerable().
    MessageFault parse(std::string_view header);

    // A response can be made: it is a request with a sound topmost Via. Also after a fault; what else belongs into a
    // response goes back as far as it is there.
    bool answerable() const { return request_ && via_sound_; }

    std::string_view header() const { return header_; }
    size_t start_line_size() const { return start_line_; }  // CRLF included

    bool is_request() const { return request_; }
    Method method() const { return method_; }  // of responses: that of CSeq
    std::string_view method_text() const { return method_text_; }
    const Uri& request_uri() const { return request_uri_; }  // requests
    uint16_t status_code() const { return status_; }         // responses
    std::string_view reason() const { return reason_; }      // responses; may be empty

    const Via& via() const { return via_; }  // topmost
    size_t vias() const { return vias_; }
    const Address& from() const { return from_; }
    const Address& to() const { return to_; }
    std::string_view call_id() const { return call_id_; }
    const CSeq& cseq() const { return cseq_; }
    std::optional<uint8_t> max_forwards() const { return max_forwards_; }

    std::span<const Field> fields() const { return {fields_.data(), count_}; }
    const Field* first(HeaderId id) const {
        uint16_t i = first_[static_cast<size_t>(id)];
        return i == kNone ? nullptr : &fields_[i];
    }
    const Field* next(const Field& field) const { return field.next == 0 ? nullptr : &fields_[field.next]; }
    bool has(HeaderId id) const { return first_[static_cast<size_t>(id)] != kNone; }
    std::string_view name(const Field& field) const { return header_.substr(field.line, field.name_size); }
    std::string_view value(const Field& field) const { return header_.substr(field.value, field.value_size); }
    std::string_view line(const Field& field) const { return header_.substr(field.line, field.line_size); }
    // Value of the first; empty without.
    std::string_view value(HeaderId id) const;
    // The first of this name, for those without id.
    const Field* find(std::string_view name) const;

  private:
    static constexpr uint16_t kNone = 0xffff;
    static_assert(kMaxFields < kNone);

    MessageFault index();
    MessageFault add_field(size_t at, size_t end);
    void extend_field(Field& field, size_t end);
    void forget_last_field();
    void set_value(Field& field, std::string_view text);
    MessageFault read_start_line();
    MessageFault read_request_line(std::string_view line);
    MessageFault read_status_line(std::string_view line);
    MessageFault check_counts() const;
    MessageFault read_vias();
    MessageFault read_routes(HeaderId id);
    MessageFault read_essentials();
    MessageFault check_credentials(HeaderId id) const;

    std::string_view header_;
    size_t start_line_ = 0;
    uint32_t count_ = 0;
    uint32_t vias_ = 0;
    bool request_ = false;
    bool via_sound_ = false;
    bool repeated_ = false;  // a field that may stand there once
    Method method_ = Method::other;
    uint16_t status_ = 0;
    std::string_view method_text_;
    std::string_view reason_;
    std::string_view call_id_;
    Uri request_uri_;
    Via via_;
    Address from_;
    Address to_;
    CSeq cseq_;
    std::optional<uint8_t> max_forwards_;
    std::array<uint16_t, static_cast<size_t>(HeaderId::count)> first_;
    std::array<uint16_t, static_cast<size_t>(HeaderId::count)> last_;
    std::array<Field, kMaxFields> fields_;
};

// All values of all fields of one kind, in order: Via, Route, Record-Route, Contact, ... (section 7.3.1).
class Values {
  public:
    Values(const Message& message, HeaderId id)
        : message_(&message),
          field_(message.first(id)),
          cursor_(field_ ? message.value(*field_) : std::string_view{}) {}
    // Nothing at the end, and behind text that is malformed, see ok().
    std::optional<std::string_view> next();
    bool ok() const { return cursor_.ok(); }
    // The field of the value that next() gave last.
    const Field* field() const { return field_; }

  private:
    const Message* message_;
    const Field* field_;
    ValueCursor cursor_;
};

}  // namespace fedge::sip
