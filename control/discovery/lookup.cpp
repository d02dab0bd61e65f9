#include "control/discovery/lookup.h"

#include <algorithm>
#include <tuple>

#include "dataplane/policy/names.h"

namespace fedge::control::discovery {
namespace {

constexpr uint16_t kSipTls = 5061;
constexpr uint16_t kXmppServer = 5269;
constexpr size_t kMaxName = 253;
constexpr size_t kMaxTlsa = 16;

const std::string kMicrosoft = "_sipfederationtls._tcp.";
const std::string kSips = "_sips._tcp.";
const std::string kSipClients = "_sip._tls.";
const std::string kXmpp = "_xmpp-server._tcp.";
const std::string kXmpps = "_xmpps-server._tcp.";

std::string plural(size_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string describe(const DnsAnswer& answer) {
    switch (answer.status) {
        case DnsAnswer::Status::data: return plural(answer.records.size(), "record");
        case DnsAnswer::Status::no_data: return "has no such record";
        case DnsAnswer::Status::no_domain: return "does not exist (NXDOMAIN)";
        case DnsAnswer::Status::bogus: return "fails DNSSEC validation" + (answer.why.empty() ? "" : ": " + answer.why);
        case DnsAnswer::Status::timed_out:
            return "got no answer in time" + (answer.why.empty() ? "" : ": " + answer.why);
        case DnsAnswer::Status::failed: return "failed" + (answer.why.empty() ? "" : ": " + answer.why);
    }
    return "";
}

std::string presented(RecordType type, Bytes record) {
    if (type == RecordType::srv) {
        auto srv = parse_srv(record);
        if (!srv) return "malformed";
        return std::to_string(srv->priority) + " " + std::to_string(srv->weight) + " " + std::to_string(srv->port) +
               " " + (srv->target.empty() ? "." : srv->target);
    }
    if (type == RecordType::tlsa) {
        auto tlsa = parse_tlsa(record);
        if (!tlsa) return "malformed";
        return std::to_string(tlsa->usage) + " " + std::to_string(tlsa->selector) + " " +
               std::to_string(tlsa->matching) + ", " + plural(tlsa->data.size(), "byte");
    }
    auto address = parse_address(type, record);
    return address ? address->text() : "malformed";
}

bool has_data(const DnsAnswer& answer) {
    return answer.status == DnsAnswer::Status::data;
}

RecordType type_of(size_t family) {
    return family == 0 ? RecordType::a : RecordType::aaaa;
}

}  // namespace

Lookup::Lookup(Query query, std::shared_ptr<const LookupRules> rules)
    : query_(std::move(query)), rules_(std::move(rules)) {}

std::vector<Question> Lookup::start() {
    if (query_.service == Service::tlsa) return ask_tlsa();
    if (!query_.via.empty()) {
        uint16_t port = query_.port ? query_.port : query_.service == Service::xmpp ? kXmppServer : kSipTls;
        targets_.push_back({query_.via, port, 0, 0, false, true, {}});
        return ask_addresses();
    }
    if (query_.service == Service::xmpp)
        return ask_srv({{kXmpp + query_.domain, false}, {kXmpps + query_.domain, true}});
    if (query_.service == Service::sip_clients) return ask_srv({{kSipClients + query_.domain, false}});
    return ask_srv({{(query_.mode == SipMode::sips ? kSips : kMicrosoft) + query_.domain, false}});
}

std::vector<Question> Lookup::ask_srv(std::vector<SrvSet> sets) {
    sets_ = std::move(sets);
    std::vector<Question> questions;
    for (size_t i = 0; i < sets_.size(); i++) {
        if (sets_[i].name.size() > kMaxName) {
            finish(Outcome::not_found, kNoSrv, sets_[i].name.substr(0, 64) + "... is too long for a name in DNS");
            return {};
        }
        open_.emplace(next_id_, Open{sets_[i].name, RecordType::srv, i});
        questions.push_back({next_id_++, sets_[i].name, RecordType::srv});
    }
    return questions;
}

std::vector<Question> Lookup::ask_tlsa() {
    std::string name = "_" + std::to_string(query_.port) + "._tcp." + query_.via;
    if (name.size() > kMaxName) {
        finish(Outcome::not_found, 0, name.substr(0, 64) + "... is too long for a name in DNS");
        return {};
    }
    open_.emplace(next_id_, Open{name, RecordType::tlsa, 0});
    return {{next_id_++, name, RecordType::tlsa}};
}

std::vector<Question> Lookup::ask_addresses() {
    std::vector<Question> questions;
    for (const auto& target : targets_) {
        if (std::ranges::find(hosts_, target.host, &Host::name) != hosts_.end()) continue;
        hosts_.push_back({target.host, {}, {}});
        for (size_t family : {size_t{0}, size_t{1}}) {
            if (!rules_->addresses.has(family == 0 ? Family::ipv4 : Family::ipv6)) continue;
            hosts_.back().asked[family] = true;
            open_.emplace(next_id_, Open{target.host, type_of(family), hosts_.size() - 1});
            questions.push_back({next_id_++, target.host, type_of(family)});
        }
    }
    if (questions.empty()) judge_addresses();
    return questions;
}

std::vector<Question> Lookup::on_answer(size_t id, const DnsAnswer& answer) {
    auto found = open_.find(id);
    if (found == open_.end() || over_) return {};
    Open open = std::move(found->second);
    open_.erase(found);
    note(open, answer);
    learn_ttl(answer);
    switch (open.type) {
        case RecordType::srv: sets_[open.index].answer = answer; break;
        case RecordType::tlsa: tlsa_ = answer; break;
        case RecordType::a: hosts_[open.index].answers[0] = answer; break;
        case RecordType::aaaa: hosts_[open.index].answers[1] = answer; break;
    }
    if (!open_.empty()) return {};
    if (open.type == RecordType::srv) return judge_srv();
    if (open.type == RecordType::tlsa) {
        judge_tlsa();
    } else {
        judge_addresses();
    }
    return {};
}

void Lookup::note(const Open& open, const DnsAnswer& answer) {
    Step step{open.name, open.type, describe(answer), {}, answer.secure, answer.ttl};
    if (!answer.canonical.empty()) step.result += ", alias of " + answer.canonical;
    for (size_t i = 0; i < answer.records.size() && i < kMaxTargets; i++)
        step.records.push_back(presented(open.type, answer.records[i]));
    found_.route.steps.push_back(std::move(step));
}

void Lookup::learn_ttl(const DnsAnswer& answer) {
    if (!has_data(answer) && !answer.absent()) return;
    ttl_of_all_ = std::min(ttl_of_all_.value_or(answer.ttl), answer.ttl);
    if (has_data(answer)) ttl_of_data_ = std::min(ttl_of_data_.value_or(answer.ttl), answer.ttl);
    secure_ = secure_ && answer.secure;
}

std::vector<Question> Lookup::judge_srv() {
    std::string failure;
    for (auto& set : sets_) {
        if (!has_data(set.answer)) {
            if (!set.answer.absent()) {
                failure += (failure.empty() ? "" : "; ") + set.name + " " + describe(set.answer);
            } else {
                absent_ += (absent_.empty() ? "" : "; ") + set.name + " " + describe(set.answer);
            }
            continue;
        }
        for (const auto& record : set.answer.records) {
            auto srv = parse_srv(record);
            if (!srv) {
                set.malformed++;
            } else if (srv->target.empty()) {
                set.not_offered = true;
            } else {
                set.records.push_back(std::move(*srv));
            }
        }
    }
    bool any = std::ranges::any_of(sets_, [](const SrvSet& s) { return has_data(s.answer); });
    if (any) {
        found_.partial = !failure.empty();
        return add_targets();
    }
    if (!failure.empty()) {
        finish(Outcome::failed, kNoSrv, failure);
        return {};
    }
    bool microsoft = sets_.front().name.starts_with(kMicrosoft);
    if (query_.service == Service::sip && microsoft && query_.mode == SipMode::microsoft_then_sips)
        return ask_srv({{kSips + query_.domain, false}});
    if (query_.service == Service::xmpp) {
        targets_.push_back({query_.domain, kXmppServer, 0, 0, false, secure_, {}});
        return ask_addresses();
    }
    finish(Outcome::not_found, kNoSrv, absent_);
    return {};
}

std::vector<Question> Lookup::add_targets() {
    std::vector<std::pair<const SrvSet*, const Srv*>> all;
    size_t malformed = 0;
    for (const auto& set : sets_) {
        malformed += set.malformed;
        for (const auto& record : set.records) all.push_back({&set, &record});
    }
    if (all.empty()) {
        std::string names;
        for (const auto& set : sets_) {
            if (has_data(set.answer)) names += (names.empty() ? "" : " and ") + set.name;
        }
        if (malformed) {
            finish(Outcome::refused, kNoSrv, "the records of " + names + " are malformed");
        } else {
            finish(Outcome::not_found, kNoSrv, names + " says that the service is not offered (target \".\")");
        }
        return {};
    }
    // Which ones are kept must not depend on the order in which DNS happens to give them.
    std::ranges::sort(all, {}, [](const auto& entry) {
        const Srv& r = *entry.second;
        return std::tuple(r.priority, -int{r.weight}, r.target, r.port, entry.first->direct_tls);
    });
    if (malformed)
        refuse({"(malformed)", 0, 0, 0, false, false, {}}, "", kNoSrv, plural(malformed, "malformed record"));
    for (size_t i = 0; i < all.size(); i++) {
        if (i < kMaxTargets) {
            add_target(*all[i].first, *all[i].second);
        } else {
            const Srv& r = *all[i].second;
            refuse({r.target, r.port, r.priority, r.weight, false, false, {}}, "", kNoSrv,
                   "only the first " + std::to_string(kMaxTargets) + " records are used");
        }
    }
    return ask_addresses();
}

void Lookup::add_target(const SrvSet& set, const Srv& record) {
    Target target{record.target, record.port, record.priority, record.weight, set.direct_tls, set.answer.secure, {}};
    if (judges_namespace() && !policy::in_namespace(record.target, query_.domain)) {
        return refuse(target, "", kConflict,
                      record.target + " is neither " + query_.domain +
                          " nor a direct child of it (SRV and host domains "
                          "conflict)");
    }
    if (auto why = port_refusal(record.port)) return refuse(target, "", kNoSrv, *why);
    auto same = [&](const Target& t) {
        return t.host == target.host && t.port == target.port && t.direct_tls == target.direct_tls;
    };
    if (std::ranges::none_of(targets_, same)) targets_.push_back(std::move(target));
}

void Lookup::refuse(const Target& target, const std::string& address, uint16_t code, std::string why) {
    found_.route.refused.push_back({target.host, target.port, address, code, std::move(why)});
}

void Lookup::judge_addresses() {
    auto targets = std::exchange(targets_, {});
    for (auto& target : targets) judge_target(std::move(target));
    Route& route = found_.route;
    if (!route.targets.empty()) return finish(Outcome::found, 0, "");
    std::string failure;
    bool any_address = false;
    for (const auto& host : hosts_) {
        for (size_t family : {size_t{0}, size_t{1}}) {
            const DnsAnswer& answer = host.answers[family];
            if (!host.asked[family]) continue;
            any_address |= has_data(answer);
            if (has_data(answer) || answer.absent() || !failure.empty()) continue;
            failure = host.name + " " + name_of(type_of(family)) + " " + describe(answer);
        }
    }
    if (!failure.empty()) return finish(Outcome::failed, kNoAddress, failure);
    if (!route.refused.empty()) {
        const Refused& first = route.refused.front();
        std::string more =
            route.refused.size() > 1 ? " (and " + std::to_string(route.refused.size() - 1) + " more)" : "";
        std::string what = first.address.empty() ? first.host + ":" + std::to_string(first.port)
                                                 : first.host + " has the address " + first.address;
        bool absent = !any_address && first.code == kNoAddress;
        return finish(absent ? Outcome::not_found : Outcome::refused, first.code, what + ": " + first.why + more);
    }
    finish(Outcome::not_found, kNoAddress, query_.name() + " has no address");
}

void Lookup::judge_target(Target target) {
    const Host& host = *std::ranges::find(hosts_, target.host, &Host::name);
    bool failed = false;
    size_t refused_before = found_.route.refused.size();
    add_addresses(host, target, failed);
    if (target.addresses.empty()) {
        if (failed) {
            refuse(target, "", kNoAddress, "its addresses cannot be resolved");
        } else if (found_.route.refused.size() == refused_before) {
            refuse(target, "", kNoAddress, target.host + " has no address that this edge can use");
        }
        found_.partial |= failed;
        return;
    }
    if (rules_->secure_only && !target.secure)
        return refuse(target, "", kNoSrv, "it is not validated by DNSSEC (dns.dnssec required)");
    found_.partial |= failed;
    found_.route.targets.push_back(std::move(target));
}

void Lookup::add_addresses(const Host& host, Target& target, bool& failed) {
    for (size_t family : {size_t{0}, size_t{1}}) {
        if (!host.asked[family]) continue;
        const DnsAnswer& answer = host.answers[family];
        if (!has_data(answer)) {
            if (!answer.absent()) failed = true;
            continue;
        }
        if (judges_namespace() && !answer.canonical.empty() && !policy::in_namespace(answer.canonical, query_.domain)) {
            refuse(target, "", kConflict,
                   "it is an alias of " + answer.canonical + ", which is neither " + query_.domain +
                       " nor a direct child of it (SRV and host domains conflict)");
            continue;
        }
        target.secure = target.secure && answer.secure;
        size_t count = 0;
        for (const auto& record : answer.records) {
            auto address = parse_address(type_of(family), record);
            if (!address || ++count > kMaxAddresses) continue;
            if (auto why = rules_->addresses.refusal(*address)) {
                refuse(target, address->text(), kNoAddress, *why);
            } else if (std::ranges::find(target.addresses, *address) == target.addresses.end()) {
                target.addresses.push_back(*address);
            }
        }
    }
}

void Lookup::judge_tlsa() {
    if (tlsa_.absent()) return finish(Outcome::not_found, 0, found_.route.steps.front().name + " " + describe(tlsa_));
    if (!has_data(tlsa_)) return finish(Outcome::failed, 0, found_.route.steps.front().name + " " + describe(tlsa_));
    // RFC 6698 section 4.1: without DNSSEC they are as if they were not there.
    if (!tlsa_.secure)
        return finish(Outcome::refused, 0, found_.route.steps.front().name + " is not validated by DNSSEC");
    for (const auto& record : tlsa_.records) {
        auto tlsa = parse_tlsa(record);
        if (tlsa && found_.route.tlsa.size() < kMaxTlsa) found_.route.tlsa.push_back(std::move(*tlsa));
    }
    if (found_.route.tlsa.empty())
        return finish(Outcome::refused, 0, "the records of " + found_.route.steps.front().name + " are malformed");
    finish(Outcome::found, 0, "");
}

void Lookup::finish(Outcome outcome, uint16_t code, std::string reason) {
    Route& route = found_.route;
    route.outcome = outcome;
    route.code = code;
    route.reason = std::move(reason);
    route.secure = outcome == Outcome::found && query_.service != Service::tlsa
                       ? std::ranges::all_of(route.targets, &Target::secure)
                       : outcome != Outcome::failed && secure_;
    found_.ttl = (outcome == Outcome::found ? ttl_of_data_ : ttl_of_all_).value_or(0);
    over_ = true;
}

}  // namespace fedge::control::discovery
