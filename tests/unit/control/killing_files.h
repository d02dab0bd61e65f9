// Files of SQLite that end the process with SIGKILL at a chosen step: before the n-th write, sync or truncation, or in
// the middle of the write, as if power or an administrator had done it.
#pragma once

#include <cstdint>

namespace fedge::control {

// For all databases that are opened from now on. Call it once, in a child process that is to be killed. Steps are
// counted from arm() on; `at` = 0 never kills.
void install_killing_files();
void arm_killing_files(uint64_t at, bool torn);
// Steps since arm().
uint64_t killing_steps();

}  // namespace fedge::control
