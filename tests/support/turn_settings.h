// contract::Turn for tests, as control would publish it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/relay/text_digest.h"

namespace fedge::test {

struct TurnSettings {
    struct User {
        std::string name;
        std::string password;
    };
    std::string realm = "example.org";
    std::vector<uint8_t> nonce_keys = std::vector<uint8_t>(16, 0x17);
    uint32_t nonce_lifetime_s = 600;
    bool password_algorithms = true;
    std::vector<User> users;
    std::vector<std::string> secrets;

    // The finished buffer; its root is a contract::Turn.
    flatbuffers::DetachedBuffer build() const {
        flatbuffers::FlatBufferBuilder b;
        auto digest_of = [](auto digest, const std::vector<std::string>& texts) {
            std::vector<Bytes> parts;
            for (const std::string& text : texts) parts.push_back(bytes_of(text));
            auto d = digest(parts);
            return std::vector<uint8_t>(d.begin(), d.end());
        };
        std::vector<flatbuffers::Offset<contract::TurnUser>> user_rows;
        for (const User& u : users) {
            std::vector<std::string> key{u.name, ":", realm, ":", u.password};
            std::vector<uint8_t> md5 = digest_of(relay::md5, key);
            std::vector<uint8_t> sha256 = digest_of(relay::sha256, key);
            std::vector<uint8_t> userhash = digest_of(relay::sha256, {u.name, ":", realm});
            user_rows.push_back(contract::CreateTurnUserDirect(b, u.name.c_str(), &md5, &sha256, &userhash));
        }
        std::vector<flatbuffers::Offset<contract::TurnSecret>> secret_rows;
        for (const std::string& s : secrets) {
            std::vector<uint8_t> key(s.begin(), s.end());
            secret_rows.push_back(
                contract::CreateTurnSecretDirect(b, static_cast<uint32_t>(secret_rows.size() + 1), &key));
        }
        std::vector<flatbuffers::Offset<contract::RelayAddress>> relay_rows;
        auto realm_text = b.CreateString(realm);
        auto relays = b.CreateVector(relay_rows);
        auto keys = b.CreateVector(nonce_keys);
        auto secret_list = b.CreateVector(secret_rows);
        auto user_list = b.CreateVector(user_rows);
        contract::TurnBuilder turn{b};
        turn.add_realm(realm_text);
        turn.add_relay_addresses(relays);
        turn.add_nonce_keys(keys);
        turn.add_nonce_lifetime_s(nonce_lifetime_s);
        turn.add_password_algorithms(password_algorithms);
        turn.add_secrets(secret_list);
        turn.add_users(user_list);
        b.Finish(turn.Finish());
        return b.Release();
    }
};

inline const contract::Turn& turn_of(const flatbuffers::DetachedBuffer& buffer) {
    return *flatbuffers::GetRoot<contract::Turn>(buffer.data());
}

}  // namespace fedge::test
