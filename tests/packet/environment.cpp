// Starts DPDK for the whole program: the engine takes its tables from there.
#include "tests/support/eal.h"

namespace fedge::test {
namespace {

[[maybe_unused]] const auto* const kEal = testing::AddGlobalTestEnvironment(new EalEnvironment({}, 1));

}  // namespace
}  // namespace fedge::test
