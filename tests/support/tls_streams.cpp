// Linked in place of plain_streams.cpp: the worlds of whoever asks for one are those of TLS.
#include "tests/support/tls_world.h"

namespace fedge::test {

std::unique_ptr<StreamWorld> make_world(Carrier carrier, Family family) {
    return std::make_unique<TlsWorld>(carrier, family);
}

}  // namespace fedge::test
