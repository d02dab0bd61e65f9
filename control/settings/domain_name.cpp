#include "control/settings/domain_name.h"

#include <idn2.h>

#include <algorithm>

#include "dataplane/base/address.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxCharacters = 256;  // as given
constexpr size_t kMaxName = 253;        // RFC 1035 section 2.3.4, without the octets around labels
constexpr size_t kMaxLabel = 63;

bool ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

size_t characters(std::string_view utf8) {
    return static_cast<size_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string label_problem(std::string_view label) {
    if (label.empty()) return "has an empty label";
    if (label.size() > kMaxLabel) return "has a label of more than 63 octets";
    if (label.front() == '-' || label.back() == '-') return "has a label that begins or ends with '-'";
    auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    if (!std::all_of(label.begin(), label.end(), fits)) return "has characters that no domain has";
    return {};
}

std::string name_problem(const std::string& name) {
    if (name.empty()) return "is empty";
    if (name.size() > kMaxName) return "is longer than 253 octets";
    if (IpAddress::parse(name)) return "is an address";
    size_t start = 0;
    while (true) {
        size_t end = std::min(name.find('.', start), name.size());
        if (auto bad = label_problem(std::string_view(name).substr(start, end - start)); !bad.empty()) return bad;
        if (end == name.size()) break;
        start = end + 1;
    }
    // A-labels that stand for nothing cannot be shown to anybody, and nobody can have registered them.
    if (name.find("xn--") == std::string::npos) return {};
    char* shown = nullptr;
    int code = idn2_to_unicode_8z8z(name.c_str(), &shown, 0);
    idn2_free(shown);
    return code == IDN2_OK ? "" : std::string("is no international name: ") + idn2_strerror(code);
}

}  // namespace

std::optional<std::string> domain_name(std::string_view text, std::string* why) {
    auto refuse = [&](const std::string& what) {
        if (why) *why = what;
        return std::nullopt;
    };
    if (text.ends_with('.')) text.remove_suffix(1);
    if (characters(text) > kMaxCharacters) return refuse("is longer than 256 characters");
    if (text.find('\0') != std::string_view::npos) return refuse("has characters that no domain has");
    std::string name = lower(text);
    if (!ascii(text)) {
        char* converted = nullptr;
        // Capitals and composed characters as UTS 46 folds them; the four characters that it once changed stay.
        int code = idn2_to_ascii_8z(name.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        if (code != IDN2_OK) return refuse(std::string("is no international name: ") + idn2_strerror(code));
        name = lower(converted);
        idn2_free(converted);
    }
    if (auto bad = name_problem(name); !bad.empty()) return refuse(bad);
    return name;
}

}  // namespace fedge::control
