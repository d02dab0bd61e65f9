// The filters of SIP messages: what they are set to, and what a text would meet.
#include <memory>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "dataplane/policy/diagnostics.h"
#include "dataplane/sip/filters.h"
#include "dataplane/sip/message.h"

namespace fedge::control::api {
namespace {

using sip::Finding;

SipFilterConfig wanted(Control& control, bool candidate) {
    return candidate ? compile(control.candidate()).config.sip.filters : control.config().sip.filters;
}

const char* name_of(sip::LinkAction action) {
    switch (action) {
        case sip::LinkAction::allow: return "allow";
        case sip::LinkAction::warn: return "warn";
        case sip::LinkAction::block: break;
    }
    return "block";
}

// Compiled anew only for other settings: that takes a while.
std::shared_ptr<const sip::FilterDatabase> database(const sip::FilterSettings& settings) {
    static std::shared_ptr<const sip::FilterDatabase> latest;
    if (latest && latest->settings() == settings) return latest;
    try {
        latest = std::make_shared<const sip::FilterDatabase>(settings);
    } catch (const std::invalid_argument& error) {
        throw Refusal(RefusalKind::invalid, {"sip.filter", error.what(), "`fedge sip filter show` shows the lists"});
    }
    return latest;
}

struct Met {
    Finding finding = Finding::clean;
    std::string passes;     // what goes on in its place, if that is another text
    std::string signature;  // of a scanner
};

Met as_message(const sip::FilterDatabase& filters, sip::FilterScratch& scratch, const std::string& text,
               const std::string& type) {
    sip::TextFinding found = sip::Filters{scratch}.instant_message(type, "", text);
    Met met{found.what, {}, {}};
    if (met.finding == Finding::defuse || met.finding == Finding::warn) {
        std::string out(text.size() + found.links + 5 * filters.message().size() + 8, '\0');
        out.resize(sip::write_filtered(filters, found, text, {reinterpret_cast<uint8_t*>(out.data()), out.size()}));
        met.passes = std::move(out);
    }
    return met;
}

Met as_user_agent(const sip::FilterDatabase& filters, sip::FilterScratch& scratch, const std::string& text) {
    std::string request =
        "OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: <sip:a.example>;tag=1\r\n"
        "To: <sip:a.example>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nUser-Agent: " +
        text + "\r\n\r\n";
    auto message = std::make_unique<sip::Message>();
    if (message->parse(request) != sip::MessageFault::none)
        throw Refusal(RefusalKind::invalid,
                      {"text", "this cannot stand in a User-Agent", "leave control characters out"});
    Met met;
    int signature = sip::Filters{scratch}.scanner(*message);
    if (signature >= 0) met.signature = filters.scanner(static_cast<size_t>(signature));
    return met;
}

std::string words(const Met& met) {
    if (!met.signature.empty()) return "known of scanners: the connection is closed without a word";
    switch (met.finding) {
        case Finding::clean: return "passed on as it is";
        case Finding::defuse: return "passed on with an underscore in front of each link";
        case Finding::warn: return "passed on with the warning in front";
        case Finding::block_link: return "refused because of a link";
        case Finding::block_file: return "refused because of a file, or a link to one";
    }
    return "";
}

const char* name_of(const Met& met) {
    if (!met.signature.empty()) return "scanner";
    switch (met.finding) {
        case Finding::clean: return "clean";
        case Finding::defuse: return "defused";
        case Finding::warn: return "warned";
        case Finding::block_link: return "link";
        case Finding::block_file: break;
    }
    return "file";
}

}  // namespace

void get_sip_filter(Control& control, const Request& request, Reply reply) {
    auto found = request.query.find("candidate");
    SipFilterConfig config = wanted(control, found != request.query.end() && found->second == "true");
    const sip::FilterSettings& s = config.settings;
    send(reply, {{"links", s.links},
                 {"link_action", name_of(s.link_action)},
                 {"ignore_local", s.ignore_local},
                 {"file_links", s.block_file_extension},
                 {"allow_message", s.allow_message},
                 {"warn_message", s.warn_message},
                 {"files", s.files},
                 {"file_action", s.file_action == sip::FileAction::block_all ? "block-all" : "block-listed"},
                 {"scan", config.scan},
                 {"lists",
                  {{"link-prefix", s.prefixes},
                   {"local-domain", s.local_domains},
                   {"file-extension", s.extensions},
                   {"scanner", s.scanners}}}});
}

void post_sip_filter_test(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"text", "as", "type", "candidate"});
    std::string text = required_text(body, "text"), as = optional_text(body, "as"), type = optional_text(body, "type");
    bool candidate = body.contains("candidate") && required_flag(body, "candidate");
    auto filters = database(wanted(control, candidate).in_force());
    sip::FilterScratch scratch(filters);
    Met met;
    if (as.empty() || as == "message") {
        met = as_message(*filters, scratch, text, type.empty() ? "text/plain" : type);
    } else if (as == "file") {
        met.finding = sip::Filters{scratch}.file_offer("a=file-selector:name:\"" + text + "\"\r\n");
    } else if (as == "user-agent") {
        met = as_user_agent(*filters, scratch, text);
    } else {
        throw Refusal(RefusalKind::invalid,
                      {"as", "there is no test as \"" + as.substr(0, 64) + "\"", "give message, file or user-agent"});
    }
    Json out{{"finding", name_of(met)}, {"words", words(met)}};
    bool refused = met.finding >= Finding::block_link;
    out["passes"] = !refused && met.signature.empty();
    if (!met.passes.empty()) out["text"] = met.passes;
    if (!met.signature.empty()) out["signature"] = met.signature;
    if (refused) {
        uint16_t code = met.finding == Finding::block_file ? policy::kFileBlocked : policy::kLinkBlocked;
        const policy::Diagnostic& told = *policy::diagnostic(code);
        out["wire"] = {{"status", told.status}, {"code", told.code}, {"text", told.text}};
    }
    send(reply, out);
}

}  // namespace fedge::control::api
