#include "control/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "control/store/schema.h"

namespace fedge::control {
namespace {

std::string joined(const Values& values) {
    std::string out;
    for (size_t i = 0; i < values.size(); i++) out += (i ? "\n" : "") + values[i];
    return out;
}

Values separated(const std::string& text) {
    Values out;
    size_t start = 0;
    while (true) {
        size_t end = text.find('\n', start);
        out.push_back(text.substr(start, end - start));
        if (end == std::string::npos) return out;
        start = end + 1;
    }
}

// Creates the directory and the file with private modes before SQLite writes a byte; SQLite gives its WAL files the
// mode of the main file.
std::string prepared_file(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        throw StoreError("state-dir " + directory + " cannot be created: " + std::strerror(errno));
    }
    std::string file = directory + "/control.db";
    mode_t old = ::umask(0177);
    FILE* created = std::fopen(file.c_str(), "ae");
    ::umask(old);
    if (!created) throw StoreError("state-dir: " + file + " cannot be written: " + std::strerror(errno));
    std::fclose(created);
    if (::chmod(file.c_str(), 0600) != 0) throw StoreError("state-dir: mode of " + file + ": " + std::strerror(errno));
    return file;
}

// Held as long as the process has the store open.
contract::Descriptor locked(const std::string& directory) {
    contract::Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock) throw StoreError("state-dir " + directory + ": " + std::strerror(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        throw StoreError("state-dir " + directory + " is in use by another fedge-control");
    return lock;
}

void write_audit(Database& database, const Actor& actor, std::string_view action, std::string_view detail) {
    Statement(database, "INSERT INTO audit(at, who, action, detail) VALUES(?, ?, ?, ?)")
        .add(actor.at)
        .add(actor.who)
        .add(action)
        .add(detail)
        .run();
}

// Tables of keys that are rotated: nonce_key, token_key, ticket_key.
std::vector<KeyRecord> keys_in(Database& database, const std::string& table) {
    std::vector<KeyRecord> out;
    Statement read(database, ("SELECT key, created FROM " + table + " ORDER BY id DESC").c_str());
    while (read.step()) out.push_back({read.blob(0), read.integer(1)});
    return out;
}

void add_key(Database& database, const std::string& table, const std::vector<uint8_t>& key, int64_t now, int64_t keep) {
    Transaction transaction(database);
    Statement(database, ("INSERT INTO " + table + "(key, created) VALUES(?, ?)").c_str()).add(key).add(now).run();
    Statement(
        database,
        ("DELETE FROM " + table + " WHERE id NOT IN (SELECT id FROM " + table + " ORDER BY id DESC LIMIT ?)").c_str())
        .add(keep)
        .run();
    transaction.commit();
}

}  // namespace

Store::Store(const std::string& directory) : file_(prepared_file(directory)), database_(file_) {
    lock_ = locked(directory);
    try {
        set_up();
        migrate();
    } catch (const SqlError& error) {
        throw StoreError("state-dir " + directory + ": " + error.what());
    }
}

Store::Store(const std::string& file, Beside) : file_(file), database_(file) {
    set_up();
}

void Store::set_up() {
    database_.execute(
        "PRAGMA busy_timeout=1000; PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF;"
        // For imports of a million entries: 64 MiB of pages, and no page twice to its place within 64 MiB of log.
        "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=16384;");
}

void Store::begin(std::function<int64_t(Store&)> work) {
    work_ = std::async(std::launch::async, [file = file_, work = std::move(work)] {
        Store other(file, Beside{});
        return work(other);
    });
    database_.refuse_transactions(true);
}

std::optional<int64_t> Store::finished() {
    if (!busy() || work_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return std::nullopt;
    database_.refuse_transactions(false);
    return work_.get();
}

void Store::migrate() {
    Transaction transaction(database_);
    int64_t version = 0;
    {
        Statement read(database_, "PRAGMA user_version");
        if (read.step()) version = read.integer(0);
    }
    if (version > kSchemaVersion) {
        throw StoreError("the store was written by a newer fedge-control (schema " + std::to_string(version) +
                         ", this one knows " + std::to_string(kSchemaVersion) + "): install that version again");
    }
    for (int64_t step = version; step < kSchemaVersion; step++) database_.execute(kSchema[step]);
    database_.execute(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
    transaction.commit();
}

int64_t Store::current() {
    Statement read(database_, "SELECT max(id) FROM revision");
    return read.step() ? read.integer(0) : 0;
}

std::optional<Settings> Store::settings(int64_t revision) {
    Settings out;
    if (revision == 0) return out;
    Statement known(database_, "SELECT 1 FROM revision WHERE id = ?");
    if (!known.add(revision).step()) return std::nullopt;
    Statement read(database_, "SELECT key, value FROM setting WHERE revision = ?");
    read.add(revision);
    while (read.step()) out[read.text(0)] = separated(read.text(1));
    return out;
}

std::vector<Revision> Store::revisions(int64_t limit) {
    std::vector<Revision> out;
    Statement read(database_, "SELECT id, parent, created, who, comment FROM revision ORDER BY id DESC LIMIT ?");
    read.add(limit);
    while (read.step()) out.push_back({read.integer(0), read.integer(1), read.integer(2), read.text(3), read.text(4)});
    return out;
}

std::optional<Revision> Store::revision(int64_t id) {
    Statement read(database_, "SELECT id, parent, created, who, comment FROM revision WHERE id = ?");
    if (!read.add(id).step()) return std::nullopt;
    return Revision{read.integer(0), read.integer(1), read.integer(2), read.text(3), read.text(4)};
}

int64_t Store::write_revision(const Settings& settings, const std::string& comment, const Actor& actor,
                              const std::vector<std::string>& remarks) {
    int64_t parent = current();
    Statement insert(database_, "INSERT INTO revision(parent, created, who, comment) VALUES(?, ?, ?, ?)");
    if (parent) {
        insert.add(parent);
    } else {
        insert.add_null();
    }
    insert.add(actor.at).add(actor.who).add(comment).run();
    int64_t id = database_.last_id();
    Statement write(database_, "INSERT INTO setting(revision, key, value) VALUES(?, ?, ?)");
    for (const auto& [key, values] : settings) {
        write.add(id).add(key).add(joined(values)).run();
        write.rewind();
    }
    for (const auto& remark : remarks) {
        write_audit(database_, actor, "policy-weaker", "revision " + std::to_string(id) + ": " + remark);
    }
    return id;
}

int64_t Store::append(const Settings& settings, const std::string& comment, const Actor& actor,
                      const std::vector<std::string>& remarks) {
    Transaction transaction(database_);
    int64_t id = write_revision(settings, comment, actor, remarks);
    entries_.apply_candidate(id);
    database_.execute("DELETE FROM candidate");
    transaction.commit();
    return id;
}

int64_t Store::append_rollback(int64_t to, const std::string& comment, const Actor& actor,
                               const std::vector<std::string>& remarks) {
    Transaction transaction(database_);
    auto then = settings(to);
    if (!then) throw StoreError("there is no revision " + std::to_string(to));
    int64_t id = write_revision(*then, comment, actor, remarks);
    entries_.apply_rollback(to, id);
    transaction.commit();
    return id;
}

Edits Store::candidate() {
    Edits out;
    Statement read(database_, "SELECT key, value FROM candidate");
    while (read.step()) {
        out[read.text(0)] = read.null(1) ? std::nullopt : std::optional(separated(read.text(1)));
    }
    return out;
}

void Store::edit(const Edits& edits) {
    Transaction transaction(database_);
    Statement write(database_, "INSERT OR REPLACE INTO candidate(key, value) VALUES(?, ?)");
    for (const auto& [key, values] : edits) {
        write.add(key);
        if (values) {
            write.add(joined(*values));
        } else {
            write.add_null();
        }
        write.run();
        write.rewind();
    }
    transaction.commit();
}

void Store::discard() {
    Transaction transaction(database_);
    database_.execute("DELETE FROM candidate");
    entries_.discard();
    transaction.commit();
}

void Store::edit_entries(const std::function<void(Entries&)>& work) {
    Transaction transaction(database_);
    work(entries_);
    transaction.commit();
}

std::vector<UserRecord> Store::users() {
    std::vector<UserRecord> out;
    Statement read(database_, "SELECT name, realm, md5, sha256, userhash, created, who FROM turn_user ORDER BY name");
    while (read.step()) {
        out.push_back(
            {read.text(0), read.text(1), read.blob(2), read.blob(3), read.blob(4), read.integer(5), read.text(6)});
    }
    return out;
}

bool Store::has_user(const std::string& name) {
    return Statement(database_, "SELECT 1 FROM turn_user WHERE name = ?").add(name).step();
}

size_t Store::user_count() {
    Statement read(database_, "SELECT count(*) FROM turn_user");
    return read.step() ? static_cast<size_t>(read.integer(0)) : 0;
}

void Store::put_user(const UserRecord& user, const Actor& actor) {
    Transaction transaction(database_);
    bool known = has_user(user.name);
    Statement(database_,
              "INSERT OR REPLACE INTO turn_user(name, realm, md5, sha256, userhash, created, who) VALUES(?, ?, ?, ?, "
              "?, ?, ?)")
        .add(user.name)
        .add(user.realm)
        .add(user.md5)
        .add(user.sha256)
        .add(user.userhash)
        .add(actor.at)
        .add(actor.who)
        .run();
    write_audit(database_, actor, known ? "user-replace" : "user-add", user.name);
    transaction.commit();
}

bool Store::remove_user(const std::string& name, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM turn_user WHERE name = ?").add(name).run();
    if (database_.changes() == 0) return false;
    write_audit(database_, actor, "user-remove", name);
    transaction.commit();
    return true;
}

std::vector<SecretRecord> Store::secrets() {
    std::vector<SecretRecord> out;
    Statement read(database_, "SELECT id, secret, created, remove_at FROM turn_secret ORDER BY id");
    while (read.step()) {
        out.push_back({read.integer(0), read.text(1), read.integer(2),
                       read.null(3) ? std::nullopt : std::optional(read.integer(3))});
    }
    return out;
}

int64_t Store::add_secret(const std::string& secret, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "INSERT INTO turn_secret(secret, created) VALUES(?, ?)").add(secret).add(actor.at).run();
    int64_t id = database_.last_id();
    write_audit(database_, actor, "secret-add", std::to_string(id));
    transaction.commit();
    return id;
}

int64_t Store::rotate_secrets(const std::string& secret, int64_t remove_others_at, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "UPDATE turn_secret SET remove_at = ? WHERE remove_at IS NULL").add(remove_others_at).run();
    Statement(database_, "INSERT INTO turn_secret(secret, created) VALUES(?, ?)").add(secret).add(actor.at).run();
    int64_t id = database_.last_id();
    write_audit(database_, actor, "secret-rotate",
                "new " + std::to_string(id) + ", others end in " + std::to_string(remove_others_at - actor.at) + " s");
    transaction.commit();
    return id;
}

bool Store::remove_secret(int64_t id, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "DELETE FROM turn_secret WHERE id = ?").add(id).run();
    if (database_.changes() == 0) return false;
    write_audit(database_, actor, "secret-remove", std::to_string(id));
    transaction.commit();
    return true;
}

