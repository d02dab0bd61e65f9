#include "tests/unit/control/killing_files.h"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <map>

namespace fedge::control {
namespace {

uint64_t steps = 0;
uint64_t kill_at = 0;
bool torn_write = false;
sqlite3_vfs* below = nullptr;
sqlite3_vfs killing;

[[noreturn]] void die() {
    ::kill(::getpid(), SIGKILL);
    while (true) ::pause();
}

bool now() {
    return ++steps == kill_at;
}

// Our file, with the one of the system behind it.
struct File {
    sqlite3_file base;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* of(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}

sqlite3_file* real(sqlite3_file* file) {
    return of(file)->real();
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    if (now()) {
        if (torn_write && size > 1) real(file)->pMethods->xWrite(real(file), bytes, size / 2, offset);
        die();
    }
    return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (now()) die();
    return real(file)->pMethods->xTruncate(real(file), size);
}

int sync(sqlite3_file* file, int flags) {
    if (now()) die();
    return real(file)->pMethods->xSync(real(file), flags);
}

// Memory that connections share for the log is no file: it is made anew after a crash.
const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    .xRead = [](sqlite3_file* f, void* to, int n,
                sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), to, n, at); },
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    .xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); },
    .xUnlock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    .xCheckReservedLock = [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    .xFileControl = [](sqlite3_file* f, int op,
                       void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); },
    .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    .xDeviceCharacteristics = [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    .xShmMap = [](sqlite3_file* f, int region, int size, int extend,
                  void volatile** to) { return real(f)->pMethods->xShmMap(real(f), region, size, extend, to); },
    .xShmLock = [](sqlite3_file* f, int offset, int n,
                   int flags) { return real(f)->pMethods->xShmLock(real(f), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
};

int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
    int code = below->xOpen(below, name, real(file), flags, out);
    file->pMethods = code == SQLITE_OK ? &kMethods : nullptr;
    return code;
}

int remove(sqlite3_vfs*, const char* name, int sync_directory) {
    if (now()) die();
    return below->xDelete(below, name, sync_directory);
}

}  // namespace

void install_killing_files() {
    below = sqlite3_vfs_find(nullptr);
    killing = *below;
    killing.zName = "killing";
    killing.pNext = nullptr;
    killing.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
    killing.xOpen = open;
    killing.xDelete = remove;
    sqlite3_vfs_register(&killing, 1);
}

void arm_killing_files(uint64_t at, bool torn) {
    steps = 0;
    kill_at = at;
    torn_write = torn;
}

uint64_t killing_steps() {
    return steps;
}

}  // namespace fedge::control
