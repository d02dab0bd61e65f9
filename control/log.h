// The log of the daemon: one line per record on a stream (stderr in production), severity first. Time stamps are the
// journal's business. Callers never pass secrets; tests hold them to it.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace fedge::control {

enum class Severity : uint8_t { debug, info, warning, error };

std::optional<Severity> severity_of(std::string_view name);

class Log {
  public:
    Log(std::ostream& out, Severity lowest) : out_(&out), lowest_(lowest) {}

    void debug(std::string_view what) { write(Severity::debug, what); }
    void info(std::string_view what) { write(Severity::info, what); }
    void warning(std::string_view what) { write(Severity::warning, what); }
    void error(std::string_view what) { write(Severity::error, what); }
    // Control characters are replaced, so that text from elsewhere cannot forge lines.
    void write(Severity severity, std::string_view what);

  private:
    std::ostream* out_;
    Severity lowest_;
};

}  // namespace fedge::control
