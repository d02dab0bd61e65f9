#include "control/certificates/certificates.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "control/certificates/check.h"
#include "control/certificates/pem.h"

namespace fedge::control {
namespace {

constexpr int64_t kCrlWarning = 2 * kDay;

[[noreturn]] void refuse(RefusalKind kind, const char* field, const std::string& what, const std::string& fix) {
    throw Refusal(kind, {field, what, fix});
}

// Names become parts of paths and of commands; the rule for names of settings keeps both safe.
void check_name_of(const char* what, const std::string& name) {
    if (canonical(ValueType::name, name, 0, 0, {})) return;
    refuse(RefusalKind::invalid, "name", std::string("that cannot be the name of ") + what,
           "give " + wanted(ValueType::name, 0, 0, {}));
}

std::string quantity(int64_t seconds) {
    return std::to_string(std::max<int64_t>(0, seconds) / kDay) + " days";
}

StoredCertificate described(const CertificateRecord& record) {
    StoredCertificate out;
    out.name = record.name;
    out.pem = record.chain;
    for (const auto& certificate : read_bundle(record.chain)) out.chain.push_back(facts_of(*certificate));
    out.requested = !record.requested_key.empty();
    out.stapled = !record.ocsp.empty();
    if (out.stapled) out.staple = ocsp_validity(record.ocsp);
    out.created = record.created;
    out.who = record.who;
    return out;
}

class ClearedText {
  public:
    explicit ClearedText(std::string text) : text_(std::move(text)) {}
    ~ClearedText() { OPENSSL_cleanse(text_.data(), text_.size()); }
    ClearedText(const ClearedText&) = delete;
    ClearedText& operator=(const ClearedText&) = delete;
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace

int64_t StoredCertificate::ends() const {
    int64_t out = 0;
    for (const auto& facts : chain) out = out == 0 ? facts.not_after : std::min(out, facts.not_after);
    return out;
}

Certificates::Certificates(Store& store, Log& log, std::function<int64_t()> now, std::string system_authorities)
    : store_(store), log_(log), now_(std::move(now)), system_(std::move(system_authorities)) {}

CertificateList Certificates::known_authorities(const std::string& more) {
    std::string pem = system_.pem();
    for (const auto& authority : store_.authorities()) pem += authority.certificate;
    if (auto lab = store_.lab_authority()) pem += lab->certificate;
    CertificateList out = read_bundle(pem);
    if (!more.empty()) {
        for (auto& root : read_chain(more, "roots")) out.push_back(std::move(root));
    }
    return out;
}

void Certificates::check_free(const std::string& name) {
    check_name_of("a certificate", name);
    if (name == kLabAuthority)
        refuse(RefusalKind::conflict, "name", name + " is the authority of labs", "give another name");
}

Imported Certificates::import(const CertificateImport& request, const Config& config, const std::string& who) {
    check_free(request.name);
    CertificateList chain = read_chain(request.chain, "chain");
    auto present = store_.certificate(request.name);
    KeyPtr key;
    if (!request.key.empty()) {
        key = read_key(request.key);
    } else {
        for (const std::string& kept : {present ? present->requested_key : "", present ? present->key : ""}) {
            if (key || kept.empty()) continue;
            KeyPtr candidate = read_key(kept);
            if (X509_check_private_key(chain.front().get(), candidate.get()) == 1) key = std::move(candidate);
        }
        if (!key) {
            refuse(RefusalKind::invalid, "key",
                   present ? "the certificate is for none of the keys that are kept for " + request.name
                           : "there is no key for it",
                   "give the private key with --key FILE");
        }
    }
    std::string own_roots = request.roots.empty() && present ? present->roots : request.roots;
    StorePtr roots = store_of(known_authorities(own_roots), now_());
    bool external = external_tls_listener(config) || !tls_listener(config);
    ImportCheck check = check_import(chain, *key, {roots.get(), now_(), external});
    if (!check.errors.empty()) throw Refusal(RefusalKind::invalid, check.errors);

    Imported out{present && !present->chain.empty(), std::move(check.notes)};
    ClearedText text(write_key(*key));
    store_.put_certificate({request.name, write_chain(chain), text.text(), "", {}, 0, "", own_roots}, actor(who),
                           out.replaced ? "certificate-replace" : "certificate-import",
                           request.name + ", " + facts_of(*chain.front()).sha256);
    log_.info("certificate " + request.name + (out.replaced ? " replaced by " : " imported by ") + who);
    return out;
}

LabAuthorityRecord Certificates::lab_authority(const std::string& who) {
    int64_t now = now_();
    if (auto kept = store_.lab_authority()) {
        CertificateList certificate = read_bundle(kept->certificate);
        if (!certificate.empty() && unix_time(X509_get0_notAfter(certificate.front().get())) > now + 398 * kDay)
            return *kept;
    }
    KeyPtr key = new_key(KeyKind::ecdsa);
    X509Ptr certificate = make_lab_authority(*key, now);
    LabAuthorityRecord made{write_certificate(*certificate), write_key(*key), now};
    store_.put_lab_authority(made, actor(who));
    log_.info("lab authority made by " + who);
    return made;
}

Imported Certificates::generate(const std::string& name, const std::vector<std::string>& hosts, KeyKind kind,
                                const std::string& who) {
    check_free(name);
    auto checked = checked_hosts(hosts);
    LabAuthorityRecord lab = lab_authority(who);
    CertificateList authority = read_bundle(lab.certificate);
    KeyPtr authority_key = read_key(lab.key);
    KeyPtr key = new_key(kind);
    X509Ptr certificate = issue(*authority.at(0), *authority_key, *key, checked, now_());
    auto present = store_.certificate(name);
    Imported out{present && !present->chain.empty(), {}};
    out.notes.push_back({"", "it is for labs: only who trusts the lab authority accepts it",
                         "`fedge cert show lab-ca --pem` prints the authority for the other side"});
    ClearedText text(write_key(*key));
    store_.put_certificate({name, write_certificate(*certificate), text.text(), "", {}, 0, ""}, actor(who),
                           "certificate-generate", name + ", " + facts_of(*certificate).sha256);
    log_.info("certificate " + name + " generated by " + who);
    return out;
}

std::string Certificates::request(const std::string& name, const std::vector<std::string>& hosts, KeyKind kind,
                                  const std::string& who) {
    check_free(name);
    KeyPtr key = new_key(kind);
    RequestPtr made = make_request(*key, checked_hosts(hosts));
    CertificateRecord record = store_.certificate(name).value_or(CertificateRecord{.name = name});
    record.requested_key = write_key(*key);
    store_.put_certificate(record, actor(who), "certificate-request", name);
    OPENSSL_cleanse(record.requested_key.data(), record.requested_key.size());
    log_.info("certificate " + name + " requested by " + who);
    return write_request(*made);
}

void Certificates::remove(const std::string& name, const Config& config, const std::string& who) {
    auto certificates = store_.certificates();
    auto usable = [&](const CertificateRecord& c) { return c.name != name && !c.chain.empty(); };
    bool others = std::any_of(certificates.begin(), certificates.end(), usable);
    auto found = std::find_if(certificates.begin(), certificates.end(), [&](const auto& c) { return c.name == name; });
    if (found == certificates.end()) {
        refuse(RefusalKind::not_found, "name", "there is no certificate " + name,
               "`fedge cert list` shows the certificates");
    }
    if (const ListenerConfig* listener = tls_listener(config); listener && !others && !found->chain.empty()) {
        refuse(RefusalKind::conflict, "name",
               name + " is the last certificate, and " + listener->endpoint.text() + " is served over TLS",
               std::string("import another one first, or unset ") + setting_of(listener->service) + " and commit");
    }
    store_.remove_certificate(name, actor(who));
    log_.info("certificate " + name + " removed by " + who);
}

Validity Certificates::staple(const std::string& name, const std::string& der, const std::string& who) {
    auto record = store_.certificate(name);
    if (!record || record->chain.empty()) {
        refuse(RefusalKind::not_found, "name", "there is no certificate " + name,
               "`fedge cert list` shows the certificates");
    }
    StorePtr roots = store_of(known_authorities(record->roots), now_());
    CertificateList chain = verified_chain(read_chain(record->chain, "chain"), roots.get());
    if (chain.empty()) {
        refuse(RefusalKind::conflict, "name", "certificate " + name + " does not lead to a root any more",
               "import a new one with `fedge cert import " + name + "`");
    }
    Validity validity = check_ocsp(der, chain, now_());
    record->ocsp.assign(der.begin(), der.end());
    store_.put_certificate(*record, actor(who), "ocsp-import", name);
    return validity;
}

void Certificates::trust(const std::string& name, const std::string& pem, const std::string& who) {
    check_name_of("an authority", name);
    CertificateList list = read_chain(pem, "certificate");
    if (list.size() != 1) {
        refuse(RefusalKind::invalid, "certificate", "there are several certificates in it",
               "add each root by itself, under a name of its own");
    }
    auto errors = check_authority(*list.front(), now_());
    if (!errors.empty()) throw Refusal(RefusalKind::invalid, errors);
    store_.put_authority({name, write_certificate(*list.front()), 0, ""}, actor(who));
    log_.info("authority " + name + " trusted by " + who);
}

void Certificates::distrust(const std::string& name, const std::string& who) {
    if (!store_.remove_authority(name, actor(who))) {
        refuse(RefusalKind::not_found, "name", "there is no authority " + name,
               "`fedge cert trust list` shows those that were added; with tls.trust own, those of the system are not "
               "used");
    }
    log_.info("authority " + name + " no longer trusted, by " + who);
}

std::pair<std::string, bool> Certificates::import_crl(const std::string& pem_or_der, const std::string& who) {
    CrlPtr crl = read_crl(pem_or_der);
    std::string issuer = crl_issuer(*crl);
    CrlPtr previous;
    for (const auto& record : store_.crls()) {
        if (record.issuer == issuer) previous = read_crl(record.list);
    }
    bool verified = check_crl(*crl, previous.get(), known_authorities(), now_());
    store_.put_crl({issuer, write_crl(*crl), 0, ""}, actor(who));
    log_.info("revocation list of " + issuer + " imported by " + who);
    return {issuer, verified};
}

void Certificates::remove_crl(const std::string& issuer, const std::string& who) {
    if (!store_.remove_crl(issuer, actor(who))) {
        refuse(RefusalKind::not_found, "issuer", "there is no revocation list of " + issuer,
               "`fedge cert crl list` shows the lists");
    }
    log_.info("revocation list of " + issuer + " removed by " + who);
}

std::vector<StoredCertificate> Certificates::all() {
    std::vector<StoredCertificate> out;
    for (const auto& record : store_.certificates()) out.push_back(described(record));
    return out;
}

StoredCertificate Certificates::at(const std::string& name) {
    if (name == kLabAuthority) {
        if (auto lab = store_.lab_authority())
            return described({.name = name, .chain = lab->certificate, .key = {}, .created = lab->created});
        refuse(RefusalKind::not_found, "name", "there is no lab authority yet", "`fedge cert generate` makes it");
    }
    if (auto record = store_.certificate(name)) return described(*record);
    refuse(RefusalKind::not_found, "name", "there is no certificate " + name,
           "`fedge cert list` shows the certificates");
}

std::vector<StoredAuthority> Certificates::authorities() {
    std::vector<StoredAuthority> out;
    for (const auto& record : store_.authorities()) {
        CertificateList list = read_bundle(record.certificate);
        out.push_back({record.name, list.empty() ? CertificateFacts{} : facts_of(*list.front()), record.certificate,
                       record.created, record.who});
    }
    return out;
}

std::vector<StoredCrl> Certificates::crls() {
    std::vector<StoredCrl> out;
    for (const auto& record : store_.crls()) {
        CrlPtr crl = read_crl(record.list);
        out.push_back({record.issuer, crl_validity(*crl), crl_entries(*crl), record.created, record.who});
    }
    return out;
}

size_t Certificates::system_authorities() {
    return read_bundle(system_.pem()).size();
}

void Certificates::check(const Config& config, std::vector<Problem>& errors) {
    const ListenerConfig* listener = tls_listener(config);
    if (!listener) return;
    bool any = false;
    const ListenerConfig* outside = external_tls_listener(config);
    for (const auto& record : store_.certificates()) {
        if (record.chain.empty()) continue;
        any = true;
        CertificateList chain = read_bundle(record.chain);
        if (!outside || chain.empty() || !has_wildcard(*chain.front())) continue;
        errors.push_back({setting_of(outside->service),
                          outside->endpoint.text() + " faces the internet, and certificate " + record.name +
                              " has a wildcard name, which SIP partners never accept (RFC 5922)",
                          "replace it by one with each name of the edge, or remove it"});
    }
    if (any) return;
    errors.push_back({setting_of(listener->service),
                      listener->endpoint.text() + " is served over TLS, and there is no certificate",
                      "`fedge cert import NAME --cert FILE --key FILE`, or `fedge cert generate NAME HOST` in a lab"});
}

std::vector<Problem> Certificates::warnings(const Config& config) {
    std::vector<Problem> out;
    int64_t now = now_();
    for (const auto& certificate : all()) {
        int64_t ends = certificate.ends();
        if (ends != 0 && ends <= now) {
            out.push_back({"",
                           "certificate " + certificate.name + " ended at " + time_text(ends) + ": partners refuse it",
                           "import a new one with `fedge cert import " + certificate.name + "`"});
        } else if (ends != 0 && ends - now < kExpiryWarning) {
            out.push_back({"", "certificate " + certificate.name + " ends in " + quantity(ends - now),
                           "import a new one with `fedge cert import " + certificate.name + "`"});
        }
        if (certificate.stapled && certificate.staple.to != 0 && certificate.staple.to <= now) {
            out.push_back({"", "the OCSP response of certificate " + certificate.name + " has ended and is not stapled",
                           "`fedge cert ocsp import " + certificate.name + " --file FILE`"});
        }
    }
    for (const auto& crl : crls()) {
        if (crl.validity.to == 0 || crl.validity.to - now >= kCrlWarning) continue;
        bool over = crl.validity.to <= now;
        out.push_back({"",
                       "the revocation list of " + crl.issuer +
                           (over ? " has ended: its partners are refused" : " ends at " + time_text(crl.validity.to)),
                       "get the present list and import it with `fedge cert crl import`"});
    }
    for (const auto& provider : config.federation.providers) {
        if (!provider.enabled || !provider.wants_client_auth) continue;
        auto fits = [](const StoredCertificate& c) {
            if (c.chain.empty()) return false;
            const auto& purposes = c.chain.front().purposes;
            return purposes.empty() || std::find(purposes.begin(), purposes.end(), "clientAuth") != purposes.end();
        };
        auto certificates = all();
        if (std::any_of(certificates.begin(), certificates.end(), fits)) continue;
        out.push_back(
            {"provider." + provider.name + ".enabled",
             "provider " + provider.name + " takes only certificates with clientAuth, and there is none",
             "import one of an authority that still issues them, or `fedge provider disable " + provider.name + "`"});
    }
    if (tls_listener(config) && config.tls.system_trust && system_.pem().empty()) {
        out.push_back({"tls.trust", "the authorities of the system cannot be read: " + system_.path(),
                       "install ca-certificates, or set tls.trust own"});
    }
    return out;
}

std::vector<CertificateRecord> Certificates::to_publish() {
    auto out = store_.certificates();
    for (auto& record : out) {
        if (record.ocsp.empty()) continue;
        Validity validity = ocsp_validity(record.ocsp);
        if (validity.to != 0 && validity.to <= now_()) record.ocsp.clear();
    }
    return out;
}

}  // namespace fedge::control
