#include "dataplane/policy/patterns.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <tuple>

#include "dataplane/policy/names.h"
#include "dataplane/policy/text_writer.h"

namespace fedge::policy {
namespace {

constexpr unsigned kFlags = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
constexpr size_t kMaxDatabase = 64 * 1024 * 1024;

bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_regular_expression(std::string_view text) {
    return text.size() >= 2 && text.front() == '/' && text.back() == '/';
}

std::string check_wildcards(std::string_view text) {
    if (text.find_first_of("*?") == std::string_view::npos)
        return "has neither * nor ?: enter it as a domain, which also covers what is below it";
    bool literal = false;
    for (char c : text) {
        if (c == '*' || c == '?' || c == '.') continue;
        if (!name_character(c)) return "has a character that no domain name has (write international names as xn--...)";
        literal = true;
    }
    if (!literal) return "fits every name: switch discovery on or off instead";
    if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
        return "has an empty label";
    return {};
}

// Names are scanned as <name>: with literals at their ends a thousand patterns compile and match much faster than with
// anchors, and neither mark is in any name.
std::string wildcards_expression(std::string_view text) {
    std::string out = "<";
    if (text.starts_with("*.")) {
        out.clear();  // something and a dot: the rest of a name is never its first label
        text.remove_prefix(1);
    }
    for (char c : text) {
        switch (c) {
            case '*': out += "[^.]*"; break;
            case '?': out += "[^.]"; break;
            case '.': out += "\\."; break;
            default: out += c;
        }
    }
    return out + ">";
}

// Between the slashes; without the anchors at its ends, which say nothing new.
std::string_view inner_expression(std::string_view text) {
    text = text.substr(1, text.size() - 2);
    if (text.starts_with('^')) text.remove_prefix(1);
    if (text.ends_with('$') && !text.ends_with("\\$")) text.remove_suffix(1);
    return text;
}

// Anchors elsewhere would never match the marks.
bool has_anchor(std::string_view inner) {
    bool bracket = false;
    for (size_t i = 0; i < inner.size(); i++) {
        char c = inner[i];
        if (c == '\\' && i + 1 < inner.size()) {
            if (std::string_view("AZzG").find(inner[++i]) != std::string_view::npos) return true;
        } else if (c == '[') {
            bracket = true;
        } else if (c == ']') {
            bracket = false;
        } else if (!bracket && (c == '^' || c == '$')) {
            return true;
        }
    }
    return false;
}

std::string hyperscan_error(const std::string& expression) {
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    std::string why;
    if (hs_compile(expression.c_str(), kFlags, HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
        why = error->message;
        while (why.ends_with('.')) why.pop_back();
        hs_free_compile_error(error);
    }
    hs_free_database(database);
    return why;
}

int on_match(unsigned int id, unsigned long long, unsigned long long, unsigned int, void* context) {
    auto* best = static_cast<uint32_t*>(context);
    *best = std::min(*best, static_cast<uint32_t>(id));
    return id == 0;  // nothing can beat rank 0
}

}  // namespace

std::string check_pattern(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > kMaxPatternLength)
        return "has " + std::to_string(text.size()) + " characters, more than " + std::to_string(kMaxPatternLength);
    for (char c : text)
        if (c < 0x21 || c > 0x7e) return "has a character outside of printable ASCII";
    if (!is_regular_expression(text)) {
        if (text.front() == '/') return "begins a regular expression that no slash ends";
        return check_wildcards(text);
    }
    std::string_view inner = inner_expression(text);
    if (inner.empty()) return "is an empty regular expression";
    if (has_anchor(inner)) return "has an anchor inside: it fits whole names as it is, leave ^ and $ out";
    // Alone first: what is only balanced by the brackets that we put around it would escape from them.
    std::string why = hyperscan_error(std::string(inner));
    if (why.empty()) why = hyperscan_error(expression_of(text));
    if (!why.empty()) return "is no regular expression that can be used: " + why;
    return {};
}

std::string expression_of(std::string_view text) {
    if (!is_regular_expression(text)) return wildcards_expression(text);
    return "<(?:" + std::string(inner_expression(text)) + ")>";
}

size_t literal_characters(std::string_view text) {
    if (!is_regular_expression(text))
        return static_cast<size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return c != '*' && c != '?'; }));
    constexpr size_t kNone = ~size_t{0};
    size_t count = 0, fewest = kNone;
    int depth = 0;
    bool last = false;  // what stands before is a literal, which a quantifier can make optional
    text = text.substr(1, text.size() - 2);
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[i];
        bool escaped = c == '\\' && i + 1 < text.size();
        if (escaped) c = text[++i];
        if (!escaped && last && (c == '*' || c == '?' || c == '{')) count--;
        if (!escaped && (c == '[' || c == '(' || c == '{')) depth++;
        if (!escaped && (c == ']' || c == ')' || c == '}')) depth--;
        if (!escaped && c == '|' && depth == 0) {
            fewest = std::min(fewest, count);
            count = 0;
        }
        last = depth == 0 && (escaped ? c == '.' || c == '-' : name_character(c));
        count += last;
    }
    return std::min(fewest, count);
}

