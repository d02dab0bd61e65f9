#include "dataplane/contract/verdict_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "dataplane/contract/huge_mapping.h"

namespace fedge::contract {

std::shared_ptr<const VerdictMemory> VerdictMemory::map(const Descriptor& memory, std::string& error) {
    constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    auto refuse = [&error](std::string why) {
        error = std::move(why);
        return nullptr;
    };
    if (!memory) return refuse("the verdict table's descriptor did not arrive");
    int seals = fcntl(memory.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kNeeded) != kNeeded) return refuse("the verdict table is not sealed");
    struct stat status {};
    if (fstat(memory.get(), &status) != 0 || status.st_size <= 0) return refuse("the verdict table has no size");
    auto bytes = static_cast<size_t>(status.st_size);
    void* address = map_huge(memory.get(), bytes, PROT_READ);
    if (!address) return refuse(std::string("the verdict table cannot be mapped into memory: ") + std::strerror(errno));
    std::shared_ptr<VerdictMemory> out(new VerdictMemory(address, bytes));
    out->table_ = VerdictTable::open({static_cast<const uint8_t*>(address), bytes}, error);
    if (!out->table_) return nullptr;
    return out;
}

VerdictMemory::~VerdictMemory() {
    munmap(memory_, bytes_);
}

}  // namespace fedge::contract
