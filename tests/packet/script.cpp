#include "tests/packet/script.h"

#include <fstream>
#include <functional>
#include <sstream>

#include "tests/packet/words.h"

namespace fedge::packet {
namespace {

namespace fs = std::filesystem;
constexpr int kMaxIncludes = 8;

std::string content(const fs::path& file) {
    std::ifstream in(file);
    if (!in) throw ScriptError("cannot read " + file.string());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void set_limit(Words& words, tcp::Limits& limits) {
    auto [key, value] = next_pair(words);
    struct Entry {
        std::string_view key;
        uint32_t* field;
    };
    const Entry entries[] = {{"connections", &limits.connections},
                             {"half_open", &limits.half_open},
                             {"time_wait", &limits.time_wait},
                             {"buffer_blocks", &limits.buffer_blocks},
                             {"connections_per_prefix", &limits.connections_per_prefix},
                             {"half_open_per_prefix", &limits.half_open_per_prefix},
                             {"resets_per_second", &limits.resets_per_second},
                             {"destinations", &limits.destinations}};
    for (const Entry& entry : entries) {
        if (entry.key != key) continue;
        *entry.field = static_cast<uint32_t>(parse_integer(value));
        return;
    }
    throw ScriptError("there is no limit called '" + key + "'");
}

bool parse_switch(const std::string& value) {
    if (value == "on") return true;
    if (value != "off") throw ScriptError("on or off is expected, not '" + value + "'");
    return false;
}

// FIRST-LAST[/DIVISOR]: as if the NIC put flows to these local ports on this core, of them the multiples of DIVISOR.
std::function<bool(const Endpoint&, const Endpoint&)> parse_home(const std::string& value) {
    auto port = [](const std::string& text) { return static_cast<uint16_t>(parse_integer(text)); };
    size_t dash = value.find('-'), slash = value.find('/');
    if (dash == std::string::npos) throw ScriptError("FIRST-LAST[/DIVISOR] is expected, not '" + value + "'");
    uint16_t first = port(value.substr(0, dash));
    uint16_t last = port(value.substr(dash + 1, slash == std::string::npos ? slash : slash - dash - 1));
    uint16_t divisor = slash == std::string::npos ? 1 : port(value.substr(slash + 1));
    if (divisor == 0) throw ScriptError("no port is a multiple of 0");
    return [=](const Endpoint& local, const Endpoint&) {
        return local.port >= first && local.port <= last && local.port % divisor == 0;
    };
}

void set_setting(Words& words, Script& script) {
    auto [key, value] = next_pair(words);
    if (key == "time_wait") {
        script.settings.time_wait = parse_duration(value);
    } else if (key == "cubic") {
        script.settings.cubic = parse_switch(value);
    } else if (key == "home") {
        script.settings.arrives_here = parse_home(value);
    } else if (key == "seed") {
        script.seed = static_cast<uint64_t>(parse_integer(value));
    } else if (key == "late") {
        script.late = parse_duration(value);
    } else {
        throw ScriptError("there is no setting called '" + key + "'");
    }
}

// Lines that set up the world. False: the line is something else.
bool parse_directive(const std::string& word, Words& words, Script& script) {
    if (word == "set") {
        while (!words.empty()) set_setting(words, script);
    } else if (word == "limits") {
        while (!words.empty()) set_limit(words, script.settings.limits);
    } else if (word == "mtu") {
        script.mtu = static_cast<uint16_t>(parse_integer(words.next("an MTU")));
    } else if (word == "only") {
        std::string family = words.next("ipv4 or ipv6");
        if (family != "ipv4" && family != "ipv6") throw ScriptError("ipv4 or ipv6 is expected, not '" + family + "'");
        script.families = {family == "ipv4" ? Family::ipv4 : Family::ipv6};
    } else {
        return false;
    }
    words.expect_end();
    if (!script.events.empty()) throw ScriptError("'" + word + "' must stand before everything that happens");
    return true;
}

bool is_time(const std::string& word) {
    return word == "*" || word.starts_with('+') || (!word.empty() && word[0] >= '0' && word[0] <= '9');
}

// "+0.1", "+0.1~+0.2", "1.5", "*".
When parse_when(const std::string& word) {
    if (word == "*") return {When::Kind::any, {}, {}};
    When when;
    bool relative = word.starts_with('+');
    when.kind = relative ? When::Kind::relative : When::Kind::absolute;
    auto one = [relative](std::string_view text) {
        if (text.starts_with('+') != relative) throw ScriptError("both ends of a time are relative, or none is");
        return parse_seconds(relative ? text.substr(1) : text);
    };
    size_t tilde = word.find('~');
    when.low = one(std::string_view(word).substr(0, tilde));
    when.high = tilde == std::string::npos ? when.low : one(std::string_view(word).substr(tilde + 1));
    if (when.high < when.low) throw ScriptError("a time that ends before it begins: " + word);
    return when;
}

Event parse_event(std::string_view line, const std::string& place) {
    Event event;
    event.place = place;
    event.text = std::string(line);
    Words words(line);
    if (is_time(words.peek())) event.when = parse_when(words.next("a time"));
    if (words.peek().ends_with(':')) {
        event.flow = words.next("a flow");
        event.flow.pop_back();
    }
    bool arrives = words.peek() == "<";
    if (arrives || words.peek() == ">") {
        words.next("a direction");
        event.kind = arrives ? Event::Kind::arrives : Event::Kind::expected;
        event.segment = parse_segment(words.rest());
        if (event.when.kind == When::Kind::none) throw ScriptError("a segment needs a time");
    } else {
        if (words.empty()) throw ScriptError("nothing happens here");
        event.command = std::string(words.rest());
    }
    if (event.kind != Event::Kind::expected &&
        (event.when.kind == When::Kind::any || event.when.low != event.when.high))
        throw ScriptError("only for what is expected may the time be open");
    return event;
}

std::string_view without_comment(std::string_view line) {
    for (size_t i = 0; i < line.size(); i++)
        if (line[i] == '#' || (line[i] == '/' && line.substr(i).starts_with("//"))) return line.substr(0, i);
    return line;
}

void parse_lines(std::string_view text, const std::string& name, const fs::path& folder, int depth, Script& script) {
    std::istringstream lines{std::string(text)};
    std::string line;
    for (int number = 1; std::getline(lines, line); number++) {
        std::string place = name + ":" + std::to_string(number);
        Words words(without_comment(line));
        if (words.empty()) continue;
        std::string_view whole = words.rest();
        try {
            std::string first = words.next("a word");
            if (first == "include") {
                if (depth == kMaxIncludes) throw ScriptError("includes nested too deeply");
                fs::path file = folder / words.next("a file");
                words.expect_end();
                parse_lines(content(file), file.filename().string(), file.parent_path(), depth + 1, script);
            } else if (!parse_directive(first, words, script)) {
                script.events.push_back(parse_event(whole, place));
            }
        } catch (const ScriptError& error) {
            std::string what = error.what();
            // What was thrown inside an included file knows its place already.
            throw ScriptError(what.find(".inc:") != std::string::npos ? what : place + ": " + what);
        }
    }
}

}  // namespace

Script parse_script(std::string_view text, const std::string& name) {
    Script script;
    // Worlds of scripts are small; memory for thousands of connections would only cost time.
    script.settings.limits = {.connections = 64,
                              .half_open = 64,
                              .time_wait = 64,
                              .buffer_blocks = 2048,
                              .connections_per_prefix = 64,
                              .half_open_per_prefix = 64,
                              .resets_per_second = 200,
                              .destinations = 64};
    parse_lines(text, name, fs::path(name).parent_path(), 0, script);
    if (script.events.empty()) throw ScriptError(name + ": nothing happens in this script");
    return script;
}

Script read_script(const fs::path& file) {
    return parse_script(content(file), file.string());
}

}  // namespace fedge::packet
