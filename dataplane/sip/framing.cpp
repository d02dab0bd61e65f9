#include "dataplane/sip/framing.h"

#include <algorithm>

#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

// The largest that any setting could allow, so that sums of it stay far from the end of 32 bits.
constexpr uint64_t kMaxLength = 0x7fffffff;

// A lone CRLF answers a ping of ours, and the next such answer is no second half of it (RFC 5626 section 4.4.1: a pong
// is due within ten seconds, pings are much further apart).
constexpr Duration kPairTime = 10s;

bool is_length_name(std::string_view name) {
    return (name.size() == 1 && lower(name[0]) == 'l') || equal_nocase(name, "content-length");
}

// Requests end with "SIP/x.y", responses begin with it; other versions are SIP too (505). Anything else is HTTP, TLS,
// or noise.
bool is_start_line(std::string_view line) {
    auto version_at = [&](size_t at) { return equal_nocase(line.substr(at, 4), "SIP/"); };
    if (version_at(0)) return true;
    while (!line.empty() && is(line.back(), kSpace)) line.remove_suffix(1);
    size_t space = line.rfind(' ');
    return !line.empty() && is(line[0], kToken) && space != std::string_view::npos && version_at(space + 1);
}

}  // namespace

std::string_view name(FramingFault fault) {
    switch (fault) {
        case FramingFault::none: return "none";
        case FramingFault::not_sip: return "not SIP";
        case FramingFault::bare_lf: return "LF without CR";
        case FramingFault::bare_cr: return "CR without LF";
        case FramingFault::nul: return "NUL in a header";
        case FramingFault::control_character: return "control character in a header";
        case FramingFault::no_header_name: return "line without header name";
        case FramingFault::orphan_fold: return "continuation of no header";
        case FramingFault::blank_fold: return "blank continuation line";
        case FramingFault::header_too_large: return "header section too large";
        case FramingFault::too_many_headers: return "too many headers";
        case FramingFault::no_length: return "no Content-Length";
        case FramingFault::several_lengths: return "several Content-Length";
        case FramingFault::bad_length: return "malformed Content-Length";
        case FramingFault::body_too_large: return "body too large";
        case FramingFault::too_many_keepalives: return "too many empty lines";
    }
    return "unknown";
}

uint16_t status(FramingFault fault) {
    switch (fault) {
        case FramingFault::no_length:
        case FramingFault::several_lengths:
        case FramingFault::bad_length: return 400;
        case FramingFault::body_too_large: return 513;  // RFC 3261 section 21.5.7
        default: return 0;
    }
}

Frame Framer::scan(Instant now, Bytes bytes) {
    if (phase_ == Phase::refused) return {Framed::refused, FramingFault::none};
    if (bytes.empty()) return {};
    if (body_left_ != 0) {
        auto take = static_cast<uint32_t>(std::min<size_t>(body_left_, bytes.size()));
        body_left_ -= take;
        return {Framed::body, FramingFault::none, body_left_ == 0, take};
    }
    if (phase_ == Phase::between) return between(now, text_of(bytes));
    return header_section(text_of(bytes));
}

Frame Framer::between(Instant now, std::string_view text) {
    if (text[0] == '\r') {
        if (text.size() < 2) return {};
        if (text[1] != '\n') return refuse(FramingFault::bare_cr);
        // What was earned is counted when it is needed. A connection that never pinged has all it can have.
        if (now - keepalive_from_ >= limits_->keepalive_every) {
            auto earned = static_cast<uint64_t>((now - keepalive_from_) / limits_->keepalive_every);
            keepalives_ = static_cast<uint32_t>(std::min<uint64_t>(keepalives_ + earned, limits_->keepalives));
            keepalive_from_ = now;
        }
        if (keepalives_ == 0) return refuse(FramingFault::too_many_keepalives);
        keepalives_--;
        one_crlf_ = !one_crlf_ || now - crlf_at_ > kPairTime;
        crlf_at_ = now;
        return {one_crlf_ ? Framed::keepalive : Framed::ping, FramingFault::none, false, 2};
    }
    if (text[0] == '\n') return refuse(FramingFault::bare_lf);
    if (!is(text[0], kToken)) return refuse(FramingFault::not_sip);
    one_crlf_ = false;
    phase_ = Phase::start_line;
    scanned_ = line_ = fields_ = 0;
    lengths_ = Length::none;
    in_length_ = false;
    return header_section(text);
}

