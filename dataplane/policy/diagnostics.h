// The codes of ms-diagnostics: what a SIP server of this family tells another about an error. Between organisations
// they go into the header ms-diagnostics-public. One table, used by everything that answers, logs or explains.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fedge::policy {

// Of the filters of links and files: 16000 to 16999 is the range of such filters; what single numbers of it mean to
// others is not published.
inline constexpr uint16_t kLinkBlocked = 16000;
inline constexpr uint16_t kFileBlocked = 16001;

// That come with more than one decision.
inline constexpr uint16_t kCannotRoute = 1005;
inline constexpr uint16_t kTemporarilyUnavailable = 1007;
inline constexpr uint16_t kNotTrusted = 1010;
inline constexpr uint16_t kNotConnected = 1046;
inline constexpr uint16_t kNotNegotiated = 1047;

// An entry of the table.
struct Diagnostic {
    uint16_t code;
    uint16_t status;        // of the SIP response that it comes with
    std::string_view text;  // the reason parameter
};

// Sorted by code.
std::span<const Diagnostic> diagnostics();
// Null for a code that is not in the table, and for 0: none.
const Diagnostic* diagnostic(uint16_t code);

// `CODE;reason="TEXT";source="FQDN"`, the value of ms-diagnostics-public, and behind it `parameters`: each
// `;name="value"`. Empty if the code is not in the table or `out` is too short; 256 bytes plus name and parameters are
// enough.
std::string_view write_diagnostics(uint16_t code, std::string_view source, std::span<char> out,
                                   std::string_view parameters = {});

}  // namespace fedge::policy
