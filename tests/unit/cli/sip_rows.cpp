// What show sip, show calls, show dialogs, trace and test federation show.
#include "tests/unit/cli/golden_rows.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kDialogs = R"({"rows":[
  {"id":1,"core":0,"call_id":"a84b4c76e66710","method":"INVITE","state":"early","from":"alice@partner.example","to":"bob@contoso.com",
   "source":"partner partner.example","destination":"front-end fe1.contoso.com","source_connection":7,"destination_connection":8,
   "status":0,"reason":"","requests":1,"age_s":3,"idle_s":1},
  {"id":2,"core":0,"call_id":"two-cores","method":"INVITE","state":"confirmed","from":"bob@contoso.com","to":"carol@other.example",
   "source":"client 198.51.100.7:50000","destination":"front-end fe1.contoso.com","source_connection":9,"destination_connection":8,
   "status":200,"reason":"","requests":3,"age_s":3725,"idle_s":60},
  {"id":3,"core":1,"call_id":"two-cores","method":"INVITE","state":"ended","from":"carol@other.example","to":"bob@contoso.com",
   "source":"front-end fe1.contoso.com","destination":"client 198.51.100.7:50000","source_connection":8,"destination_connection":9,
   "status":200,"reason":"BYE of the one called","requests":2,"age_s":20,"idle_s":2},
  {"id":4,"core":1,"call_id":"x\u001b[2J","method":"MESSAGE","state":"failed","from":"eve@blocked.example","to":"bob@contoso.com",
   "source":"partner sip.blocked.example","destination":"","source_connection":5,"destination_connection":0,
   "status":403,"reason":"a stranger claims to be one of our users","requests":1,"age_s":90,"idle_s":90}],"next":""})";

constexpr const char* kHops = R"({"rows":[
  {"core":0,"kind":"front-end","name":"fe1.contoso.com","state":"up","address":"10.0.0.20:5061","connections":1,"held":0,"weight":10,
   "sent":123456,"failed":0,"failed_ago_s":0,"error":""},
  {"core":0,"kind":"front-end","name":"fe2.contoso.com","state":"down","address":"10.0.0.21:5061","connections":0,"held":0,"weight":10,
   "sent":99,"failed":3,"failed_ago_s":12,"error":"10.0.0.21:5061: refused by peer"},
  {"core":0,"kind":"partner","name":"partner.example","state":"connecting","address":"203.0.113.5:5061","connections":0,"held":2,"weight":0,
   "sent":7,"failed":1,"failed_ago_s":4,"error":"203.0.113.5:5061: TLS handshake with server that asked for sip.partner.example failed: its certificate was refused: it proves dns:www.partner.example"}],"next":""})";

constexpr const char* kCounters = R"({"rows":[
  {"name":"rx_packets","help":"packets received","total":5,"cores":[2,3]},
  {"name":"sip_requests","help":"SIP requests received","total":123463,"cores":[123463,0]},
  {"name":"sip_scanners","help":"SIP connections closed: what came on them is known of scanners","total":0,"cores":[0,0]}]})";

constexpr const char* kScanners = R"({"rows":[
  {"core":0,"signature":"friendly-scanner","closed":3},{"core":0,"signature":"=voip","closed":0},
  {"core":1,"signature":"friendly-scanner","closed":4},{"core":1,"signature":"sip\u001b[2J","closed":9}],"next":""})";

constexpr const char* kCores = R"({"rows":[
  {"core":0,"role":"signalling","sip_partners":0,"sip_front_ends":1,"sip_clients":2},
  {"core":1,"role":"signalling","sip_partners":0,"sip_front_ends":0,"sip_clients":49998},{"core":2,"role":"media"}]})";

constexpr const char* kTraced = R"({"rows":[
  {"number":1,"core":0,"unix_ns":1769900000123456789,"incoming":true,"connection":7,"peer":"partner sip.partner.example",
   "remote":"203.0.113.5:40000","local":"192.0.2.10:5061","verdict":"answered with 403: a stranger claims to be one of our users","cut":0,"lost":0,
   "text":"MESSAGE sip:bob@contoso.com SIP/2.0\r\nFrom: <sip:eve@contoso.com>;tag=1\r\nAuthorization: Digest username=\"eve\", response=\"****\"\r\n\r\nHi \u001b[2J"},
  {"number":2,"core":0,"unix_ns":1769900000123999000,"incoming":false,"connection":7,"peer":"partner sip.partner.example",
   "remote":"203.0.113.5:40000","local":"192.0.2.10:5061","verdict":"","cut":17,"lost":3,
   "hex":"5349502f322e302034303320466f7262696464656e0d0a0d0aff"}],"next":2,"lost":3})";

