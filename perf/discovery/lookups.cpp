// How many partners are found in a second: control's discovery with libunbound against a DNS server, every name another
// one, nothing in any cache. usage: perf-discovery SERVER ZONE COUNT UNDER_WAY
//
// Each look-up is one SRV, one A and one AAAA question. Names are d0.ZONE, d1.ZONE, ...; all must be found.
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "control/discovery/discovery.h"
#include "control/discovery/unbound.h"
#include "control/settings/values.h"

namespace {

using namespace fedge::control;
using discovery::Route;
using std::chrono::steady_clock;

Config config_for(const fedge::Endpoint& server, uint32_t count, uint32_t under_way) {
    Config config;
    config.dns.servers = {server};
    config.dns.dnssec = Dnssec::off;
    config.dns.timeout_s = 10;
    config.dns.ttl_min_s = 30;
    config.dns.ttl_max_s = config.dns.negative_ttl_s = 3600;
    config.dns.cache_size = 2 * count;
    config.discovery = {.per_second = 10'000'000, .concurrent = under_way, .queue = count};
    return config;
}

}  // namespace

int main(int argc, char** argv) {
    auto server = argc == 5 ? parse_server(argv[1]) : std::nullopt;
    if (!server) {
        std::cerr << "usage: perf-discovery SERVER ZONE COUNT UNDER_WAY\n";
        return 2;
    }
    const std::string zone = argv[2];
    const auto count = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
    const auto under_way = static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10));
    Log log(std::cerr, Severity::warning);
    discovery::UnboundResolver resolver(log);
    std::mt19937 engine(1);
    discovery::Discovery partners(
        resolver, log, [&](uint32_t most) { return std::uniform_int_distribution<uint32_t>(0, most)(engine); });
    partners.configure(config_for(*server, count, under_way), steady_clock::now());

    uint32_t begun = 0, found = 0, others = 0;
    const auto begin = steady_clock::now();
    auto tick = begin;
    while (found + others < count) {
        auto now = steady_clock::now();
        for (; begun < count && begun - found - others < under_way; begun++) {
            partners.find(partners.usual("d" + std::to_string(begun) + "." + zone, discovery::Service::sip), now,
                          now + std::chrono::seconds(30), [&](const Route& route, discovery::Time) {
                              (route.outcome == discovery::Outcome::found ? found : others)++;
                              if (route.outcome != discovery::Outcome::found && others == 1) log.error(route.reason);
                          });
        }
        pollfd wait{partners.descriptor(), POLLIN, 0};
        if (poll(&wait, 1, 100) > 0) partners.on_readable(steady_clock::now());
        if (now - tick < std::chrono::milliseconds(100)) continue;
        tick = now;
        partners.on_tick(now);
    }
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    if (others) {
        std::cerr << others << " of " << count << " were not found\n";
        return 1;
    }
    const double rate = count / seconds;
    std::printf(
        "{\"metric\": \"lookups_per_second\", \"value\": %.0f, \"unit\": \"look-ups/s\", "
        "\"against\": \"1,000/s wanted\", \"ratio\": %.3f}\n",
        rate, rate / 1000);
    return 0;
}
