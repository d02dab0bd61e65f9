// The SIP settings of one snapshot, compiled on a management thread: immutable, read by all cores.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"
#include "dataplane/sip/filters.h"
#include "dataplane/sip/flow_token.h"
#include "dataplane/sip/framing.h"
#include "dataplane/sip/routing.h"
#include "snapshot_generated.h"

namespace fedge::signal {

// Who is at the other end of a SIP connection.
enum class PeerKind : uint8_t {
    partner,    // another organisation: mutual TLS on an external interface
    front_end,  // an internal server: mutual TLS on an internal interface
    client,     // a remote user: TLS, its certificate is ours only
};
inline constexpr size_t kPeerKinds = 3;

struct FrontEnd {
    std::string host;
    std::vector<Endpoint> addresses;
    uint32_t weight = 1;
};

class SipConfig {
  public:
    static constexpr size_t kTokenKey = 32;  // 16 bytes for tokens, 16 for branches and tags

    // Null: there is no SIP in the snapshot. Throws std::runtime_error for what cannot be served.
    static std::shared_ptr<const SipConfig> build(const contract::Snapshot& snapshot);

    std::string outside;  // our names
    std::string inside;
    std::vector<std::string> trusted_names;  // of internal servers, front ends included
    std::vector<FrontEnd> front_ends;
    std::optional<sip::FlowTokens> tokens;  // always there
    uint16_t node = 0;
    sip::FramingLimits server_limits;
    sip::FramingLimits client_limits;
    Duration hold{};
    uint32_t hold_messages = 0;
    uint64_t hold_bytes = 0;
    uint64_t queue_bytes = 0;
    uint64_t queues_bytes = 0;
    Duration options_interval{};
    Duration idle{};
    uint32_t clients_per_source = 0;
    uint32_t registrations_failed = 0;
    uint16_t inside_port = 5061;  // of our listener
    uint8_t connections_per_partner = 4;
    std::optional<sip::FilterSettings> filters;  // nothing: there are none

    // What we are called in Via and Record-Route, and what means us in a URI: towards servers, and towards remote
    // users, who come to another port. What is ours and what is not is for policy to say.
    const sip::Site& site(PeerKind stranger, sip::Side from) const {
        return sites_[stranger == PeerKind::client ? 1 : 0][static_cast<size_t>(from)];
    }
    const std::string& own_name(contract::Role side) const {
        return side == contract::Role::external ? outside : inside;
    }
    // The address of ours from which to connect to `remote`; nothing if there is none of its family.
    std::optional<IpAddress> source_for(contract::Role side, const IpAddress& remote) const;

  private:
    void read_addresses(const contract::Snapshot& snapshot);
    void make_sites(bool clearing_house);

    std::vector<std::string> own_;  // names and addresses
    std::vector<std::string_view> outside_hosts_, inside_hosts_;
    uint16_t outside_port_ = 5061;
    uint16_t client_port_ = 443;
    std::array<std::array<sip::Site, 2>, 2> sites_;
    std::array<std::array<std::optional<IpAddress>, 2>, 2> sources_;  // by role and family
};

}  // namespace fedge::signal
