#include "tests/support/eal.h"

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::AddGlobalTestEnvironment(new fedge::test::EalEnvironment({}, 1));
    return RUN_ALL_TESTS();
}
