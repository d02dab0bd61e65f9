// Every script below the folder that the build names, over each family that it allows: one test each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "tests/packet/player.h"
#include "tests/packet/script.h"

namespace fedge::packet {
namespace {

namespace fs = std::filesystem;

struct Case {
    std::string name;  // as messages show it: folder/file
    fs::path file;
    Family family;

    // What googletest shows of it.
    friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

// The families stand in the script; one that cannot be read is a case nevertheless, and fails.
std::vector<Family> families_of(const fs::path& file) {
    try {
        return read_script(file).families;
    } catch (const ScriptError&) {
        return {Family::ipv4};
    }
}

std::vector<Case> find_cases() {
    std::vector<Case> cases;
    fs::path root = FEDGE_PACKET_SCRIPTS;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (entry.path().extension() != ".pkt") continue;
        for (Family family : families_of(entry.path()))
            cases.push_back({fs::relative(entry.path(), root).string(), entry.path(), family});
    }
    std::sort(cases.begin(), cases.end(),
              [](const Case& a, const Case& b) { return a.name != b.name ? a.name < b.name : a.family < b.family; });
    return cases;
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
    std::string name = info.param.name.substr(0, info.param.name.size() - 4);
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name + (info.param.family == Family::ipv4 ? "_ipv4" : "_ipv6");
}

class PacketScript : public testing::TestWithParam<Case> {};

TEST_P(PacketScript, Holds) {
    try {
        Script script = read_script(GetParam().file);
        Player player(script, GetParam().family);
        auto failure = player.run();
        EXPECT_FALSE(failure) << *failure;
    } catch (const ScriptError& error) {
        FAIL() << error.what();
    }
}

// Without a single script this would say nothing; it fails instead.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PacketScript);
TEST(PacketScripts, AreThere) {
    EXPECT_FALSE(find_cases().empty());
}

INSTANTIATE_TEST_SUITE_P(Rfc, PacketScript, testing::ValuesIn(find_cases()), test_name);

}  // namespace
}  // namespace fedge::packet
