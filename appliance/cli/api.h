// The HTTP+JSON API of fedge-control as the commands use it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fedge::cli {

using Json = nlohmann::json;

// Percent-encodes everything that is not unreserved (RFC 3986 section 2.3), so that names are safe in paths and
// queries.
std::string encoded(std::string_view text);

// Every call throws Failure: Exit::control when there is no usable reply, Exit::dataplane when control answers 503 or
// 504 (its dataplane is away), Exit::refused for any other refusal.
class Api {
  public:
    explicit Api(std::string socket_path, std::chrono::milliseconds timeout = std::chrono::seconds(15))
        : socket_path_(std::move(socket_path)), timeout_(timeout) {}

    // The same, for what may take long: a commit with a million entries.
    Api patient() const { return Api(socket_path_, std::max(timeout_, kLongest)); }

    Json get(const std::string& target) const { return call("GET", target, {}); }
    Json send(const std::string& method, const std::string& target, const Json& body = nullptr) const;

    // The same with a body that is no JSON.
    Json send_bytes(const std::string& method, const std::string& target, std::string body) const {
        return call(method, target, std::move(body));
    }

    // Follows the pages of a listing until `limit` rows are there (0 = all): {"rows":[...]} and "next" if there is
    // more.
    Json rows(const std::string& path, const std::string& filter, uint64_t limit, std::string after) const;

  private:
    static constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(5);

    Json call(const std::string& method, const std::string& target, std::string body) const;

    std::string socket_path_;
    std::chrono::milliseconds timeout_;
};

}  // namespace fedge::cli
