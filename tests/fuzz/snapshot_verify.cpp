// The snapshot verifier on arbitrary bytes: what it accepts can be read to the end.
#include <cstring>
#include <vector>

#include "control/publish/snapshot.h"
#include "dataplane/contract/snapshot_generated.h"
#include "tests/fuzz/expect.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace fedge;
    // FlatBuffers wants aligned memory, as the mapping of a memfd is; exact in size, so that reading over its end is
    // seen.
    std::vector<uint8_t> bytes(data, data + size);
    if (!control::verify_snapshot(bytes).empty()) return 0;
    const auto* snapshot = contract::GetSnapshot(bytes.data());
    size_t read = snapshot->turn()->realm()->size() + snapshot->turn()->nonce_keys()->size();
    fuzz::expect(read >= 17, "a realm and a nonce key");
    for (const auto* interface : *snapshot->interfaces()) {
        read += interface->name()->size() + interface->port()->size();
        for (const auto* address : *interface->addresses()) fuzz::expect(address->length() <= 128, "prefix length");
    }
    if (const auto* users = snapshot->turn()->users()) {
        for (const auto* user : *users) fuzz::expect(user->md5()->size() == 16, "length of an MD5 key");
    }
    return 0;
}
