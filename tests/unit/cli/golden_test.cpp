// What the operator sees, word for word: each row runs a command against canned replies and compares the screen with
// golden/NAME.txt. After an intended change: FEDGE_UPDATE_GOLDEN=1 unit-cli, then read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/unit/cli/fake_control.h"
#include "tests/unit/cli/golden_rows.h"
#include "tests/unit/cli/ran.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kStatus = R"({
  "control":{"version":"0.1.0","pid":4321,"uptime_s":93784,"revision":7,"candidate_changes":2},
  "dataplane":{"connected":true,"version":"0.1.0","pid":4320,"uptime_s":3725,"revision":7,"adopted":true,"idle":"poll","hugepages":false},
  "drain":false,"turn":{"allocations":12345,"users":3},
  "warnings":["no hugepages: fewer packets per second"]})";

constexpr const char* kCores = R"({"rows":[
  {"core":0,"cpu":1,"role":"media","iterations":900000000,"busy_percent":37.25,"cycles_per_packet":187.6,"rx_packets":1234567890,
   "tx_packets":1234500000,"allocations":9876,"max_allocations":100000,"mbufs_free":15000,"revision":7,"heartbeat_ms":0},
  {"core":1,"cpu":2,"role":"media","iterations":900000001,"busy_percent":2.0,"cycles_per_packet":0,"rx_packets":12,
   "tx_packets":11,"allocations":0,"max_allocations":100000,"mbufs_free":16384,"revision":7,"heartbeat_ms":1500}]})";

constexpr const char* kInterfaces = R"({"rows":[
  {"name":"wan","device":"0000:03:00.0","driver":"net_ixgbe","link":"10 Gbit/s","mtu":1500,"mac":"02:00:00:00:00:01","queues":2,
   "offloads":"ipv4-cksum udp-cksum","rx_packets":1000000,"rx_bytes":172000000,"tx_packets":999000,"tx_bytes":171000000,
   "rx_missed":3,"rx_errors":1,"tx_errors":0,"rx_nombuf":0,
   "interfaces":[{"name":"outside","role":"external","vlan":0,"addresses":["192.0.2.10/26","2001:db8:0:1::10/64"]}]},
  {"name":"lan","device":"net_af_packet0,iface=eth1","driver":"net_af_packet","link":"down","mtu":1500,"mac":"02:00:00:00:00:02",
   "queues":1,"offloads":"","rx_packets":0,"rx_bytes":0,"tx_packets":0,"tx_bytes":0,"rx_missed":0,"rx_errors":0,"tx_errors":0,
   "rx_nombuf":0,"interfaces":[]}]})";

constexpr const char* kAllocations = R"({"rows":[
  {"id":4294967298,"core":0,"user":"1794000000:alice","transport":"udp","interface":"outside","client":"198.51.100.2:51234",
   "server":"192.0.2.10:3478","relay":["192.0.2.10:50123","[2001:db8:0:1::10]:51000"],"advertised":[],"age_s":75,"expires_s":525,
   "permissions":2,"channels":1,"to_peer_packets":150000,"to_peer_bytes":25800000,"to_client_packets":149990,
   "to_client_bytes":25798280,"dropped":10}],"next":""})";

constexpr const char* kStreams = R"({"rows":[
  {"allocation":4294967298,"core":0,"user":"alice","peer":"203.0.113.2:40000","direction":"to-peer","kind":"rtp","ssrc":3735928559,
   "payload_type":111,"packets":15000,"bytes":2580000,"lost":30,"loss_percent":0.2,"jitter_ms":1.25,"idle_ms":18},
  {"allocation":4294967298,"core":0,"user":"alice","peer":"203.0.113.2:40001","direction":"to-client","kind":"dtls","ssrc":0,
   "payload_type":0,"packets":8,"bytes":4096,"lost":0,"loss_percent":0,"jitter_ms":0,"idle_ms":61000}],"next":null})";

constexpr const char* kDrops = R"({"rows":[
  {"name":"ether_short","help":"frame shorter than an Ethernet header","total":0,"cores":[0,0]},
  {"name":"no_permission","help":"no permission for the peer","total":1234,"cores":[1200,34]},
  {"name":"stun_source_budget","help":"challenge withheld: source prefix over its unauthenticated budget","total":5,"cores":[5,0]}]})";

