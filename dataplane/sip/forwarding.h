// From decision to message: what routing.h decided, put into an Edit (RFC 3261 section 16.6 steps 2 to 8).
#pragma once

#include <array>

#include "dataplane/base/address.h"
#include "dataplane/sip/edit.h"
#include "dataplane/sip/routing.h"

namespace fedge::sip {

struct Forwarding {
    const Message& request;
    const RequestRoute& route;
    Flow in;                      // where it came from
    Flow out;                     // where it goes; node, core, connection and peer as they are signed into Record-Route
    Endpoint source;              // of the sender
    bool alias = false;           // RFC 5923: requests may come back on the connection that carries this one
    std::string_view names = {};  // kNamesParameter of our Via, a token; empty: none
};

// Memory for the texts that an Edit only refers to.
struct ForwardingTexts {
    std::array<uint8_t, 512> via;
    std::array<std::array<uint8_t, 512>, 2> record_routes;
    std::array<uint8_t, 2048> received;
    std::array<uint8_t, 2048> target;
    std::array<uint8_t, 4> hops;
};

// Our Via and Record-Routes, `received`, Route, Request-URI, Max-Forwards, Max-Breadth; of a request from outside the
// trust headers go. False if some text does not fit its memory. `texts` must live as long as the edit.
bool forward_request(Edit& edit, const Forwarding& forwarding, const Site& site, const FlowTokens& tokens,
                     uint64_t unix_now, ForwardingTexts& texts);

// Our Via goes; of a response from outside the trust headers too.
void forward_response(Edit& edit, Side from);

}  // namespace fedge::sip
