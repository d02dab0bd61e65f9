#include "appliance/cli/api.h"

#include <algorithm>

#include "appliance/cli/exit.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/http_client.h"

namespace fedge::cli {
namespace {

constexpr uint64_t kPageRows = 500;

Failure unreachable(const HttpError& error, const std::string& socket_path) {
    switch (error.why) {
        case HttpError::Why::absent:
            return {
                Exit::control, "control is not running (" + socket_path + ": " + error.what() + ")",
                "start it with: systemctl start fedge-control, or run fedge-control (see fedge-control --help); if it "
                "listens elsewhere, name its socket with --socket PATH or FEDGE_SOCKET"};
        case HttpError::Why::denied:
            return {Exit::control, "no permission to talk to control (" + socket_path + ")",
                    "run as root, or join the group that api-group in /etc/fedge/control.ini names"};
        case HttpError::Why::timeout:
            return {Exit::control, "control does not answer (" + socket_path + ")",
                    "look at it with: systemctl status fedge-control, journalctl -u fedge-control"};
        case HttpError::Why::broken: break;
    }
    return {Exit::control, "no valid HTTP reply on " + socket_path + ": " + error.what(),
            "check that this is the socket of fedge-control (--socket PATH or FEDGE_SOCKET)"};
}

std::string with_key(const Json& error) {
    const std::string text = text_or(error, "error", "refused without a reason");
    const std::string key = text_or(error, "key", "");
    return key.empty() || text.find(key) != std::string::npos ? text : key + ": " + text;
}

Failure refusal(unsigned status, const std::string& body) {
    const Exit exit = status == 503 || status == 504 ? Exit::dataplane : Exit::refused;
    const Json error = Json::parse(body, nullptr, false);
    if (!error.is_object())
        return {exit, "control answered HTTP " + std::to_string(status) + " without an explanation"};
    const auto more = error.find("errors");
    if (more == error.end() || !more->is_array() || more->empty())
        return {exit, with_key(error), text_or(error, "fix", "")};
    std::string text = "refused for " + counted(more->size(), "error");
    for (const Json& one : *more) {
        text += "\n  " + with_key(one);
        if (const std::string fix = text_or(one, "fix", ""); !fix.empty()) text += "\n    fix: " + fix;
    }
    return {exit, text};
}

bool last_page(const Json& next) {
    if (next.is_string()) return next.get_ref<const std::string&>().empty() || next == "0";
    return next.is_null() || next == 0;
}

}  // namespace

std::string encoded(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            out += c;
        } else {
            out += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

Json Api::call(const std::string& method, const std::string& target, std::string body) const {
    HttpReply reply;
    try {
        reply = http_request(socket_path_, {method, target, std::move(body)}, timeout_);
    } catch (const HttpError& error) {
        throw unreachable(error, socket_path_);
    }
    if (reply.status < 200 || reply.status > 299) throw refusal(reply.status, reply.body);
    if (reply.body.empty()) return Json::object();
    Json json = Json::parse(reply.body, nullptr, false);
    if (!json.is_object())
        throw Failure(Exit::control, "control answered something that is not a JSON object on " + target,
                      "check that fedge and fedge-control are of the same version");
    return json;
}

Json Api::send(const std::string& method, const std::string& target, const Json& body) const {
    // Arguments need not be UTF-8; control judges what comes of the replacement characters.
    return call(method, target, body.is_null() ? "" : body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json Api::rows(const std::string& path, const std::string& filter, uint64_t limit, std::string after) const {
    Json all = {{"rows", Json::array()}};
    for (;;) {
        const uint64_t have = all["rows"].size();
        const uint64_t page_rows = limit == 0 ? kPageRows : std::min(kPageRows, limit - have);
        std::string target = path + "?limit=" + std::to_string(page_rows);
        if (!after.empty()) target += "&after=" + encoded(after);
        if (!filter.empty()) target += "&" + filter;
        const Json page = get(target);
        if (!page.contains("rows") || !page["rows"].is_array())
            throw Failure(Exit::control, "control answered without rows on " + path,
                          "check that fedge and fedge-control are of the same version");
        for (const Json& row : page["rows"]) all["rows"].push_back(row);
        const Json next = page.value("next", Json());
        if (last_page(next)) return all;
        const std::string cursor = next.is_string() ? next.get<std::string>() : next.dump();
        // A cursor that stands still would have us ask forever.
        if (cursor == after) return all;
        after = cursor;
        if (limit != 0 && all["rows"].size() >= limit) {
            all["next"] = cursor;
            return all;
        }
    }
}

}  // namespace fedge::cli
