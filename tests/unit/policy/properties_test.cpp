// What holds of any configuration, tried on seeded random ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

// Few labels, so that names, parents and look-alikes meet often.
std::string random_name(std::mt19937& random) {
    const char* labels[] = {"a", "b", "notb", "xa"};
    std::string name = "example";
    for (auto n = random() % 3 + 1; n > 0; n--) name = std::string(labels[random() % std::size(labels)]) + "." + name;
    return name;
}

struct Entry {
    std::string name, via;
    bool blocked;
};

std::vector<Entry> random_entries(std::mt19937& random, size_t count) {
    std::vector<Entry> entries;
    while (entries.size() < count) {
        std::string name = random_name(random);
        bool known = std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
        if (!known) entries.push_back({name, random() % 3 ? "" : "edge.hoster.test", random() % 3 == 0});
    }
    return entries;
}

std::vector<std::string> random_patterns(std::mt19937& random) {
    std::vector<std::string> all{"*.a.example", "*.b.example", "?.example", "*.notb.example", "/x?a\\.example/"};
    std::shuffle(all.begin(), all.end(), random);
    all.resize(random() % 3);
    return all;
}

void put(World& world, const std::vector<Entry>& entries, const std::vector<std::string>& patterns) {
    for (const Entry& entry : entries) {
        if (entry.blocked)
            world.block(entry.name.c_str());
        else
            world.allow(entry.name.c_str(), entry.via.c_str());
    }
    for (const std::string& pattern : patterns) world.add_pattern(pattern.c_str(), pattern.size() % 2 == 0);
}

struct Outcomes {
    Reason in, out;
    std::string rule_in, rule_out;
    friend bool operator==(const Outcomes&, const Outcomes&) = default;
};
void PrintTo(const Outcomes& one, std::ostream* out) {
    *out << facts(one.in).name << " (" << one.rule_in << "), " << facts(one.out).name << " (" << one.rule_out << ")";
}

// Everybody has an SRV record and a certificate that fits it.
Outcomes outcomes(const View& view, std::string_view domain) {
    std::string host(domain);
    std::string_view hosts[] = {host};
    RouteFacts found{Finding::found, 0, true, hosts};
    tls::PeerNames names{{NameKind::dns, host}};
    std::string from(domain);
    Decision in = inbound(view, Peer(view.config, names, {}), message(from.c_str(), "local.example"), &found,
                          Admission::admitted);
    Decision out = outbound(view, message("local.example", from.c_str()), &found);
    return {in.reason, out.reason, words(in.rule), words(out.rule)};
}

TEST(PolicyProperties, OrderOfEntriesNeverChangesAVerdict) {
    for (unsigned seed = 1; seed <= 150; seed++) {
        std::mt19937 random(seed);
        auto entries = random_entries(random, 1 + random() % 12);
        auto patterns = random_patterns(random);
        World one, other;
        one.federation.discovery = other.federation.discovery = seed % 2 == 0;
        put(one, entries, patterns);
        std::shuffle(entries.begin(), entries.end(), random);
        std::shuffle(patterns.begin(), patterns.end(), random);
        put(other, entries, patterns);
        const View &a = one.view(), &b = other.view();
        for (int i = 0; i < 30; i++) {
            std::string name = random_name(random);
            ASSERT_EQ(outcomes(a, name), outcomes(b, name)) << "seed " << seed << ", " << name;
        }
    }
}

TEST(PolicyProperties, RemovingARuleRestoresTheEarlierVerdict) {
    for (unsigned seed = 1; seed <= 150; seed++) {
        std::mt19937 random(seed);
        auto entries = random_entries(random, 2 + random() % 10);
        auto patterns = random_patterns(random);
        World before, after;
        put(before, {entries.begin(), entries.end() - 1}, patterns);
        put(after, entries, patterns);
        after.view();
        after.entries.pop_back();
        const View &a = before.view(), &b = after.view();
        for (int i = 0; i < 30; i++) {
            std::string name = random_name(random);
            ASSERT_EQ(outcomes(a, name), outcomes(b, name)) << "seed " << seed << ", " << name;
        }
    }
}

// A rule speaks of its name and of what is below it: nothing else changes with it.
TEST(PolicyProperties, ARuleConcernsOnlyWhatItCovers) {
    for (unsigned seed = 1; seed <= 150; seed++) {
        std::mt19937 random(seed);
        auto entries = random_entries(random, 2 + random() % 8);
        World without, with;
        put(without, {entries.begin(), entries.end() - 1}, {});
        put(with, entries, {});
        const View &a = without.view(), &b = with.view();
        for (int i = 0; i < 30; i++) {
            std::string name = random_name(random);
            if (covers(entries.back().name, name)) continue;
            ASSERT_EQ(outcomes(a, name), outcomes(b, name)) << "seed " << seed << ", " << name;
        }
    }
}

// The longest entry that covers a name decides, in both directions.
TEST(PolicyProperties, TheLongestSuffixDecides) {
    for (unsigned seed = 1; seed <= 150; seed++) {
        std::mt19937 random(seed);
        auto entries = random_entries(random, 1 + random() % 10);
        World world;
        put(world, entries, {});
        const View& view = world.view();
        for (int i = 0; i < 30; i++) {
            std::string name = random_name(random);
            const Entry* longest = nullptr;
            for (const Entry& entry : entries)
                if (covers(entry.name, name) && (!longest || entry.name.size() > longest->name.size()))
                    longest = &entry;
            Outcomes is = outcomes(view, name);
            bool blocked = longest && longest->blocked;
            ASSERT_EQ(is.in == Reason::blocked_source, blocked) << "seed " << seed << ", " << name;
            ASSERT_EQ(is.out == Reason::out_blocked_domain, blocked) << "seed " << seed << ", " << name;
            ASSERT_EQ(is.in == Reason::unknown_domain, !longest) << "seed " << seed << ", " << name;
            ASSERT_EQ(is.out == Reason::out_unknown_domain, !longest) << "seed " << seed << ", " << name;
        }
    }
}

}  // namespace
}  // namespace fedge::policy
