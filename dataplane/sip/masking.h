// Takes secrets out of a copy of a SIP message that people are going to see: octet by octet, so that lengths stay what
// the message says.
//
// Header fields: of credentials and challenges everything except what tells who and where (user name, realm, URI,
// algorithm, ...), also in messages that are bodies; passwords in URIs. Bodies: keys of SRTP (RFC 4568), passwords of
// ICE (RFC 5245 and its forerunner of Microsoft), of relays (MS-AVEDGEA), and whatever is encoded so that it cannot be
// looked into.
#pragma once

#include <span>

namespace fedge::sip {

// `message`: header section and body, or as much of them as there is; any octets are taken.
void mask_secrets(std::span<char> message);

}  // namespace fedge::sip
