// The DNS records by which others find this edge, from its own configuration, and whether the world sees them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/settings/config.h"

namespace fedge::control {

struct DnsRecord {
    std::string name;  // no closing dot
    std::string type;  // SRV, A, AAAA, TLSA
    std::string data;  // as in a zone file: "0 0 5061 sip.example.com."
    std::string why;   // one clause for people
};

struct DnsPlan {
    std::vector<DnsRecord> records;  // by domain of ours, then hosts
    std::vector<Problem> problems;   // records that cannot be made, and what to do
};

// A certificate of ours: names that it proves, and SHA-256 of its public key in hex (TLSA 3 1 1, RFC 6698).
struct PublishedKey {
    std::vector<std::string> names;
    std::string spki_sha256;
};

DnsPlan dns_plan(const Config& config, const std::vector<PublishedKey>& keys);

enum class Seen : uint8_t { there, wrong, missing, unknown };
const char* name_of(Seen seen);

// `found`: data of the records of that name and type that DNS has, in the form of DnsRecord::data. `answered`: DNS gave
// an answer at all.
Seen compare(const DnsRecord& record, const std::vector<std::string>& found, bool answered);

}  // namespace fedge::control
