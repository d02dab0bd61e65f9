#include "tests/support/stream_worlds.h"

namespace fedge::test {

std::unique_ptr<StreamWorld> make_world(Carrier carrier, Family family) {
    return make_plain_world(carrier, family);
}

}  // namespace fedge::test
