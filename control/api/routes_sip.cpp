// What is seen of SIP as it passes: dialogs, next hops, traces.
#include <algorithm>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/api/rows.h"
#include "control/hex.h"
#include "control/utf8.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr uint64_t kMaxNumber = ~uint64_t{0};
constexpr uint64_t kMaxCallId = 1024;
constexpr uint64_t kMaxRate = 10000;
constexpr uint64_t kMessagesAtOnce = 200;

// "alice@partner.example" is of partner.example, and of what is above it.
bool is_of(const std::string& address, const std::string& domain) {
    std::string host = address.substr(address.find('@') + 1);
    std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return host == domain || host.ends_with("." + domain);
}

bool is_utf8(std::string_view text) {
    uint32_t point = 0;
    while (!text.empty()) {
        size_t length = decode_utf8(text, point);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

Json traced_json(const TracedMessage& message) {
    Json out{{"number", message.number},
             {"core", message.core},
             {"unix_ns", message.unix_ns},
             {"incoming", message.incoming},
             {"connection", message.connection},
             {"peer", message.peer},
             {"remote", message.remote.text()},
             {"local", message.local.text()},
             {"verdict", message.verdict},
             {"cut", message.cut},
             {"lost", message.lost}};
    // JSON has no octets.
    bool text = is_utf8(message.text);
    out[text ? "text" : "hex"] = text ? message.text : hex(bytes_of(message.text));
    return out;
}

uint32_t trace_id(const Request& request) {
    const std::string& text = request.path[2];
    bool number = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return number ? static_cast<uint32_t>(std::stoul(text)) : 0;
}

}  // namespace

void get_dialogs(Control& control, const Request& request, Reply reply) {
    RowRequest rows = paged(contract::Kind::dialogs, request);
    std::string method = query_text(request, "method");
    std::string domain = query_text(request, "domain");
    std::string call = query_text(request, "call");
    bool over = query_text(request, "over") != "false";
    if (!domain.empty()) domain = query_domain("domain", domain);
    if (!method.empty() || !domain.empty() || !call.empty() || !over) {
        rows.filter = [=](const Json& row) {
            if (!over && (row["state"] == "ended" || row["state"] == "failed")) return false;
            if (!method.empty() && row["method"] != method) return false;
            if (!call.empty() && row["call_id"] != call) return false;
            return domain.empty() || is_of(row["from"], domain) || is_of(row["to"], domain);
        };
    }
    send_rows(control, std::move(rows), std::move(reply));
}

void get_next_hops(Control& control, const Request& request, Reply reply) {
    RowRequest rows = paged(contract::Kind::next_hops, request);
    if (std::string kind = query_text(request, "kind"); !kind.empty())
        rows.filter = [kind](const Json& row) { return row["kind"] == kind; };
    send_rows(control, std::move(rows), std::move(reply));
}

void get_scanners(Control& control, const Request& request, Reply reply) {
    send_rows(control, paged(contract::Kind::scanners, request), std::move(reply));
}

void post_trace(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"domain", "call", "connection", "rate"});
    TraceWish wish;
    if (std::string domain = optional_text(body, "domain"); !domain.empty())
        wish.domain = query_domain("domain", domain);
    wish.call_id = optional_text(body, "call");
    if (wish.call_id.size() > kMaxCallId)
        throw Refusal(RefusalKind::invalid, {"call", "the Call-ID is too long", "give up to 1024 characters"});
    auto number = [&](const char* field, uint64_t otherwise, uint64_t most) {
        if (!body.contains(field)) return otherwise;
        int64_t value = required_integer(body, field);
        if (value >= 0 && static_cast<uint64_t>(value) <= most) return static_cast<uint64_t>(value);
        throw Refusal(RefusalKind::invalid,
                      {field, std::string(field) + " is out of range", "give 0 to " + std::to_string(most)});
    };
    wish.connection = number("connection", 0, uint64_t{1} << 48);
    wish.rate = static_cast<uint32_t>(std::max<uint64_t>(number("rate", wish.rate, kMaxRate), 1));
    send(reply, {{"id", control.traces().start(wish, request.who, control.time().steady())}});
}

void get_trace(Control& control, const Request& request, Reply reply) {
    uint64_t after = query_number(request, "after", 0, 0, kMaxNumber);
    auto wait = std::chrono::milliseconds(query_number(request, "wait_ms", 0, 0, 5000));
    control.traces().read(
        trace_id(request), after, kMessagesAtOnce, wait, control.time().steady(),
        [reply, after](const std::vector<TracedMessage>& messages, uint64_t lost) {
            Json rows = Json::array();
            for (const TracedMessage& message : messages) rows.push_back(traced_json(message));
            send(reply, {{"rows", rows}, {"next", messages.empty() ? after : messages.back().number}, {"lost", lost}});
        });
}

void delete_trace(Control& control, const Request& request, Reply reply) {
    control.traces().stop(trace_id(request), request.who);
    send(reply, Json::object());
}

}  // namespace fedge::control::api
