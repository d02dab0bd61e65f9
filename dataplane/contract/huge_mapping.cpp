#include "dataplane/contract/huge_mapping.h"

#include <sys/mman.h>

#include <cstdint>

namespace fedge::contract {
namespace {

constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
#ifndef MADV_COLLAPSE
constexpr int MADV_COLLAPSE = 25;  // Linux 6.1; not in the headers of older C libraries
#endif

}  // namespace

void* map_huge(int descriptor, size_t bytes, int protection) {
    // Address space with room to choose the border in; what is left over at both ends is given back.
    size_t room = bytes + kHugePage;
    void* reserved = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return nullptr;
    auto begin = reinterpret_cast<uintptr_t>(reserved);
    uintptr_t border = (begin + kHugePage - 1) & ~(kHugePage - 1);
    void* mapped = mmap(reinterpret_cast<void*>(border), bytes, protection, MAP_SHARED | MAP_FIXED, descriptor, 0);
    if (mapped == MAP_FAILED) {
        munmap(reserved, room);
        return nullptr;
    }
    constexpr uintptr_t kPage = 4096;
    uintptr_t end = border + ((bytes + kPage - 1) & ~(kPage - 1));
    if (border > begin) munmap(reserved, border - begin);
    if (begin + room > end) munmap(reinterpret_cast<void*>(end), begin + room - end);
    return mapped;
}

void collapse_to_huge_pages(void* mapping, size_t bytes) {
    // Whole huge pages only; the kernel refuses what it cannot do, and nothing depends on it.
    for (size_t at = 0; at + kHugePage <= bytes; at += kHugePage)
        if (madvise(static_cast<char*>(mapping) + at, kHugePage, MADV_COLLAPSE) != 0) return;
}

}  // namespace fedge::contract
