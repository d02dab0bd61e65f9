#include "dataplane/sip/filters.h"

#include <hs/hs.h>

#include <algorithm>

#include "dataplane/sip/filter_patterns.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::sip {
namespace {

constexpr unsigned kMaxDepth = 3;   // of multiparts within each other
constexpr unsigned kMaxParts = 16;  // of one multipart

// Where a word ends that a program would make a link of.
bool ends_word(char c) {
    return is(c, kLws) || c == '"' || c == '\'' || c == '<' || c == '>';
}

std::string_view word_at(std::string_view text, size_t at) {
    size_t end = at;
    while (end < text.size() && !ends_word(text[end])) end++;
    return text.substr(at, end - at);
}

std::string_view type_of(std::string_view content_type) {
    return trim(content_type.substr(0, content_type.find(';')));
}

std::string_view params_of(std::string_view content_type) {
    size_t at = content_type.find(';');
    return at == std::string_view::npos ? std::string_view{} : content_type.substr(at);
}

std::string_view unquoted(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') return value.substr(1, value.size() - 2);
    return value;
}

bool has_prefix(std::string_view text, std::string_view prefix) {
    return equal_nocase(text.substr(0, prefix.size()), prefix);
}

// The value of a header field of a MIME part, folds included. Empty without.
std::string_view part_field(std::string_view header, std::string_view name) {
    for (size_t at = 0; at < header.size();) {
        size_t end = header.find('\n', at);
        while (end != std::string_view::npos && end + 1 < header.size() && is(header[end + 1], kSpace))
            end = header.find('\n', end + 1);
        std::string_view line = header.substr(at, end == std::string_view::npos ? end : end - at);
        size_t colon = line.find(':');
        if (colon != std::string_view::npos && equal_nocase(trim(line.substr(0, colon)), name))
            return trim(line.substr(colon + 1));
        at = end == std::string_view::npos ? header.size() : end + 1;
    }
    return {};
}

// The next line that begins with "--boundary": where it begins, and where it ends (behind its line end).
struct Delimiter {
    size_t begin = std::string_view::npos;
    size_t end = std::string_view::npos;
    bool last = false;
};
Delimiter find_delimiter(std::string_view body, std::string_view boundary, size_t from) {
    for (size_t at = from; at < body.size();) {
        std::string_view line = body.substr(at);
        size_t newline = line.find('\n');
        size_t end = newline == std::string_view::npos ? body.size() : at + newline + 1;
        if (line.starts_with("--") && line.substr(2, boundary.size()) == boundary)
            return {at, end, line.substr(2 + boundary.size(), 2) == "--"};
        at = end;
    }
    return {};
}

struct Hits {
    static constexpr size_t kMax = 4 * TextFinding::kMaxLinks;
    bool file = false;
    bool overflow = false;
    bool links = false;
    size_t count = 0;
    std::array<uint32_t, kMax> from;
};

int on_link(unsigned id, unsigned long long from, unsigned long long, unsigned, void* context) {
    auto& hits = *static_cast<Hits*>(context);
    if (id == kFilePattern) {
        hits.file = true;
    } else if (hits.count == Hits::kMax) {
        hits.overflow = true;
    } else {
        hits.from[hits.count++] = static_cast<uint32_t>(from);
    }
    return hits.file ? 1 : 0;
}

int on_streamed(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    auto& hits = *static_cast<Hits*>(context);
    (id == kFilePattern ? hits.file : hits.links) = true;
    return 0;
}

int on_offer(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    auto& offers = *static_cast<unsigned*>(context);
    offers |= id == kListedOffer ? 2U : 1U;
    return 0;
}

int on_scanner(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    auto& best = *static_cast<int*>(context);
    if (best < 0 || static_cast<int>(id) < best) best = static_cast<int>(id);
    return 0;
}

constexpr std::string_view kLineEnd = "\r\n";

// The message as it stands in front of a text, piece by piece.
template <typename Take>
void for_each_piece(std::string_view message, Markup markup, Take&& take) {
    for (const char& c : message) {
        bool escaped = markup == Markup::html && (c == '<' || c == '>' || c == '&');
        take(!escaped ? std::string_view{&c, 1} : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
    }
    if (markup == Markup::html) take("<br>");
    take(kLineEnd);
}

}  // namespace

// What was found in one text: the places where links that count begin, as they stand in the text.
struct Filters::Seen {
    bool file = false;
    bool too_many = false;
    size_t count = 0;
    std::array<uint32_t, TextFinding::kMaxLinks> at;
    bool any() const { return count > 0 || too_many; }
};

// A name without a dot, or under a domain of the intranet, in a link of a kind that has a host.
bool Filters::is_local(std::string_view text, size_t at) const {
    std::string_view word = word_at(text, at);
    if (has_prefix(word, "href")) {
        size_t equals = text.find('=', at);
        if (equals == std::string_view::npos) return false;
        equals++;
        while (equals < text.size() && ends_word(text[equals])) equals++;
        word = word_at(text, equals);
    }
    bool address = has_prefix(word, "mailto:") || has_prefix(word, "sip:") || has_prefix(word, "sips:");
    bool has_host = address || has_prefix(word, "www") || has_prefix(word, "ftp.");
    for (std::string_view scheme : {"http:", "https:", "ftp:", "file:", "gopher:", "ldap:"})
        has_host |= has_prefix(word, scheme);
    if (!has_host) return false;
    size_t colon = word.find(':');
    bool scheme = !has_prefix(word, "www") && !has_prefix(word, "ftp.");
    std::string_view rest = scheme ? word.substr(colon + 1) : word;
    while (!rest.empty() && (rest[0] == '/' || rest[0] == '\\')) rest.remove_prefix(1);
    rest = rest.substr(0, rest.find_first_of("/\\?#;"));
    size_t user = rest.rfind('@');
    if (user == std::string_view::npos && address) return false;
    if (user != std::string_view::npos) rest.remove_prefix(user + 1);
    std::string_view host = rest.substr(0, rest.find(':'));
    while (host.ends_with('.')) host.remove_suffix(1);
    // 2130706433 and 0x7f000001 are addresses.
    if (host.empty() || !all<kHostChar>(host) || all<kDigit>(host) || has_prefix(host, "0x")) return false;
    if (host.find('.') == std::string_view::npos) return true;
    return std::ranges::any_of(database_->settings().local_domains, [&](std::string_view domain) {
        if (host.size() < domain.size()) return false;
        size_t before = host.size() - domain.size();
        return equal_nocase(host.substr(before), domain) && (before == 0 || host[before - 1] == '.');
    });
}

Filters::Seen Filters::look(std::string_view text, Markup markup) {
    Seen seen;
    if (text.size() > FilterScratch::kText) {
        TextStream stream{*scratch_, markup};
        stream.feed(text);
        Finding found = stream.finish();
        seen.file = found == Finding::block_file;
        seen.too_many = found != Finding::clean;
    } else if (read(text, Normalizer{markup}, seen)) {
        read(text, Normalizer{markup, Gaps::spaces}, seen);
        auto end = seen.at.begin() + static_cast<long>(seen.count);
        std::sort(seen.at.begin(), end);
        seen.count = static_cast<size_t>(std::unique(seen.at.begin(), end) - seen.at.begin());
    }
    return seen;
}

bool Filters::read(std::string_view text, Normalizer normalizer, Seen& seen) {
    FilterScratch& s = *scratch_;
    std::string_view normal = normalize(text, normalizer, s.normal_, s.origin_);
    Hits hits;
    hs_scan(database_->links_, normal.data(), static_cast<unsigned>(normal.size()), 0, s.scratch_, on_link, &hits);
    seen.file |= hits.file;
    seen.too_many |= hits.overflow;
    std::sort(hits.from.begin(), hits.from.begin() + static_cast<long>(hits.count));
    for (size_t i = 0; i < hits.count && !seen.too_many; i++) {
        uint32_t from = hits.from[i];
        if (i > 0 && from == hits.from[i - 1]) continue;
        if (database_->settings().ignore_local && is_local(normal, from)) continue;
        // Links within links count as well: they would be links again once those around them are defused.
        if (seen.count == seen.at.size()) {
            seen.too_many = true;
        } else {
            seen.at[seen.count++] = s.origin_[from];
        }
    }
    return normalizer.had_gaps();
}

Finding Filters::verdict(bool file, bool link, bool can_defuse) const {
    const FilterSettings& settings = database_->settings();
    if (file) return Finding::block_file;
    if (!link) return Finding::clean;
    switch (settings.link_action) {
        case LinkAction::allow: return can_defuse ? Finding::defuse : Finding::block_link;
        case LinkAction::warn: return settings.warn_message.empty() ? Finding::clean : Finding::warn;
        case LinkAction::block: return Finding::block_link;
    }
    return Finding::block_link;
}

void Filters::judge(std::string_view text, Markup markup, const size_t* offset, TextFinding& finding) {
    // As it stands there first: that is where links can be defused.
    Seen plain = look(text, Markup::plain);
    bool file = plain.file, link = plain.any(), can_defuse = offset && !plain.too_many;
    if (markup != Markup::plain) {
        // What shows only when the markup is gone cannot be defused in place.
        Seen shown = look(text, markup);
        file |= shown.file;
        link |= shown.any();
        can_defuse &= !shown.too_many;
        for (size_t i = 0; i < shown.count; i++)
            can_defuse &=
                std::binary_search(plain.at.begin(), plain.at.begin() + static_cast<long>(plain.count), shown.at[i]);
    }
    can_defuse &= finding.links + plain.count <= TextFinding::kMaxLinks;
    Finding what = verdict(file, link, can_defuse);
    if (what == Finding::defuse) {
        for (size_t i = 0; i < plain.count; i++)
            finding.at[finding.links++] = static_cast<uint32_t>(*offset) + plain.at[i];
    }
    if (offset && !finding.has_front) {
        finding.has_front = true;
        finding.front = static_cast<uint32_t>(*offset);
        finding.markup = markup;
    }
    finding.what = std::max(finding.what, what);
}

void Filters::part(std::string_view content_type, TransferEncoding encoding, std::string_view body, size_t offset,
                   unsigned depth, TextFinding& finding) {
    std::string_view type = type_of(content_type);
    std::string_view params = params_of(content_type);
    if (has_prefix(type, "multipart/") && depth < kMaxDepth) {
        auto boundary = find_parameter(params, "boundary");
        if (boundary && !unquoted(boundary->value).empty() &&
            parts(unquoted(boundary->value), body, offset, depth + 1, finding))
            return;
    } else if (!type.empty() && !has_prefix(type, "text/") && !has_prefix(type, "multipart/") &&
               !equal_nocase(type, "message/cpim")) {
        return;
    }
    Markup markup = equal_nocase(type, "text/html")                                         ? Markup::html
                    : equal_nocase(type, "text/rtf") || equal_nocase(type, "text/richtext") ? Markup::rtf
                                                                                            : Markup::plain;
    auto charset = find_parameter(params, "charset");
    std::string_view set = charset ? unquoted(charset->value) : std::string_view{};
    bool unreadable = has_prefix(set, "utf-7");
    // An octet more would put all that follows out of step.
    bool wide = has_prefix(set, "utf-16") || has_prefix(set, "utf-32") || has_prefix(set, "iso-10646");
    if (encoding != TransferEncoding::none && body.size() > FilterScratch::kText) unreadable = true;
    if (unreadable) {
        finding.what = std::max(finding.what, verdict(false, true, false));
    } else if (encoding == TransferEncoding::none) {
        judge(body, markup, wide ? nullptr : &offset, finding);
    } else {
        judge(decode(encoding, body, scratch_->decoded_), markup, nullptr, finding);
    }
}

bool Filters::parts(std::string_view boundary, std::string_view body, size_t offset, unsigned depth,
                    TextFinding& finding) {
    Delimiter delimiter = find_delimiter(body, boundary, 0);
    if (delimiter.begin == std::string_view::npos) return false;
    for (unsigned n = 0; !delimiter.last; n++) {
        size_t begin = delimiter.end;
        delimiter = find_delimiter(body, boundary, begin);
        size_t end = std::min(delimiter.begin, body.size());
        std::string_view text = body.substr(begin, end - begin);
        if (n == kMaxParts) {
            // Nobody sends so many; what is left is looked at as one.
            size_t at = offset + begin;
            judge(body.substr(begin), Markup::plain, &at, finding);
            return true;
        }
        // An empty line ends the header of the part; a part may have none.
        size_t header = 0;
        while (header < text.size() && text[header] != '\n' &&
               !(text[header] == '\r' && text.substr(header, 2) == "\r\n")) {
            size_t newline = text.find('\n', header);
            header = newline == std::string_view::npos ? text.size() : newline + 1;
        }
        size_t start = std::min(text.size(), header + (text.substr(header, 1) == "\r" ? 2U : 1U));
        std::string_view fields = text.substr(0, header);
        part(part_field(fields, "content-type"), transfer_encoding(part_field(fields, "content-transfer-encoding")),
             text.substr(start), offset + begin + start, depth, finding);
        if (delimiter.begin == std::string_view::npos) break;
    }
    return true;
}

TextFinding Filters::instant_message(std::string_view content_type, std::string_view content_encoding,
                                     std::string_view body) {
    TextFinding finding;
    if (!database_->settings().links || body.empty()) return finding;
    content_encoding = trim(content_encoding);
    if (!content_encoding.empty() && !equal_nocase(content_encoding, "identity")) {
        finding.what = verdict(false, true, false);  // compressed: nobody can see what is in it
        return finding;
    }
    part(content_type, TransferEncoding::none, body, 0, 0, finding);
    if (finding.what != Finding::defuse) finding.links = 0;
    return finding;
}

std::string_view Filters::first_message(std::string_view format, std::string_view& encoded) {
    for (size_t at = 0; at < format.size(); at++) {
        if (!has_prefix(format.substr(at), "ms-body")) continue;
        size_t equals = format.find('=', at);
        if (equals == std::string_view::npos) return {};
        encoded = format.substr(equals + 1, format.find(';', equals) - equals - 1);
        return decode(TransferEncoding::base64, encoded, scratch_->decoded_);
    }
    return {};
}

Finding Filters::file_offer(std::string_view body) {
    const FilterSettings& settings = database_->settings();
    if (!settings.files) return Finding::clean;
    unsigned offers = 0;
    // Longer than what is scanned at once: pieces that overlap by more than the longest name of a file.
    constexpr size_t kOverlap = 4096;
    for (size_t at = 0; at < body.size(); at += FilterScratch::kText - kOverlap) {
        std::string_view piece = body.substr(at, FilterScratch::kText);
        Normalizer normalizer{Markup::plain};
        std::string_view normal = normalize(piece, normalizer, scratch_->normal_, {});
        hs_scan(database_->offers_, normal.data(), static_cast<unsigned>(normal.size()), 0, scratch_->scratch_,
                on_offer, &offers);
        if (piece.size() < FilterScratch::kText) break;
    }
    bool listed = (offers & 2) != 0;
    bool blocked = listed || (offers != 0 && settings.file_action == FileAction::block_all);
    return blocked ? Finding::block_file : Finding::clean;
}

int Filters::scanner(const Message& message) {
    int best = -1;
    if (!database_->scanners_) return best;
    for (HeaderId id : {HeaderId::user_agent, HeaderId::server, HeaderId::from, HeaderId::subject}) {
        for (const Field* f = message.first(id); f; f = message.next(*f)) {
            std::string_view value = message.value(*f).substr(0, FilterScratch::kText);
            size_t size = 0;
            for (char c : value)
                if (c != '\r' && c != '\n') scratch_->normal_[size++] = static_cast<uint8_t>(c);
            hs_scan(database_->scanners_, reinterpret_cast<const char*>(scratch_->normal_.data()),
                    static_cast<unsigned>(size), 0, scratch_->scratch_, on_scanner, &best);
        }
    }
    return best;
}

TextStream::TextStream(FilterScratch& scratch, Markup markup)
    : scratch_(&scratch), normalizers_{Normalizer{markup}, Normalizer{markup, Gaps::spaces}} {
    for (hs_stream* stream : scratch.streams_) hs_reset_stream(stream, 0, scratch.scratch_, nullptr, nullptr);
}

void TextStream::scan(size_t reading, std::string_view piece) {
    Hits hits;
    hs_scan_stream(scratch_->streams_[reading], piece.data(), static_cast<unsigned>(piece.size()), 0,
                   scratch_->scratch_, on_streamed, &hits);
    file_ |= hits.file;
    link_ |= hits.links;
}

void TextStream::feed(std::string_view piece) {
    for (size_t at = 0; at < piece.size(); at += FilterScratch::kText) {
        for (size_t reading = 0; reading < normalizers_.size(); reading++) {
            size_t size = normalizers_[reading].feed(piece.substr(at, FilterScratch::kText), scratch_->normal_, {});
            scan(reading, text_of(Bytes{scratch_->normal_}.first(size)));
        }
    }
}

Finding TextStream::finish() {
    for (size_t reading = 0; reading < normalizers_.size(); reading++) {
        size_t size = normalizers_[reading].finish(scratch_->normal_, {});
        scan(reading, text_of(Bytes{scratch_->normal_}.first(size)));
        // The end is part of a pattern.
        Hits hits;
        hs_reset_stream(scratch_->streams_[reading], 0, scratch_->scratch_, on_streamed, &hits);
        file_ |= hits.file;
        link_ |= hits.links;
    }
    return file_ ? Finding::block_file : link_ ? Finding::block_link : Finding::clean;
}

bool gets_message(const FilterDatabase& database, const TextFinding& finding) {
    return finding.has_front && finding.markup != Markup::rtf && !database.message().empty();
}

size_t earlier_message(const FilterDatabase& database, const TextFinding& finding, std::string_view body, size_t told) {
    if (!gets_message(database, finding)) return 0;
    std::string_view text = body.substr(finding.front);
    if (told >= kLineEnd.size() && told <= text.size() && text.substr(0, told).ends_with(kLineEnd)) return told;
    size_t size = 0;
    for_each_piece(database.message(), finding.markup, [&](std::string_view piece) {
        bool same = size != std::string_view::npos && text.substr(std::min(size, text.size())).starts_with(piece);
        size = same ? size + piece.size() : std::string_view::npos;
    });
    return size == std::string_view::npos ? 0 : size;
}

size_t write_filtered(const FilterDatabase& database, const TextFinding& finding, std::string_view body,
                      MutableBytes out, size_t earlier, size_t* message) {
    if (finding.what != Finding::defuse && finding.what != Finding::warn) return 0;
    TextWriter w{out};
    size_t done = 0;
    auto copy_to = [&](size_t end) {
        w << body.substr(done, end - done);
        done = end;
    };
    if (gets_message(database, finding)) {
        copy_to(finding.front);
        for_each_piece(database.message(), finding.markup, [&](std::string_view piece) { w << piece; });
        if (message) *message = w.size() - finding.front;
        done += earlier;
    }
    for (uint32_t at : finding.places()) {
        if (at < done) continue;  // of the message that is no more
        copy_to(at);
        w << "_";
    }
    copy_to(body.size());
    return w.ok() ? w.size() : 0;
}

}  // namespace fedge::sip
