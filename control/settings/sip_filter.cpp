#include "control/settings/sip_filter.h"

#include "control/settings/config.h"
#include "control/settings/reader.h"

namespace fedge::control {
namespace {

constexpr int64_t kMaxMessage = 65535;
constexpr int64_t kMaxSignature = 128;

Definition flag(const char* key, const char* help, const char* example) {
    return {key, ValueType::boolean, false, "on", help, std::string(key) + " " + example};
}

Definition message(const char* key, const char* help, const char* example) {
    return {key, ValueType::text, false, "", help, std::string(key) + " " + example, 1, kMaxMessage};
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

}  // namespace

sip::FilterSettings SipFilterConfig::in_force() const {
    sip::FilterSettings out = settings;
    if (!scan) out.scanners.clear();
    return out;
}

std::vector<Definition> sip_filter_definitions() {
    using enum ValueType;
    return {
        flag("sip.filter.links", "Look for links in instant messages and invitations.", "off"),
        {"sip.filter.link-action",
         choice,
         false,
         "block",
         "What becomes of a message with a link: refused (block); passed on with sip.filter.warn-message in front, or "
         "as it is without one (warn); passed on with an underscore in front of each link, so that it is none any "
         "more, and sip.filter.allow-message in front (allow).",
         "sip.filter.link-action warn",
         0,
         0,
         {"allow", "warn", "block"}},
        flag("sip.filter.ignore-local",
             "Let links to the intranet pass: to names without a dot and to sip.filter.local-domain.", "off"),
        {"sip.filter.local-domain", domain, true, "", "Domains of the intranet; with all below them.",
         "sip.filter.local-domain corp.example.org"},
        {"sip.filter.link-prefix", link_prefix, true, "",
         "How links begin. Replaces the default: " + joined(sip::default_link_prefixes()),
         "sip.filter.link-prefix http: https: www*. ftp."},
        flag(
            "sip.filter.file-links",
            "Refuse messages with a link to a file of sip.filter.file-extension, whatever sip.filter.link-action says.",
            "off"),
        message("sip.filter.allow-message", "Text in front of messages whose links were changed.", "[links-changed]"),
        message("sip.filter.warn-message", "Text in front of messages with links.", "Careful!"),
        flag("sip.filter.files", "Look for offers of files.", "off"),
        {"sip.filter.file-action",
         choice,
         false,
         "block-listed",
         "Which offers of files are refused: those of sip.filter.file-extension, or all.",
         "sip.filter.file-action block-all",
         0,
         0,
         {"block-listed", "block-all"}},
        {"sip.filter.file-extension", extension, true, "",
         "Extensions of files that are refused. Replaces the default: " + joined(sip::default_file_extensions()),
         "sip.filter.file-extension exe bat scr"},
        flag("sip.filter.scan", "Close connections of strangers who call themselves as scanners do, without a word.",
             "off"),
        {"sip.filter.scanner", text, true, "",
         "Words in User-Agent, Server, From or Subject by which scanners are known; =WORD must be all of it. Replaces "
         "the default: " +
             joined(sip::default_scanner_signatures()),
         "sip.filter.scanner friendly-scanner sipvicious =voip", 1, kMaxSignature},
    };
}

SipFilterConfig read_sip_filter(const Reader& reader) {
    SipFilterConfig out;
    sip::FilterSettings& settings = out.settings;
    settings.links = reader.flag("sip.filter.links");
    std::string action = reader.text("sip.filter.link-action");
    settings.link_action = action == "allow"  ? sip::LinkAction::allow
                           : action == "warn" ? sip::LinkAction::warn
                                              : sip::LinkAction::block;
    settings.ignore_local = reader.flag("sip.filter.ignore-local");
    settings.local_domains = reader.list("sip.filter.local-domain");
    if (reader.set("sip.filter.link-prefix")) settings.prefixes = reader.list("sip.filter.link-prefix");
    settings.block_file_extension = reader.flag("sip.filter.file-links");
    settings.allow_message = reader.text("sip.filter.allow-message");
    settings.warn_message = reader.text("sip.filter.warn-message");
    settings.files = reader.flag("sip.filter.files");
    settings.file_action = reader.text("sip.filter.file-action") == "block-all" ? sip::FileAction::block_all
                                                                                : sip::FileAction::block_listed;
    if (reader.set("sip.filter.file-extension")) settings.extensions = reader.list("sip.filter.file-extension");
    out.scan = reader.flag("sip.filter.scan");
    if (reader.set("sip.filter.scanner")) settings.scanners = reader.list("sip.filter.scanner");
    return out;
}

void check_sip_filter(const Config& config, std::vector<Problem>& errors) {
    for (const std::string& signature : config.sip.filters.settings.scanners)
        if (signature == "=")
            errors.push_back({"sip.filter.scanner", "\"=\" is no signature", "write =WORD for what must be all of it"});
}

void collect_sip_filter_warnings(const Config& config, std::vector<Problem>& warnings) {
    const sip::FilterSettings& settings = config.sip.filters.settings;
    if (settings.links && settings.link_action == sip::LinkAction::warn && settings.warn_message.empty()) {
        warnings.push_back({"sip.filter.warn-message", "there is no warning, so links are passed on as they are",
                            "set sip.filter.warn-message, or sip.filter.link-action block"});
    }
}

}  // namespace fedge::control
