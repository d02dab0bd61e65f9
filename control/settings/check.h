// The rules that span several settings. Each adds problems that name the key and the fix.
#pragma once

#include <string>
#include <vector>

#include "control/settings/config.h"

namespace fedge::control {

// The interface that has this address, or that reaches it directly (longest subnet); nullptr if none.
const InterfaceConfig* owner_of(const Config& config, const IpAddress& address);
const InterfaceConfig* on_link(const Config& config, const IpAddress& address);

void check_interfaces(const Config& config, std::vector<Problem>& errors);
// Adds the addresses of one value of turn.relay-address.
void add_relay_pool(Config& config, const std::string& value, const AddressRange& range, std::vector<Problem>& errors);
void check_listeners(const Config& config, std::vector<Problem>& errors);
void check_shared_names(const TlsConfig& tls, std::vector<Problem>& errors);
void check_turn(const Config& config, std::vector<Problem>& errors);
void collect_warnings(const Config& config, std::vector<Problem>& warnings);

}  // namespace fedge::control
