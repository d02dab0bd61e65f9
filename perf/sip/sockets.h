// The kernel's sockets, as load generators use them: TCP over IPv4, never blocking. Everything throws
// std::runtime_error.
#pragma once

#include <netinet/in.h>

#include <string>

namespace fedge::perf {

// Of the environment; it must be there.
std::string environment(const char* name);

int must(int result, const char* what);

sockaddr_in address_of(const std::string& text);  // "192.0.2.1:5061"

// Begins to connect. `source`: an address of this machine, in the byte order of the network; 0: any.
int connect_to(const sockaddr_in& to, in_addr_t source = 0);

int listen_on(const std::string& where);

// -1: nobody has come.
int accept_from(int listener);

}  // namespace fedge::perf
