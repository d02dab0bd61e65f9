#include "dataplane/sip/message.h"

#include <algorithm>
#include <iterator>

namespace fedge::sip {
namespace {

struct MethodName {
    std::string_view text;
    Method method;
};
constexpr MethodName kMethods[] = {
    {"ACK", Method::ack},
    {"BENOTIFY", Method::benotify},
    {"BYE", Method::bye},
    {"CANCEL", Method::cancel},
    {"INFO", Method::info},
    {"INVITE", Method::invite},
    {"MESSAGE", Method::message},
    {"NOTIFY", Method::notify},
    {"OPTIONS", Method::options},
    {"PRACK", Method::prack},
    {"PUBLISH", Method::publish},
    {"REFER", Method::refer},
    {"REGISTER", Method::register_},
    {"SERVICE", Method::service},
    {"SUBSCRIBE", Method::subscribe},
    {"UPDATE", Method::update},
};

constexpr std::string_view kVersion = "SIP/2.0";

// Fields that may stand there once (RFC 3261 section 7.3.1: their grammar is no list). Two of them would let one
// element judge by the first and another act on the second.
constexpr HeaderId kSingle[] = {
    HeaderId::call_id,
    HeaderId::content_length,
    HeaderId::content_type,
    HeaderId::cseq,
    HeaderId::from,
    HeaderId::max_breadth,
    HeaderId::max_forwards,
    HeaderId::to,
    HeaderId::event,
    HeaderId::expires,
    HeaderId::refer_to,
    HeaderId::subscription_state,
    HeaderId::content_encoding,
    HeaderId::rack,
    HeaderId::rseq,
    HeaderId::session_expires,
};

// Control characters stand in quoted strings only; that they are quoted pairs is known.
bool controls_are_quoted(std::string_view value) {
    for (size_t i = 0; i < value.size(); i++) {
        if (value[i] == '"') {
            i = quoted_end(value, i);
            if (i == std::string_view::npos) return false;
            i--;
        } else if (auto c = static_cast<uint8_t>(value[i]); (c < 0x20 && !is(value[i], kLws)) || c == 0x7f) {
            return false;
        }
    }
    return true;
}

}  // namespace

Method method_id(std::string_view text) {
    for (const MethodName& m : kMethods)
        if (m.text == text) return m.method;
    return Method::other;
}

std::string_view name(MessageFault fault) {
    switch (fault) {
        case MessageFault::none: return "none";
        case MessageFault::bad_line: return "malformed header line";
        case MessageFault::too_many_fields: return "too many headers";
        case MessageFault::control_character: return "control character in a header";
        case MessageFault::bad_start_line: return "malformed start line";
        case MessageFault::bad_request_uri: return "malformed Request-URI";
        case MessageFault::version: return "SIP version";
        case MessageFault::bad_status: return "malformed status code";
        case MessageFault::missing_field: return "mandatory header missing";
        case MessageFault::several_fields: return "repeated header";
        case MessageFault::bad_via: return "malformed Via";
        case MessageFault::too_many_vias: return "too many Vias";
        case MessageFault::bad_from: return "malformed From";
        case MessageFault::bad_to: return "malformed To";
        case MessageFault::bad_call_id: return "malformed Call-ID";
        case MessageFault::bad_cseq: return "malformed CSeq";
        case MessageFault::cseq_method: return "CSeq of another method";
        case MessageFault::bad_max_forwards: return "malformed Max-Forwards";
        case MessageFault::bad_route: return "malformed Route";
        case MessageFault::too_many_routes: return "too many Routes";
        case MessageFault::bad_credentials: return "malformed credentials";
    }
    return "unknown";
}

uint16_t status(MessageFault fault) {
    switch (fault) {
        case MessageFault::none: return 0;
        case MessageFault::version: return 505;
        case MessageFault::too_many_vias:
        case MessageFault::too_many_routes:
        case MessageFault::too_many_fields: return 513;
        default: return 400;
    }
}

MessageFault Message::parse(std::string_view header) {
    header_ = header;
    start_line_ = count_ = vias_ = status_ = 0;
    request_ = via_sound_ = repeated_ = false;
    method_ = Method::other;
    method_text_ = reason_ = call_id_ = {};
    request_uri_ = {};
    via_ = {};
    from_ = to_ = {};
    cseq_ = {};
    max_forwards_.reset();
    first_.fill(kNone);
    MessageFault fault = index();
    // Whatever is wrong elsewhere, an answer needs a topmost Via, and only requests have one.
    MessageFault vias = read_vias();
    MessageFault start = start_line_ ? read_start_line() : MessageFault::bad_start_line;
    if (fault == MessageFault::none) fault = start;
    if (fault == MessageFault::none) fault = check_counts();
    if (fault == MessageFault::none) fault = vias;
    if (fault == MessageFault::none) fault = read_essentials();
    if (fault == MessageFault::none) fault = read_routes(HeaderId::route);
    if (fault == MessageFault::none) fault = read_routes(HeaderId::record_route);
    if (fault == MessageFault::none) fault = check_credentials(HeaderId::authorization);
    if (fault == MessageFault::none) fault = check_credentials(HeaderId::proxy_authorization);
    return fault;
}

MessageFault Message::index() {
    size_t line = 0;
    bool quoted_pairs = false;  // that hold control characters, in the last field
    for (size_t at = 0;;) {
        at = find_control(header_, at);
        if (at == header_.size()) return MessageFault::bad_line;
        if (header_[at] != '\r') {
            bool pair = at != line && header_[at - 1] == '\\' && header_[at] != '\n';
            if (!pair || start_line_ == 0) return MessageFault::control_character;
            quoted_pairs = true;
            at++;
            continue;
        }
        if (at + 1 == header_.size() || header_[at + 1] != '\n') return MessageFault::control_character;
        size_t next = at + 2;
        if (at == line) return start_line_ != 0 && next == header_.size() ? MessageFault::none : MessageFault::bad_line;
        if (start_line_ == 0) {
            start_line_ = next;
        } else if (is(header_[line], kSpace)) {
            if (count_ == 0 || all<kSpace>(header_.substr(line, at - line))) return MessageFault::bad_line;
            extend_field(fields_[count_ - 1], next);
        } else if (MessageFault fault = add_field(line, next); fault != MessageFault::none) {
            return fault;
        }
        bool goes_on = next < header_.size() && is(header_[next], kSpace);
        if (quoted_pairs && !goes_on) {
            if (!controls_are_quoted(value(fields_[count_ - 1]))) {
                forget_last_field();  // it must not stand in a response
                return MessageFault::control_character;
            }
            quoted_pairs = false;
        }
        at = line = next;
    }
}

void Message::extend_field(Field& field, size_t end) {
    field.line_size = static_cast<uint32_t>(end - field.line);
    set_value(field, header_.substr(field.value, end - field.value));
}

void Message::forget_last_field() {
    auto index = static_cast<uint16_t>(--count_);
    auto i = static_cast<size_t>(fields_[index].id);
    if (first_[i] == index) {
        first_[i] = kNone;
        return;
    }
    last_[i] = first_[i];
    while (fields_[last_[i]].next != index) last_[i] = fields_[last_[i]].next;
    fields_[last_[i]].next = 0;
}

void Message::set_value(Field& field, std::string_view text) {
    std::string_view value = trim(text);
    field.value = static_cast<uint32_t>((value.empty() ? text : value).data() - header_.data());
    field.value_size = static_cast<uint32_t>(value.size());
}

MessageFault Message::add_field(size_t at, size_t end) {
    size_t colon = 0;
    auto name = header_name(header_.substr(at, end - at), colon);
    if (!name) return MessageFault::bad_line;
    if (count_ == kMaxFields) return MessageFault::too_many_fields;
    HeaderId id = header_id(*name);
    auto index = static_cast<uint16_t>(count_++);
    Field& f = fields_[index];
    f.line = static_cast<uint32_t>(at);
    f.line_size = static_cast<uint32_t>(end - at);
    set_value(f, header_.substr(at + colon + 1, end - at - colon - 1));
    f.name_size = static_cast<uint16_t>(name->size());
    f.next = 0;
    f.id = id;
    auto i = static_cast<size_t>(id);
    if (first_[i] == kNone) {
        first_[i] = index;
    } else {
        fields_[last_[i]].next = index;
        repeated_ |= std::ranges::find(kSingle, id) != std::end(kSingle);
    }
    last_[i] = index;
    return MessageFault::none;
}

std::string_view Message::value(HeaderId id) const {
    const Field* f = first(id);
    return f ? value(*f) : std::string_view{};
}

const Field* Message::find(std::string_view name) const {
    for (const Field* f = first(header_id(name)); f; f = next(*f))
        if (f->id != HeaderId::other || equal_nocase(this->name(*f), name)) return f;
    return nullptr;
}

MessageFault Message::read_start_line() {
    std::string_view line = header_.substr(0, start_line_ - 2);
    request_ = !equal_nocase(line.substr(0, 4), "SIP/");
    return request_ ? read_request_line(line) : read_status_line(line);
}

// Request-Line = Method SP Request-URI SP SIP-Version CRLF
MessageFault Message::read_request_line(std::string_view line) {
    size_t first_space = line.find(' ');
    size_t last_space = line.rfind(' ');
    method_text_ = line.substr(0, first_space);
    method_ = method_id(method_text_);  // in any case: an ACK is not answered
    if (first_space == std::string_view::npos || first_space == last_space) return MessageFault::bad_start_line;
    std::string_view uri = line.substr(first_space + 1, last_space - first_space - 1);
    std::string_view version = line.substr(last_space + 1);
    if (method_text_.empty() || !all<kToken>(method_text_) || !equal_nocase(version.substr(0, 4), "SIP/"))
        return MessageFault::bad_start_line;
    if (!equal_nocase(version, kVersion)) return MessageFault::version;
    auto parsed = Uri::parse(uri);
    if (!parsed || !parsed->headers.empty()) return MessageFault::bad_request_uri;
    request_uri_ = *parsed;
    return MessageFault::none;
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF
MessageFault Message::read_status_line(std::string_view line) {
    if (line.size() < kVersion.size() + 5 || line[kVersion.size()] != ' ') return MessageFault::bad_start_line;
    if (!equal_nocase(line.substr(0, kVersion.size()), kVersion)) return MessageFault::version;
    auto code = parse_number(line.substr(kVersion.size() + 1, 3), 699);
    if (!code || *code < 100 || line[kVersion.size() + 4] != ' ') return MessageFault::bad_status;
    status_ = static_cast<uint16_t>(*code);
    reason_ = line.substr(kVersion.size() + 5);
    return MessageFault::none;
}

MessageFault Message::check_counts() const {
    for (HeaderId id : {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq})
        if (!has(id)) return MessageFault::missing_field;
    return repeated_ ? MessageFault::several_fields : MessageFault::none;
}

MessageFault Message::read_vias() {
    Values values{*this, HeaderId::via};
    while (auto value = values.next()) {
        auto via = Via::parse(*value);
        if (!via) return MessageFault::bad_via;
        if (vias_++ == 0) {
            via_ = *via;
            via_sound_ = true;
        }
        if (vias_ > kMaxVias) return MessageFault::too_many_vias;
    }
    return values.ok() ? MessageFault::none : MessageFault::bad_via;
}

MessageFault Message::read_routes(HeaderId id) {
    size_t count = 0;
    Values values{*this, id};
    while (auto value = values.next()) {
        auto address = Address::parse(*value);
        if (!address || !address->bracketed) return MessageFault::bad_route;
        if (++count > kMaxRoutes) return MessageFault::too_many_routes;
    }
    return values.ok() ? MessageFault::none : MessageFault::bad_route;
}

MessageFault Message::read_essentials() {
    auto from = Address::parse(value(HeaderId::from));
    if (!from) return MessageFault::bad_from;
    from_ = *from;
    auto to = Address::parse(value(HeaderId::to));
    if (!to) return MessageFault::bad_to;
    to_ = *to;
    call_id_ = value(HeaderId::call_id);
    if (call_id_.empty() || !all<kWordChar>(call_id_)) return MessageFault::bad_call_id;
    auto cseq = CSeq::parse(value(HeaderId::cseq));
    if (!cseq) return MessageFault::bad_cseq;
    cseq_ = *cseq;
    if (request_) {
        if (cseq_.method != method_text_) return MessageFault::cseq_method;
    } else {
        method_text_ = cseq_.method;
        method_ = method_id(method_text_);
    }
    if (const Field* f = first(HeaderId::max_forwards)) {
        auto hops = parse_number(value(*f), 255);
        if (!hops) return MessageFault::bad_max_forwards;
        max_forwards_ = static_cast<uint8_t>(*hops);
    }
    return MessageFault::none;
}

// credentials = scheme LWS, then name=value pairs (section 25.1) or whatever the scheme has instead (RFC 7235
// section 2.1: token68); quotes are closed in any case.
MessageFault Message::check_credentials(HeaderId id) const {
    for (const Field* f = first(id); f; f = next(*f)) {
        std::string_view rest = value(*f);
        size_t n = span_of<kToken>(rest);
        std::string_view scheme = rest.substr(0, n);
        rest = rest.substr(n);
        if (scheme.empty() || (!rest.empty() && !is(rest.front(), kLws))) return MessageFault::bad_credentials;
        bool digest = equal_nocase(scheme, "Digest");
        if (trim(rest).empty()) {
            if (digest) return MessageFault::bad_credentials;
            continue;
        }
        ValueCursor pairs{rest};
        while (auto pair = pairs.next()) {
            if (!digest) continue;
            size_t equals = pair->find('=');
            std::string_view name = trim(pair->substr(0, equals));
            std::string_view text = equals == std::string_view::npos ? "" : trim(pair->substr(equals + 1));
            bool quoted = text.starts_with('"') && quoted_end(text, 0) == text.size();
            if (name.empty() || !all<kToken>(name) || text.empty() || !(quoted || all<kToken>(text)))
                return MessageFault::bad_credentials;
        }
        if (!pairs.ok()) return MessageFault::bad_credentials;
    }
    return MessageFault::none;
}

std::optional<std::string_view> Values::next() {
    while (field_) {
        if (auto value = cursor_.next()) return value;
        if (!cursor_.ok()) return std::nullopt;
        field_ = message_->next(*field_);
        if (field_) cursor_ = ValueCursor{message_->value(*field_)};
    }
    return std::nullopt;
}

}  // namespace fedge::sip
