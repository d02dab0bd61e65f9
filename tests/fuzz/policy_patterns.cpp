// Patterns as operators write them. Input: a pattern, a new line, a name. What is accepted compiles, and fits by the
// rules that the header states.
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/policy/names.h"
#include "dataplane/policy/patterns.h"
#include "tests/fuzz/expect.h"

using namespace fedge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > 200) return 0;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    size_t end = text.find('\n');
    std::string pattern(text.substr(0, end));
    auto name = policy::Domain::parse(end == std::string_view::npos ? "a.example" : text.substr(end + 1));
    policy::literal_characters(pattern);
    if (!policy::check_pattern(pattern).empty()) return 0;
    std::string expression = policy::expression_of(pattern);
    policy::Patterns::Entry entry{pattern, expression, true};
    policy::Patterns patterns({&entry, 1});
    auto scratch = patterns.make_scratch();
    fuzz::expect(!patterns.match("", scratch.get()), "no pattern fits nothing");
    if (!name) return 0;
    bool fits = patterns.match(name->view(), scratch.get()).has_value();
    if (pattern.starts_with("*.") && pattern.find_first_of("*?", 1) == std::string::npos) {
        auto suffix = policy::Domain::parse(pattern.substr(2));
        if (suffix && !pattern.ends_with('.'))
            fuzz::expect(fits == (policy::covers(suffix->view(), name->view()) && !(*suffix == *name)),
                         "*.D fits all below D");
    }
    if (pattern.find('.') == std::string::npos && !pattern.starts_with('/'))
        fuzz::expect(!fits || name->view().find('.') == std::string_view::npos, "wildcards stay inside of a label");
    return 0;
}
