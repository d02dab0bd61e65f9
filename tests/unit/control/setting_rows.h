// Values that settings take or refuse, for the tests that every key has both.
#pragma once

#include <vector>

namespace fedge::control {

struct SettingRow {
    const char* key;
    const char* given;
    const char* canonical;  // nullptr: refused
};

// Those of federation, providers and policies.
std::vector<SettingRow> federation_rows();
// Those of SIP.
std::vector<SettingRow> sip_rows();
std::vector<SettingRow> sip_filter_rows();

}  // namespace fedge::control
