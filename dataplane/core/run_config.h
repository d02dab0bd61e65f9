// Everything a core needs from one snapshot, compiled once by the management thread: immutable, read by all cores.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/classify/access_list.h"
#include "dataplane/classify/ports_table.h"
#include "dataplane/core/verdict_tables.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/policy/config.h"
#include "dataplane/policy/discovered_partners.h"
#include "dataplane/relay/config.h"
#include "dataplane/relay/credentials.h"
#include "dataplane/relay/digest.h"
#include "dataplane/signal/opening.h"
#include "dataplane/signal/sip/sip_config.h"
#include "dataplane/sip/filters.h"
#include "dataplane/tls/context.h"

namespace fedge::core {

// One interface role's view of the outside: who may come in, and what answers.
struct RoleConfig {
    classify::AccessList access;
    classify::PortsTable targets;
};

// A listener that is served on streams, by the signalling cores.
struct StreamListener {
    contract::Service service;
    Endpoint endpoint;
    uint16_t position;  // in the snapshot's listeners
    contract::Role role;
};

// Compiling takes a while, so it is done when the settings change and not for each snapshot. Scratches go on with their
// database: each is used by its core only, whichever configurations have it.
struct CompiledFilters {
    std::shared_ptr<const sip::FilterDatabase> database;       // null: nothing is filtered
    std::vector<std::shared_ptr<sip::FilterScratch>> scratch;  // by core; empty without a database

    sip::FilterScratch* of_core(size_t core) const { return scratch.empty() ? nullptr : scratch[core].get(); }
};

struct RunConfig {
    uint64_t revision;
    std::unique_ptr<const ip::Interfaces> interfaces;
    std::array<RoleConfig, 2> roles;  // indexed by contract::Role
    // What the role of its interface has on an IPv4 address of ours, by place among ip::Interfaces::ipv4_locals().
    std::vector<classify::Answers> ipv4_answers;
    std::shared_ptr<const relay::Config> relay;
    std::vector<StreamListener> stream_listeners;
    // Ports on which TURN is served on streams, or was in a configuration before: its connections may live on.
    std::bitset<65536> turn_stream_ports;
    signal::SharedNames shared_names;
    std::vector<std::shared_ptr<const tls::Context>> tls;  // by core; empty without listeners of TLS
    std::shared_ptr<const signal::SipConfig> sip;          // null: none
    std::shared_ptr<const policy::Config> federation;
    std::vector<policy::Scratch> federation_scratch;  // by core
    CompiledFilters sip_filters;
    uint32_t icmp_rate;
    bool echo;
    VerdictTables verdicts;
    policy::PartnerLimits partner_limits;

    const RoleConfig& role(contract::Role r) const { return roles[static_cast<size_t>(r)]; }
};

// The snapshot was refused; the text tells the operator which setting and why.
class SnapshotError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What this process brings to every snapshot. Belongs to the management thread.
struct SnapshotContext {
    std::vector<ip::PortFacts> ports;
    relay::TableLimits limits;
    relay::UserHashKey user_key;  // the same for the life of the process
    relay::Digest digest;
    // By core; null for those without a signalling part.
    std::vector<std::shared_ptr<const tls::Library>> tls_libraries;
    bool signalling() const;  // there are signalling cores
};

// Verifies the buffer (flatbuffers verifier, identifier) and compiles it. `previous` is the configuration in force on
// every core, or null; `verdicts` come into force together with it. Throws SnapshotError; the buffer is not needed
// afterwards.
std::unique_ptr<const RunConfig> compile_snapshot(Bytes buffer, SnapshotContext& context, const RunConfig* previous,
                                                  VerdictTables verdicts = {});

// A snapshot as it came over the channel: maps the descriptor after checking that nobody can change it any more
// (F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW) and that its size is sane, then compiles. Throws SnapshotError.
std::unique_ptr<const RunConfig> load_snapshot(int descriptor, SnapshotContext& context, const RunConfig* previous,
                                               VerdictTables verdicts = {});

}  // namespace fedge::core
