// Settings of the SIP proxy: sip.* and front-end.NAME.*
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/problem.h"
#include "control/settings/sip_filter.h"
#include "dataplane/base/address.h"

namespace fedge::control {

class Reader;
struct Config;
struct Definition;

struct FrontEndConfig {
    std::string name;  // as the operator calls it
    std::string host;
    std::vector<IpAddress> addresses;
    uint16_t port = 5061;
    uint16_t weight = 1;
};

struct SipConfig {
    std::string outside_name;  // empty: SIP is not configured
    std::string inside_name;
    std::vector<std::string> own_names;
    uint16_t node = 0;
    std::vector<FrontEndConfig> front_ends;
    std::vector<std::string> trusted_names;
    uint32_t server_body_kb = 0;
    uint32_t client_body_kb = 0;
    uint32_t hold_s = 0;
    uint32_t hold_messages = 0;
    uint32_t hold_kb = 0;
    uint32_t queue_kb = 0;
    uint32_t queues_kb = 0;
    uint32_t options_s = 0;
    uint32_t idle_s = 0;
    uint32_t clients_per_source = 0;
    uint32_t registrations_failed = 0;
    SipFilterConfig filters;
};

std::vector<Definition> sip_definitions();
SipConfig read_sip(const Reader& reader);
void check_sip(const Config& config, std::vector<Problem>& errors);
void collect_sip_warnings(const Config& config, std::vector<Problem>& warnings);

}  // namespace fedge::control
