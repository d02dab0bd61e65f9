// Shared memory mapped so that the kernel can serve it with huge pages: a look-up in a table of a hundred megabytes
// would otherwise wait longer for the translation of the address than for the memory.
#pragma once

#include <cstddef>

namespace fedge::contract {

// Maps all of a memfd at a border of huge pages, with the protection of mmap(2). nullptr: errno says why. To be given
// back with munmap(2).
void* map_huge(int descriptor, size_t bytes, int protection);

// Moves what was written to the mapping into huge pages, where the kernel can do that (Linux 6.1); they stay with the
// memfd, also for other processes. Takes about as long as copying. Without huge pages everything works, more slowly.
void collapse_to_huge_pages(void* mapping, size_t bytes);

}  // namespace fedge::contract
