// Why a connection to a next hop came to nothing: what those are told who wanted to send there (ms-diagnostics), what
// the operator reads, and what control counts against the address.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/tls/session.h"

namespace fedge::signal {

struct HopFailure {
    uint16_t code = 0;    // of policy/diagnostics.h; 0: nothing failed
    std::string type;     // a clause that no stranger has written: the parameter ErrorType
    std::string words;    // a sentence, for operators
    bool unread = false;  // nothing that was sent has been read, for certain
    std::string host;     // that was to be proved
    Endpoint endpoint;

    // Of more failures than one that one is told which got furthest.
    uint32_t rank() const;
    // `;name="value"` for each, to go behind ms-diagnostics.
    std::string parameters() const;
};

// Of a connection that ended: `tls` is null without TLS below; `open`: TCP and TLS were established; `why`, in words,
// counts if TLS has nothing to say.
HopFailure failure_of(const tls::SessionInfo* tls, bool open, std::string_view why);

}  // namespace fedge::signal
