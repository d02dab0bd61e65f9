// What control remembers, in one SQLite file (mode 0600) under the state directory.
//
// Settings and entries live in immutable revisions: a commit and a rollback both append one, nothing is ever changed or
// removed. The candidate is the one set of edits that is not committed yet. Credentials, certificates, nonce and ticket
// keys and the drain flag live outside of revisions, so that a rollback never brings a removed credential back; every
// change of them is audited in the same transaction. Every public function is one transaction: after a crash at any
// moment it has happened or it has not.
//
// Throws SqlError, and StoreError with a sentence for the operator.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/settings/settings.h"
#include "control/store/discovered.h"
#include "control/store/entries.h"
#include "control/store/sqlite.h"
#include "dataplane/contract/channel.h"

namespace fedge::control {

class StoreError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Revision {
    int64_t id = 0;
    int64_t parent = 0;   // 0: none
    int64_t created = 0;  // Unix seconds, as everywhere in the store
    std::string who;
    std::string comment;
};

struct UserRecord {
    std::string name;
    std::string realm;  // that the keys were derived with
    std::vector<uint8_t> md5, sha256, userhash;
    int64_t created = 0;
    std::string who;  // added it
};

struct SecretRecord {
    int64_t id = 0;
    std::string secret;  // the text of which the bytes are the HMAC key
    int64_t created = 0;
    std::optional<int64_t> remove_at;
};

// A key of nonces or of session tickets.
struct KeyRecord {
    std::vector<uint8_t> key;
    int64_t created = 0;
};

// All texts are PEM. Keys are PKCS #8, not encrypted: they leave the store for the snapshot only.
struct CertificateRecord {
    std::string name;
    std::string chain;          // leaf first; empty: only a request is open
    std::string key;            // of the chain
    std::string requested_key;  // of the open request; empty: none
    std::vector<uint8_t> ocsp;  // DER, to staple; empty: none
    int64_t created = 0;
    std::string who;    // put it there
    std::string roots;  // authorities that were given for the check of this chain
};

struct AuthorityRecord {
    std::string name;
    std::string certificate;
    int64_t created = 0;
    std::string who;
};

struct CrlRecord {
    std::string issuer;  // distinguished name
    std::string list;
    int64_t created = 0;
    std::string who;
};

struct LabAuthorityRecord {
    std::string certificate;
    std::string key;
    int64_t created = 0;
};

struct AuditRecord {
    int64_t id = 0;
    int64_t at = 0;
    std::string who;
    std::string action;  // "user-add", ...
    std::string detail;  // never a secret
};

// Who did what, for the audit; `at` is now.
struct Actor {
    std::string who;
    int64_t at = 0;
};

class Store {
  public:
    // Opens the store in `directory`, creating both if need be, and brings the schema up to date. Only one process may
    // have it open.
    explicit Store(const std::string& directory);

    // Does `work` with a store of its own, on a thread of its own: for what takes seconds. Whoever reads here meanwhile
    // finds what was before, and nothing can be written here until finished() has given the result, once, or thrown
    // what `work` has thrown.
    void begin(std::function<int64_t(Store&)> work);
    bool busy() const { return work_.valid(); }
    std::optional<int64_t> finished();

    // Revision 0 is the empty one before the first commit.
    int64_t current();
    std::optional<Settings> settings(int64_t revision);
    std::vector<Revision> revisions(int64_t limit);  // newest first
    std::optional<Revision> revision(int64_t id);
    // Appends a revision with exactly `settings` and with the entries of the candidate, which is empty then. Returns
    // its id. `remarks` go into the audit.
    int64_t append(const Settings& settings, const std::string& comment, const Actor& actor,
                   const std::vector<std::string>& remarks = {});
    // The same with settings and entries of revision `to`. The candidate stays.
    int64_t append_rollback(int64_t to, const std::string& comment, const Actor& actor,
                            const std::vector<std::string>& remarks = {});

    Edits candidate();
    void edit(const Edits& edits);  // on top of the edits that are there
    void discard();                 // edits of entries too

    Entries& entries() { return entries_; }
    DiscoveredTable& discovered() { return discovered_; }
    // Does `work`, which may write entries(), as one transaction.
    void edit_entries(const std::function<void(Entries&)>& work);

    std::vector<UserRecord> users();  // sorted by name
    bool has_user(const std::string& name);
    size_t user_count();
    // Adds the user, or replaces the one of this name; `created` and `who` are the actor's.
    void put_user(const UserRecord& user, const Actor& actor);
    bool remove_user(const std::string& name, const Actor& actor);

    std::vector<SecretRecord> secrets();  // by id
    int64_t add_secret(const std::string& secret, const Actor& actor);
    // Adds `secret` and gives every other one that stays for good the end `remove_others_at`.
    int64_t rotate_secrets(const std::string& secret, int64_t remove_others_at, const Actor& actor);
    bool remove_secret(int64_t id, const Actor& actor);
    // Removes the secrets whose time is over; how many.
    size_t expire_secrets(int64_t now);

    std::vector<KeyRecord> nonce_keys();  // newest first
    // Adds the newest and keeps `keep` in all.
    void add_nonce_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep);
    std::vector<KeyRecord> token_keys();  // of SIP
    void add_token_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep);
    std::vector<KeyRecord> ticket_keys();
    void add_ticket_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep);
    void remove_ticket_keys();

    // certificates.cpp. `action` and `detail` go into the audit; `created` and `who` of what is put are the actor's.
    std::vector<CertificateRecord> certificates();  // sorted by name, as all of these
    std::optional<CertificateRecord> certificate(const std::string& name);
    void put_certificate(const CertificateRecord& record, const Actor& actor, const std::string& action,
                         const std::string& detail);
    bool remove_certificate(const std::string& name, const Actor& actor);
    std::vector<AuthorityRecord> authorities();
    void put_authority(const AuthorityRecord& record, const Actor& actor);
    bool remove_authority(const std::string& name, const Actor& actor);
    std::vector<CrlRecord> crls();
    void put_crl(const CrlRecord& record, const Actor& actor);
    bool remove_crl(const std::string& issuer, const Actor& actor);
    std::optional<LabAuthorityRecord> lab_authority();
    void put_lab_authority(const LabAuthorityRecord& record, const Actor& actor);

    bool drain();
    void set_drain(bool on, const Actor& actor);

    std::vector<AuditRecord> audit(int64_t limit);  // newest first
    void note(const Actor& actor, const std::string& action, const std::string& detail);

  private:
    struct Beside {};  // another store of this process
    Store(const std::string& file, Beside);
    void set_up();
    void migrate();
    int64_t write_revision(const Settings& settings, const std::string& comment, const Actor& actor,
                           const std::vector<std::string>& remarks);

    contract::Descriptor lock_;  // of the directory: one process at a time
    std::string file_;
    Database database_;
    Entries entries_{database_};
    DiscoveredTable discovered_{database_};
    std::future<int64_t> work_;
};

}  // namespace fedge::control