constexpr const char* kLaterDrops = R"({"rows":[
  {"name":"ether_short","help":"frame shorter than an Ethernet header","total":0,"cores":[0,0]},
  {"name":"no_permission","help":"no permission for the peer","total":1434,"cores":[1400,34]},
  {"name":"stun_source_budget","help":"challenge withheld: source prefix over its unauthenticated budget","total":5,"cores":[5,0]}]})";

constexpr const char* kConfig = R"({"revision":7,"settings":{
  "interface.outside.address":["192.0.2.10/26","2001:db8:0:1::10/64"],"interface.outside.port":"wan","interface.outside.role":"external",
  "turn.realm":"Example Org's realm"}})";

constexpr const char* kChanges = R"({"changes":[
  {"key":"turn.peer-deny","old":["10.0.0.0/8"],"new":["10.0.0.0/8","192.168.0.0/16"]},
  {"key":"turn.quota-user","old":null,"new":"10"},{"key":"turn.realm","old":"old.example","new":null}]})";

constexpr const char* kRevisions = R"({"rows":[
  {"revision":2,"when":"2026-01-31T23:59:59Z","who":"root","comment":"second relay address","parent":1},
  {"revision":1,"when":1769900000,"who":"carol","comment":"","parent":0}]})";

constexpr const char* kSchema = R"({"settings":[
  {"key":"interface.NAME.role","type":"choice","values":["external","internal"],"list":false,"default":"","help":"side of the edge","example":"interface.outside.role external"},
  {"key":"turn.peer-deny","type":"prefix","list":true,"default":"","help":"peers nobody may reach","example":"turn.peer-deny 10.0.0.0/8 192.168.0.0/16"}]})";

constexpr const char* kCertificates = R"({"rows":[
  {"name":"edge","requested":true,"names":["DNS:access.example.org","DNS:sip.example.org","DNS:example.org"],"subject":"CN=access.example.org",
   "issuer":"CN=R11,O=Let's Encrypt,C=US","key":"ECDSA P-256","sha256":"00aa","length":2,"ends":1769900000,"ends_first":"CN=access.example.org",
   "days_left":29,"staple":{"from":1769600000,"to":1769800000},"created":1769000000,"who":"root"},
  {"name":"lab","requested":false,"names":["DNS:edge.lab.example","IP:192.0.2.10"],"subject":"CN=edge.lab.example","issuer":"CN=fedge lab authority",
   "key":"RSA 2048","sha256":"00bb","length":2,"ends":1767000000,"ends_first":"CN=Old Intermediate","days_left":-3,"staple":null,"created":1769000000,
   "who":"carol"},
  {"name":"new","requested":true,"staple":null,"created":1769000000,"who":"root"}]})";

constexpr const char* kCertificate =
    R"({"name":"edge","requested":true,"staple":{"from":1769600000,"to":1769800000},"chain":[
  {"subject":"CN=access.example.org","issuer":"CN=R11","serial":"04ab","names":["DNS:access.example.org","URI:sip:example.org"],
   "not_before":1762000000,"not_after":1769900000,"key":"ECDSA P-256","signature":"sha256WithRSAEncryption",
   "purposes":["serverAuth"],"authority":false,"sha256":"00aa"},
  {"subject":"CN=R11","issuer":"CN=ISRG Root X1","serial":"05","names":[],"not_before":1700000000,"not_after":1800000000,"key":"RSA 2048",
   "signature":"sha256WithRSAEncryption","purposes":[],"authority":true,"sha256":"00cc"}],
  "pem":"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"})";

constexpr const char* kTls = R"({"served":true,"adopted":true,"rows":[
  {"name":"edge","requested":false,"names":["DNS:edge.example.org"],"key":"ECDSA P-256","sha256":"00aa11","ends":1769900000,"days_left":40,
   "staple":{"from":1769600000,"to":1769800000}}],
  "ticket_keys":[{"created":1769000000,"encrypts":true},{"created":1768992800,"encrypts":false}],"ticket_lifetime_s":7200,
  "authorities":1,"system_authorities":142,"crls":[{"issuer":"CN=Partner CA","to":1769990000}]})";

