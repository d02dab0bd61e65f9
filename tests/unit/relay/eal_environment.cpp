// The tables of a Turn come from the EAL.
#include "tests/support/eal.h"

namespace fedge::relay {
namespace {

const auto* const kEnvironment =
    testing::AddGlobalTestEnvironment(new test::EalEnvironment(std::vector<port::PortConfig>{}, 1));

}  // namespace
}  // namespace fedge::relay