size_t Store::expire_secrets(int64_t now) {
    Transaction transaction(database_);
    std::vector<int64_t> ids;
    {
        Statement read(database_, "SELECT id FROM turn_secret WHERE remove_at <= ?");
        read.add(now);
        while (read.step()) ids.push_back(read.integer(0));
    }
    for (int64_t id : ids) {
        Statement(database_, "DELETE FROM turn_secret WHERE id = ?").add(id).run();
        write_audit(database_, {"fedge-control", now}, "secret-expire", std::to_string(id));
    }
    if (!ids.empty()) transaction.commit();
    return ids.size();
}

std::vector<KeyRecord> Store::nonce_keys() {
    return keys_in(database_, "nonce_key");
}

void Store::add_nonce_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep) {
    add_key(database_, "nonce_key", key, now, keep);
}

std::vector<KeyRecord> Store::token_keys() {
    return keys_in(database_, "token_key");
}

void Store::add_token_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep) {
    add_key(database_, "token_key", key, now, keep);
}

std::vector<KeyRecord> Store::ticket_keys() {
    return keys_in(database_, "ticket_key");
}

void Store::add_ticket_key(const std::vector<uint8_t>& key, int64_t now, int64_t keep) {
    add_key(database_, "ticket_key", key, now, keep);
}

void Store::remove_ticket_keys() {
    database_.execute("DELETE FROM ticket_key");
}

bool Store::drain() {
    Statement read(database_, "SELECT value FROM flag WHERE name = 'drain'");
    return read.step() && read.integer(0) != 0;
}

void Store::set_drain(bool on, const Actor& actor) {
    Transaction transaction(database_);
    Statement(database_, "INSERT OR REPLACE INTO flag(name, value) VALUES('drain', ?)").add(int64_t{on}).run();
    write_audit(database_, actor, "drain", on ? "on" : "off");
    transaction.commit();
}

std::vector<AuditRecord> Store::audit(int64_t limit) {
    std::vector<AuditRecord> out;
    Statement read(database_, "SELECT id, at, who, action, detail FROM audit ORDER BY id DESC LIMIT ?");
    read.add(limit);
    while (read.step()) out.push_back({read.integer(0), read.integer(1), read.text(2), read.text(3), read.text(4)});
    return out;
}

void Store::note(const Actor& actor, const std::string& action, const std::string& detail) {
    write_audit(database_, actor, action, detail);
}

}  // namespace fedge::control
