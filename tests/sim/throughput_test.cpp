#include "tests/sim/throughput.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fedge::sim {
namespace {

std::vector<std::string> lines(std::istream& in) {
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

TEST(Throughput, IsAsExpected) {
    std::ifstream file{FEDGE_EXPECTED_THROUGHPUT};
    ASSERT_TRUE(file) << "cannot read " FEDGE_EXPECTED_THROUGHPUT;
    std::istringstream table{throughput_table()};
    std::vector<std::string> expected = lines(file);
    std::vector<std::string> seen = lines(table);
    EXPECT_EQ(expected.size(), seen.size());
    for (size_t i = 0; i < std::min(expected.size(), seen.size()); i++)
        EXPECT_EQ(expected[i], seen[i]) << "line " << i + 1
                                        << "; if the change is meant: sim-tcp --throughput > expected_throughput.txt";
}

}  // namespace
}  // namespace fedge::sim
