#include "control/discovery/unbound.h"

#include <unbound.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace fedge::control::discovery {
namespace {

constexpr int kClassIn = 1;
constexpr int kServfail = 2;
// Records of one answer that are looked at.
constexpr size_t kMaxRecords = 64;

// The root's key as Debian's packages dns-root-data and unbound-anchor keep it.
constexpr const char* kRootKeys[] = {"/usr/share/dns/root.key", "/var/lib/unbound/root.key"};

struct Option {
    const char* name;
    const char* value;
};
constexpr Option kOptions[] = {
    // The server of dns.server may well be on this machine.
    {"do-not-query-localhost:", "no"},
    // What the library has for a single program is 16 ports.
    {"outgoing-range:", "256"},
    {"num-queries-per-thread:", "1024"},
    {"outgoing-num-tcp:", "16"},
    // What is looked up again before its time is over must not come from a memory of the library's own.
    {"msg-cache-size:", "0"},
    {"rrset-cache-size:", "0"},
    // A server that was away is asked again within seconds, not minutes.
    {"infra-keep-probing:", "yes"},
    {"infra-cache-max-rtt:", "4000"},
    {"infra-host-ttl:", "60"},
    {"use-syslog:", "no"},
};

// RFC 1035 section 4.1.1, RFC 6895.
std::string rcode_text(int rcode) {
    switch (rcode) {
        case 1: return "FORMERR";
        case kServfail: return "SERVFAIL";
        case 4: return "NOTIMP";
        case 5: return "REFUSED";
        default: return "RCODE " + std::to_string(rcode);
    }
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

std::string without_dot(std::string name) {
    if (name.ends_with('.')) name.pop_back();
    return name;
}

DnsAnswer answer_of(int error, const ub_result* result, const std::string& name) {
    DnsAnswer answer;
    if (error != 0 || !result) {
        answer.why = ub_strerror(error);
        return answer;
    }
    answer.secure = result->secure;
    answer.ttl = result->ttl > 0 ? static_cast<uint32_t>(result->ttl) : 0;
    if (result->canonname) {
        std::string canonical = lower(without_dot(result->canonname));
        if (canonical != lower(without_dot(name))) answer.canonical = canonical;
    }
    if (result->bogus) {
        answer.status = DnsAnswer::Status::bogus;
        if (result->why_bogus) answer.why = result->why_bogus;
    } else if (result->nxdomain) {
        answer.status = DnsAnswer::Status::no_domain;
    } else if (result->rcode != 0) {
        answer.why = rcode_text(result->rcode);
    } else if (!result->havedata) {
        answer.status = DnsAnswer::Status::no_data;
    } else {
        answer.status = DnsAnswer::Status::data;
        for (size_t i = 0; result->data[i] && i < kMaxRecords; i++) {
            const auto* bytes = reinterpret_cast<const uint8_t*>(result->data[i]);
            answer.records.emplace_back(bytes, bytes + result->len[i]);
        }
    }
    return answer;
}

// As libunbound wants it: ADDRESS or ADDRESS@PORT.
std::string forward_address(const Endpoint& server) {
    return server.address.text() + "@" + std::to_string(server.port);
}

}  // namespace

void UnboundResolver::Close::operator()(ub_ctx* context) const {
    ub_ctx_delete(context);
}

UnboundResolver::UnboundResolver(Log& log) : log_(log) {}
UnboundResolver::~UnboundResolver() = default;

void UnboundResolver::configure(const DnsConfig& config) {
    config_ = config;
    context_.reset();
    problems_.clear();
    if (!asked_.empty()) open();
    for (auto& [question, asked] : asked_) submit(*asked);
}

void UnboundResolver::open() {
    problems_.clear();
    generation_++;
    context_.reset(ub_ctx_create());
    if (!context_) {
        problems_.push_back(
            {"dns.server", "libunbound does not start", "see the memory and descriptors of the machine"});
        return;
    }
    ub_ctx_debuglevel(context_.get(), 0);
    ub_ctx_async(context_.get(), 1);
    for (const auto& option : kOptions) {
        if (int error = ub_ctx_set_option(context_.get(), option.name, option.value))
            log_.warning(std::string("libunbound: option ") + option.name + " " + ub_strerror(error));
    }
    if (config_.dnssec == Dnssec::off) {
        ub_ctx_set_option(context_.get(), "module-config:", "iterator");
    } else {
        // Whoever names an anchor wants validation: without it nothing is asked, rather than anything believed.
        if (!add_anchors()) context_.reset();
    }
    if (context_) add_servers();
    for (const auto& problem : problems_) log_.error(problem.key + ": " + problem.what + "; " + problem.fix);
}

void UnboundResolver::add_servers() {
    for (const auto& server : config_.servers) {
        if (int error = ub_ctx_set_fwd(context_.get(), forward_address(server).c_str()))
            problems_.push_back({"dns.server", server.text() + ": " + ub_strerror(error), "give another address"});
    }
    if (!config_.servers.empty()) return;
    if (int error = ub_ctx_resolvconf(context_.get(), nullptr)) {
        std::string why = error == UB_READFILE ? std::strerror(errno) : ub_strerror(error);
        problems_.push_back({"dns.server", "/etc/resolv.conf cannot be read: " + why, "set dns.server"});
    }
}

bool UnboundResolver::add_anchors() {
    for (const auto& anchor : config_.trust_anchors) {
        bool file = anchor.starts_with('/');
        std::error_code ignored;
        if (file && !std::filesystem::is_regular_file(anchor, ignored)) {
            problems_.push_back({"dns.trust-anchor", anchor + " is no file",
                                 "give the path of a file, or a record; if it is there now, restart fedge-control"});
            continue;
        }
        if (int error = file ? ub_ctx_add_ta_file(context_.get(), anchor.c_str())
                             : ub_ctx_add_ta(context_.get(), anchor.c_str()))
            problems_.push_back({"dns.trust-anchor", anchor + ": " + ub_strerror(error), "correct it"});
    }
    if (!config_.trust_anchors.empty()) return problems_.empty();
    for (const char* path : kRootKeys) {
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path, ignored) && ub_ctx_add_ta_file(context_.get(), path) == 0)
            return true;
    }
    problems_.push_back({"dns.trust-anchor", "there is no trust anchor, so nothing in DNS is validated",
                         "install dns-root-data, set dns.trust-anchor, or set dns.dnssec off"});
    return true;
}