constexpr const char* kTested = R"json({"domain":"partner.example","from":"fedge-test@contoso.com","good":false,
  "policy":{"accepted":true,"text":"goes to the partner"},"via":"",
  "dns":{"outcome":"found","code":0,"reason":"","validated":false,"refused":[],"targets":[{"host":"sip.partner.example","port":5061,"addresses":["203.0.113.5"]}]},
  "steps":[{"name":"connect","target":"sip.partner.example 203.0.113.5:5061","good":true,"text":"TCP is established","took_us":3120},
   {"name":"tls","target":"sip.partner.example 203.0.113.5:5061","good":false,
    "text":"TLS handshake with server sip.partner.example failed: the peer sent the alert 'unknown CA' (48): it does not trust the issuer of our certificate","took_us":8300}],
  "peer_names":["dns:sip.partner.example"],"chain":["'CN = sip.partner.example', issued by 'CN = Partner CA', good until 2027-01-31 12:00 UTC"],"error":"",
  "ours":{"domain":"contoso.com","access_name":"access.contoso.com","certificate":"sip","names":["DNS:access.contoso.com"],"issuer":"CN=Lab","ends":1799900000,
   "srv":{"outcome":"not_found","code":1008,"reason":"there are no SRV records","validated":false,"targets":[],"refused":[]}},
  "findings":[{"side":"theirs","text":"they do not accept us: the peer sent the alert 'unknown CA' (48)","fix":"show them what they see of us"},
   {"side":"ours","text":"partners who look us up find nothing for contoso.com: there are no SRV records","fix":"publish what fedge dns says"}]})json";

constexpr const char* kTestedWell = R"json({"domain":"partner.example","from":"alice@contoso.com","good":true,
  "policy":{"accepted":true,"text":"goes to the partner"},"via":"",
  "dns":{"outcome":"found","targets":[{"host":"sip.partner.example","port":5061,"addresses":["203.0.113.5","2001:db8::5"]}]},
  "steps":[{"name":"options","target":"sip.partner.example 203.0.113.5:5061","good":true,"text":"200 OK; Server: Kamailio","took_us":900}],
  "peer_names":[],"chain":[],"error":"","ours":{"domain":"contoso.com","access_name":"access.contoso.com","certificate":"","names":[],"issuer":"","ends":0},"findings":[]})json";

}  // namespace

std::vector<GoldenRow> sip_rows() {
    const std::string none = R"({"rows":[],"next":""})";
    return {
        {"calls", "fedge show calls --all", {{"GET /v1/dialogs?limit=500", kDialogs}}, 150, 200, true},
        {"calls-now", "fedge show calls", {{"GET /v1/dialogs?limit=500", kDialogs}}, 150, 200, true},
        {"calls-limited",
         "fedge show calls --all --limit 1",
         {{"GET /v1/dialogs?limit=500", kDialogs}},
         150,
         200,
         true},
        {"calls-none", "fedge show calls", {{"GET /v1/dialogs?limit=500", none}}},
        {"dialogs",
         "fedge show dialogs --all --domain contoso.com",
         {{"GET /v1/dialogs?limit=500&domain=contoso.com", kDialogs}},
         150,
         200,
         true},
        {"sip",
         "fedge show sip",
         {{"GET /v1/next-hops?limit=500", kHops},
          {"GET /v1/cores", kCores},
          {"GET /v1/dialogs?limit=500", kDialogs},
          {"GET /v1/scanners?limit=500", kScanners},
          {"GET /v1/counters", kCounters}},
         150},
        {"trace",
         "fedge trace --domain contoso.com --count 2",
         {{"POST /v1/traces", R"({"id":3})"},
          {"GET /v1/traces/3?after=0&wait_ms=500", kTraced},
          {"DELETE /v1/traces/3", "{}"}}},
        {"trace-brief",
         "fedge trace --brief --count 2",
         {{"POST /v1/traces", R"({"id":3})"},
          {"GET /v1/traces/3?after=0&wait_ms=500", kTraced},
          {"DELETE /v1/traces/3", "{}"}}},
        {"test-federation",
         "fedge test federation partner.example",
         {{"GET /v1/federation/test?domain=partner.example", kTested}}},
        {"test-federation-good",
         "fedge test federation partner.example --from alice@contoso.com",
         {{"GET /v1/federation/test?domain=partner.example&from=alice%40contoso.com", kTestedWell}}},
    };
}

}  // namespace fedge::cli::test
