#include "dataplane/tls/names.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "dataplane/tls/library.h"

namespace fedge::tls {
namespace {

constexpr size_t kMaxHost = 253;
constexpr size_t kMaxUri = 1024;

using NamesPointer = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

std::string_view view(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<size_t>(ASN1_STRING_length(string))};
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
    return out;
}

// Letters, digits, hyphens and underscores in labels of 1 to 63.
bool is_host(std::string_view host) {
    if (host.empty() || host.size() > kMaxHost) return false;
    size_t label = 0;
    for (char c : host) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good || ++label > 63) return false;
    }
    return label > 0;
}

// In lower case and without a final dot; empty: no host name.
std::string host_of(std::string_view text, bool wildcard) {
    std::string host = lower(text);
    if (host.ends_with('.')) host.pop_back();
    std::string_view rest = host;
    if (wildcard && rest.starts_with("*.")) {
        rest.remove_prefix(2);
        if (rest.find('.') == std::string_view::npos) return {};  // "*.com" proves nothing
    }
    return is_host(rest) ? host : std::string();
}

// What no name may have, of whichever kind: a reader that stops at it sees another name.
bool poisoned(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}
bool beyond_ascii(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 126 || c < 33; });
}

// The domain of "sip:DOMAIN"; nothing for other URIs and those with userinfo, port or parameters (RFC 5922 section
// 7.1).
std::optional<std::string> sip_domain(std::string_view uri) {
    if (uri.size() > kMaxUri || lower(uri.substr(0, 4)) != "sip:") return {};
    std::string host = host_of(uri.substr(4), false);
    if (host.empty()) return {};
    return host;
}

class Reader {
  public:
    Reader(PeerNames& names, std::string& why) : names_(names), why_(why) {}

    bool read(const GENERAL_NAME* name) {
        switch (name->type) {
            case GEN_DNS: return dns(view(name->d.dNSName));
            case GEN_URI: return uri(view(name->d.uniformResourceIdentifier));
            case GEN_OTHERNAME: return other(name->d.otherName);
            default: return true;
        }
    }

  private:
    bool refuse(const char* why) {
        why_ = why;
        return false;
    }
    bool safe(std::string_view text) {
        if (poisoned(text)) return refuse("one of its names has a NUL byte");
        if (beyond_ascii(text))
            return refuse("one of its names is not plain ASCII: international names must be written as xn--");
        return true;
    }
    bool dns(std::string_view text) {
        if (!safe(text)) return false;
        add(NameKind::dns, host_of(text, true));
        return true;
    }
    bool uri(std::string_view text) {
        if (!safe(text)) return false;
        if (auto domain = sip_domain(text)) add(NameKind::uri_sip, *domain);
        return true;
    }
    bool other(const OTHERNAME* name) {
        int type = OBJ_obj2nid(name->type_id);
        if (!name->value) return refuse("one of its names is malformed");
        if (type == NID_SRVName) {
            if (name->value->type != V_ASN1_IA5STRING) return refuse("one of its SRV names is not an IA5String");
            std::string_view text = view(name->value->value.ia5string);
            if (!safe(text)) return false;
            if (text.starts_with('_')) add(NameKind::srv_id, host_of(text, false));
        } else if (type == NID_XmppAddr) {
            if (name->value->type != V_ASN1_UTF8STRING) return refuse("one of its XMPP addresses is not a UTF8String");
            std::string_view text = view(name->value->value.utf8string);
            if (poisoned(text)) return refuse("one of its names has a NUL byte");
            add(NameKind::xmpp_addr, host_of(text, false));  // an address of a user or a U-label proves no domain
        }
        return true;
    }
    void add(NameKind kind, std::string value) {
        if (!value.empty()) names_.push_back({kind, std::move(value)});
    }

    PeerNames& names_;
    std::string& why_;
};

