// The messages of RFC 4475, byte by byte as the RFC shows them, and what an element of our kind makes of each.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "dataplane/sip/framing.h"
#include "dataplane/sip/message.h"

namespace fedge::sip {

inline std::string torture_message(const std::string& name) {
    const char* folder = std::getenv("FEDGE_RFC4475");
    std::ifstream file(std::string(folder ? folder : "tests/unit/sip/rfc4475") + "/" + name + ".dat", std::ios::binary);
    if (!file) throw std::runtime_error("no message " + name + "; FEDGE_RFC4475 names the folder");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

struct TortureCase {
    const char* section;
    const char* name;
    MessageFault fault;    // of the first message, taken whole
    FramingFault framing;  // of the stream, where white space before the colon of Content-Length is allowed
    size_t messages;       // that the stream gives, with a fault or without
    bool left;             // the stream ends within a message, or with bytes behind the last
};

// The RFC leaves to the element whether it repairs or refuses some of them; we refuse: quotbal, lwsstart, trws,
// escruri, badaspec, baddn. baddate and regbadct concern fields that a proxy passes on unread. What routing refuses
// (416, 420, 483, a broadcast Via) parses here; see routing_test.cpp.
inline constexpr TortureCase kTorture[] = {
    {"3.1.1.1", "wsinv", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.2", "intmeth", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.3", "esc01", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.4", "escnull", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.5", "esc02", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.6", "lwsdisp", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.7", "longreq", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.8", "dblreq", MessageFault::none, FramingFault::not_sip, 2, true},  // the second says three bytes too few
    {"3.1.1.9", "semiuri", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.10", "transports", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.11", "mpart01", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.12", "unreason", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.1.13", "noreason", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.2.1", "badinv01", MessageFault::bad_via, FramingFault::none, 1, false},
    {"3.1.2.2", "clerr", MessageFault::none, FramingFault::none, 0, true},  // a stream waits for the rest
    {"3.1.2.3", "ncl", MessageFault::none, FramingFault::bad_length, 0, true},
    {"3.1.2.4", "scalar02", MessageFault::bad_cseq, FramingFault::none, 1, false},
    {"3.1.2.5", "scalarlg", MessageFault::bad_cseq, FramingFault::none, 1, false},
    {"3.1.2.6", "quotbal", MessageFault::bad_to, FramingFault::none, 1, false},
    {"3.1.2.7", "ltgtruri", MessageFault::bad_request_uri, FramingFault::none, 1, false},
    {"3.1.2.8", "lwsruri", MessageFault::bad_request_uri, FramingFault::none, 1, false},
    {"3.1.2.9", "lwsstart", MessageFault::bad_request_uri, FramingFault::none, 1, false},
    {"3.1.2.10", "trws", MessageFault::bad_start_line, FramingFault::none, 1, false},
    {"3.1.2.11", "escruri", MessageFault::bad_request_uri, FramingFault::none, 1, false},
    {"3.1.2.12", "baddate", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.2.13", "regbadct", MessageFault::none, FramingFault::none, 1, false},
    {"3.1.2.14", "badaspec", MessageFault::bad_to, FramingFault::none, 1, false},
    {"3.1.2.15", "baddn", MessageFault::bad_from, FramingFault::none, 1, false},
    {"3.1.2.16", "badvers", MessageFault::version, FramingFault::none, 1, false},
    {"3.1.2.17", "mismatch01", MessageFault::cseq_method, FramingFault::none, 1, false},
    {"3.1.2.18", "mismatch02", MessageFault::cseq_method, FramingFault::none, 1, false},
    {"3.1.2.19", "bigcode", MessageFault::bad_status, FramingFault::none, 1, false},
    {"3.2.1", "badbranch", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.1", "insuf", MessageFault::missing_field, FramingFault::none, 1, false},
    {"3.3.2", "unkscm", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.3", "novelsc", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.4", "unksm2", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.5", "bext01", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.6", "invut", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.7", "regaut01", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.8", "multi01", MessageFault::several_fields, FramingFault::none, 0, true},  // says two bytes more
    {"3.3.9", "mcl01", MessageFault::several_fields, FramingFault::several_lengths, 0, true},
    {"3.3.10", "bcast", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.11", "zeromf", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.12", "cparam01", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.13", "cparam02", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.14", "regescrt", MessageFault::none, FramingFault::none, 1, false},
    {"3.3.15", "sdp01", MessageFault::none, FramingFault::none, 1, false},
    {"3.4.1", "inv2543", MessageFault::none, FramingFault::no_length, 0, true},  // no length: a datagram only
};
static_assert(std::size(kTorture) == 49);

}  // namespace fedge::sip
