// Runs the command line in the test's process, against a fake control, and keeps what it printed.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "appliance/cli/run.h"

namespace fedge::cli::test {

struct Ran {
    int exit = -1;
    std::string out;
    std::string err;
};

struct Setting {
    std::string socket = "/nonexistent/control.sock";
    std::string input;                 // standard input
    std::vector<std::string> answers;  // on the terminal, without echo; empty = standard input is no terminal
    size_t width = 0;
};

inline Ran ran(const Setting& setting, const std::vector<std::string>& words) {
    std::istringstream in(setting.input);
    std::ostringstream out;
    std::ostringstream err;
    size_t asked = 0;
    double clock = 0;
    Environment at{.in = in,
                   .out = out,
                   .err = err,
                   .in_is_terminal = !setting.answers.empty(),
                   .out_is_terminal = false,
                   .width = setting.width,
                   .height = 0,
                   .socket = setting.socket,
                   .ask_hidden = [&](const std::string&) { return setting.answers.at(asked++); },
                   .pause =
                       [&](double seconds) {
                           clock += seconds;
                           return true;
                       },
                   .now = [&] { return clock; }};
    Ran result;
    result.exit = run(words, at);
    result.out = out.str();
    result.err = err.str();
    return result;
}

// "fedge turn user add alice -m 'two words'" -> words without the program's name. Single quotes only.
inline std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    bool any = false;
    for (const char c : line + " ") {
        if (c == '\'') {
            quoted = !quoted;
            any = true;
        } else if (c == ' ' && !quoted) {
            if (any) words.push_back(word);
            word.clear();
            any = false;
        } else {
            word += c;
            any = true;
        }
    }
    if (!words.empty() && words.front() == "fedge") words.erase(words.begin());
    return words;
}

}  // namespace fedge::cli::test