int UnboundResolver::descriptor() const {
    return context_ ? ub_fd(context_.get()) : -1;
}

uint64_t UnboundResolver::ask(const std::string& name, RecordType type, Callback done) {
    if (!context_ && problems_.empty()) open();
    uint64_t question = next_++;
    auto asked = std::make_unique<Asked>(Asked{this, question, name, type, std::move(done)});
    Asked& entry = *asked;
    asked_.emplace(question, std::move(asked));
    submit(entry);
    return question;
}

void UnboundResolver::submit(Asked& asked) {
    asked.submitted = false;
    if (!context_) return;
    int error = ub_resolve_async(context_.get(), asked.name.c_str(), static_cast<int>(asked.type), kClassIn, &asked,
                                 on_result, &asked.async_id);
    asked.submitted = error == 0;
    // The library reads its settings with the first question. Nothing is asked then, and who waits times out.
    if (error == 0 || error == UB_SYNTAX || !problems_.empty()) return;
    problems_.push_back({"dns.trust-anchor", std::string("libunbound does not start: ") + ub_strerror(error),
                         "see dns.trust-anchor and dns.server, and the log of fedge-control"});
    log_.error(problems_.back().what);
}

void UnboundResolver::cancel(uint64_t question) {
    auto found = asked_.find(question);
    if (found == asked_.end()) return;
    if (found->second->submitted) ub_cancel(context_.get(), found->second->async_id);
    asked_.erase(found);
}

void UnboundResolver::on_result(void* data, int error, ub_result* result) {
    auto* asked = static_cast<Asked*>(data);
    DnsAnswer answer = answer_of(error, result, asked->name);
    ub_resolve_free(result);
    asked->owner->finish(asked->question, answer);
}

void UnboundResolver::finish(uint64_t question, const DnsAnswer& answer) {
    auto found = asked_.find(question);
    if (found == asked_.end()) return;
    Callback done = std::move(found->second->done);
    asked_.erase(found);
    done(answer, now_);
}

void UnboundResolver::on_readable(Time now) {
    now_ = now;
    if (context_) ub_process(context_.get());
}

}  // namespace fedge::control::discovery
