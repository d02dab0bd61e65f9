// Certificates, authorities and revocation lists in the store.
#include "control/store/store.h"

namespace fedge::control {
namespace {

constexpr const char* kCertificate =
    "SELECT name, chain, key, requested_key, ocsp, created, who, roots FROM certificate";

CertificateRecord read_certificate(const Statement& read) {
    return {read.text(0), read.text(1),    read.text(2), read.text(3),
            read.blob(4), read.integer(5), read.text(6), read.text(7)};
}

}  // namespace

std::vector<CertificateRecord> Store::certificates() {
    std::vector<CertificateRecord> out;
    Statement read(database_, (std::string(kCertificate) + " ORDER BY name").c_str());
    while (read.step()) out.push_back(read_certificate(read));
    return out;
}

std::optional<CertificateRecord> Store::certificate(const std::string& name) {
    Statement read(database_, (std::string(kCertificate) + " WHERE name = ?").c_str());
    if (!read.add(name).step()) return std::nullopt;
    return read_certificate(read);
}

void Store::put_certificate(const CertificateRecord& record, const Actor& actor, const std::string& action,
                            const std::string& detail) {
    Transaction transaction(database_);
    Statement(database_,
              "INSERT OR REPLACE INTO certificate(name, chain, key, requested_key, ocsp, created, who, roots) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
        .add(record.name)
        .add(record.chain)
        .add(record.key)
        .add(record.requested_key)
        .add(std::span(record.ocsp))
        .add(actor.at)
        .add(actor.who)
        .add(record.roots)
        .run();
    note(actor, action, detail);
    transaction.commit();
}

bool Store::remove_certificate(const std::string& name, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM certificate WHERE name = ?").add(name).run();
    if (database_.changes() == 0) return false;
    note(actor, "certificate-remove", name);
    transaction.commit();
    return true;
}

std::vector<AuthorityRecord> Store::authorities() {
    std::vector<AuthorityRecord> out;
    Statement read(database_, "SELECT name, certificate, created, who FROM authority ORDER BY name");
    while (read.step()) out.push_back({read.text(0), read.text(1), read.integer(2), read.text(3)});
    return out;
}

void Store::put_authority(const AuthorityRecord& record, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "INSERT OR REPLACE INTO authority(name, certificate, created, who) VALUES(?, ?, ?, ?)")
        .add(record.name)
        .add(record.certificate)
        .add(actor.at)
        .add(actor.who)
        .run();
    note(actor, "trust-add", record.name);
    transaction.commit();
}

bool Store::remove_authority(const std::string& name, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM authority WHERE name = ?").add(name).run();
    if (database_.changes() == 0) return false;
    note(actor, "trust-remove", name);
    transaction.commit();
    return true;
}

std::vector<CrlRecord> Store::crls() {
    std::vector<CrlRecord> out;
    Statement read(database_, "SELECT issuer, list, created, who FROM crl ORDER BY issuer");
    while (read.step()) out.push_back({read.text(0), read.text(1), read.integer(2), read.text(3)});
    return out;
}

void Store::put_crl(const CrlRecord& record, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "INSERT OR REPLACE INTO crl(issuer, list, created, who) VALUES(?, ?, ?, ?)")
        .add(record.issuer)
        .add(record.list)
        .add(actor.at)
        .add(actor.who)
        .run();
    note(actor, "crl-import", record.issuer);
    transaction.commit();
}

bool Store::remove_crl(const std::string& issuer, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM crl WHERE issuer = ?").add(issuer).run();
    if (database_.changes() == 0) return false;
    note(actor, "crl-remove", issuer);
    transaction.commit();
    return true;
}

std::optional<LabAuthorityRecord> Store::lab_authority() {
    Statement read(database_, "SELECT certificate, key, created FROM lab_authority");
    if (!read.step()) return std::nullopt;
    return LabAuthorityRecord{read.text(0), read.text(1), read.integer(2)};
}

void Store::put_lab_authority(const LabAuthorityRecord& record, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "INSERT OR REPLACE INTO lab_authority(id, certificate, key, created) VALUES(1, ?, ?, ?)")
        .add(record.certificate)
        .add(record.key)
        .add(actor.at)
        .run();
    note(actor, "lab-authority", "made");
    transaction.commit();
}

}  // namespace fedge::control
