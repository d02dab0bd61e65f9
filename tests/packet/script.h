// A packet script: what is set before the connection's world begins, and what happens then, line by line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/tcp/tcp.h"
#include "tests/packet/segment.h"
#include "tests/packet/value.h"

namespace fedge::packet {

// When a line happens, or between when and when.
struct When {
    enum class Kind : uint8_t { relative, absolute, any, none };
    Kind kind = Kind::none;  // none: a declaration, happens with the line before it
    Duration low{};
    Duration high{};
};

struct Event {
    enum class Kind : uint8_t { arrives, expected, command };
    std::string place;  // "file:line"
    std::string text;   // of the line
    When when;
    std::string flow = "a";
    Kind kind = Kind::command;
    SegmentText segment;  // arrives, expected
    std::string command;  // command: its words
};

struct Script {
    tcp::Settings settings;
    uint16_t mtu = 1500;  // of IPv4; for IPv6 20 more, so that the MSS is the same
    Duration late{1ms};   // how much later than said something may be sent: the tick of the timing wheel
    uint64_t seed = 1;    // of the random numbers that the engine gets
    std::vector<Family> families{Family::ipv4, Family::ipv6};
    std::vector<Event> events;
};

// Both throw ScriptError with place and reason. `name` stands for the file in messages.
Script read_script(const std::filesystem::path& file);
Script parse_script(std::string_view text, const std::string& name);

}  // namespace fedge::packet
