// Verdict tables of a million domains: how long one look-up takes, how large they are, how long they take to build and
// to verify.
//
//   perf-policy-table [DOMAINS [ROUNDS]]
//
// "Cold": before each round of 1,000 look-ups all caches and TLBs are filled with other memory, and every look-up is of
// another name, so that no line of the table is there. Look-ups depend on each other: what is measured is the time of
// one, not how many overlap. Names are half of the two labels of an entry, half of three below one.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/contract/verdict_builder.h"
#include "dataplane/contract/verdict_memory.h"
#include "perf/support/median.h"

using namespace fedge::contract;

namespace {

using fedge::perf::median;
using Clock = std::chrono::steady_clock;

double ns_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

void row(const char* metric, double value, const char* unit) {
    std::printf("{\"metric\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", metric, value, unit);
}

// Names as they are out there: a second level of 4 to 18 letters below one of a few hundred first levels.
std::string random_domain(std::mt19937_64& random) {
    static const char* kTops[] = {"com", "net", "org", "de", "co.uk", "es", "com.br", "ru", "info", "example"};
    std::string name;
    for (size_t length = 4 + random() % 15; length-- > 0;) name += static_cast<char>('a' + random() % 26);
    return name + "." + kTops[random() % std::size(kTops)];
}

// More than the last-level cache, and more pages than any TLB.
class Evictor {
  public:
    void run() {
        for (size_t i = 0; i < memory_.size(); i += 8) memory_[i] += i;
    }

  private:
    std::vector<uint64_t> memory_ = std::vector<uint64_t>(size_t{96} << 20 >> 3);
};

struct Look {
    const std::vector<std::string>* names;
    Verdicts verdicts;
    size_t wrong = 0;

    // `of` names from `first` on, which are known or not, as `known` says.
    double one_by_one(size_t first, size_t of, bool known) {
        auto begin = Clock::now();
        size_t step = 1;
        for (size_t i = 0, at = first; i < of; i++, at += step) {
            DomainVerdict verdict = verdicts.domain((*names)[at % names->size()]);
            bool found = verdict.rule != Rule::none;
            wrong += found != known;
            // Always 1, which the processor cannot know before the answer is there.
            step = 1 + (reinterpret_cast<uintptr_t>(verdict.entry.data()) >> 63);
        }
        return ns_since(begin) / static_cast<double>(of);
    }
};

constexpr size_t kPerRound = 1000;

double cold(Look look, Evictor& evictor, size_t rounds, bool known) {
    std::vector<double> times;
    for (size_t i = 0; i < rounds; i++) {
        evictor.run();
        for (size_t n = 0; n < kPerRound; n++)  // the name comes with the message, which was just read
            __builtin_prefetch((*look.names)[(i * kPerRound + n) % look.names->size()].data());
        times.push_back(look.one_by_one(i * kPerRound, kPerRound, known));
    }
    if (look.wrong) throw std::runtime_error("wrong verdicts");
    return median(times);
}

// One read of a table's memory somewhere, under the same conditions: what no look-up can be faster than.
double cold_read(std::span<const uint8_t> memory, Evictor& evictor, size_t rounds) {
    std::mt19937_64 random(2);
    std::vector<size_t> places(kPerRound);
    std::vector<double> times;
    size_t sum = 0;
    size_t none = 0;
    asm volatile("" : "+r"(none));  // 0, which the compiler cannot know
    for (size_t i = 0; i < rounds; i++) {
        for (auto& place : places) place = random() % (memory.size() / 64) * 64;
        evictor.run();
        for (const auto& place : places) __builtin_prefetch(&place);
        auto begin = Clock::now();
        size_t step = 0;
        for (size_t n = 0; n < kPerRound; n++) step = memory[places[n] + step] & none;
        times.push_back(ns_since(begin) / kPerRound);
        sum += step;
    }
    if (sum) throw std::runtime_error("impossible");
    return median(times);
}

double warm(Look look, size_t rounds, bool known) {
    constexpr size_t kNames = 16;  // all of their lines are in the first cache
    std::vector<double> times;
    for (size_t i = 0; i < rounds * 10; i++) {
        look.one_by_one(0, kNames, known);
        auto begin = Clock::now();
        for (int n = 0; n < 100; n++) look.one_by_one(0, kNames, known);
        times.push_back(ns_since(begin) / (100.0 * kNames));
    }
    if (look.wrong) throw std::runtime_error("wrong verdicts");
    return median(times);
}

void measure(size_t domains, size_t rounds) {
    std::mt19937_64 random(1);
    VerdictKey key{random(), random(), random()};
    std::vector<std::string> entries(domains);
    for (auto& name : entries) name = random_domain(random);

    auto begin = Clock::now();
    VerdictBuilder builder(key);
    for (size_t i = 0; i < domains; i++)
        builder.add({.name = entries[i],
                     .rule = i % 4 == 0   ? Rule::blocked
                             : i % 4 == 1 ? Rule::discovered
                                          : Rule::allowed,
                     .via = i % 16 == 3 ? "edge." + entries[i] : ""});
    Descriptor memory = builder.build_sealed();
    double build_ms = ns_since(begin) / 1e6;

    begin = Clock::now();
    std::string error;
    auto table = VerdictMemory::map(memory, error);
    if (!table) throw std::runtime_error(error);
    double verify_ms = ns_since(begin) / 1e6;

    VerdictBuilder changes(key);
    for (int i = 0; i < 1000; i++) changes.add({.name = "new" + random_domain(random), .rule = Rule::allowed});
    auto delta = VerdictMemory::map(changes.build_sealed(), error);
    if (!delta) throw std::runtime_error(error);

    size_t looked = std::min<size_t>(domains, rounds * kPerRound);
    std::vector<std::string> known(looked), unknown(looked);
    for (size_t i = 0; i < looked; i++) {
        size_t at = random() % domains;
        if (i % 2 && at % 4 != 1) known[i] = "sip.";
        known[i] += entries[at];
        unknown[i] = (i % 2 ? "sip.no" : "no") + random_domain(random) + "x";
    }
    Verdicts verdicts(&table->table(), &delta->table());
    Evictor evictor;
    row("lookup_cold", cold({&known, verdicts}, evictor, rounds, true), "ns");
    row("lookup_cold_unknown", cold({&unknown, verdicts}, evictor, rounds, false), "ns");
    row("memory_cold",
        cold_read({static_cast<const uint8_t*>(table->memory()), table->table().bytes()}, evictor, rounds), "ns");
    row("lookup_warm", warm({&known, verdicts}, rounds, true), "ns");
    row("lookup_warm_unknown", warm({&unknown, verdicts}, rounds, false), "ns");
    row("bytes_per_domain", static_cast<double>(table->table().bytes()) / static_cast<double>(table->table().domains()),
        "bytes");
    row("build", build_ms, "ms");
    row("verify", verify_ms, "ms");
}

}  // namespace

int main(int argc, char** argv) {
    try {
        measure(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000,
                argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "perf-policy-table: %s\n", error.what());
        return 1;
    }
    return 0;
}
