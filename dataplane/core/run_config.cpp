#include "dataplane/core/run_config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "dataplane/contract/snapshot_generated.h"

namespace fedge::core {
namespace {

constexpr off_t kMaxSnapshot = off_t{1} << 30;

// Unmaps on every way out.
class Mapping {
  public:
    Mapping(int descriptor, size_t bytes)
        : bytes_(bytes), memory_(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0)) {
        if (memory_ == MAP_FAILED) throw SnapshotError("the snapshot cannot be mapped into memory");
    }
    ~Mapping() { munmap(memory_, bytes_); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Bytes bytes() const { return {static_cast<const uint8_t*>(memory_), bytes_}; }

  private:
    size_t bytes_;
    void* memory_;
};

RoleConfig role_config(const contract::Snapshot& snapshot, contract::Role role) {
    return {classify::AccessList{classify::access_entries(snapshot, role)},
            classify::PortsTable{classify::ports_plan(snapshot, role)}};
}

}  // namespace

std::unique_ptr<const RunConfig> compile_snapshot(Bytes buffer, SnapshotContext& context, const RunConfig* previous) {
    flatbuffers::Verifier verifier(buffer.data(), buffer.size(), 64, 16'000'000);
    if (buffer.size() < 8 || !contract::VerifySnapshotBuffer(verifier)) throw SnapshotError("the snapshot is damaged");
    const contract::Snapshot& snapshot = *contract::GetSnapshot(buffer.data());
    std::string error;
    auto relay = relay::Config::build(snapshot, context.limits, context.user_key, context.digest, error);
    if (!relay) throw SnapshotError(error);
    try {
        return std::make_unique<const RunConfig>(RunConfig{
            snapshot.revision(),
            ip::Interfaces::build(snapshot, context.ports, previous ? previous->interfaces.get() : nullptr),
            {role_config(snapshot, contract::Role::external), role_config(snapshot, contract::Role::internal)},
            std::move(relay),
            snapshot.icmp_rate(),
            snapshot.echo()});
    } catch (const std::exception& error_in_words) {  // the texts name the setting
        throw SnapshotError(error_in_words.what());
    }
}

std::unique_ptr<const RunConfig> load_snapshot(int descriptor, SnapshotContext& context, const RunConfig* previous) {
    constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || (seals & kNeeded) != kNeeded) throw SnapshotError("the snapshot is not sealed");
    struct stat status {};
    if (fstat(descriptor, &status) != 0 || status.st_size <= 0 || status.st_size > kMaxSnapshot)
        throw SnapshotError("the snapshot has an impossible size");
    Mapping mapping(descriptor, static_cast<size_t>(status.st_size));
    return compile_snapshot(mapping.bytes(), context, previous);
}

}  // namespace fedge::core
