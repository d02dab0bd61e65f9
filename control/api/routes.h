// One function per route; router.cpp has the table. They throw Refusal for what the client did wrong.
#pragma once

#include "control/api/message.h"
#include "control/control.h"

namespace fedge::control::api {

// routes_status.cpp
void get_status(Control& control, const Request& request, Reply reply);
void get_interfaces(Control& control, const Request& request, Reply reply);
void get_cores(Control& control, const Request& request, Reply reply);
void get_neighbors(Control& control, const Request& request, Reply reply);
void get_allocations(Control& control, const Request& request, Reply reply);
void get_streams(Control& control, const Request& request, Reply reply);
void get_counters(Control& control, const Request& request, Reply reply);
void get_drops(Control& control, const Request& request, Reply reply);

// routes_config.cpp
void get_config(Control& control, const Request& request, Reply reply);
void get_schema(Control& control, const Request& request, Reply reply);
void get_candidate(Control& control, const Request& request, Reply reply);
void patch_candidate(Control& control, const Request& request, Reply reply);
void delete_candidate(Control& control, const Request& request, Reply reply);
void get_diff(Control& control, const Request& request, Reply reply);
void post_commit(Control& control, const Request& request, Reply reply);
void post_rollback(Control& control, const Request& request, Reply reply);
void get_revisions(Control& control, const Request& request, Reply reply);

// routes_turn.cpp
void get_users(Control& control, const Request& request, Reply reply);
void post_user(Control& control, const Request& request, Reply reply);
void delete_user(Control& control, const Request& request, Reply reply);
void get_secrets(Control& control, const Request& request, Reply reply);
void post_secret(Control& control, const Request& request, Reply reply);
void post_rotate(Control& control, const Request& request, Reply reply);
void delete_secret(Control& control, const Request& request, Reply reply);
void post_disconnect(Control& control, const Request& request, Reply reply);
void put_drain(Control& control, const Request& request, Reply reply);
void get_audit(Control& control, const Request& request, Reply reply);

// routes_certificates.cpp
void get_certificates(Control& control, const Request& request, Reply reply);
void get_certificate(Control& control, const Request& request, Reply reply);
void post_certificate(Control& control, const Request& request, Reply reply);
void post_generate(Control& control, const Request& request, Reply reply);
void post_request(Control& control, const Request& request, Reply reply);
void delete_certificate(Control& control, const Request& request, Reply reply);
void put_ocsp(Control& control, const Request& request, Reply reply);
void get_trust(Control& control, const Request& request, Reply reply);
void post_trust(Control& control, const Request& request, Reply reply);
void delete_trust(Control& control, const Request& request, Reply reply);
void get_crls(Control& control, const Request& request, Reply reply);
void post_crl(Control& control, const Request& request, Reply reply);
void delete_crl(Control& control, const Request& request, Reply reply);
void get_tls(Control& control, const Request& request, Reply reply);

// routes_federation.cpp
void get_federation_explain(Control& control, const Request& request, Reply reply);
void get_federation_ports(Control& control, const Request& request, Reply reply);
void get_federation_dns(Control& control, const Request& request, Reply reply);
// routes_federation_test.cpp
void get_federation_test(Control& control, const Request& request, Reply reply);

// routes_connections.cpp
void get_connections(Control& control, const Request& request, Reply reply);
void get_endings(Control& control, const Request& request, Reply reply);
void get_connection(Control& control, const Request& request, Reply reply);

// routes_sip.cpp
void get_dialogs(Control& control, const Request& request, Reply reply);
void get_next_hops(Control& control, const Request& request, Reply reply);
void get_scanners(Control& control, const Request& request, Reply reply);
void post_trace(Control& control, const Request& request, Reply reply);
void get_trace(Control& control, const Request& request, Reply reply);
void delete_trace(Control& control, const Request& request, Reply reply);

// routes_discovery.cpp
void get_discovery(Control& control, const Request& request, Reply reply);
void get_discovery_test(Control& control, const Request& request, Reply reply);
// routes_discovered.cpp
void get_discovered(Control& control, const Request& request, Reply reply);
void get_discovered_partner(Control& control, const Request& request, Reply reply);

// routes_partners.cpp
void get_entries(Control& control, const Request& request, Reply reply);
void get_entry(Control& control, const Request& request, Reply reply);
void patch_entries(Control& control, const Request& request, Reply reply);

// routes_sip_filter.cpp
void get_sip_filter(Control& control, const Request& request, Reply reply);
void post_sip_filter_test(Control& control, const Request& request, Reply reply);

// routes_verdicts.cpp
void get_verdict(Control& control, const Request& request, Reply reply);

// routes_federation_settings.cpp
void get_providers(Control& control, const Request& request, Reply reply);
void get_provider(Control& control, const Request& request, Reply reply);
void get_policies(Control& control, const Request& request, Reply reply);

// metrics.cpp
void get_metrics(Control& control, const Request& request, Reply reply);

// A text of the query string, empty if it is not there.
std::string query_text(const Request& request, const char* name);
// A domain name as A-labels in lower case. Throws Refusal (invalid) about `field`.
std::string query_domain(const char* field, const std::string& text);
// A number of the query string, `fallback` if it is not there. Throws Refusal (invalid).
uint64_t query_number(const Request& request, const char* name, uint64_t fallback, uint64_t minimum, uint64_t maximum);

}  // namespace fedge::control::api
