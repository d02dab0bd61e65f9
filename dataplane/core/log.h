// One line per message on standard error, where systemd's journal picks it up. Never on the packet path.
#pragma once

#include <cstdio>
#include <string>

#include "dataplane/contract/message_generated.h"

namespace fedge::core {

inline void log(contract::Severity severity, const std::string& text) {
    std::fprintf(stderr, "fedge-dataplane: %s: %s\n", contract::EnumNameSeverity(severity), text.c_str());
}

}  // namespace fedge::core