constexpr const char* kDiscovery = R"({"rows":[
  {"domain":"contoso.example","service":"sip","records":"microsoft-then-sips","namespace_rule":true,"outcome":"found","code":0,"reason":"",
   "validated":true,"targets":[{"host":"sip.contoso.example","port":5061,"priority":0,"weight":5,"validated":true,"direct_tls":false,"addresses":[
   {"address":"198.51.100.7","failures":2,"last_for_s":9},{"address":"2001:db8::7","failures":0,"last_for_s":0}]}],"refused":[],
   "expires_s":3541,"stale":false,"age_s":59,"failures":0},
  {"domain":"fabrikam.example","service":"sip","via":"edge.fabrikam.example","outcome":"found","code":0,"reason":"","validated":false,
   "targets":[{"host":"edge.fabrikam.example","port":5061,"priority":0,"weight":0,"validated":false,"direct_tls":false,"addresses":[
   {"address":"203.0.113.9","failures":0,"last_for_s":0}]}],"refused":[],"expires_s":-20,"stale":true,"age_s":3620,"failures":3,
   "next_try_s":4,"failure":"got no answer in time"},
  {"domain":"evil.example","service":"xmpp","outcome":"refused","code":1014,"reason":"x.evil.example has the address 127.0.0.1: special-purpose address",
   "validated":false,"targets":[],"refused":[],"expires_s":300,"stale":false,"age_s":0,"failures":0}],"next":""})";

constexpr const char* kLookedUp =
    R"({"domain":"contoso.example","service":"sip","records":"microsoft-then-sips","namespace_rule":true,
  "outcome":"found","code":0,"reason":"","validated":false,
  "targets":[{"host":"sip.contoso.example","port":5061,"priority":10,"weight":5,"validated":false,"direct_tls":false,"addresses":[
   {"address":"2001:db8::7","failures":0,"last_for_s":0},{"address":"198.51.100.7","failures":2,"last_for_s":9}]},
   {"host":"chat.contoso.example","port":5270,"priority":20,"weight":0,"validated":true,"direct_tls":true,"addresses":[
   {"address":"198.51.100.8","failures":0,"last_for_s":0}]}],
  "refused":[{"host":"sip.fabrikam.example","port":5061,"address":"","code":1009,"why":"it is neither contoso.example nor a direct child of it"},
   {"host":"old.contoso.example","port":5061,"address":"10.0.0.7","code":1014,"why":"special-purpose address"}],
  "keep_s":600,"took_ms":37,"steps":[
   {"name":"_sipfederationtls._tcp.contoso.example","type":"SRV","result":"3 records","records":["10 5 5061 sip.contoso.example",
    "10 5 5061 sip.fabrikam.example","1 0 5061 \u001b[2Jold.contoso.example"],"validated":true,"ttl_s":3600},
   {"name":"sip.contoso.example","type":"A","result":"1 record","records":["198.51.100.7"],"validated":false,"ttl_s":600}]})";

constexpr const char* kConnections = R"({"rows":[
  {"id":4294967299,"core":1,"transport":"own","service":"turn-tls","state":"ESTABLISHED","interface":"outside","remote":"198.51.100.2:51234",
   "local":"192.0.2.10:443","outgoing":false,"age_s":3725,"idle_s":3,"rtt_us":12345,"congestion_window":14600,"in_flight":14600,"unsent":2048,
   "unread":0,"mss":1460,"buffer_bytes":4096,"retransmits":12,"tls_version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","group":"X25519",
   "resumed":false,"sni":"turn.example.org","alpn":"stun.turn","certificate":"edge","peer_names":[],"tls_error":"","allocation":42,"ended":"",
   "ended_ago_s":0},
  {"id":4294967300,"core":1,"transport":"kernel","service":"","state":"handshake","interface":"outside","remote":"[2001:db8::2]:4000",
   "local":"[2001:db8:0:1::10]:443","outgoing":false,"age_s":2,"idle_s":1,"rtt_us":0,"congestion_window":0,"in_flight":0,"unsent":0,"unread":0,
   "mss":0,"buffer_bytes":0,"retransmits":0,"tls_version":"","cipher":"","group":"","resumed":false,"sni":"","alpn":"","certificate":"",
   "peer_names":[],"tls_error":"","allocation":0,"ended":"","ended_ago_s":0}],"next":""})";

