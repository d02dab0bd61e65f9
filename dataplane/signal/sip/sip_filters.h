// The filters of dataplane/sip/filters.h in the path of the proxy: what they make of a message that is about to leave,
// and of who speaks for the first time. One for each core.
//
// Text is looked at wherever a program might show it to somebody: in all requests but those of presence and of
// servers among themselves, whose documents are full of addresses and shown to nobody. Offers of files are looked for
// in requests, and in the responses that hold the offer of an INVITE without one.
#pragma once

#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/counters.h"
#include "dataplane/sip/filters.h"
#include "dataplane/sip/message.h"

namespace fedge::signal {

// What the sender of a message that does not pass is told: SIP status and ms-diagnostics.
struct FilterRefusal {
    uint16_t status = 0;  // 0: it passes
    uint16_t diagnostic = 0;
    explicit operator bool() const { return status != 0; }
};

class SipFilters {
  public:
    explicit SipFilters(Counters counters) : counters_(counters) {}

    // Lives until the next call; null: nothing is filtered.
    void adopt(sip::FilterScratch* scratch);

    // What it says of itself is known of scanners. Counted.
    bool scanner(const sip::Message& request);
    // `body` becomes what goes on instead of it, good until the next call. Counted.
    FilterRefusal request(const sip::Message& request, Bytes& body);
    // Whether it may pass. Counted.
    bool response(const sip::Message& response, Bytes body);

  private:
    FilterRefusal refuse(sip::Finding finding);

    Counters counters_;
    sip::FilterScratch* scratch_ = nullptr;
    std::vector<uint8_t> changed_;
};

}  // namespace fedge::signal
