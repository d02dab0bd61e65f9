#include "tests/sim/eal.h"

#include <rte_eal.h>

#include <iterator>
#include <stdexcept>
#include <string>

namespace fedge::sim {

void start_eal(unsigned memory_mb) {
    static const int started = [&] {
        std::string memory = std::to_string(memory_mb);
        const char* arguments[] = {"sim",         "--no-huge", "-m", memory.c_str(),     "--no-pci", "--no-telemetry",
                                   "--no-shconf", "-l",        "0",  "--log-level=error"};
        return rte_eal_init(static_cast<int>(std::size(arguments)), const_cast<char**>(arguments));
    }();
    if (started < 0) throw std::runtime_error("the EAL does not start");
}

}  // namespace fedge::sim
