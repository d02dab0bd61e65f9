// What `fedge show connections` and `fedge explain connection` tell of one connection, whole: it goes from a core to
// the management thread, and stays with the core after the connection has ended.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/fixed_text.h"
#include "dataplane/base/time.h"
#include "dataplane/tcp/stream.h"

namespace fedge::core {

struct ConnectionRecord {
    uint64_t id = 0;  // of its flow: the same as long as it lives and after it
    const char* transport = "";
    const char* state = "";
    Endpoint local;
    Endpoint remote;
    bool outgoing = false;
    Duration age{};
    Duration idle{};
    tcp::StreamInfo info;
    FixedText<16> service;
    FixedText<160> why;  // ended: in words
    uint64_t allocation = 0;
    bool handshaking = false;
    bool resumed = false;
    FixedText<12> tls_version;
    FixedText<40> cipher;
    FixedText<24> group;
    FixedText<128> sni;
    FixedText<32> alpn;
    FixedText<64> certificate;
    std::array<FixedText<96>, 4> peer_names;
    FixedText<200> tls_error;
    Instant ended_at{};
    Duration ended_ago{};

    ConnectionRecord() = default;
    ConnectionRecord(uint64_t id_, const tcp::ConnectionRow& row)
        : id(id_),
          transport(row.transport),
          state(row.state),
          local(row.local),
          remote(row.remote),
          outgoing(row.outgoing),
          age(row.age),
          idle(row.idle),
          info(row.info),
          service(row.details.service),
          why(row.details.why),
          allocation(row.details.allocation),
          handshaking(row.details.handshaking),
          resumed(row.details.resumed),
          tls_version(row.details.tls_version),
          cipher(row.details.cipher),
          group(row.details.group),
          sni(row.details.sni),
          alpn(row.details.alpn),
          certificate(row.details.certificate),
          tls_error(row.details.tls_error) {
        for (size_t i = 0; i < peer_names.size(); i++) peer_names[i] = FixedText<96>(row.details.peer_names[i]);
    }
};

}  // namespace fedge::core
