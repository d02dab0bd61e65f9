// What must not be guessed: initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 section 5.4), SYN cookies
// (RFC 4987 section 3.6), ephemeral ports (RFC 6056). All SipHash-2-4 under keys of this core.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/tcp/flow.h"

namespace fedge::tcp {

class Secrets {
  public:
    explicit Secrets(Random& random);

    // RFC 6528 section 3: a clock of 4 microseconds and a hash of the flow.
    uint32_t initial_sequence(const FlowKey& flow, Instant now) const;
    // Added to a clock of milliseconds; the same for every connection of a flow, so that a new one's timestamps are
    // above those of its predecessor (RFC 6191).
    uint32_t timestamp_offset(const FlowKey& flow) const;
    // Where to begin the search for a port, and which counter to use (RFC 6056 section 3.3.4, double hash).
    uint32_t port_offset(const IpAddress& local, const Endpoint& remote) const;

    // A SYN cookie is an initial sequence number that says everything we need to know of the SYN: 5 bits of time in
    // units of 64 s, 3 bits of MSS, 24 bits of MAC over the flow, the peer's sequence number and these.
    uint32_t cookie(const FlowKey& flow, uint32_t irs, uint16_t mss, Instant now);
    // The MSS, if `iss` is a cookie for this flow of the last 64 to 128 seconds.
    std::optional<uint16_t> check_cookie(const FlowKey& flow, uint32_t irs, uint32_t iss, Instant now);

  private:
    using Key = std::array<uint8_t, 16>;
    uint32_t mac(const FlowKey& flow, uint32_t irs, uint32_t period, uint32_t mss_index);
    const Key& cookie_key(uint32_t period);

    Random& random_;
    Key sequence_;
    Key timestamp_;
    Key port_;
    // Keys of cookies live for 16 periods; the one before is kept for cookies that are under way.
    std::array<Key, 2> cookies_;
    std::array<uint32_t, 2> cookie_epochs_;
};

}  // namespace fedge::tcp
