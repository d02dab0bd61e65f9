// Command lines whose screens are recorded in golden/NAME.txt.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fedge::cli::test {

struct GoldenRow {
    const char* name;
    const char* line;
    std::vector<std::pair<const char*, std::string>> replies;
    size_t width = 100;
    int status = 200;
    bool composed = false;  // --json is not the reply alone
};

// explain federation, ports, dns.
std::vector<GoldenRow> federation_rows();

// show sip, calls, dialogs; trace; test federation.
std::vector<GoldenRow> sip_rows();

// Partners, providers and policies.
std::vector<GoldenRow> partner_rows();

// Filters of SIP messages.
std::vector<GoldenRow> sip_filter_rows();

}  // namespace fedge::cli::test
