#include "control/api/message.h"

#include <nlohmann/json.hpp>

#include "control/api/json.h"

namespace fedge::control::api {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool decode(std::string_view text, std::string& out) {
    out.clear();
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return false;
        int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return true;
}

int status_of(RefusalKind kind) {
    switch (kind) {
        case RefusalKind::invalid: return 400;
        case RefusalKind::not_found: return 404;
        case RefusalKind::conflict: return 409;
        case RefusalKind::unavailable: return 503;
    }
    return 500;
}

Json to_json(const Problem& problem) {
    Json out{{"error", problem.what}, {"fix", problem.fix}};
    if (!problem.key.empty()) out["key"] = problem.key;
    return out;
}

}  // namespace

bool parse_target(std::string_view target, Request& request) {
    if (!target.starts_with('/')) return false;
    std::string_view path =
        target.substr(1, target.find('?') == std::string_view::npos ? target.npos : target.find('?') - 1);
    std::string_view query = target.find('?') == std::string_view::npos ? "" : target.substr(target.find('?') + 1);
    while (true) {
        size_t slash = path.find('/');
        if (!decode(path.substr(0, slash), request.path.emplace_back())) return false;
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    while (!query.empty()) {
        size_t end = query.find('&');
        std::string_view pair = query.substr(0, end);
        size_t equals = pair.find('=');
        std::string name, value;
        if (!decode(pair.substr(0, equals), name)) return false;
        if (equals != std::string_view::npos && !decode(pair.substr(equals + 1), value)) return false;
        request.query.emplace(std::move(name), std::move(value));
        query = end == std::string_view::npos ? "" : query.substr(end + 1);
    }
    return true;
}

void send(const Reply& reply, const Json& json, int status) {
    reply({status, "application/json", dump(json)});
}

Response refusal_response(const Refusal& refusal) {
    Json body = to_json(refusal.problem());
    if (refusal.problems().size() > 1) {
        Json& all = body["errors"] = Json::array();
        for (const auto& problem : refusal.problems()) all.push_back(to_json(problem));
    }
    return {status_of(refusal.kind()), "application/json", dump(body)};
}

Response error_response(int status, const Problem& problem) {
    return {status, "application/json", dump(to_json(problem))};
}

Response unreachable(const std::string& error) {
    return error_response(
        503, {"", error, "start the dataplane (systemctl start fedge-dataplane) and check `fedge show status`"});
}

Response failure_response(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const Refusal& refusal) {
        return refusal_response(refusal);
    } catch (const std::exception& error) {
        return error_response(500,
                              {"", std::string("internal error: ") + error.what(), "see the log of fedge-control"});
    }
}

}  // namespace fedge::control::api
