// The EAL, and how much of its memory is for the hosts of one simulation, before any test runs.
#include <gtest/gtest.h>

#include "tests/sim/eal.h"

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    fedge::sim::start_eal();
    return RUN_ALL_TESTS();
}
