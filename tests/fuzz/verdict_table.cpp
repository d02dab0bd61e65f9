// A verdict table from any bytes: opened or refused, and what opens is safe to look up in.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/verdict_layout.h"
#include "dataplane/contract/verdicts.h"

using namespace fedge::contract;

// Input: a byte with the length of a name, the name, and the table. A header whose sizes do not fit its table is of no
// use to find more; so the sizes are made to fit in half of the runs.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    bool mend = data[0] & 1;
    size_t length = std::min<size_t>(data[1], size - 2);
    std::string_view name(reinterpret_cast<const char*>(data) + 2, length);
    data += 2 + length;
    size -= 2 + length;
    std::unique_ptr<uint8_t, decltype(&std::free)> memory(
        static_cast<uint8_t*>(std::aligned_alloc(64, (size + 127) / 64 * 64)), &std::free);
    std::copy_n(data, size, memory.get());
    if (mend && size >= sizeof(verdict_layout::Header)) {
        auto& header = *reinterpret_cast<verdict_layout::Header*>(memory.get());
        size_t rest = size - sizeof(header);
        header.magic = verdict_layout::kMagic;
        header.version = verdict_layout::kVersion;
        header.slots = static_cast<uint32_t>(std::min<size_t>(header.slots, rest / sizeof(verdict_layout::Slot)));
        header.text_bytes = rest - header.slots * sizeof(verdict_layout::Slot);
    }
    std::string error;
    auto table = VerdictTable::open({memory.get(), size}, error);
    if (!table) {
        if (error.empty()) std::abort();
        return 0;
    }
    for (Verdicts verdicts : {Verdicts(&*table, nullptr), Verdicts(nullptr, &*table), Verdicts(&*table, &*table)}) {
        DomainVerdict verdict = verdicts.domain(name);
        if ((verdict.rule == Rule::none) != verdict.entry.empty()) std::abort();
        // What matched is the name or a parent of it, on a border of labels.
        if (!verdict.entry.empty()) {
            if (!name.ends_with(verdict.entry)) std::abort();
            size_t rest = name.size() - verdict.entry.size();
            if (rest && (name[rest - 1] != '.' || verdict.rule == Rule::discovered)) std::abort();
        }
        verdicts.user(name);
    }
    return 0;
}
