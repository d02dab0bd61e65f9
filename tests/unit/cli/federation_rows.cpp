// What explain federation, ports and dns show.
#include "tests/unit/cli/golden_rows.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kExplained =
    R"json({"direction":"inbound","from":"alice@partner.example","to":"bob@local.example","allowed":true,
  "steps":[{"step":2,"name":"kind of connection","result":"passed","why":"its certificate proves no provider: a partner of its own"},
   {"step":7,"name":"blocked list","result":"passed","why":"partner.example is covered by allow domain partner.example"},
   {"step":8,"name":"proof of the source","result":"asked","why":"asks DNS for the SRV records of partner.example"},
   {"step":8,"name":"proof of the source","result":"asked","why":"DNS says: sip.partner.example:5061 (198.51.100.7)"},
   {"step":13,"name":"delivery","result":"deliver","why":"goes to the internal next hop"}],
  "verdict":"deliver","reason":"delivered","why":"goes to the internal next hop","step":13,"rule":"allow domain partner.example",
  "partner":"allowed partner domain","trust":"AutoFed","verified":true,"monitored":false,
  "header":"ms-edge-proxy-message-trust: ms-source-type=AutoFederation;ms-ep-fqdn=sip.local.example;ms-source-verified-user=verified;ms-source-network=federation"})json";

constexpr const char* kExplainedRefusal =
    R"({"direction":"outbound","from":"bob@local.example","to":"alice@x\u001b[2J.example","allowed":false,
  "steps":[{"step":1,"name":"access of the user","result":"passed","why":"the user has access by the global policy"},
   {"step":6,"name":"next hop","result":"refuse","why":"SRV records of partner.example name sip.other.example, neither the domain itself nor a direct child of it"}],
  "cores":[{"name":"partner.example","agree":false,"words":"core 0 has no entry and not allow domain partner.example: what is explained is the candidate, which is not committed","rows":[]},
   {"name":"bob@local.example","agree":true,"words":"all 2 cores say the same: no entry","rows":[]}],
  "verdict":"refuse","reason":"out_namespace","why":"SRV records of the domain name only servers outside of it","step":6,
  "rule":"allow domain partner.example","partner":"allowed partner domain","trust":"AutoFed","verified":false,"monitored":false,
  "wire":{"sent":true,"status":504,"code":1009,"text":"SRV and host domains conflict",
   "header":"1009;reason=\"SRV and host domains conflict\";source=\"sip.local.example\""}})";

constexpr const char* kExplainedDrop =
    R"({"direction":"inbound","allowed":false,"steps":[{"step":7,"name":"blocked list","result":"drop",
  "why":"it.partner.example is covered by block domain partner.example"}],"verdict":"drop","reason":"blocked_source",
  "cores_error":"the dataplane is not connected",
  "why":"the source domain is blocked","step":7,"rule":"block domain partner.example","partner":"none","trust":"None",
  "wire":{"sent":false,"status":403,"code":1002,"text":"From URI is not authorized to communicate with federated partners"}})";

constexpr const char* kExplainedRoute =
    R"json({"direction":"outbound","allowed":true,"steps":[{"step":3,"name":"configured server","result":"deliver",
  "why":"edge.hoster.example is configured"}],"verdict":"deliver","reason":"out_routed","why":"goes to the partner","step":4,
  "rule":"allow domain direct.example","partner":"allowed partner server","trust":"DirectPartner","provider":"Hoster",
  "next_hop":{"kind":"configured server","host":"edge.hoster.example","targets":["edge.hoster.example:5061 (198.51.100.7)"]}})json";

constexpr const char* kPorts = R"({"rows":[
  {"role":"access-federation","side":"external","transport":"tcp","first":5061,"last":5061,"direction":"in","far":"partners","addresses":["192.0.2.10","2001:db8::10"]},
  {"role":"access-federation","side":"external","transport":"tcp","first":5061,"last":5061,"direction":"out","far":"partners","addresses":["192.0.2.10","2001:db8::10"]},
  {"role":"access-clients","side":"external","transport":"tcp","first":443,"last":443,"direction":"in","far":"clients","addresses":["192.0.2.10"]},
  {"role":"media-udp","side":"external","transport":"udp","first":3478,"last":3478,"direction":"out","far":"any","addresses":["192.0.2.11"]},
  {"role":"media-tcp","side":"external","transport":"tcp","first":443,"last":443,"direction":"in","far":"any","addresses":["192.0.2.11"]},
  {"role":"relayed-udp","side":"external","transport":"udp","first":50000,"last":59999,"direction":"in","far":"any","addresses":["192.0.2.11"]},
  {"role":"relayed-tcp","side":"external","transport":"tcp","first":50000,"last":59999,"direction":"out","far":"any","addresses":["192.0.2.11"],"ports_of":"source"},
  {"role":"dns","side":"external","transport":"udp","first":53,"last":53,"direction":"out","far":"dns-servers","addresses":[]},
  {"role":"front-end","side":"internal","transport":"tcp","first":5061,"last":5061,"direction":"in","far":"front-ends","addresses":["10.0.0.10"]}]})";

