// Messages for connections of other cores: a connection cannot move, so what is for it goes there, once, by mailbox.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/base/mailbox.h"
#include "dataplane/sip/flow_token.h"

namespace fedge::signal {

struct SipParcel {
    sip::Flow to;
    std::vector<uint8_t> message;
    uint32_t header_size = 0;
};

using SipPostBox = Mailbox<SipParcel>;

// The way to the other cores. core/ implements it.
class SipPost {
  public:
    virtual ~SipPost() = default;
    // False: there is no such core, or its mailbox is full.
    virtual bool send(uint16_t core, std::unique_ptr<SipParcel> parcel) = 0;
};

}  // namespace fedge::signal
