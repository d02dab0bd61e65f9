// Connections between applications on two hosts: the client's side connects, the server's accepts, and each accepted
// stream finds the behaviour that was planned for it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "dataplane/tcp/stream.h"
#include "tests/sim/application.h"
#include "tests/sim/network.h"

namespace fedge::sim {

struct SessionPlan {
    bool ipv6 = false;
    Behaviour client;
    Behaviour server;
};

struct Session {
    SessionPlan plan;
    std::unique_ptr<Application> client;
    std::unique_ptr<Application> server;  // none until accepted

    bool over() const { return client->over() && (!server || server->over()); }
};

class Sessions final : public tcp::Acceptor {
  public:
    // The hosts have one address of each family.
    Sessions(Network& network, Host& client, Host& server, const tcp::StreamOptions& client_options,
             const tcp::StreamOptions& server_options, uint64_t seed);

    void listen(uint16_t port);
    // With SYN cookies, what is still on the wire of a connection that the server ended can bring it back: then it is
    // refused, and no fault.
    void expect_ghosts() { ghosts_ = true; }
    // Who accepts those that are not ours.
    void others(tcp::Acceptor& acceptor) { others_ = &acceptor; }
    // Starts now. nullptr (and a finding): the client's TCP refused.
    Session* connect(const SessionPlan& plan, uint16_t port);
    const std::vector<std::unique_ptr<Session>>& all() const { return sessions_; }
    bool all_over() const;

    tcp::StreamHandler* on_accept(tcp::Stream& stream) override;

  private:
    Network& network_;
    Host& client_;
    Host& server_;
    tcp::StreamOptions client_options_;
    tcp::StreamOptions server_options_;
    Dice dice_;
    bool ghosts_ = false;
    tcp::Acceptor* others_ = nullptr;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::map<Endpoint, size_t> by_client_;
};

// The first address of that family.
const IpAddress& address_of(const Host& host, bool ipv6);

}  // namespace fedge::sim