constexpr const char* kDns = R"({"records":[
  {"name":"_sipfederationtls._tcp.local.example","type":"SRV","data":"0 0 5061 sip.local.example.","why":"partners of the Microsoft family"},
  {"name":"sip.local.example","type":"A","data":"192.0.2.10","why":"where the edge is"},
  {"name":"sip.local.example","type":"AAAA","data":"2001:db8::10","why":"where the edge is"},
  {"name":"_5061._tcp.sip.local.example","type":"TLSA","data":"3 1 1 00aa","why":"pins the key of our certificate"}],
  "problems":[{"key":"federation.access-name","what":"no access name of this edge is in second.example","fix":"fedge set federation.access-name sip.second.example"}]})";

constexpr const char* kDnsChecked = R"({"records":[
  {"name":"_sipfederationtls._tcp.local.example","type":"SRV","data":"0 0 5061 sip.local.example.","why":"","seen":"wrong","found":["0 0 5060 sip.local.example"]},
  {"name":"sip.local.example","type":"A","data":"192.0.2.10","why":"","seen":"there","found":["192.0.2.10"]},
  {"name":"_sip._tls.local.example","type":"SRV","data":"0 0 443 sip.local.example.","why":"","seen":"unknown","found":[]},
  {"name":"sip.local.example","type":"AAAA","data":"2001:db8::10","why":"","seen":"missing","found":[]}],"problems":[]})";

}  // namespace

std::vector<GoldenRow> federation_rows() {
    const std::string none = R"({"rows":[]})";
    return {
        {"explain-federation",
         "fedge explain federation alice@partner.example bob@local.example --inbound --cert sip.partner.example",
         {{"GET "
           "/v1/federation/"
           "explain?from=alice%40partner.example&to=bob%40local.example&direction=inbound&cert=sip.partner."
           "example",
           kExplained}}},
        {"explain-federation-refused",
         "fedge explain federation bob@local.example alice@partner.example --content video --xmpp --candidate",
         {{"GET "
           "/v1/federation/"
           "explain?from=bob%40local.example&to=alice%40partner.example&content=video&protocol=xmpp&candidate="
           "true",
           kExplainedRefusal}}},
        {"explain-federation-dropped",
         "fedge explain federation a@it.partner.example bob@local.example --inbound --cert dns:x.example,sip:y.example "
         "--usage "
         "client --marked verified",
         {{"GET "
           "/v1/federation/explain?from=a%40it.partner.example&to=bob%40local.example&direction=inbound&cert=dns%3Ax."
           "example%2Csip%3Ay.example&usage=client&mark=verified",
           kExplainedDrop}}},
        {"explain-federation-routed",
         "fedge explain federation bob@local.example a@direct.example",
         {{"GET /v1/federation/explain?from=bob%40local.example&to=a%40direct.example", kExplainedRoute}}},
        {"ports", "fedge ports", {{"GET /v1/federation/ports", kPorts}}, 0},
        {"ports-es", "fedge ports --lang es", {{"GET /v1/federation/ports", kPorts}}, 0},
        {"ports-pt", "fedge ports --lang pt", {{"GET /v1/federation/ports", kPorts}}, 0},
        {"ports-ru", "fedge ports --lang ru", {{"GET /v1/federation/ports", kPorts}}, 0},
        {"ports-nftables", "fedge ports --nftables", {{"GET /v1/federation/ports", kPorts}}},
        {"ports-none", "fedge ports", {{"GET /v1/federation/ports", none}}},
        {"dns", "fedge dns", {{"GET /v1/federation/dns", kDns}}},
        {"dns-check", "fedge dns --check", {{"GET /v1/federation/dns?check=true", kDnsChecked}}}};
}

}  // namespace fedge::cli::test
