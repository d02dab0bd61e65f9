#include "appliance/cli/collector.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "appliance/cli/exit.h"

namespace fedge::cli {

Collector::Collector(const std::string& where) {
    const size_t colon = where.rfind(':');
    const std::string port = colon == std::string::npos ? "" : where.substr(colon + 1);
    std::string host = where.substr(0, colon == std::string::npos ? 0 : colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host.empty() || port.empty())
        throw Failure(Exit::usage, "'" + where + "' is no address of a collector", "give HOST:PORT");
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_socktype = SOCK_DGRAM;
    if (const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); error != 0)
        throw Failure(Exit::usage, "'" + where + "': " + gai_strerror(error), "give HOST:PORT");
    for (const addrinfo* one = found; one && socket_ < 0; one = one->ai_next) {
        socket_ = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
        if (socket_ >= 0 && connect(socket_, one->ai_addr, one->ai_addrlen) != 0) {
            close(socket_);
            socket_ = -1;
        }
    }
    freeaddrinfo(found);
    if (socket_ < 0) throw Failure(Exit::usage, "there is no way to '" + where + "' from here");
}

Collector::~Collector() {
    if (socket_ >= 0) close(socket_);
}

void Collector::send(std::string_view datagram) const {
    [[maybe_unused]] const ssize_t sent = ::send(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL);
}

}  // namespace fedge::cli