constexpr const char* kEnding =
    R"({"id":77,"core":0,"transport":"own","service":"shared-tls","state":"CLOSED","interface":"outside",
   "remote":"198.51.100.9:999","local":"192.0.2.10:443","outgoing":false,"age_s":60,"idle_s":58,"rtt_us":200,"congestion_window":14600,"in_flight":0,
   "unsent":0,"unread":0,"mss":1460,"buffer_bytes":0,"retransmits":1,"tls_version":"","cipher":"","group":"","resumed":false,"sni":"x\u001b[2J",
   "alpn":"","certificate":"","peer_names":[],"tls_error":"the client offers TLS 1.0 at most, and tls.min-version is 1.2","allocation":0,
   "ended":"closed by this side: TLS handshake failed","ended_ago_s":125})";

constexpr const char* kOutgoing =
    R"({"connection":{"id":5,"core":0,"transport":"own","service":"sip-tls","state":"ESTABLISHED","interface":"outside",
   "remote":"203.0.113.7:5061","local":"192.0.2.10:40001","outgoing":true,"age_s":9,"idle_s":1,"rtt_us":900,"congestion_window":14600,
   "in_flight":100,"unsent":5000,"unread":0,"mss":1460,"buffer_bytes":8192,"retransmits":0,"tls_version":"TLSv1.2",
   "cipher":"ECDHE-ECDSA-AES128-GCM-SHA256","group":"P-256","resumed":true,"sni":"sip.partner.example","alpn":"","certificate":"edge",
   "peer_names":["DNS:sip.partner.example","URI:sip:partner.example"],"tls_error":"","allocation":0,"ended":"","ended_ago_s":0}})";

using Row = GoldenRow;

