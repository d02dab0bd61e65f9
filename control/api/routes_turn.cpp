#include <charconv>

#include "control/api/json.h"
#include "control/api/outcome.h"
#include "control/api/routes.h"
#include "control/credentials/keys.h"

namespace fedge::control::api {
namespace {

constexpr int64_t kAuditShown = 1000;
constexpr int64_t kKeepByDefault = 86400;

PublishedCallback answer_change(Reply reply, Json json, int status = 200) {
    return [reply = std::move(reply), json = std::move(json), status](const Published& published) {
        send(reply, with_outcome(json, published), status);
    };
}

SecretCallback answer_secret(Reply reply) {
    return [reply = std::move(reply)](const NewSecret& added, const Published& published) {
        Json json{{"id", added.id}, {"secret", added.secret}, {"fingerprint", fingerprint(added.secret)}};
        if (added.others_expire) json["expires"] = added.others_expire;
        send(reply, with_outcome(std::move(json), published), 201);
    };
}

}  // namespace

void get_users(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& user : control.store().users()) {
        rows.push_back({{"name", user.name}, {"created", user.created}, {"who", user.who}});
    }
    send(reply, {{"rows", rows}});
}

void post_user(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"name", "password", "replace"});
    bool replace = body.contains("replace") && required_flag(body, "replace");
    std::string name = required_text(body, "name");
    control.add_user(name, required_text(body, "password"), replace, request.who,
                     answer_change(std::move(reply), {{"name", name}}, 201));
}

void delete_user(Control& control, const Request& request, Reply reply) {
    const std::string& name = request.path.back();
    control.remove_user(name, request.who, answer_change(std::move(reply), {{"removed", name}}));
}

void get_secrets(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& secret : control.store().secrets()) {
        Json row{{"id", secret.id},
                 {"created", secret.created},
                 {"fingerprint", fingerprint(secret.secret)},
                 {"expires", nullptr}};
        if (secret.remove_at) row["expires"] = *secret.remove_at;
        rows.push_back(std::move(row));
    }
    send(reply, {{"rows", rows}});
}

void post_secret(Control& control, const Request& request, Reply reply) {
    only_fields(parse_object(request.body), {});
    control.add_secret(request.who, answer_secret(std::move(reply)));
}

void post_rotate(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"keep_s"});
    int64_t keep = body.contains("keep_s") ? required_integer(body, "keep_s") : kKeepByDefault;
    control.rotate_secrets(keep, request.who, answer_secret(std::move(reply)));
}

void delete_secret(Control& control, const Request& request, Reply reply) {
    const std::string& text = request.path.back();
    int64_t id;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw Refusal(RefusalKind::invalid,
                      {"id", "the id of a secret is a number", "`fedge turn secret list` shows the ids"});
    }
    control.remove_secret(id, request.who, answer_change(std::move(reply), {{"removed", id}}));
}

void post_disconnect(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"user", "allocation"});
    if (body.contains("user") == body.contains("allocation")) {
        throw Refusal(RefusalKind::invalid,
                      {"", "what to disconnect is not clear", "give either \"user\" or \"allocation\""});
    }
    std::string user = optional_text(body, "user");
    uint64_t allocation = 0;
    if (user.empty()) {
        if (!body.contains("allocation") || !body["allocation"].is_number_unsigned() || body["allocation"] == 0) {
            throw Refusal(RefusalKind::invalid, {"allocation", "that names no allocation",
                                                 "give the id that `fedge show allocations` shows"});
        }
        allocation = body["allocation"].get<uint64_t>();
    }
    control.disconnect(allocation, user, request.who,
                       [reply = std::move(reply)](uint32_t count, const std::string& error) {
                           if (error.empty()) return send(reply, {{"disconnected", count}});
                           reply(error_response(503, {"", error, "check `fedge show status`"}));
                       });
}

void put_drain(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"on"});
    bool on = required_flag(body, "on");
    control.set_drain(on, request.who, answer_change(std::move(reply), {{"drain", on}}));
}

void get_audit(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& r : control.store().audit(kAuditShown)) {
        rows.push_back({{"when", r.at}, {"who", r.who}, {"what", r.action}, {"object", r.detail}});
    }
    send(reply, {{"rows", rows}});
}

}  // namespace fedge::control::api
