// Hosts, the links between them, and virtual time.
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/sim/findings.h"
#include "tests/sim/host.h"
#include "tests/sim/link.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/wire_checks.h"

namespace fedge::sim {

class Network {
  public:
    // `trace`: every packet and event as a line of text, or nullptr.
    explicit Network(uint64_t seed, std::FILE* trace = nullptr);

    Host& add(HostSetup setup);
    // Both directions; each pair once.
    void join(Host& a, Host& b, const LinkConditions& there, const LinkConditions& back);
    Link& link(const Host& from, const Host& to) { return *links_.at({&from, &to}); }

    Instant now() const { return scheduler_.now(); }
    Scheduler& scheduler() { return scheduler_; }
    Findings& findings() { return findings_; }
    WireChecks& checks() { return checks_; }
    void note(const std::string& text);

    // Until `done` or that time; false: the time came first. Timers are looked at every `tick`.
    bool run_until(Instant end, const std::function<bool()>& done, Duration tick = 1ms);
    void run_for(Duration time, Duration tick = 1ms) {
        run_until(
            now() + time, [] { return false; }, tick);
    }

    // For attackers: a packet that arrives now at the host that has its destination. Not seen by the checks, which
    // follow the connections of honest hosts.
    void inject(Packet packet);
    void inject(const tcp::IcmpError& error);
    // What hosts send to addresses of no host.
    void on_stray(std::function<void(const Packet&)> stray) { stray_ = std::move(stray); }

    // Called by hosts.
    void sent(Host& from, Packet packet, Instant now);

  private:
    Host* owner(const IpAddress& address);
    void deliver(Host& to, Packet packet);
    void tell_mtu(Host& to, const Packet& quoted, uint16_t mtu);

    uint64_t seed_;
    std::FILE* trace_;
    Scheduler scheduler_;
    Findings findings_;
    WireChecks checks_{findings_};
    std::vector<std::unique_ptr<Host>> hosts_;
    std::map<IpAddress, Host*> by_address_;
    std::map<std::pair<const Host*, const Host*>, std::unique_ptr<Link>> links_;
    std::function<void(const Packet&)> stray_;
    Instant next_tick_;
};

}  // namespace fedge::sim
