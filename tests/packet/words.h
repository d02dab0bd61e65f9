// The words of a line, one after the other; every complaint names what was expected.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

#include "tests/packet/value.h"

namespace fedge::packet {

class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) { skip(); }

    bool empty() const { return rest_.empty(); }
    // The next word without taking it; empty at the end.
    std::string peek() const { return std::string(rest_.substr(0, length())); }
    std::string next(std::string_view what) {
        if (rest_.empty()) throw ScriptError(std::string(what) + " is missing");
        std::string word = peek();
        rest_.remove_prefix(word.size());
        skip();
        return word;
    }
    void expect(std::string_view word) {
        std::string found = next("'" + std::string(word) + "'");
        if (found != word) throw ScriptError("'" + std::string(word) + "' is expected, not '" + found + "'");
    }
    void expect_end() const {
        if (!rest_.empty()) throw ScriptError("nothing is expected behind it: '" + std::string(rest_) + "'");
    }
    std::string_view rest() const { return rest_; }

  private:
    static bool space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
    size_t length() const {
        size_t n = 0;
        while (n < rest_.size() && !space(rest_[n])) n++;
        return n;
    }
    void skip() {
        while (!rest_.empty() && space(rest_.front())) rest_.remove_prefix(1);
        while (!rest_.empty() && space(rest_.back())) rest_.remove_suffix(1);
    }

    std::string_view rest_;
};

struct Pair {
    std::string key;
    std::string value;
};

// "key=value".
inline Pair next_pair(Words& words) {
    std::string word = words.next("key=value");
    size_t equals = word.find('=');
    if (equals == std::string::npos) throw ScriptError("key=value is expected, not '" + word + "'");
    return {word.substr(0, equals), word.substr(equals + 1)};
}

}  // namespace fedge::packet
