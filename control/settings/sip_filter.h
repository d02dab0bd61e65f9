// Settings of the filters of SIP messages: sip.filter.*
#pragma once

#include <vector>

#include "control/problem.h"
#include "dataplane/sip/filters.h"

namespace fedge::control {

class Reader;
struct Config;
struct Definition;

struct SipFilterConfig {
    bool scan = true;              // for signatures of scanners
    sip::FilterSettings settings;  // with the signatures, also if nobody scans for them

    // What is in force.
    sip::FilterSettings in_force() const;
};

std::vector<Definition> sip_filter_definitions();
SipFilterConfig read_sip_filter(const Reader& reader);
void check_sip_filter(const Config& config, std::vector<Problem>& errors);
void collect_sip_filter_warnings(const Config& config, std::vector<Problem>& warnings);

}  // namespace fedge::control