bool read_all(const GENERAL_NAMES* all, PeerNames& names, std::string& why) {
    int count = sk_GENERAL_NAME_num(all);
    if (count > static_cast<int>(kMaxNames)) {
        why = "it has " + std::to_string(count) + " names, more than " + std::to_string(kMaxNames);
        return false;
    }
    Reader reader(names, why);
    for (int i = 0; i < count; i++)
        if (!reader.read(sk_GENERAL_NAME_value(all, i))) {
            names.clear();
            return false;
        }
    return true;
}

bool read_common_name(const X509* certificate, PeerNames& names, std::string& why) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return true;
    std::string_view text = view(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (poisoned(text)) {
        why = "its common name has a NUL byte";
        return false;
    }
    std::string host = host_of(text, false);
    if (host.find('.') != std::string::npos) names.push_back({NameKind::common_name, host});
    return true;
}

// One name. `has_sip`: there are sip URIs, beside which DNS names do not count (RFC 5922 section 7.1).
bool proves(const PeerName& one, std::string_view host, Matching matching, bool has_sip) {
    constexpr std::string_view kXmpp = "_xmpp-server.";
    switch (one.kind) {
        case NameKind::uri_sip:
        case NameKind::common_name:
            return (matching == Matching::sip || matching == Matching::sip_host) && one.value == host;
        case NameKind::dns:
            if (matching == Matching::sip) return !has_sip && one.value == host;
            if (matching == Matching::sip_host) return one.value == host;
            return host_fits(one.value, host);
        case NameKind::srv_id:
            return matching == Matching::xmpp && one.value.starts_with(kXmpp) &&
                   std::string_view(one.value).substr(kXmpp.size()) == host;
        case NameKind::xmpp_addr: return matching == Matching::xmpp && one.value == host;
    }
    return false;
}

bool any_of_kind(const PeerNames& names, NameKind kind) {
    return std::any_of(names.begin(), names.end(), [&](const PeerName& n) { return n.kind == kind; });
}

}  // namespace

std::string_view name(NameKind kind) {
    switch (kind) {
        case NameKind::uri_sip: return "sip";
        case NameKind::dns: return "dns";
        case NameKind::srv_id: return "srv";
        case NameKind::xmpp_addr: return "xmpp";
        case NameKind::common_name: return "cn";
    }
    return "";
}

std::string PeerName::text() const {
    return std::string(name(kind)) + ":" + value;
}

bool read_alternative_names(Bytes der, PeerNames& names, std::string& why) {
    names.clear();
    const uint8_t* at = der.data();
    NamesPointer all(d2i_GENERAL_NAMES(nullptr, &at, static_cast<long>(der.size())));
    if (!all || at != der.data() + der.size()) {
        ERR_clear_error();
        why = "its list of names is malformed";
        return false;
    }
    return read_all(all.get(), names, why);
}

bool read_names(const X509* certificate, PeerNames& names, std::string& why) {
    names.clear();
    int critical = 0;
    NamesPointer all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
    if (all) return read_all(all.get(), names, why);
    ERR_clear_error();
    if (critical == -1) return read_common_name(certificate, names, why);  // there is none
    why = critical == -2 ? "it has two lists of names" : "its list of names is malformed";
    return false;
}

bool host_fits(std::string_view pattern, std::string_view host) {
    if (!pattern.starts_with("*.")) return pattern == host;
    size_t dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

bool proves(const PeerNames& names, std::string_view domain, Matching matching) {
    std::array<char, kMaxHost + 1> buffer;
    if (domain.size() > buffer.size()) return false;
    std::transform(domain.begin(), domain.end(), buffer.begin(), [](char c) { return lower(c); });
    std::string_view host(buffer.data(), domain.size());
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!is_host(host)) return false;  // "*.example.com" is no domain that could be proved
    bool has_sip = matching == Matching::sip && any_of_kind(names, NameKind::uri_sip);
    return std::any_of(names.begin(), names.end(),
                       [&](const PeerName& one) { return proves(one, host, matching, has_sip); });
}

}  // namespace fedge::tls
