// The shared port 443: takes connections, finds out what they are (opening.h), and hands them on.
//
// Belongs to one core. A connection that has not shown what it is within kPatience is closed; there are never more than
// `most` of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/time.h"
#include "dataplane/base/wheel.h"
#include "dataplane/signal/opening.h"
#include "dataplane/tcp/stream.h"

namespace fedge::signal {

// Who serves what the shared port finds. nullptr: refused and counted.
class SharedServices {
  public:
    virtual ~SharedServices() = default;
    // Makes the stream one of TLS; it comes back by accept_secured().
    virtual tcp::StreamHandler* start_tls(tcp::Stream& stream) = 0;
    virtual tcp::StreamHandler* start_turn(tcp::Stream& stream, bool tls) = 0;
    // Of a remote user, over TLS.
    virtual tcp::StreamHandler* start_sip(tcp::Stream& stream) = 0;
};

class SharedPort {
  public:
    static constexpr Duration kPatience = 30s;

    SharedPort(uint32_t most, Counters counters, SharedServices& services, Instant now);

    // The names that were configured; belong to the snapshot in force.
    void adopt(const SharedNames* names) { names_ = names; }

    // A connection on the port. nullptr: too many whose nature is not known.
    tcp::StreamHandler* accept(tcp::Stream& stream, Instant now);
    // One that TLS has secured. nullptr: not served, or too many.
    tcp::StreamHandler* accept_secured(tcp::Stream& stream, std::string_view alpn, std::string_view sni, Instant now);
    // Closes those that take too long. Returns how many.
    uint32_t advance(Instant now);

    uint32_t undecided() const { return static_cast<uint32_t>(guests_.size() - free_.size()); }

  private:
    // One connection that is being looked at.
    class Guest final : public tcp::StreamHandler {
      public:
        void on_readable() override { port->look(*this); }
        void on_writable() override {}
        void on_closed(tcp::CloseReason) override { port->release(*this); }
        void describe(tcp::StreamDetails& details) const override;

        SharedPort* port = nullptr;
        tcp::Stream* stream = nullptr;
        uint32_t index = 0;
        bool secured = false;
        std::string_view why;
    };

    Guest* take(tcp::Stream& stream, bool secured, Instant now);
    void release(Guest& guest);
    void look(Guest& guest);
    void close(Guest& guest, std::string_view why);
    // Who serves it; nullptr and `why` if nobody does.
    tcp::StreamHandler* serve(tcp::Stream& stream, bool secured, Opening opening, std::string_view& why);

    Counters counters_;
    SharedServices& services_;
    const SharedNames* names_ = nullptr;
    std::vector<Guest> guests_;
    std::vector<uint32_t> free_;
    TimingWheel wheel_;
};

}  // namespace fedge::signal
