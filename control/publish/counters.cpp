#include "control/publish/counters.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fedge::control {
namespace {

constexpr size_t kFirstBlock = 64;  // blocks start on a cache line of their own behind the header
constexpr uint32_t kMaxCores = 1024;

// A 64-bit value that another process writes whole.
uint64_t read_shared(const uint64_t& cell) {
    return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(cell)).load(std::memory_order_relaxed);
}

}  // namespace

std::optional<CounterView> CounterView::map(const contract::Descriptor& memory, std::string& why) {
    struct stat info;
    if (!memory || fstat(memory.get(), &info) != 0) {
        why = "no counter memory came with the greeting";
        return std::nullopt;
    }
    auto bytes = static_cast<size_t>(info.st_size);
    if (bytes < kFirstBlock) {
        why = "the counter memory is too short";
        return std::nullopt;
    }
    void* address = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, memory.get(), 0);
    if (address == MAP_FAILED) {
        why = std::string("the counter memory cannot be mapped: ") + std::strerror(errno);
        return std::nullopt;
    }
    const auto& header = *static_cast<const contract::CounterHeader*>(address);
    CounterView view(address, bytes, header.cores);
    if (header.magic != contract::kCounterMagic || header.version != contract::kContractVersion ||
        header.counters != contract::kCounterCount || header.drops != contract::kDropCount ||
        header.block_bytes != sizeof(contract::CounterBlock)) {
        why = "the counters of the dataplane are of another version";
        return std::nullopt;
    }
    if (view.cores_ == 0 || view.cores_ > kMaxCores ||
        bytes < kFirstBlock + view.cores_ * sizeof(contract::CounterBlock)) {
        why = "the counter memory does not hold its cores";
        return std::nullopt;
    }
    return view;
}

CounterView::CounterView(CounterView&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_), cores_(other.cores_) {}

CounterView::~CounterView() {
    if (memory_) munmap(memory_, bytes_);
}

const contract::CounterBlock& CounterView::block(uint32_t core) const {
    const auto* first = static_cast<const uint8_t*>(memory_) + kFirstBlock;
    return reinterpret_cast<const contract::CounterBlock*>(first)[core];
}

uint64_t CounterView::counter(uint32_t core, size_t index) const {
    return read_shared(block(core).values[index]);
}
uint64_t CounterView::drop(uint32_t core, size_t index) const {
    return read_shared(block(core).drops[index]);
}

}  // namespace fedge::control
