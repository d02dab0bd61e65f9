// What becomes of the messages of RFC 4475 at the edge: of requests of remote users of ours, of responses that nobody
// waits for.
#pragma once

#include <vector>

#include "tests/unit/sip/rfc4475.h"

namespace fedge::sip {

struct TortureVerdict {
    const char* name;
    const char* verdict;  // "relayed", a status, "closed", "dropped", "waits" for the rest, or several of them
};

// Whose users send and get them.
inline std::vector<std::string> torture_domains() {
    return {"example.com", "example.net",           "example.org",
            "company.com", "registrar.example.com", "ift.client.example.net"};
}

// clang-format off
inline constexpr TortureVerdict kTortureVerdicts[] = {
    {"wsinv", "400, closed"},  // white space before the colon of Content-Length: refused on streams
    {"intmeth", "relayed"},
    {"esc01", "relayed"},
    {"escnull", "relayed"},
    {"esc02", "relayed"},
    {"lwsdisp", "relayed"},
    {"longreq", "relayed"},
    {"dblreq", "relayed, relayed, closed"},  // the second says three bytes too few
    {"semiuri", "relayed"},
    {"transports", "relayed"},
    {"mpart01", "403"},  // a Route to elsewhere
    {"unreason", "dropped"},
    {"noreason", "dropped"},
    {"badinv01", "dropped"},  // its Via cannot be answered to
    {"clerr", "waits"},  // for the rest
    {"ncl", "400, closed"},
    {"scalar02", "400"},
    {"scalarlg", "dropped"},
    {"quotbal", "400"},
    {"ltgtruri", "400"},
    {"lwsruri", "400"},
    {"lwsstart", "400"},
    {"trws", "400"},
    {"escruri", "400"},
    {"baddate", "relayed"},
    {"regbadct", "relayed"},
    {"badaspec", "400"},
    {"baddn", "400"},
    {"badvers", "505"},
    {"mismatch01", "400"},
    {"mismatch02", "400"},
    {"bigcode", "dropped"},
    {"badbranch", "relayed"},
    {"insuf", "400"},  // no From, To, Call-ID
    {"unkscm", "416"},
    {"novelsc", "416"},
    {"unksm2", "403"},  // From is no user of ours
    {"bext01", "420"},
    {"invut", "relayed"},
    {"regaut01", "relayed"},
    {"multi01", "waits"},  // says two bytes more
    {"mcl01", "400, closed"},
    {"bcast", "dropped"},
    {"zeromf", "483"},
    {"cparam01", "relayed"},
    {"cparam02", "relayed"},
    {"regescrt", "relayed"},
    {"sdp01", "relayed"},
    {"inv2543", "400, closed"},  // no Content-Length
};
// clang-format on
static_assert(std::size(kTortureVerdicts) == std::size(kTorture));

}  // namespace fedge::sip
