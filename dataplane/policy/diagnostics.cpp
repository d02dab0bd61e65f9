#include "dataplane/policy/diagnostics.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "dataplane/policy/text_writer.h"

namespace fedge::policy {
namespace {

constexpr std::array kTable = std::to_array<Diagnostic>({
    {1000, 504, "Final handshake failed"},
    {1001, 403, "From URI is not authorized to communicate with public IM providers"},
    {1002, 403, "From URI is not authorized to communicate with federated partners"},
    {1003, 404, "User does not exist"},
    {1004, 481, "Route set is no longer valid"},
    {1005, 404, "Cannot route to destination domain"},
    {1006, 500, "Error on client connection"},
    {1007, 504, "Temporarily cannot route"},
    {1008, 504, "Unable to resolve DNS SRV record"},
    {1009, 504, "SRV and host domains conflict"},
    {1010, 504, "Certificate trust with next-hop server could not be established"},
    {1011, 504, "Previous hop gave no diagnostic information"},
    {1012, 403, "From URI is not authorized to leave the enterprise"},
    {1013, 403, "Significant time skew detected"},
    {1014, 504, "Unable to resolve DNS A record"},
    {1027, 403, "Cannot route this type of SIP request to or from federated partners"},
    {1033, 504, "Previous hop server component did not report diagnostic information"},
    {1034, 504, "Previous hop federated peer did not report diagnostic information"},
    {1035, 504, "Previous hop public IM provider did not report diagnostic information"},
    {1036, 504, "Previous hop shared address space peer did not report diagnostic information"},
    {1046, 504, "Failed to connect to a federated peer server"},
    {1047, 504, "Failed to complete TLS negotiation with a federated peer server"},
    {kLinkBlocked, 403, "The message has a link that is not allowed"},
    {kFileBlocked, 403, "The message has a file, or a link to one, that is not allowed"},
});

bool before(const Diagnostic& entry, uint16_t code) {
    return entry.code < code;
}

}  // namespace

std::span<const Diagnostic> diagnostics() {
    return kTable;
}

const Diagnostic* diagnostic(uint16_t code) {
    const auto* found = std::lower_bound(kTable.begin(), kTable.end(), code, before);
    return found != kTable.end() && found->code == code ? found : nullptr;
}

std::string_view write_diagnostics(uint16_t code, std::string_view source, std::span<char> out,
                                   std::string_view parameters) {
    const Diagnostic* entry = diagnostic(code);
    if (!entry) return {};
    std::array<char, 8> digits;
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code);
    std::string_view number(digits.data(), static_cast<size_t>(end.ptr - digits.data()));
    return join(out, {number, ";reason=\"", entry->text, "\";source=\"", source, "\"", parameters});
}

}  // namespace fedge::policy
