#include "dataplane/sip/edit.h"

#include "dataplane/sip/text_writer.h"

namespace fedge::sip {

bool is_field_text(std::string_view text) {
    for (size_t at = 0;; at++) {
        at = find_control(text, at);
        if (at == text.size()) return true;
        if (text[at] == '\r') {
            bool fold = text.size() - at > 2 && text[at + 1] == '\n' && is(text[at + 2], kSpace);
            if (!fold) return false;
            at++;
        } else if (at == 0 || text[at - 1] != '\\' || text[at] == '\n') {
            return false;
        }
    }
}

Edit::Edit(const Message& message, uint32_t body_bytes) : message_(&message), body_bytes_(body_bytes) {
    remove(HeaderId::content_length);
}

void Edit::add(std::array<Line, kMaxAdded>& lines, size_t& count, std::string_view name, std::string_view value) {
    if (count == kMaxAdded || name.empty() || !all<kToken>(name) || !is_field_text(value)) {
        ok_ = false;
        return;
    }
    lines[count++] = {name, value};
}

void Edit::add_on_top(std::string_view name, std::string_view value) {
    add(top_, top_count_, name, value);
}

void Edit::append(std::string_view name, std::string_view value) {
    add(bottom_, bottom_count_, name, value);
}

void Edit::remove(HeaderId id) {
    for (const Field* f = message_->first(id); f; f = message_->next(*f)) drop(*f);
}

void Edit::remove(std::string_view name) {
    HeaderId id = header_id(name);
    if (id != HeaderId::other) return remove(id);
    for (const Field* f = message_->first(id); f; f = message_->next(*f))
        if (equal_nocase(message_->name(*f), name)) drop(*f);
}

void Edit::remove_trust_headers() {
    for (const Field& f : message_->fields())
        if (is_trust_header(f.id, message_->name(f))) drop(f);
}

void Edit::set(HeaderId id, std::string_view value) {
    remove(id);
    append(id, value);
}

Edit::Rest* Edit::rest_of(const Field& field) {
    for (size_t i = 0; i < rest_count_; i++)
        if (rests_[i].field == &field) return &rests_[i];
    if (rest_count_ == rests_.size()) {
        ok_ = false;
        return nullptr;
    }
    rests_[rest_count_] = {&field, {}, message_->value(field)};
    return &rests_[rest_count_++];
}

// What stays of the value so far, as far as it comes from the message.
std::string_view Edit::remaining(const Field& field) {
    for (size_t i = 0; i < rest_count_; i++)
        if (rests_[i].field == &field) return rests_[i].value;
    return message_->value(field);
}

const Field* Edit::first_remaining(HeaderId id) {
    const Field* f = message_->first(id);
    while (f && dropped(*f)) f = message_->next(*f);
    return f;
}

void Edit::remove_first(HeaderId id, size_t values) {
    while (values > 0) {
        const Field* f = first_remaining(id);
        if (!f) {
            ok_ = false;
            return;
        }
        ValueCursor cursor{remaining(*f)};
        while (values > 0 && cursor.next()) values--;
        std::string_view rest = trim(cursor.rest());
        if (rest.empty() || !cursor.ok()) {
            drop(*f);
            ok_ &= cursor.ok();
        } else if (Rest* part = rest_of(*f)) {
            part->value = rest;
        }
        if (!ok_) return;
    }
}

void Edit::remove_last(HeaderId id) {
    const Field* last = nullptr;
    for (const Field* f = message_->first(id); f; f = message_->next(*f))
        if (!dropped(*f)) last = f;
    if (!last) {
        ok_ = false;
        return;
    }
    std::string_view value = remaining(*last);
    ValueCursor cursor{value};
    std::string_view before;
    while (auto v = cursor.next()) {
        if (cursor.rest().empty()) break;
        before = value.substr(0, static_cast<size_t>(v->data() + v->size() - value.data()));
    }
    if (before.empty()) {
        drop(*last);
    } else if (Rest* part = rest_of(*last)) {
        part->value = before;
    }
}

void Edit::replace_first(HeaderId id, std::string_view value) {
    const Field* f = first_remaining(id);
    if (!f || !is_field_text(value)) {
        ok_ = false;
        return;
    }
    ValueCursor cursor{remaining(*f)};
    cursor.next();
    if (Rest* part = rest_of(*f)) {
        part->before = value;
        part->value = trim(cursor.rest());
    }
}

size_t Edit::write(MutableBytes out) const {
    if (!ok_) return 0;
    const Message& m = *message_;
    TextWriter w{out};
    if (m.is_request() && !request_uri_.empty()) {
        if (request_uri_.find_first_of(" \t") != std::string_view::npos || !is_field_text(request_uri_)) return 0;
        w << m.method_text() << " " << request_uri_ << " SIP/2.0\r\n";
    } else {
        w << m.header().substr(0, m.start_line_size());
    }
    for (size_t i = 0; i < top_count_; i++) w << top_[i].name << ": " << top_[i].value << "\r\n";
    // Lines that stay and stand together leave in one piece.
    size_t run = m.start_line_size();
    auto flush = [&](size_t end) { w << m.header().substr(run, end - run); };
    for (const Field& f : m.fields()) {
        const Rest* rest = nullptr;
        for (size_t i = 0; i < rest_count_; i++)
            if (rests_[i].field == &f) rest = &rests_[i];
        if (!rest && !dropped(f)) continue;
        flush(f.line);
        run = f.line + f.line_size;
        if (dropped(f)) continue;
        w << m.name(f) << ": " << rest->before << (rest->before.empty() || rest->value.empty() ? "" : ", ")
          << rest->value << "\r\n";
    }
    flush(m.header().size() - 2);
    for (size_t i = 0; i < bottom_count_; i++) w << bottom_[i].name << ": " << bottom_[i].value << "\r\n";
    w << "Content-Length: " << body_bytes_ << "\r\n\r\n";
    return w.ok() ? w.size() : 0;
}

}  // namespace fedge::sip
