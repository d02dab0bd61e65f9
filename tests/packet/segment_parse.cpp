#include <array>
#include <utility>

#include "dataplane/wire/tcp.h"
#include "tests/packet/segment.h"
#include "tests/packet/words.h"

namespace fedge::packet {
namespace {

struct FlagLetter {
    char letter;
    uint8_t bit;
};
constexpr std::array<FlagLetter, 8> kFlagLetters{{{'F', wire::kFin},
                                                  {'S', wire::kSyn},
                                                  {'R', wire::kRst},
                                                  {'P', wire::kPsh},
                                                  {'.', wire::kAck},
                                                  {'U', wire::kUrg},
                                                  {'E', 0x40},
                                                  {'W', 0x80}}};

uint8_t parse_flags(std::string_view text) {
    if (text == "-") return 0;
    uint8_t flags = 0;
    for (char c : text) {
        bool known = false;
        for (FlagLetter f : kFlagLetters) {
            if (f.letter != c) continue;
            flags |= f.bit;
            known = true;
        }
        if (!known) throw ScriptError("unknown flag '" + std::string(1, c) + "' in '" + std::string(text) + "'");
    }
    return flags;
}

// "1:1001(1000)"; the length is that of the payload, SYN and FIN do not count.
void parse_range(std::string_view text, SegmentText& out) {
    if (text == "*") {
        out.any_range = true;
        return;
    }
    size_t colon = text.find(':');
    size_t open = text.find('(');
    if (colon == std::string_view::npos || open == std::string_view::npos || open < colon || !text.ends_with(')'))
        throw ScriptError("sequence numbers look like 1:1001(1000), not like '" + std::string(text) + "'");
    int64_t first = parse_integer(text.substr(0, colon));
    int64_t end = parse_integer(text.substr(colon + 1, open - colon - 1));
    int64_t length = parse_integer(text.substr(open + 1, text.size() - open - 2));
    if (length < 0 || end - first != length)
        throw ScriptError("length and range differ in '" + std::string(text) + "'");
    out.seq = {first, first};
    out.length = static_cast<uint32_t>(length);
}

SegmentOption::Range parse_sack_range(const std::string& text) {
    size_t colon = text.find(':');
    if (colon == std::string::npos) throw ScriptError("SACK ranges look like 1:1001, not like '" + text + "'");
    return {parse_integer(text.substr(0, colon)), parse_integer(text.substr(colon + 1))};
}

std::vector<uint8_t> parse_hex(const std::string& text) {
    std::vector<uint8_t> bytes;
    if (text.empty() || text.size() % 2 != 0) throw ScriptError("not hexadecimal bytes: '" + text + "'");
    for (size_t i = 0; i < text.size(); i += 2)
        bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

// "TS val 100 ecr 0", "mss 1460", "raw fd04beef".
SegmentOption parse_option(const std::string& text) {
    Words words(text);
    SegmentOption option;
    std::string name = words.next("an option");
    using Kind = SegmentOption::Kind;
    if (name == "nop") {
        option.kind = Kind::nop;
    } else if (name == "eol") {
        option.kind = Kind::end;
    } else if (name == "mss") {
        option.kind = Kind::mss;
        option.value = parse_number(words.next("a maximum segment size"));
    } else if (name == "wscale") {
        option.kind = Kind::window_scale;
        option.value = parse_number(words.next("a shift"));
    } else if (name == "sackOK") {
        option.kind = Kind::sack_permitted;
    } else if (name == "TS") {
        option.kind = Kind::timestamps;
        words.expect("val");
        option.value = parse_number(words.next("a timestamp"));
        words.expect("ecr");
        option.echo = parse_number(words.next("a timestamp"));
    } else if (name == "sack") {
        option.kind = Kind::sack;
        while (!words.empty()) option.ranges.push_back(parse_sack_range(words.next("a range")));
        if (option.ranges.empty()) throw ScriptError("sack without a range");
    } else if (name == "raw") {
        option.kind = Kind::raw;
        option.bytes = parse_hex(words.next("bytes"));
    } else {
        throw ScriptError("unknown option '" + name + "'");
    }
    words.expect_end();
    return option;
}

void parse_options(std::string_view text, SegmentText& out) {
    if (text == "...") {
        out.any_options = true;
        return;
    }
    while (!text.empty()) {
        size_t comma = text.find(',');
        out.options.push_back(parse_option(std::string(text.substr(0, comma))));
        if (comma == std::string_view::npos) return;
        text.remove_prefix(comma + 1);
        if (text.empty()) throw ScriptError("an option is missing behind the last comma");
    }
}

void parse_word(const std::string& name, Words& words, SegmentText& out) {
    if (name == "ack") {
        out.ack = parse_number(words.next("an acknowledgement number"));
    } else if (name == "win") {
        out.window = parse_number(words.next("a window"));
    } else if (name == "urg") {
        out.urgent = static_cast<uint16_t>(parse_integer(words.next("an urgent pointer")));
    } else if (name == "doff") {
        out.data_offset = static_cast<uint8_t>(parse_integer(words.next("a data offset")));
    } else if (name == "each") {
        out.each = static_cast<uint32_t>(parse_integer(words.next("a size")));
        if (out.each == 0) throw ScriptError("each 0");
    } else if (name == "evil") {
        out.evil = true;
    } else {
        throw ScriptError("unknown word '" + name + "' in a segment");
    }
}

}  // namespace

SegmentText parse_segment(std::string_view text) {
    SegmentText out;
    size_t open = text.find('<');
    if (open != std::string_view::npos) {
        size_t close = text.find('>', open);
        if (close == std::string_view::npos) throw ScriptError("options do not end in '>'");
        out.options_given = true;
        parse_options(text.substr(open + 1, close - open - 1), out);
        Words rest{text.substr(close + 1)};
        while (!rest.empty()) parse_word(rest.next("a word"), rest, out);
        text = text.substr(0, open);
    }
    Words words{text};
    out.flags = parse_flags(words.next("flags"));
    parse_range(words.next("sequence numbers"), out);
    while (!words.empty()) parse_word(words.next("a word"), words, out);
    return out;
}

std::vector<SegmentText> SegmentText::pieces() const {
    if (each == 0 || length <= each) return {*this};
    std::vector<SegmentText> result;
    for (uint32_t at = 0; at < length; at += each) {
        SegmentText piece = *this;
        piece.each = 0;
        piece.seq.low = piece.seq.high = seq.low + at;
        piece.length = std::min(each, length - at);
        // PSH and FIN stand on the last one only.
        if (at + piece.length < length) piece.flags &= static_cast<uint8_t>(~(wire::kPsh | wire::kFin));
        result.push_back(std::move(piece));
    }
    return result;
}

}  // namespace fedge::packet
