// A request to the API and its response, without HTTP's framing: what the server hands to the router and gets back.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/json.h"
#include "control/problem.h"

namespace fedge::control::api {

struct Request {
    std::string method;
    std::vector<std::string> path;             // decoded segments: /v1/turn/users/a%2Fb → v1, turn, users, a/b
    std::map<std::string, std::string> query;  // decoded
    std::string body;
    std::string who;  // user at the other end of the socket
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
};

// Called once, now or later.
using Reply = std::function<void(Response)>;

void send(const Reply& reply, const Json& json, int status = 200);

// Splits and decodes a request target; false if it is malformed.
bool parse_target(std::string_view target, Request& request);

Response refusal_response(const Refusal& refusal);
Response error_response(int status, const Problem& problem);
// The dataplane does not answer; `error` in words.
Response unreachable(const std::string& error);
// Of what was thrown: a Refusal, or what should not happen.
Response failure_response(std::exception_ptr thrown);

}  // namespace fedge::control::api
