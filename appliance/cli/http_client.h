// One HTTP/1.1 request over a UNIX socket, with a deadline and a bound on the reply.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace fedge::cli {

struct HttpRequest {
    std::string method;
    std::string target;  // path and query, already percent-encoded
    std::string body;    // JSON; empty for none
};

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

// Why there is no reply at all.
struct HttpError : std::runtime_error {
    enum class Why { absent, denied, timeout, broken };
    HttpError(Why reason, const std::string& text) : std::runtime_error(text), why(reason) {}
    Why why;
};

// Connects, asks, reads the whole reply (at most 32 MiB) and closes. `timeout` bounds the exchange as a whole.
// Throws HttpError.
HttpReply http_request(const std::string& socket_path, const HttpRequest& request, std::chrono::milliseconds timeout);

}  // namespace fedge::cli
