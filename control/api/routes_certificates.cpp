#include "control/api/certificate_json.h"
#include "control/api/outcome.h"
#include "control/api/routes.h"

namespace fedge::control::api {
namespace {

// Publishes what was changed and answers. Without a listener of TLS the dataplane has no use for any of it: then what
// is stored is all there is to it, and "served" is false.
void publish(Control& control, Reply reply, Json json, int status = 200) {
    bool served = tls_listener(control.config()) != nullptr;
    json["served"] = served;
    if (!served) return send(reply, with_outcome(std::move(json), {true, {}}), status);
    control.publish_change([reply = std::move(reply), json = std::move(json), status](const Published& published) {
        send(reply, with_outcome(json, published), status);
    });
}

std::vector<std::string> required_hosts(const Json& body) {
    auto found = body.find("hosts");
    bool list = found != body.end() && found->is_array();
    std::vector<std::string> out;
    for (size_t i = 0; list && i < found->size(); i++) {
        if (!(*found)[i].is_string())
            list = false;
        else
            out.push_back((*found)[i].get<std::string>());
    }
    if (!list)
        throw Refusal(RefusalKind::invalid, {"hosts", "\"hosts\" is no list of names", "give a list of strings"});
    return out;
}

KeyKind key_kind(const Json& body) {
    std::string kind = optional_text(body, "algorithm");
    if (kind.empty() || kind == "ecdsa") return KeyKind::ecdsa;
    if (kind == "rsa") return KeyKind::rsa;
    throw Refusal(RefusalKind::invalid,
                  {"algorithm", "there is no algorithm \"" + kind.substr(0, 32) + "\"", "give \"ecdsa\" or \"rsa\""});
}

Json imported_json(const std::string& name, const Imported& imported) {
    Json notes = Json::array();
    for (const auto& note : imported.notes) notes.push_back({{"note", note.what}, {"fix", note.fix}});
    return {{"name", name}, {"replaced", imported.replaced}, {"notes", notes}};
}

}  // namespace

void get_certificates(Control& control, const Request&, Reply reply) {
    int64_t now = control.time().unix_seconds();
    Json rows = Json::array();
    for (const auto& certificate : control.certificates().all()) rows.push_back(certificate_row(certificate, now));
    send(reply, {{"rows", rows}});
}

void get_certificate(Control& control, const Request& request, Reply reply) {
    StoredCertificate certificate = control.certificates().at(request.path.back());
    Json out = certificate_row(certificate, control.time().unix_seconds());
    Json& chain = out["chain"] = Json::array();
    for (const auto& facts : certificate.chain) chain.push_back(facts_json(facts));
    out["pem"] = certificate.pem;
    send(reply, out);
}

void post_certificate(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"name", "chain", "key", "roots"});
    CertificateImport order{required_text(body, "name"), required_text(body, "chain"), optional_text(body, "key"),
                            optional_text(body, "roots")};
    Imported imported = control.certificates().import(order, control.config(), request.who);
    publish(control, std::move(reply), imported_json(order.name, imported), 201);
}

void post_generate(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"name", "hosts", "algorithm"});
    std::string name = required_text(body, "name");
    Imported imported = control.certificates().generate(name, required_hosts(body), key_kind(body), request.who);
    publish(control, std::move(reply), imported_json(name, imported), 201);
}

void post_request(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"name", "hosts", "algorithm"});
    std::string name = required_text(body, "name");
    std::string pem = control.certificates().request(name, required_hosts(body), key_kind(body), request.who);
    send(reply, {{"name", name}, {"request", pem}}, 201);
}

void delete_certificate(Control& control, const Request& request, Reply reply) {
    const std::string& name = request.path.back();
    control.certificates().remove(name, control.config(), request.who);
    publish(control, std::move(reply), {{"removed", name}});
}

void put_ocsp(Control& control, const Request& request, Reply reply) {
    const std::string& name = request.path.at(2);
    Validity validity = control.certificates().staple(name, request.body, request.who);
    publish(control, std::move(reply), {{"name", name}, {"staple", validity_json(validity)}});
}

void get_trust(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& authority : control.certificates().authorities()) {
        Json row{{"name", authority.name}};
        row.update(facts_json(authority.facts));
        row["created"] = authority.created;
        row["who"] = authority.who;
        rows.push_back(std::move(row));
    }
    send(reply, {{"rows", rows},
                 {"system", control.config().tls.system_trust},
                 {"system_authorities", control.certificates().system_authorities()}});
}

void post_trust(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"name", "certificate"});
    std::string name = required_text(body, "name");
    control.certificates().trust(name, required_text(body, "certificate"), request.who);
    publish(control, std::move(reply), {{"name", name}}, 201);
}

void delete_trust(Control& control, const Request& request, Reply reply) {
    const std::string& name = request.path.back();
    control.certificates().distrust(name, request.who);
    publish(control, std::move(reply), {{"removed", name}});
}

void get_crls(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& crl : control.certificates().crls()) {
        Json row{{"issuer", crl.issuer}, {"entries", crl.entries}};
        row.update(validity_json(crl.validity));
        row["created"] = crl.created;
        row["who"] = crl.who;
        rows.push_back(std::move(row));
    }
    send(reply, {{"rows", rows}});
}

void post_crl(Control& control, const Request& request, Reply reply) {
    auto [issuer, verified] = control.certificates().import_crl(request.body, request.who);
    publish(control, std::move(reply), {{"issuer", issuer}, {"verified", verified}}, 201);
}

void delete_crl(Control& control, const Request& request, Reply reply) {
    const std::string& issuer = request.path.back();
    control.certificates().remove_crl(issuer, request.who);
    publish(control, std::move(reply), {{"removed", issuer}});
}

void get_tls(Control& control, const Request&, Reply reply) {
    const Config& config = control.config();
    Certificates& certificates = control.certificates();
    int64_t now = control.time().unix_seconds();
    bool served = tls_listener(config) != nullptr;
    Json rows = Json::array(), keys = Json::array(), crls = Json::array();
    if (served) {
        for (const auto& certificate : certificates.all()) {
            if (!certificate.chain.empty()) rows.push_back(certificate_row(certificate, now));
        }
        for (const auto& key : control.store().ticket_keys())
            keys.push_back({{"created", key.created}, {"encrypts", keys.empty()}});
        for (const auto& crl : certificates.crls()) crls.push_back({{"issuer", crl.issuer}, {"to", crl.validity.to}});
    }
    send(reply, {{"served", served},
                 {"adopted", control.in_force()},
                 {"rows", rows},
                 {"ticket_keys", keys},
                 {"ticket_lifetime_s", config.tls.ticket_lifetime_s},
                 {"authorities", served ? certificates.authorities().size() : 0},
                 {"system_authorities", served && config.tls.system_trust ? certificates.system_authorities() : 0},
                 {"crls", crls}});
}

}  // namespace fedge::control::api