std::vector<Row> own_rows() {
    const std::string none = R"({"rows":[]})";
    return {
        {"status", "fedge show status", {{"GET /v1/status", kStatus}}},
        {"status-refused",
         "fedge show status",
         {{"GET /v1/status",
           R"({"control":{"version":"0.1.0","pid":1,"uptime_s":5,"revision":8},"drain":true,"turn":{"allocations":null,"users":0},
            "dataplane":{"connected":true,"version":"0.1.0","pid":2,"uptime_s":9,"revision":7,"adopted":false,"idle":"backoff",
            "hugepages":true,"refused_reason":"no port named wan"},"warnings":[]})"}}},
        {"interfaces", "fedge show interfaces", {{"GET /v1/interfaces", kInterfaces}}},
        {"interfaces-wide", "fedge show interfaces", {{"GET /v1/interfaces", kInterfaces}}, 0},
        {"interfaces-narrow", "fedge show interfaces", {{"GET /v1/interfaces", kInterfaces}}, 72},
        {"cores", "fedge show cores", {{"GET /v1/cores", kCores}}},
        {"allocations", "fedge show allocations", {{"GET /v1/allocations?limit=500", kAllocations}}, 132},
        {"allocations-none", "fedge show allocations --user bob", {{"GET /v1/allocations?limit=500&user=bob", none}}},
        {"streams", "fedge show streams", {{"GET /v1/streams?limit=500", kStreams}}, 120},
        {"streams-none", "fedge show streams", {{"GET /v1/streams?limit=500", none}}},
        {"neighbors",
         "fedge show neighbors",
         {{"GET /v1/neighbors?limit=500",
           R"({"rows":[{"core":0,"interface":"outside","address":"192.0.2.1","mac":"02:00:00:00:00:09","state":"reachable","age_s":12,"queued":0}]})"}}},
        {"discovery", "fedge show discovery", {{"GET /v1/discovery?limit=500", kDiscovery}}, 160},
        {"discovery-none", "fedge show discovery", {{"GET /v1/discovery?limit=500", none}}},
        {"test-discovery",
         "fedge test discovery contoso.example",
         {{"GET /v1/discovery/test?domain=contoso.example", kLookedUp}}},
        {"test-discovery-refused",
         "fedge test discovery evil.example --service xmpp --any-namespace",
         {{"GET /v1/discovery/test?domain=evil.example&service=xmpp&namespace=off",
           R"({"domain":"evil.example","service":"xmpp","outcome":"refused","code":1014,"reason":"x.evil.example has the address 127.0.0.1: special-purpose address",
             "validated":false,"targets":[],"refused":[{"host":"x.evil.example","port":5269,"address":"127.0.0.1","code":1014,
             "why":"special-purpose address"}],"keep_s":300,"took_ms":5,"steps":[]})"}}},
        {"counters",
         "fedge show counters turn_",
         {{"GET /v1/counters", R"({"rows":[{"name":"rx_packets","help":"packets received","total":5,"cores":[2,3]},
            {"name":"turn_refreshes","help":"successful refreshes","total":0,"cores":[0,0]}]})"}}},
        {"drops", "fedge show drops", {{"GET /v1/drops", kDrops}}, 72},
        {"drops-all", "fedge show drops --all --per-core", {{"GET /v1/drops", kDrops}}},
        {"drops-none", "fedge show drops", {{"GET /v1/drops", none}}},
        {"config", "fedge show config", {{"GET /v1/config", kConfig}}},
        {"config-commands", "fedge show config --commands", {{"GET /v1/config", kConfig}}},
        {"diff", "fedge diff", {{"GET /v1/diff", kChanges}}},
        {"diff-none", "fedge diff", {{"GET /v1/diff", R"({"changes":[]})"}}},
        {"set", "fedge set turn.quota-user 10", {{"PATCH /v1/candidate", kChanges}, {"GET /v1/candidate", kChanges}}},
        {"commit",
         "fedge commit",
         {{"POST /v1/commit", R"({"revision":8,"adopted":true,"warnings":["no relay address for IPv6"]})"}}},
        {"commit-waiting", "fedge commit", {{"POST /v1/commit", R"({"revision":8,"adopted":false,"warnings":[]})"}}},
        {"commit-invalid",
         "fedge commit",
         {{"POST /v1/commit",
           R"({"error":"e","fix":"f","errors":[{"key":"turn.realm","error":"is empty","fix":"fedge set turn.realm DOMAIN"},
            {"key":"turn.port-last","error":"is below turn.port-first","fix":"exchange them"}]})"}},
         100,
         422},
        {"revisions", "fedge show revisions", {{"GET /v1/revisions", kRevisions}}},
        {"audit",
         "fedge show audit",
         {{"GET /v1/audit",
           R"({"rows":[{"when":"2026-01-31T12:00:00Z","who":"root","what":"user added","object":"al\u001b[2Jice"}]})"}}},
        {"users",
         "fedge turn user list",
         {{"GET /v1/turn/users", R"({"rows":[{"name":"alice","created":"2026-01-31T12:00:00Z","who":"root"}]})"}}},
        {"users-none", "fedge turn user list", {{"GET /v1/turn/users", none}}},
        {"user-remove",
         "fedge turn user remove alice",
         {{"DELETE /v1/turn/users/alice", R"({"removed":"alice","adopted":true})"}}},
        {"user-remove-refused",
         "fedge turn user remove alice",
         {{"DELETE /v1/turn/users/alice",
           R"({"removed":"alice","adopted":false,"refused_reason":"turn.realm is empty"})"}}},
        {"secret-remove",
         "fedge turn secret remove 2",
         {{"DELETE /v1/turn/secrets/2", R"({"removed":2,"adopted":true})"}}},
        {"drain-waiting",
         "fedge drain on",
         {{"PUT /v1/drain", R"({"drain":true,"adopted":false,"refused_reason":"the dataplane is not connected"})"}}},
        {"secrets",
         "fedge turn secret list",
         {{"GET /v1/turn/secrets",
           R"({"rows":[{"id":1,"created":1769900000,"fingerprint":"sha256:0a1b2c","expires":null}]})"}}},
        {"certs", "fedge cert list", {{"GET /v1/certificates", kCertificates}}},
        {"certs-none", "fedge cert list", {{"GET /v1/certificates", none}}},
        {"cert-expiry", "fedge cert expiry", {{"GET /v1/certificates", kCertificates}}},
        {"cert-show", "fedge cert show edge", {{"GET /v1/certificates/edge", kCertificate}}},
        {"cert-show-pem", "fedge cert show edge --pem", {{"GET /v1/certificates/edge", kCertificate}}},
        {"cert-generate",
         "fedge cert generate edge edge.lab.example",
         {{"POST /v1/certificates/generate",
           R"({"name":"edge","replaced":true,"notes":[{"note":"it is for labs","fix":"print the authority"}],"served":true,"adopted":true})"}}},
        {"cert-generate-unserved",
         "fedge cert generate edge edge.lab.example",
         {{"POST /v1/certificates/generate",
           R"({"name":"edge","replaced":false,"notes":[],"served":false,"adopted":true})"}}},
        {"cert-csr",
         "fedge cert csr edge edge.example.org",
         {{"POST /v1/certificates/request",
           R"({"name":"edge","request":"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"})"}}},
        {"cert-remove",
         "fedge cert remove edge",
         {{"DELETE /v1/certificates/edge", R"({"removed":"edge","served":true,"adopted":true})"}}},
        {"cert-trust",
         "fedge cert trust list",
         {{"GET /v1/trust",
           R"({"rows":[{"name":"partner","subject":"CN=Partner CA","key":"RSA 4096","not_after":1869900000,"who":"root"}],"system":true,"system_authorities":142})"}}},
        {"cert-trust-own",
         "fedge cert trust list",
         {{"GET /v1/trust", R"({"rows":[],"system":false,"system_authorities":142})"}}},
        {"cert-crls",
         "fedge cert crl list",
         {{"GET /v1/crls",
           R"({"rows":[{"issuer":"CN=Partner CA","entries":1234,"from":1769000000,"to":1769900000,"who":"root"}]})"}}},
        {"show-certs", "fedge show certs", {{"GET /v1/tls", kTls}}},
        {"show-certs-none", "fedge show certs", {{"GET /v1/tls", R"({"served":false,"adopted":true,"rows":[]})"}}},
        {"connections", "fedge show connections", {{"GET /v1/connections?limit=500", kConnections}}, 130},
        {"connections-none",
         "fedge show connections --service turn-tcp",
         {{"GET /v1/connections?limit=500&service=turn-tcp", none}}},
        {"connections-ended",
         "fedge show connections --ended",
         {{"GET /v1/endings?limit=500", R"({"rows":[)" + std::string(kEnding) + R"(],"next":""})"}},
         130},
        {"explain-connection",
         "fedge explain connection 198.51.100.2:51234",
         {{"GET /v1/connection?address=198.51.100.2%3A51234",
           R"({"connection":)" + std::string(kConnections).substr(9, std::string(kConnections).find("},") - 8) + "}"}}},
        {"explain-connection-ended",
         "fedge explain connection 77",
         {{"GET /v1/connection?id=77", R"({"connection":)" + std::string(kEnding) + "}"}}},
        {"explain-connection-outgoing", "fedge explain connection 5", {{"GET /v1/connection?id=5", kOutgoing}}},
        {"explain-connection-unknown",
         "fedge explain connection 6",
         {{"GET /v1/connection?id=6", R"({"error":"there is no connection with the id 6","fix":"list them"})"}},
         100,
         404},
        {"tls",
         "fedge show tls",
         {{"GET /v1/counters", R"({"rows":[{"name":"rx_packets","help":"packets received","total":5,"cores":[2,3,0]},
            {"name":"tls_accepted","help":"accepted","total":1000,"cores":[0,1000,0]},
            {"name":"tls_connected","help":"connected","total":0,"cores":[0,0,0]},
            {"name":"tls_resumed","help":"resumed","total":250,"cores":[0,250,0]},
            {"name":"tls_handshake_steps","help":"steps","total":2050,"cores":[0,2050,0]},
            {"name":"tls_handshakes_deferred","help":"deferred","total":9,"cores":[0,9,0]},
            {"name":"tls_handshake_failed","help":"TLS handshakes that failed","total":7,"cores":[0,7,0]},
            {"name":"tls_handshake_timeout","help":"not finished in time","total":0,"cores":[0,0,0]},
            {"name":"tls_peer_refused","help":"TLS peers refused because of their certificate","total":2,"cores":[0,2,0]}]})"},
          {"GET /v1/connections?limit=500", kConnections}}},
        {"tls-none",
         "fedge show tls",
         {{"GET /v1/counters", R"({"rows":[{"name":"tls_accepted","help":"accepted","total":0,"cores":[0,0]}]})"},
          {"GET /v1/connections?limit=500", R"({"rows":[],"next":""})"}}},
        {"settings", "fedge help settings", {{"GET /v1/schema", kSchema}}},
        {"settings-one", "fedge help settings interface.outside.role", {{"GET /v1/schema", kSchema}}},
        {"monitor",
         "fedge monitor --once --interval 2",
         {{"GET /v1/status", kStatus},
          {"GET /v1/cores", kCores},
          {"GET /v1/cores",
           R"({"rows":[{"core":0,"role":"media","busy_percent":40,"cycles_per_packet":190,"rx_packets":1234767890,
             "tx_packets":1234690000,"allocations":9877},{"core":1,"role":"media","busy_percent":1,"rx_packets":0,"tx_packets":0}]})"},
          {"GET /v1/drops", kDrops},
          {"GET /v1/drops", kLaterDrops},
          {"GET /v1/streams?limit=500", kStreams},
          {"GET /v1/streams?limit=500",
           R"({"rows":[{"allocation":4294967298,"peer":"203.0.113.2:40000","direction":"to-peer","kind":"rtp",
             "ssrc":3735928559,"packets":15100,"bytes":2597200,"loss_percent":0.2,"jitter_ms":1.25}]})"}}},
        {"help", "fedge help", {}},
        {"help-turn-user-add", "fedge help turn user add", {}},
        {"completion-bash", "fedge completion bash", {}},
        {"not-running", "fedge show status --socket /nonexistent/control.sock", {}},
    };
}

