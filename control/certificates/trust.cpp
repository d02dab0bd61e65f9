#include "control/certificates/trust.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "control/certificates/pem.h"

namespace fedge::control {

const std::string& SystemAuthorities::pem() {
    struct stat state {};
    if (::stat(path_.c_str(), &state) != 0) {
        pem_.clear();
        changed_ns_ = 0;
        return pem_;
    }
    int64_t changed = int64_t{state.st_mtim.tv_sec} * 1'000'000'000 + state.st_mtim.tv_nsec;
    if (changed == changed_ns_) return pem_;
    std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    // Certificates only, whatever else an administrator put there: the dataplane takes nothing else.
    pem_ = file ? write_chain(read_bundle(text.str())) : std::string();
    changed_ns_ = changed;
    return pem_;
}

std::string trusted_authorities(const TlsConfig& tls, Store& store, SystemAuthorities& system) {
    std::string out = tls.system_trust ? system.pem() : std::string();
    for (const auto& authority : store.authorities()) out += authority.certificate;
    return out;
}

std::string revocation_lists(Store& store) {
    std::string out;
    for (const auto& crl : store.crls()) out += crl.list;
    return out;
}

}  // namespace fedge::control
