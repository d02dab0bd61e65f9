#include "tests/unit/cli/golden_rows.h"

namespace fedge::cli::test {
namespace {

constexpr const char* kEntries = R"({"rows":[
  {"kind":"domain","name":"contoso.com","list":"allow","via":"sip.contoso.com","verification":"always-verifiable","monitor":true,"since":3,
   "comment":"since 2012"},
  {"kind":"domain","name":"evil.example","list":"block","since":12},
  {"kind":"domain","name":"xn--bcher-kva.example","list":"allow","since":1},
  {"kind":"pattern","name":"*.branch.example","list":"allow","srv":"sips","since":2}],"next":""})";

constexpr const char* kProviders = R"({"rows":[
  {"name":"aol","kind":"public","proxy":"sip.oscar.aol.com","enabled":false,"verification":"always-unverifiable","purpose":"server-or-client",
   "built_in":true,"configured":false,"title":"AOL","capabilities":["im","presence"],"wants_client_auth":true},
  {"name":"hosted","kind":"hosting","proxy":"sipfed.hosting.example","enabled":true,"verification":"always-verifiable",
   "purpose":"client-strict","built_in":false,"configured":true,"shared_address_space":true,"hosts_users":true},
  {"name":"skype","kind":"public","proxy":"federation.messenger.msn.com","enabled":true,"verification":"always-unverifiable",
   "purpose":"server-or-client","built_in":true,"configured":true,"title":"Skype","capabilities":["im","presence","audio"],
   "wants_client_auth":false,"decoration":{"routing_domain":"msn.com","domain":"msn.com","excluded":["msn.com","live.com"]}}]})";

constexpr const char* kSkype =
    R"({"name":"skype","kind":"public","proxy":"federation.messenger.msn.com","enabled":true,"verification":"always-unverifiable",
   "purpose":"server-or-client","built_in":true,"configured":true,"title":"Skype","capabilities":["im","presence","audio"],
   "wants_client_auth":false,"decoration":{"routing_domain":"msn.com","domain":"msn.com","excluded":["msn.com","live.com"]}})";

constexpr const char* kHosted =
    R"({"name":"hosted","kind":"hosting","proxy":"sipfed.hosting.example","enabled":true,"verification":"always-verifiable",
   "purpose":"client-strict","built_in":false,"configured":true,"shared_address_space":true,"hosts_users":true})";

constexpr const char* kAol =
    R"({"name":"aol","kind":"public","proxy":"sip.oscar.aol.com","enabled":false,"built_in":true,"configured":false})";

constexpr const char* kPolicies = R"({"rows":[{"scope":"global","access":[]},
  {"scope":"site","name":"berlin","access":["federation","outside"],"domains":["berlin.example.org","potsdam.example.org"]}]})";

constexpr const char* kShown =
    R"({"in_force":{"kind":"domain","name":"contoso.com","list":"allow","via":"sip.contoso.com","monitor":true,
  "since":3,"when":1769900000,"who":"carol","comment":"since 2012"},"candidate":{"kind":"domain","name":"contoso.com","list":"block"}})";

constexpr const char* kDiff = R"({"changes":[{"key":"federation.enabled","old":null,"new":"on"}],
  "entries":{"added":2,"changed":1,"removed":1000000,"first":[
    {"kind":"domain","name":"contoso.com","old":{"kind":"domain","name":"contoso.com","list":"allow"},
     "new":{"kind":"domain","name":"contoso.com","list":"allow","via":"sip.contoso.com","srv":"sips"}},
    {"kind":"domain","name":"evil.example","old":null,"new":{"kind":"domain","name":"evil.example","list":"block","comment":"spam"}},
    {"kind":"domain","name":"gone.example","old":{"kind":"domain","name":"gone.example","list":"allow"},"new":null},
    {"kind":"user","name":"bob@example.org","old":null,"new":{"kind":"user","name":"bob@example.org","access":["federation","outside"]}}]}})";

}  // namespace