std::vector<Row> rows() {
    std::vector<Row> all = own_rows();
    for (Row& row : partner_rows()) all.push_back(std::move(row));
    for (Row& row : sip_rows()) all.push_back(std::move(row));
    for (Row& row : federation_rows()) all.push_back(std::move(row));
    for (Row& row : sip_filter_rows()) all.push_back(std::move(row));
    return all;
}

std::string screen(const Row& row) {
    FakeControl control;
    for (const auto& [request, body] : row.replies) control.reply(request, Canned{row.status, body});
    const Ran result = ran({.socket = control.path(), .width = row.width}, split(row.line));
    return "$ " + std::string(row.line) + "\n" + result.out +
           (result.err.empty() ? "" : "--- standard error\n" + result.err) + "--- exit " + std::to_string(result.exit) +
           "\n";
}

TEST(Golden, ScreensAreAsRecorded) {
    for (const Row& row : rows()) {
        const std::string path = std::string(GOLDEN_DIR) + "/" + row.name + ".txt";
        const std::string got = screen(row);
        if (std::getenv("FEDGE_UPDATE_GOLDEN")) std::ofstream(path) << got;
        std::ifstream in(path);
        ASSERT_TRUE(in) << path << " is missing: run with FEDGE_UPDATE_GOLDEN=1";
        std::ostringstream want;
        want << in.rdbuf();
        EXPECT_EQ(got, want.str()) << row.name;
    }
}

TEST(Golden, JsonIsTheReplyOfTheApi) {
    for (const Row& row : rows()) {
        if (row.replies.size() != 1 || row.status != 200 || row.composed) continue;
        SCOPED_TRACE(row.name);
        FakeControl control;
        control.reply(row.replies[0].first, row.replies[0].second);
        const Json got = Json::parse(ran({.socket = control.path()}, split(std::string(row.line) + " --json")).out);
        const Json want = Json::parse(row.replies[0].second);
        for (const auto& [key, value] : want.items())
            if (key != "next") {
                EXPECT_EQ(got[key], value);
            }
    }
}

}  // namespace
}  // namespace fedge::cli::test
