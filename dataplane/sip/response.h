// Responses that the edge makes itself (RFC 3261 section 8.2.6), and what it notes about where a request came from
// (sections 18.2.1, RFC 3581).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/sip/message.h"

namespace fedge::sip {

// The phrase that goes with a status code (RFC 3261 section 21 and later RFCs), or that of its class.
std::string_view reason_phrase(uint16_t status);

struct ExtraHeader {
    std::string_view name;
    std::string_view value;
};

struct ResponseSpec {
    uint16_t status = 500;
    std::string_view reason;   // empty: reason_phrase()
    std::string_view to_tag;   // added unless there is one already, or the status is 100
    std::string_view top_via;  // instead of the topmost Via value: see received_via(); empty: as it came
    std::span<const ExtraHeader> extra;
};

// The whole response, without body. The request is answerable() (it may have a fault). 0 if it does not fit or an extra
// header would break out of its line. Who calls has seen that the request is no ACK.
size_t write_response(const Message& request, const ResponseSpec& spec, MutableBytes out);

// The Via value with what the next hop backwards must know: `received` if sent-by is not the source address itself, the
// port if it was asked for. What the sender claimed in their place is left out. Nothing if there is nothing to add or
// to leave out. The text stands in `memory`; empty if it does not fit.
std::optional<std::string_view> received_via(const Via& via, const Endpoint& source, MutableBytes memory);

// ms-diagnostics-public (MS-OCER section 2.2.1): id;reason="text";source="fqdn".
size_t write_diagnostics(uint32_t id, std::string_view reason, std::string_view source, MutableBytes out);

}  // namespace fedge::sip
