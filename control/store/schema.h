// The schema of the store. To change it: append a step; steps that ran are never edited.
#pragma once

namespace fedge::control {

// kSchema[n] brings version n to n + 1; the version is kept in PRAGMA user_version.
inline constexpr const char* kSchema[] = {
    R"sql(
CREATE TABLE revision(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES revision(id),
    created INTEGER NOT NULL,
    who TEXT NOT NULL,
    comment TEXT NOT NULL
);
-- Several values are kept in one text, separated by line feeds, which no value can contain.
CREATE TABLE setting(
    revision INTEGER NOT NULL REFERENCES revision(id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(revision, key)
) WITHOUT ROWID;
-- NULL: unset.
CREATE TABLE candidate(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE turn_user(
    name TEXT PRIMARY KEY,
    realm TEXT NOT NULL,
    md5 BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    userhash BLOB NOT NULL,
    created INTEGER NOT NULL,
    who TEXT NOT NULL
) WITHOUT ROWID;
-- AUTOINCREMENT: the id of a removed secret is never used again.
CREATE TABLE turn_secret(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    secret TEXT NOT NULL,
    created INTEGER NOT NULL,
    remove_at INTEGER
);
CREATE TABLE nonce_key(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, created INTEGER NOT NULL);
CREATE TABLE flag(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TRIGGER revision_kept BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'revisions are kept'); END;
CREATE TRIGGER revision_fixed BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'revisions are immutable'); END;
CREATE TRIGGER setting_kept BEFORE DELETE ON setting BEGIN SELECT RAISE(ABORT, 'revisions are kept'); END;
CREATE TRIGGER setting_fixed BEFORE UPDATE ON setting BEGIN SELECT RAISE(ABORT, 'revisions are immutable'); END;
)sql",
    R"sql(
CREATE TABLE ticket_key(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, created INTEGER NOT NULL);
-- Certificates of ours. While a request (CSR) is open, chain is empty or that of the certificate to be replaced.
CREATE TABLE certificate(
    name TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    key TEXT NOT NULL,
    requested_key TEXT NOT NULL,
    ocsp BLOB NOT NULL,
    created INTEGER NOT NULL,
    who TEXT NOT NULL
) WITHOUT ROWID;
-- What partners' certificates are checked against.
CREATE TABLE authority(
    name TEXT PRIMARY KEY,
    certificate TEXT NOT NULL,
    created INTEGER NOT NULL,
    who TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE crl(
    issuer TEXT PRIMARY KEY,
    list TEXT NOT NULL,
    created INTEGER NOT NULL,
    who TEXT NOT NULL
) WITHOUT ROWID;
-- Signs certificates for labs; at most one.
CREATE TABLE lab_authority(
    id INTEGER PRIMARY KEY CHECK(id = 1),
    certificate TEXT NOT NULL,
    key TEXT NOT NULL,
    created INTEGER NOT NULL
);
)sql",
    R"sql(
ALTER TABLE certificate ADD COLUMN roots TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
-- Entries of domains, patterns and users belong to revisions, but a revision has no copy of them: a row holds from
-- revision `since` on, and until the one before `until`; NULL: it is in force. A row is never changed but for its end.
CREATE TABLE entry(
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    blocked INTEGER NOT NULL,
    verification INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    srv_mode INTEGER NOT NULL,
    monitored INTEGER NOT NULL,
    access INTEGER NOT NULL,
    via TEXT NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY(kind, name, since)
) WITHOUT ROWID;
CREATE INDEX entry_since ON entry(since);
CREATE INDEX entry_until ON entry(until) WHERE until IS NOT NULL;
CREATE TRIGGER entry_kept BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'revisions are kept'); END;
CREATE TRIGGER entry_fixed BEFORE UPDATE OF kind, name, since, blocked, verification, purpose, srv_mode, monitored,
    access, via, comment ON entry BEGIN SELECT RAISE(ABORT, 'revisions are immutable'); END;
CREATE TRIGGER entry_ends_once BEFORE UPDATE OF until ON entry WHEN OLD.until IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'revisions are immutable'); END;
-- The candidate's entries: what differs from those in force.
CREATE TABLE entry_edit(
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    removed INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    verification INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    srv_mode INTEGER NOT NULL,
    monitored INTEGER NOT NULL,
    access INTEGER NOT NULL,
    via TEXT NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY(kind, name)
) WITHOUT ROWID;
-- Partners that were discovered, and what they did.
CREATE TABLE discovered(
    domain TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    limited INTEGER NOT NULL,
    contacts INTEGER NOT NULL,
    suspicious INTEGER NOT NULL,
    watch INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE token_key(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, created INTEGER NOT NULL);
)sql",
};

inline constexpr int kSchemaVersion = sizeof(kSchema) / sizeof(kSchema[0]);

}  // namespace fedge::control
