#include "tests/sim/sessions.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace fedge::sim {

const IpAddress& address_of(const Host& host, bool ipv6) {
    for (const IpAddress& address : host.setup().addresses)
        if (address.is_v4() != ipv6) return address;
    throw std::logic_error(host.setup().name + " has no address of that family");
}

Sessions::Sessions(Network& network, Host& client, Host& server, const tcp::StreamOptions& client_options,
                   const tcp::StreamOptions& server_options, uint64_t seed)
    : network_(network),
      client_(client),
      server_(server),
      client_options_(client_options),
      server_options_(server_options),
      dice_(seed) {}

void Sessions::listen(uint16_t port) {
    for (bool ipv6 : {false, true}) {
        IpAddress any = ipv6 ? IpAddress{} : IpAddress::v4(0);
        if (!server_.tcp().listen({any, port}, server_options_, *this))
            network_.findings().add(network_.now(), "cannot listen on port " + std::to_string(port));
    }
}

Session* Sessions::connect(const SessionPlan& plan, uint16_t port) {
    size_t i = sessions_.size();
    std::string name = "client " + std::to_string(i);
    auto app = std::make_unique<Application>(network_, client_, name, dice_.u64(), plan.client, client_options_,
                                             Content{2 * i}, Content{2 * i + 1});
    tcp::Stream* stream = client_.tcp().connect({address_of(client_, plan.ipv6), 0},
                                                {address_of(server_, plan.ipv6), port}, client_options_, *app);
    if (!stream) {
        network_.findings().add(network_.now(), name + ": connect() failed");
        return nullptr;
    }
    by_client_[stream->local()] = i;
    app->start(*stream, false);
    sessions_.push_back(std::make_unique<Session>(Session{plan, std::move(app), nullptr}));
    client_.flush();
    return sessions_.back().get();
}

tcp::StreamHandler* Sessions::on_accept(tcp::Stream& stream) {
    auto found = by_client_.find(stream.remote());
    if (found == by_client_.end() && others_) return others_->on_accept(stream);
    if (found == by_client_.end()) {
        network_.findings().add(network_.now(), "accepted from " + stream.remote().text() + ", which never connected");
        return nullptr;
    }
    size_t i = found->second;
    Session& session = *sessions_[i];
    if (session.server && ghosts_) return nullptr;
    if (session.server) {
        network_.findings().add(network_.now(), "client " + std::to_string(i) + " was accepted twice");
        return nullptr;
    }
    session.server =
        std::make_unique<Application>(network_, server_, "server " + std::to_string(i), dice_.u64(),
                                      session.plan.server, server_options_, Content{2 * i + 1}, Content{2 * i});
    session.server->start(stream, true);
    return session.server.get();
}

bool Sessions::all_over() const {
    return std::ranges::all_of(sessions_, [](const auto& session) { return session->over(); });
}

}  // namespace fedge::sim