Frame Framer::header_section(std::string_view text) {
    text = text.substr(0, std::min<size_t>(text.size(), limits_->header_bytes));
    for (;;) {
        size_t at = find_control(text, scanned_);
        scanned_ = static_cast<uint32_t>(at);
        if (at == text.size()) break;
        char c = text[at];
        if (c == '\n') return refuse(FramingFault::bare_lf);
        if (c != '\r') {
            // A quoted pair may hold any of them (section 25.1); whether it stands in quotes is seen where fields are
            // read.
            if (at == line_ || text[at - 1] != '\\')
                return refuse(c == 0 ? FramingFault::nul : FramingFault::control_character);
            scanned_++;
            continue;
        }
        if (at + 1 == text.size()) break;
        if (text[at + 1] != '\n') return refuse(FramingFault::bare_cr);
        if (at == line_) return complete(static_cast<uint32_t>(at + 2));
        if (FramingFault fault = on_line(text, at); fault != FramingFault::none) return refuse(fault);
        scanned_ = line_ = static_cast<uint32_t>(at + 2);
    }
    if (text.size() == limits_->header_bytes) return refuse(FramingFault::header_too_large);
    return {};
}

FramingFault Framer::on_line(std::string_view text, size_t end) {
    std::string_view line = text.substr(line_, end - line_);
    if (phase_ == Phase::start_line) {
        phase_ = Phase::headers;
        return is_start_line(line) ? FramingFault::none : FramingFault::not_sip;
    }
    if (!is(line[0], kSpace)) return on_field(line);
    if (fields_ == 0) return FramingFault::orphan_fold;
    if (all<kSpace>(line)) return FramingFault::blank_fold;
    if (in_length_ && lengths_ == Length::one) lengths_ = Length::bad;
    return FramingFault::none;
}

FramingFault Framer::on_field(std::string_view line) {
    size_t colon = 0;
    auto field = header_name(line, colon);
    if (!field) return FramingFault::no_header_name;
    if (++fields_ > limits_->headers) return FramingFault::too_many_headers;
    in_length_ = is_length_name(*field);
    if (!in_length_) return FramingFault::none;
    if (lengths_ != Length::none) {
        lengths_ = Length::several;
        return FramingFault::none;
    }
    auto value = parse_number(trim(line.substr(colon + 1)), kMaxLength);
    bool spaced = colon != field->size() && limits_->strict_length;
    lengths_ = value && !spaced ? Length::one : Length::bad;
    length_ = static_cast<uint32_t>(value.value_or(0));
    return FramingFault::none;
}

Frame Framer::complete(uint32_t size) {
    if (phase_ == Phase::start_line) return refuse(FramingFault::not_sip);
    switch (lengths_) {
        case Length::none: return refuse(FramingFault::no_length, size);
        case Length::several: return refuse(FramingFault::several_lengths, size);
        case Length::bad: return refuse(FramingFault::bad_length, size);
        case Length::one: break;
    }
    if (length_ > limits_->body_bytes) return refuse(FramingFault::body_too_large, size);
    phase_ = Phase::between;
    body_left_ = length_;
    return {Framed::header, FramingFault::none, body_left_ == 0, size, length_};
}

Frame Framer::refuse(FramingFault fault, uint32_t size) {
    phase_ = Phase::refused;
    return {Framed::refused, fault, true, size};
}

}  // namespace fedge::sip
