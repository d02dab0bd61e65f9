#include "control/log.h"

namespace fedge::control {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};

}  // namespace

std::optional<Severity> severity_of(std::string_view name) {
    for (size_t i = 0; i < std::size(kNames); i++) {
        if (kNames[i] == name) return static_cast<Severity>(i);
    }
    return std::nullopt;
}

void Log::write(Severity severity, std::string_view what) {
    if (severity < lowest_) return;
    std::string line(kNames[static_cast<size_t>(severity)]);
    line += ": ";
    for (char c : what) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    line += '\n';
    *out_ << line << std::flush;
}

}  // namespace fedge::control
