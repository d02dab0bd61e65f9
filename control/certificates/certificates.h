// The certificates of the edge and what partners' certificates are checked against: imported, made, requested, removed.
//
// What changes something is stored and audited, and throws Refusal without having changed anything; publishing is the
// caller's. Private keys go from the request into the store and from the store into the snapshot.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/certificates/facts.h"
#include "control/certificates/make.h"
#include "control/certificates/revocation.h"
#include "control/certificates/trust.h"
#include "control/log.h"
#include "control/problem.h"
#include "control/settings/config.h"
#include "control/store/store.h"

namespace fedge::control {

// The name of the authority of labs; no certificate can have it.
inline constexpr const char* kLabAuthority = "lab-ca";

struct CertificateImport {
    std::string name;
    std::string chain;  // PEM
    std::string key;    // PEM; empty: the key of the open request, or that of the certificate which is replaced
    std::string
        roots;  // PEM: authorities besides those that are known, for this chain; empty: those of the name before
};

struct Imported {
    bool replaced = false;
    std::vector<Problem> notes;  // what some partners may dislike
};

struct StoredCertificate {
    std::string name;
    std::vector<CertificateFacts> chain;  // empty: only requested
    std::string pem;
    bool requested = false;  // a request is open
    bool stapled = false;
    Validity staple;
    int64_t created = 0;
    std::string who;

    int64_t ends() const;  // the earliest end in the chain; 0 without chain
};

struct StoredAuthority {
    std::string name;
    CertificateFacts facts;
    std::string pem;
    int64_t created = 0;
    std::string who;
};

struct StoredCrl {
    std::string issuer;
    Validity validity;
    size_t entries = 0;
    int64_t created = 0;
    std::string who;
};

class Certificates {
  public:
    // References outlive this object. `now` gives Unix seconds.
    Certificates(Store& store, Log& log, std::function<int64_t()> now, std::string system_authorities);

    // `config` is the one in force.
    Imported import(const CertificateImport& request, const Config& config, const std::string& who);
    Imported generate(const std::string& name, const std::vector<std::string>& hosts, KeyKind kind,
                      const std::string& who);
    // A request (PEM) for a new key, which is kept until the certificate for it is imported.
    std::string request(const std::string& name, const std::vector<std::string>& hosts, KeyKind kind,
                        const std::string& who);
    void remove(const std::string& name, const Config& config, const std::string& who);
    Validity staple(const std::string& name, const std::string& der, const std::string& who);

    void trust(const std::string& name, const std::string& pem, const std::string& who);
    void distrust(const std::string& name, const std::string& who);
    // The issuer, and whether the signature could be checked.
    std::pair<std::string, bool> import_crl(const std::string& pem_or_der, const std::string& who);
    void remove_crl(const std::string& issuer, const std::string& who);

    std::vector<StoredCertificate> all();
    StoredCertificate at(const std::string& name);  // also the lab authority; Refusal (not_found)
    std::vector<StoredAuthority> authorities();
    std::vector<StoredCrl> crls();
    size_t system_authorities();

    // What is wrong between settings and certificates; any: they must not come into force.
    void check(const Config& config, std::vector<Problem>& errors);
    std::vector<Problem> warnings(const Config& config);
    // What goes into the snapshot: responses that have ended are left out.
    std::vector<CertificateRecord> to_publish();
    std::string trusted(const TlsConfig& tls) { return trusted_authorities(tls, store_, system_); }
    std::string revocation_lists() { return control::revocation_lists(store_); }

  private:
    Actor actor(const std::string& who) { return {who, now_()}; }
    // Everything that a chain may end with, whatever tls.trust says: ours are shown to partners, not to us.
    CertificateList known_authorities(const std::string& more = {});
    void check_free(const std::string& name);
    LabAuthorityRecord lab_authority(const std::string& who);

    Store& store_;
    Log& log_;
    std::function<int64_t()> now_;
    SystemAuthorities system_;
};

}  // namespace fedge::control
