// What certificates are checked against: the authorities of the system, and those that the operator added.
#pragma once

#include <optional>
#include <string>

#include "control/settings/config.h"
#include "control/store/store.h"

namespace fedge::control {

// Debian's ca-certificates writes it; PEM.
inline constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// The bundle of the system, read again when the file has changed.
class SystemAuthorities {
  public:
    explicit SystemAuthorities(std::string path) : path_(std::move(path)) {}

    // Empty if it cannot be read.
    const std::string& pem();
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    std::string pem_;
    int64_t changed_ns_ = 0;
};

// PEM, one after the other.
std::string trusted_authorities(const TlsConfig& tls, Store& store, SystemAuthorities& system);
std::string revocation_lists(Store& store);

}  // namespace fedge::control
