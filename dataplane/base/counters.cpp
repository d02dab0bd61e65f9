#include "dataplane/base/counters.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fedge {
namespace {

// Blocks start on a cache line of their own behind the header.
constexpr size_t kFirstBlock = 64;
static_assert(sizeof(contract::CounterHeader) <= kFirstBlock);

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

CounterMemory::CounterMemory(uint32_t cores) : bytes_(kFirstBlock + cores * sizeof(contract::CounterBlock)) {
    fd_ = memfd_create("fedge-counters", MFD_CLOEXEC);
    if (fd_ < 0) fail("memfd_create for counters");
    if (ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) fail("size of counter memory");
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, 0);
    if (memory_ == MAP_FAILED) fail("mmap of counter memory");
    auto* header = static_cast<contract::CounterHeader*>(memory_);
    *header = {contract::kCounterMagic, contract::kContractVersion, cores,
               contract::kCounterCount, contract::kDropCount,       sizeof(contract::CounterBlock)};
    blocks_ = reinterpret_cast<contract::CounterBlock*>(static_cast<uint8_t*>(memory_) + kFirstBlock);
}

CounterMemory::~CounterMemory() {
    if (memory_ && memory_ != MAP_FAILED) munmap(memory_, bytes_);
    if (fd_ >= 0) close(fd_);
}

}  // namespace fedge
