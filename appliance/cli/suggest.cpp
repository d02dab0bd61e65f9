#include "appliance/cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace fedge::cli {
namespace {

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    for (;;) {
        const size_t dot = text.find('.');
        parts.push_back(text.substr(0, dot));
        if (dot == std::string_view::npos) return parts;
        text.remove_prefix(dot + 1);
    }
}

bool placeholder(std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before;
    std::vector<size_t> above(b.size() + 1);
    std::vector<size_t> row(b.size() + 1);
    std::iota(above.begin(), above.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
    }
    return above[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    const size_t enough = std::max<size_t>(2, word.size() / 3);
    const std::string* best = nullptr;
    size_t best_distance = enough + 1;
    for (const std::string& candidate : candidates) {
        size_t distance = edit_distance(word, candidate);
        // Whoever stops early means the word that goes on.
        if (word.size() >= 3 && candidate.starts_with(word)) distance = std::min<size_t>(distance, 2);
        if (distance >= best_distance) continue;
        best = &candidate;
        best_distance = distance;
    }
    return best ? *best : "";
}

std::string key_in_pattern(std::string_view pattern, std::string_view key) {
    const auto want = parts_of(pattern);
    const auto have = parts_of(key);
    const auto open = std::find_if(want.begin(), want.end(), placeholder);
    if (open == want.end()) return std::string(pattern);
    if (have.size() < want.size()) return {};
    const auto head = static_cast<size_t>(open - want.begin());
    const size_t tail = want.size() - head - 1;
    std::string out;
    const auto append = [&out](std::string_view part) { out.append(out.empty() ? "" : ".").append(part); };
    for (size_t i = 0; i < head; ++i) append(want[i]);
    for (size_t i = head; i < have.size() - tail; ++i) append(have[i]);
    for (size_t i = want.size() - tail; i < want.size(); ++i) append(want[i]);
    return out;
}

std::string nearest_key(std::string_view key, const std::vector<std::string>& patterns) {
    std::vector<std::string> candidates;
    for (const std::string& pattern : patterns) {
        std::string candidate = key_in_pattern(pattern, key);
        if (candidate == key) return {};
        if (!candidate.empty()) candidates.push_back(std::move(candidate));
    }
    return nearest(key, candidates);
}

}  // namespace fedge::cli
