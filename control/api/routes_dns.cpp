// The DNS records that this edge needs, and which of them the world sees.
#include <algorithm>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/federation/dns_records.h"
#include "control/hex.h"

namespace fedge::control::api {
namespace {

constexpr auto kDnsTime = std::chrono::seconds(5);  // for each question; the command line waits for 15

// What one record's check has found.
struct Checked {
    DnsRecord record;
    Seen seen = Seen::unknown;
    std::vector<std::string> found;
};

Json record_json(const DnsRecord& record) {
    return {{"name", record.name}, {"type", record.type}, {"data", record.data}, {"why", record.why}};
}

// "0 0 5061 sip.example.com": as discovery shows records, without the closing dots of zone files.
std::string without_dot(std::string data) {
    if (data.ends_with('.')) data.pop_back();
    return data;
}

// The question of discovery that asks for this record.
discovery::Query question_for(const DnsRecord& record) {
    discovery::Query query;
    query.namespace_rule = false;
    auto after = [&](std::string_view prefix) { return record.name.substr(prefix.size()); };
    if (record.type == "TLSA") {
        size_t dot = record.name.find("._tcp.");
        query.service = discovery::Service::tlsa;
        query.port = static_cast<uint16_t>(std::stoul(record.name.substr(1, dot - 1)));
        query.via = record.name.substr(dot + 6);
    } else if (record.type != "SRV") {
        query.domain = query.via = record.name;
    } else if (record.name.starts_with("_sipfederationtls._tcp.")) {
        query.domain = after("_sipfederationtls._tcp.");
        query.mode = SipMode::microsoft;
    } else if (record.name.starts_with("_sips._tcp.")) {
        query.domain = after("_sips._tcp.");
        query.mode = SipMode::sips;
    } else {
        query.domain = after("_sip._tls.");
        query.service = discovery::Service::sip_clients;
    }
    return query;
}

std::string tlsa_text(const discovery::Tlsa& record) {
    return std::to_string(record.usage) + " " + std::to_string(record.selector) + " " +
           std::to_string(record.matching) + " " + hex(record.data);
}

void judge(Checked& checked, const discovery::Route& route) {
    bool answered = false;
    bool tlsa = checked.record.type == "TLSA";
    for (const discovery::Tlsa& one : route.tlsa) checked.found.push_back(tlsa_text(one));
    for (const discovery::Step& step : route.steps) {
        if (step.name != checked.record.name || name_of(step.type) != checked.record.type) continue;
        answered = route.outcome != discovery::Outcome::failed;
        for (const std::string& one : step.records)
            if (!tlsa) checked.found.push_back(without_dot(one));
    }
    DnsRecord wanted = checked.record;
    wanted.data = without_dot(wanted.data);
    checked.seen = compare(wanted, checked.found, answered);
}

// Asks for all records at once and replies when the last answer is there.
class DnsCheck : public std::enable_shared_from_this<DnsCheck> {
  public:
    DnsCheck(Control& control, DnsPlan plan, Reply reply) : control_(control), reply_(std::move(reply)) {
        for (DnsRecord& record : plan.records) rows_.push_back({std::move(record), Seen::unknown, {}});
        problems_ = problems_json(plan.problems);
    }

    static Json problems_json(const std::vector<Problem>& problems) {
        Json out = Json::array();
        for (const Problem& one : problems) out.push_back({{"key", one.key}, {"what", one.what}, {"fix", one.fix}});
        return out;
    }

    void begin() {
        waiting_ = rows_.size() + 1;
        discovery::Time now = control_.time().steady();
        for (Checked& row : rows_) {
            control_.discovery().look_up(
                question_for(row.record), now, now + kDnsTime,
                [self = shared_from_this(), &row](const discovery::Route& route, discovery::Time) {
                    judge(row, route);
                    self->done();
                });
        }
        done();
    }

  private:
    void done() {
        if (--waiting_ > 0) return;
        Json records = Json::array();
        for (const Checked& row : rows_) {
            Json json = record_json(row.record);
            json["seen"] = name_of(row.seen);
            json["found"] = row.found;
            records.push_back(std::move(json));
        }
        send(reply_, {{"records", std::move(records)}, {"problems", std::move(problems_)}});
    }

    Control& control_;
    Reply reply_;
    std::vector<Checked> rows_;
    Json problems_;
    size_t waiting_ = 0;
};

std::vector<PublishedKey> published_keys(Control& control) {
    std::vector<PublishedKey> keys;
    for (const StoredCertificate& one : control.certificates().all()) {
        if (one.chain.empty()) continue;
        PublishedKey key;
        for (const std::string& name : one.chain.front().names)
            if (name.starts_with("DNS:")) key.names.push_back(name.substr(4));
        key.spki_sha256 = one.chain.front().spki_sha256;
        keys.push_back(std::move(key));
    }
    return keys;
}

}  // namespace

void get_federation_dns(Control& control, const Request& request, Reply reply) {
    DnsPlan plan = dns_plan(control.config(), published_keys(control));
    auto check = request.query.find("check");
    if (check != request.query.end() && check->second == "true")
        return std::make_shared<DnsCheck>(control, std::move(plan), std::move(reply))->begin();
    Json records = Json::array();
    for (const DnsRecord& record : plan.records) records.push_back(record_json(record));
    send(reply, {{"records", records}, {"problems", DnsCheck::problems_json(plan.problems)}});
}

}  // namespace fedge::control::api
