#include "perf/sip/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace fedge::perf {
namespace {

void send_at_once(int socket) {
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value) throw std::runtime_error(std::string("environment variable ") + name + " is missing");
    return value;
}

int must(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": errno " + std::to_string(errno));
    return result;
}

sockaddr_in address_of(const std::string& text) {
    sockaddr_in out{};
    size_t colon = text.rfind(':');
    out.sin_family = AF_INET;
    if (colon == std::string::npos || inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1)
        throw std::runtime_error("not an address and port: " + text);
    out.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(colon + 1))));
    return out;
}

int connect_to(const sockaddr_in& to, in_addr_t source) {
    int socket = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    send_at_once(socket);
    if (source != 0) {
        // The port is chosen when it is known where to: as many for each place as there are.
        int on = 1;
        setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        sockaddr_in from{};
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = source;
        must(::bind(socket, reinterpret_cast<sockaddr*>(&from), sizeof(from)), "bind");
    }
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0 && errno != EINPROGRESS)
        must(-1, "connect");
    return socket;
}

int listen_on(const std::string& where) {
    sockaddr_in at = address_of(where);
    int socket = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    must(::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof(at)), "bind");
    must(::listen(socket, 64), "listen");
    return socket;
}

int accept_from(int listener) {
    int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (socket >= 0) send_at_once(socket);
    return socket;
}

}  // namespace fedge::perf
