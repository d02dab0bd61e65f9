#include "control/settings/sip.h"

#include <algorithm>

#include "control/settings/check.h"
#include "control/settings/reader.h"

namespace fedge::control {
namespace {

Definition number(const char* key, const char* initially, const char* help, int64_t minimum, int64_t maximum) {
    return {key, ValueType::integer, false, initially, help, std::string(key) + " " + initially, minimum, maximum};
}

bool listens(const Config& config) {
    return std::any_of(config.listeners.begin(), config.listeners.end(),
                       [](const ListenerConfig& listener) { return listener.service == Service::sip_tls; });
}

bool faces(const Config& config, Side side) {
    return std::any_of(config.interfaces.begin(), config.interfaces.end(),
                       [&](const InterfaceConfig& interface) { return interface.role == side; });
}

}  // namespace

std::vector<Definition> sip_definitions() {
    using enum ValueType;
    Definition port =
        number("front-end.NAME.port", "5061", "TCP port of the server, for SIP over mutual TLS.", 1, 65535);
    Definition weight = number("front-end.NAME.weight", "1",
                               "Share of the calls, among all servers; 0: only when no other is left.", 0, 1000);
    port.example = "front-end.fe1.port 5061";
    weight.example = "front-end.fe1.weight 2";
    return {
        {"sip.listen", endpoint, true, "",
         "Where SIP over mutual TLS is served: to partners on addresses of external interfaces, to front ends on those "
         "of internal ones; needs a certificate. Default: nowhere.",
         "sip.listen 192.0.2.10:5061 10.0.0.10:5061"},
        {"sip.outside-name", host, false, "",
         "Name of this edge towards partners and remote users, which its certificate proves. Required for SIP.",
         "sip.outside-name access.example.org"},
        {"sip.inside-name", host, false, "", "Name of this edge towards front ends. Default: that of sip.outside-name.",
         "sip.inside-name edge.example.org"},
        {"sip.own-name", host, true, "", "Further names that mean this edge in the URIs of messages.",
         "sip.own-name sip.example.org"},
        number("sip.node", "0", "Number of this edge in a pool of edges.", 0, 65535),
        {"sip.trusted-name", host, true, "",
         "Names of internal servers that may connect to this edge, besides those of front-end.NAME.host: one must be "
         "proved by the certificate.",
         "sip.trusted-name director.example.org"},
        number("sip.body-server", "5000", "KB that the body of a message from a server may have.", 1000, 20000),
        number("sip.body-client", "128", "KB that the body of a message from a remote user may have.", 64, 256),
        number("sip.hold-time", "10", "Seconds that a request waits for DNS or a connection before it is refused.", 1,
               32),
        number("sip.hold-messages", "8192",
               "Requests that wait, per core; more are refused. From or to one partner at most half of them, the fewer "
               "the more wait of others.",
               1, 1000000),
        number("sip.hold-memory", "32768", "KB of the requests that wait, per core; shared likewise.", 64, 4194304),
        number("sip.queue", "8192", "KB that wait for one slow connection; what exceeds them is refused.", 64, 1048576),
        number("sip.queues", "65536", "KB that wait for all slow connections of a core.", 64, 16777216),
        number("sip.options-interval", "30", "Seconds between questions to a front end whether it lives.", 5, 3600),
        number("sip.idle-timeout", "1800", "Seconds after which a connection of SIP is closed on which nothing comes.",
               30, 86400),
        number("sip.clients-per-source", "256",
               "Connections of remote users from one IPv4 address or IPv6 /64, per core.", 1, 1000000),
        number(
            "sip.registrations-failed", "10",
            "Failed registrations in a minute after which the connection of a remote user is closed; counted for all "
            "from one IPv4 address or IPv6 /64, two more are let pass for each connection.",
            1, 1000),
        {"front-end.NAME.host", host, false, "",
         "Name that the certificate of this internal SIP server proves. Required.",
         "front-end.fe1.host fe1.example.org"},
        {"front-end.NAME.address", address, true, "",
         "Addresses of the server, in the order in which they are tried. Required.", "front-end.fe1.address 10.0.0.20"},
        port,
        weight,
    };
}

SipConfig read_sip(const Reader& reader) {
    SipConfig out;
    out.outside_name = reader.text("sip.outside-name");
    out.inside_name = reader.text("sip.inside-name");
    if (out.inside_name.empty()) out.inside_name = out.outside_name;
    out.own_names = reader.list("sip.own-name");
    out.node = reader.number<uint16_t>("sip.node");
    out.trusted_names = reader.list("sip.trusted-name");
    out.server_body_kb = reader.number<uint32_t>("sip.body-server");
    out.client_body_kb = reader.number<uint32_t>("sip.body-client");
    out.hold_s = reader.number<uint32_t>("sip.hold-time");
    out.hold_messages = reader.number<uint32_t>("sip.hold-messages");
    out.hold_kb = reader.number<uint32_t>("sip.hold-memory");
    out.queue_kb = reader.number<uint32_t>("sip.queue");
    out.queues_kb = reader.number<uint32_t>("sip.queues");
    out.options_s = reader.number<uint32_t>("sip.options-interval");
    out.idle_s = reader.number<uint32_t>("sip.idle-timeout");
    out.clients_per_source = reader.number<uint32_t>("sip.clients-per-source");
    out.registrations_failed = reader.number<uint32_t>("sip.registrations-failed");
    out.filters = read_sip_filter(reader);
    for (const auto& name : reader.names("front-end.")) {
        std::string key = "front-end." + name + ".";
        out.front_ends.push_back({name, reader.text(key + "host"), reader.addresses(key + "address"),
                                  reader.number<uint16_t>(key + "port"), reader.number<uint16_t>(key + "weight")});
    }
    return out;
}

void check_sip(const Config& config, std::vector<Problem>& errors) {
    check_sip_filter(config, errors);
    const SipConfig& sip = config.sip;
    if (listens(config) && sip.outside_name.empty()) {
        errors.push_back({"sip.outside-name", "sip.listen needs a name of this edge",
                          "set sip.outside-name to the name that partners know and the certificate proves"});
    }
    for (const auto& front_end : sip.front_ends) {
        std::string key = "front-end." + front_end.name + ".";
        if (front_end.host.empty()) {
            errors.push_back({key + "host", "front end " + front_end.name + " has no name for its certificate",
                              "set " + key + "host, or unset front-end." + front_end.name});
        }
        if (front_end.addresses.empty()) {
            errors.push_back({key + "address", "front end " + front_end.name + " has no address",
                              "set " + key + "address, or unset front-end." + front_end.name});
        }
        for (const auto& address : front_end.addresses) {
            if (!owner_of(config, address)) continue;
            errors.push_back(
                {key + "address", address.text() + " is an address of this edge", "give the address of the server"});
        }
        auto same = std::count_if(sip.front_ends.begin(), sip.front_ends.end(),
                                  [&](const FrontEndConfig& other) { return other.host == front_end.host; });
        if (same > 1 && !front_end.host.empty()) {
            errors.push_back({key + "host", front_end.host + " is the name of two front ends",
                              "give each a name of its own, or one of them the addresses of both"});
        }
    }
    if (!sip.front_ends.empty() && !sip.outside_name.empty() && !faces(config, Side::internal)) {
        errors.push_back({"interface.NAME.role", "there are front ends, but no internal interface leads to them",
                          "set interface.NAME.role internal for the interface on their side"});
    }
}

void collect_sip_warnings(const Config& config, std::vector<Problem>& warnings) {
    collect_sip_filter_warnings(config, warnings);
    if (listens(config) && config.sip.front_ends.empty()) {
        warnings.push_back({"front-end.NAME.host", "SIP is served, but there is no front end to pass it to",
                            "set front-end.NAME.host and front-end.NAME.address"});
    }
}

}  // namespace fedge::control
