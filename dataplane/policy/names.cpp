#include "dataplane/policy/names.h"

namespace fedge::policy {
namespace {

bool letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}

// RFC 1123 section 2.1; in lower case.
bool is_label(std::string_view label) {
    if (label.empty() || label.size() > Domain::kMaxLabel || label.front() == '-' || label.back() == '-') return false;
    for (char c : label)
        if (!letter(c) && !digit(c) && c != '-') return false;
    return true;
}

bool is_name(std::string_view name) {
    std::string_view label;
    do {
        size_t dot = name.find('.');
        label = name.substr(0, dot);
        if (!is_label(label)) return false;
        if (dot == std::string_view::npos) break;
        name.remove_prefix(dot + 1);
    } while (true);
    for (char c : label)
        if (letter(c)) return true;
    return false;
}

}  // namespace

std::optional<Domain> Domain::parse(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > kMaxLength) return {};
    Domain domain;
    for (char c : text) domain.text_[domain.length_++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!is_name(domain.view())) return {};
    return domain;
}

bool covers(std::string_view suffix, std::string_view name) {
    if (suffix.empty() || !name.ends_with(suffix)) return false;
    return name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.';
}

bool in_namespace(std::string_view host, std::string_view domain) {
    if (!covers(domain, host)) return false;
    if (host.size() == domain.size()) return true;
    std::string_view child = host.substr(0, host.size() - domain.size() - 1);
    return !child.empty() && child.find('.') == std::string_view::npos;
}

}  // namespace fedge::policy