std::vector<GoldenRow> partner_rows() {
    const std::string none = R"({"rows":[],"next":""})";
    return {
        {"allow-domain",
         "fedge allow domain contoso.com --via sip.contoso.com",
         {{"PATCH /v1/candidate/entries",
           R"({"added":1,"changed":0,"unchanged":0,"rejected":[],"candidate_changes":3})"}}},
        {"block-domain-taken",
         "fedge block domain contoso.com",
         {{"PATCH /v1/candidate/entries",
           R"({"error":"contoso.com is on the allowed list already, since revision 3, and a name can be on one list only","key":"name",
             "fix":"remove it first with `fedge partner remove`, or add --replace to move it"})"}},
         100,
         409},
        {"partner-remove",
         "fedge partner remove contoso.com",
         {{"PATCH /v1/candidate/entries", R"({"removed":1,"candidate_changes":0})"}}},
        {"partners", "fedge partner list", {{"GET /v1/entries?limit=500", kEntries}}},
        {"partners-narrow", "fedge partner list", {{"GET /v1/entries?limit=500", kEntries}}, 50},
        {"partners-none",
         "fedge partner list --blocked --under a.example",
         {{"GET /v1/entries?limit=500&list=block&under=a.example", none}}},
        {"partner-show", "fedge partner show contoso.com", {{"GET /v1/entries/domain/contoso.com", kShown}}},
        {"partner-show-new",
         "fedge partner show --pattern *.a.example",
         {{"GET /v1/entries/pattern/%2A.a.example",
           R"({"in_force":null,"candidate":{"kind":"pattern","name":"*.a.example","list":"allow"}})"}}},
        {"partner-show-none",
         "fedge partner show a.example",
         {{"GET /v1/entries/domain/a.example",
           R"({"error":"a.example is on no list","fix":"`fedge partner list` shows what there is"})"}},
         100,
         404},
        {"diff-entries", "fedge diff", {{"GET /v1/diff", kDiff}}},
        {"rollback-weaker",
         "fedge rollback 3 --weaker",
         {{"POST /v1/rollback",
           R"({"revision":13,"adopted":true,"warnings":[],"weaker":["evil.example is blocked no longer","discovery of partners is on"]})"}}},
        {"rollback-refused",
         "fedge rollback 3",
         {{"POST /v1/rollback",
           R"({"error":"revision 3 is weaker: evil.example is blocked no longer","fix":"if that is meant: fedge rollback 3 --weaker"})"}},
         100,
         409},
        {"providers", "fedge provider list", {{"GET /v1/providers", kProviders}}},
        {"provider-show", "fedge provider show skype", {{"GET /v1/providers/skype", kSkype}}},
        {"provider-show-hosting", "fedge provider show hosted", {{"GET /v1/providers/hosted", kHosted}}},
        {"provider-show-none",
         "fedge provider show skyp",
         {{"GET /v1/providers/skyp",
           R"({"error":"there is no provider skyp","fix":"`fedge provider list` shows them"})"}},
         100,
         404},
        {"provider-add",
         "fedge provider add cloud sipfed.cloud.example --shared-address-space --hosts-users",
         {{"GET /v1/providers?candidate=true", kProviders},
          {"PATCH /v1/candidate", R"({"changes":[{"key":"provider.cloud.proxy"},{"key":"provider.cloud.enabled"}]})"}}},
        {"provider-add-there",
         "fedge provider add hosted sipfed.cloud.example",
         {{"GET /v1/providers?candidate=true", kProviders}, {"PATCH /v1/candidate", "{}"}}},
        {"provider-add-built-in",
         "fedge provider add skype federation.example",
         {{"GET /v1/providers?candidate=true", kProviders}, {"PATCH /v1/candidate", "{}"}}},
        {"provider-enable",
         "fedge provider enable aol",
         {{"GET /v1/providers/aol?candidate=true", kAol},
          {"PATCH /v1/candidate", R"({"changes":[{"key":"provider.aol.enabled"}]})"}}},
        {"provider-remove-built-in",
         "fedge provider remove aol",
         {{"GET /v1/providers/aol?candidate=true", kAol}, {"PATCH /v1/candidate", "{}"}}},
        {"discovered",
         "fedge discovered list --suspicious",
         {{"GET /v1/discovered?limit=500&suspicious=true",
           R"({"rows":[{"domain":"fabrikam.com","first":1769800000,"last":1769900000,"messages":12345,"limited":67,"contacts":1000,
             "suspicious":true,"watch":true}],"next":""})"}}},
        {"discovered-none", "fedge discovered list", {{"GET /v1/discovered?limit=500", none}}},
        {"discovered-promote",
         "fedge discovered promote fabrikam.com",
         {{"GET /v1/discovered/fabrikam.com", R"({"domain":"fabrikam.com"})"},
          {"PATCH /v1/candidate/entries", R"({"added":1,"candidate_changes":1})"}}},
        {"discovered-block-unknown",
         "fedge discovered block fabrikan.com",
         {{"GET /v1/discovered/fabrikan.com", R"({"error":"fabrikan.com was not discovered","fix":"list them"})"}},
         100,
         404},
        {"policies", "fedge policy show", {{"GET /v1/policies", kPolicies}}},
        {"policy-users",
         "fedge policy user list --under example.org",
         {{"GET /v1/entries?limit=500&kind=user&under=example.org",
           R"({"rows":[{"kind":"user","name":"alice@example.org","access":["federation","outside"],"since":4},
             {"kind":"user","name":"bob@example.org","access":[],"since":5,"comment":"leaves in May"}],"next":""})"}}},
        {"policy-user-show",
         "fedge policy user show bob@example.org",
         {{"GET /v1/entries/user/bob%40example.org",
           R"({"in_force":{"kind":"user","name":"bob@example.org","access":["xmpp"],"since":4,"when":1769900000,"who":"carol"},"candidate":null})"}}},
        {"policy-user-set",
         "fedge policy user set bob@example.org federation",
         {{"PATCH /v1/candidate/entries", R"({"added":1,"candidate_changes":1})"}}},
        {"policy-typo", "fedge policy global set federaton", {}},
        {"help-allow-domain", "fedge help allow domain", {}},
        {"help-partner-import", "fedge help partner import", {}},
        {"help-policy", "fedge policy user --help", {}},
    };
}

}  // namespace fedge::cli::test
