// One random simulation: two hosts, many connections, one wire; and the judgement of it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/sim/plan.h"

namespace fedge::sim {

struct RunReport {
    uint64_t seed = 0;
    bool ok = false;
    std::string findings;  // one per line
    uint32_t connections = 0;
    uint64_t bytes = 0;  // delivered, both ways
    uint64_t packets = 0;
    uint64_t retransmitted_bytes = 0;
    uint64_t resets = 0;
    Duration took{0};  // virtual, until the last application was over

    // One line, and the command that replays a failure.
    std::string text() const;
};

RunReport run(uint64_t seed, std::FILE* trace = nullptr);
// A plan that was made by hand. `seed` is for what the plan leaves to chance.
RunReport run(const Plan& plan, uint64_t seed, std::FILE* trace = nullptr);

}  // namespace fedge::sim