Patterns::Patterns(std::span<const Entry> entries) {
    if (entries.empty()) return;
    if (entries.size() > kMaxPatterns)
        throw std::runtime_error("there are " + std::to_string(entries.size()) + " patterns, more than " +
                                 std::to_string(kMaxPatterns));
    for (uint32_t i = 0; i < entries.size(); i++) by_rank_.push_back(i);
    std::sort(by_rank_.begin(), by_rank_.end(), [&](uint32_t a, uint32_t b) {
        auto rank = [&](uint32_t i) {
            return std::tuple(!entries[i].blocked, ~literal_characters(entries[i].text), entries[i].text);
        };
        return rank(a) < rank(b);
    });
    blocks_ = entries[by_rank_[0]].blocked;
    std::vector<std::string> texts;
    std::vector<const char*> expressions;
    std::vector<unsigned> flags(entries.size(), kFlags), ids;
    for (uint32_t i : by_rank_) texts.emplace_back(entries[i].expression);
    for (uint32_t rank = 0; rank < texts.size(); rank++) {
        expressions.push_back(texts[rank].c_str());
        ids.push_back(rank);
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                         nullptr, &database, &error) != HS_SUCCESS) {
        std::string which = error->expression >= 0 && static_cast<size_t>(error->expression) < texts.size()
                                ? "pattern \"" + std::string(entries[by_rank_[error->expression]].text) + "\""
                                : "patterns";
        std::string why = which + ": " + error->message;
        hs_free_compile_error(error);
        throw std::runtime_error(why);
    }
    database_.reset(database);
    size_t size = 0;
    if (hs_database_size(database, &size) != HS_SUCCESS || size > kMaxDatabase)
        throw std::runtime_error("the patterns together need " + std::to_string(size >> 20) + " MiB, more than " +
                                 std::to_string(kMaxDatabase >> 20) + ": simplify them");
}

Scratch Patterns::make_scratch() const {
    hs_scratch_t* scratch = nullptr;
    if (database_ && hs_alloc_scratch(database_.get(), &scratch) != HS_SUCCESS)
        throw std::runtime_error("no memory to look up patterns with");
    return Scratch(scratch);
}

std::optional<uint32_t> Patterns::match(std::string_view name, hs_scratch_t* scratch) const {
    std::array<char, Domain::kMaxLength + 2> buffer;
    std::string_view marked = join(buffer, {"<", name, ">"});
    if (!database_ || marked.empty()) return {};
    auto best = static_cast<uint32_t>(by_rank_.size());
    hs_error_t result =
        hs_scan(database_.get(), marked.data(), static_cast<unsigned>(marked.size()), 0, scratch, on_match, &best);
    if (result != HS_SUCCESS && result != HS_SCAN_TERMINATED && blocks_) best = 0;
    if (best == by_rank_.size()) return {};
    return by_rank_[best];
}

}  // namespace fedge::policy
