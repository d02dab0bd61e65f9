#include "dataplane/core/run_config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "dataplane/contract/snapshot_generated.h"

namespace fedge::core {
namespace {

constexpr off_t kMaxSnapshot = off_t{1} << 30;

// Unmaps on every way out.
class Mapping {
  public:
    Mapping(int descriptor, size_t bytes)
        : bytes_(bytes), memory_(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0)) {
        if (memory_ == MAP_FAILED) throw SnapshotError("the snapshot cannot be mapped into memory");
    }
    ~Mapping() { munmap(memory_, bytes_); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Bytes bytes() const { return {static_cast<const uint8_t*>(memory_), bytes_}; }

  private:
    size_t bytes_;
    void* memory_;
};

RoleConfig role_config(const contract::Snapshot& snapshot, contract::Role role) {
    return {classify::AccessList{classify::access_entries(snapshot, role)},
            classify::PortsTable{classify::ports_plan(snapshot, role)}};
}

std::vector<classify::Answers> ipv4_answers(const ip::Interfaces& interfaces, const std::array<RoleConfig, 2>& roles) {
    std::vector<classify::Answers> out;
    for (const ip::Ipv4Local& local : interfaces.ipv4_locals()) {
        out.emplace_back();
        if (local.interface == ip::kNoInterface) continue;
        const RoleConfig& role = roles[static_cast<size_t>(interfaces[local.interface].role)];
        out.back() = role.targets.answers(IpAddress::v4_bytes(reinterpret_cast<const uint8_t*>(&local.address)));
    }
    return out;
}

contract::Role role_of(const contract::Snapshot& snapshot, const contract::Listener& listener) {
    for (const auto* interface : *snapshot.interfaces())
        if (interface->name()->string_view() == listener.interface()->string_view()) return interface->role();
    throw SnapshotError("a listener is on interface " + listener.interface()->str() + ", which is not there");
}

std::vector<StreamListener> stream_listeners(const contract::Snapshot& snapshot, bool signalling) {
    std::vector<StreamListener> out;
    if (!snapshot.listeners()) return out;
    for (flatbuffers::uoffset_t i = 0; i < snapshot.listeners()->size(); i++) {
        const contract::Listener& listener = *snapshot.listeners()->Get(i);
        if (listener.service() == contract::Service::turn_udp) continue;
        Endpoint endpoint{IpAddress::v6_bytes(listener.address()->octets()->data()), listener.port()};
        if (!signalling)
            throw SnapshotError("listener " + endpoint.text() + " over TCP needs a signalling core: name CPUs in " +
                                "cores.signalling of the dataplane's boot configuration");
        if (std::ranges::any_of(out, [&](const StreamListener& other) { return other.endpoint == endpoint; }))
            throw SnapshotError("two listeners over TCP on " + endpoint.text());
        out.push_back({listener.service(), endpoint, static_cast<uint16_t>(i), role_of(snapshot, listener)});
    }
    return out;
}

std::bitset<65536> turn_stream_ports(const std::vector<StreamListener>& listeners, const RunConfig* previous) {
    std::bitset<65536> ports = previous ? previous->turn_stream_ports : std::bitset<65536>{};
    for (const StreamListener& listener : listeners)
        if (listener.service != contract::Service::sip_tls) ports.set(listener.endpoint.port);
    return ports;
}

// Each signalling core's own, from the same settings.
std::vector<std::shared_ptr<const tls::Context>> tls_contexts(const contract::Snapshot& snapshot,
                                                              const SnapshotContext& context) {
    std::vector<std::shared_ptr<const tls::Context>> out;
    if (!snapshot.tls() || !context.signalling()) return out;
    std::string error;
    std::shared_ptr<const tls::Config> config;
    for (const auto& library : context.tls_libraries) {
        if (!library) {
            out.emplace_back();
            continue;
        }
        if (!config) config = tls::Config::build(*snapshot.tls(), *library, error);
        if (!config) throw SnapshotError(error);
        out.push_back(tls::Context::build(library, config, error));
        if (!out.back()) throw SnapshotError(error);
    }
    return out;
}

signal::SharedNames shared_names(const contract::Snapshot& snapshot) {
    signal::SharedNames names;
    if (!snapshot.tls()) return names;
    if (const auto* list = snapshot.tls()->turn_names())
        for (const auto* name : *list) names.turn.push_back(name->str());
    if (const auto* list = snapshot.tls()->sip_names())
        for (const auto* name : *list) names.sip.push_back(name->str());
    return names;
}

std::shared_ptr<const signal::SipConfig> sip_config(const contract::Snapshot& snapshot,
                                                    const std::vector<StreamListener>& listeners) {
    auto sip = signal::SipConfig::build(snapshot);
    if (!sip && std::ranges::any_of(listeners, [](const auto& l) { return l.service == contract::Service::sip_tls; }))
        throw SnapshotError("a listener of SIP has no settings of SIP");
    return sip;
}

// For who has a signalling part; the others have none.
std::vector<policy::Scratch> scratches(const policy::Config& federation, const SnapshotContext& context) {
    std::vector<policy::Scratch> out;
    for (const auto& library : context.tls_libraries)
        out.push_back(library ? federation.make_scratch() : policy::Scratch{});
    return out;
}

CompiledFilters sip_filters(const signal::SipConfig* sip, const SnapshotContext& context, const RunConfig* previous) {
    if (!sip || !sip->filters || !context.signalling()) return {};
    if (previous && previous->sip_filters.database && previous->sip_filters.database->settings() == *sip->filters)
        return previous->sip_filters;
    CompiledFilters out{std::make_shared<const sip::FilterDatabase>(*sip->filters), {}};
    for (const auto& library : context.tls_libraries)
        out.scratch.push_back(library ? std::make_shared<sip::FilterScratch>(out.database) : nullptr);
    return out;
}

policy::PartnerLimits partner_limits(const contract::Snapshot& snapshot) {
    const contract::Federation* federation = snapshot.federation();
    if (!federation) return {};
    return {federation->discovered_rate(),
            federation->suspicious_rate(),
            std::chrono::seconds(federation->suspicious_window_s()),
            federation->suspicious_finals(),
            federation->suspicious_percent(),
            federation->max_contacts()};
}

}  // namespace

bool SnapshotContext::signalling() const {
    return std::ranges::any_of(tls_libraries, [](const auto& library) { return library != nullptr; });
}

std::unique_ptr<const RunConfig> compile_snapshot(Bytes buffer, SnapshotContext& context, const RunConfig* previous,
                                                  VerdictTables verdicts) {
    flatbuffers::Verifier verifier(buffer.data(), buffer.size(), 64, 16'000'000);
    if (buffer.size() < 8 || !contract::VerifySnapshotBuffer(verifier)) throw SnapshotError("the snapshot is damaged");
    const contract::Snapshot& snapshot = *contract::GetSnapshot(buffer.data());
    std::string error;
    auto relay = relay::Config::build(snapshot, context.limits, context.user_key, context.digest, error);
    if (!relay) throw SnapshotError(error);
    try {
        auto listeners = stream_listeners(snapshot, context.signalling());
        auto turn_ports = turn_stream_ports(listeners, previous);
        auto sip = sip_config(snapshot, listeners);
        auto federation = std::make_shared<const policy::Config>(snapshot.federation());
        auto scratch = scratches(*federation, context);
        auto filters = sip_filters(sip.get(), context, previous);
        auto interfaces =
            ip::Interfaces::build(snapshot, context.ports, previous ? previous->interfaces.get() : nullptr);
        std::array roles{role_config(snapshot, contract::Role::external),
                         role_config(snapshot, contract::Role::internal)};
        auto answers = ipv4_answers(*interfaces, roles);
        return std::make_unique<const RunConfig>(RunConfig{
            snapshot.revision(), std::move(interfaces), std::move(roles), std::move(answers), std::move(relay),
            std::move(listeners), turn_ports, shared_names(snapshot), tls_contexts(snapshot, context), std::move(sip),
            std::move(federation), std::move(scratch), std::move(filters), snapshot.icmp_rate(), snapshot.echo(),
            std::move(verdicts), partner_limits(snapshot)});
    } catch (const std::exception& error_in_words) {  // the texts name the setting
        throw SnapshotError(error_in_words.what());
    }
}

std::unique_ptr<const RunConfig> load_snapshot(int descriptor, SnapshotContext& context, const RunConfig* previous,
                                               VerdictTables verdicts) {
    constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || (seals & kNeeded) != kNeeded) throw SnapshotError("the snapshot is not sealed");
    struct stat status {};
    if (fstat(descriptor, &status) != 0 || status.st_size <= 0 || status.st_size > kMaxSnapshot)
        throw SnapshotError("the snapshot has an impossible size");
    Mapping mapping(descriptor, static_cast<size_t>(status.st_size));
    return compile_snapshot(mapping.bytes(), context, previous, std::move(verdicts));
}

}  // namespace fedge::core
