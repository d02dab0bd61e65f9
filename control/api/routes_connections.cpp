#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/api/rows.h"
#include "dataplane/base/address.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr uint64_t kMaxNumber = ~uint64_t{0};

void send_connections(Control& control, contract::Kind kind, const Request& request, Reply reply) {
    RowRequest rows = paged(kind, request);
    if (std::string service = query_text(request, "service"); !service.empty())
        rows.filter = [service](const Json& row) { return row["service"] == service; };
    send_rows(control, std::move(rows), std::move(reply));
}

// Which connection is meant: by its id, or by the address and port of its other side.
std::function<bool(const Json&)> wanted_connection(const Request& request, std::string& shown) {
    std::string address = query_text(request, "address");
    uint64_t id = query_number(request, "id", 0, 0, kMaxNumber);
    if (address.empty() == (id == 0)) {
        throw Refusal(RefusalKind::invalid, {"", "which connection is not clear", "give either id or address"});
    }
    if (id) {
        shown = "with the id " + std::to_string(id);
        return [id](const Json& row) { return row["id"] == id; };
    }
    auto endpoint = Endpoint::parse(address);
    if (!endpoint) {
        throw Refusal(RefusalKind::invalid, {"address", "\"" + address.substr(0, 64) + "\" is no address with a port",
                                             "give ADDRESS:PORT, or [ADDRESS]:PORT for IPv6"});
    }
    shown = "with " + endpoint->text();
    return [text = endpoint->text()](const Json& row) { return row["remote"] == text; };
}

}  // namespace

void get_connections(Control& control, const Request& request, Reply reply) {
    send_connections(control, contract::Kind::connections, request, std::move(reply));
}

void get_endings(Control& control, const Request& request, Reply reply) {
    send_connections(control, contract::Kind::endings, request, std::move(reply));
}

void get_connection(Control& control, const Request& request, Reply reply) {
    std::string shown;
    auto wanted = wanted_connection(request, shown);
    auto answer = [reply](const Json& rows) { send(reply, {{"connection", rows.front()}}); };
    collect_rows(control.dataplane(), {contract::Kind::connections, 0, 1, wanted}, control.time().steady,
                 [&control, reply, wanted, answer, shown](const Json& living, uint64_t, const std::string& error) {
                     if (!error.empty()) return reply(unreachable(error));
                     if (!living.empty()) return answer(living);
                     collect_rows(
                         control.dataplane(), {contract::Kind::endings, 0, 1, wanted}, control.time().steady,
                         [reply, answer, shown](const Json& ended, uint64_t, const std::string& failure) {
                             if (!failure.empty()) return reply(unreachable(failure));
                             if (!ended.empty()) return answer(ended);
                             reply(error_response(
                                 404, {"", "there is no connection " + shown + ", and none of the latest that ended",
                                       "`fedge show connections` lists those that live, "
                                       "with --ended the latest that ended"}));
                         });
                 });
}

}  // namespace fedge::control::api
