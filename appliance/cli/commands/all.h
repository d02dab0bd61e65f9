// One function per command, each in the file of its name.
#pragma once

#include "appliance/cli/command.h"

namespace fedge::cli {

Command show_status();
Command show_interfaces();
Command show_cores();
Command show_allocations();
Command show_streams();
Command show_connections();
Command show_tls();
Command show_certs();
Command show_discovery();
Command show_neighbors();
Command show_counters();
Command show_drops();
Command show_config();
Command show_revisions();
Command show_audit();
Command set();
Command unset();
Command diff();
Command commit();
Command discard();
Command rollback();
Command turn_user_add();
Command turn_user_remove();
Command turn_user_list();
Command turn_secret_add();
Command turn_secret_rotate();
Command turn_secret_remove();
Command turn_secret_list();
Command turn_disconnect();
Command cert_import();
Command cert_list();
Command cert_show();
Command cert_expiry();
Command cert_csr();
Command cert_generate();
Command cert_remove();
Command cert_ocsp_import();
Command cert_trust_add();
Command cert_trust_list();
Command cert_trust_remove();
Command cert_crl_import();
Command cert_crl_list();
Command cert_crl_remove();
Command explain_connection();
Command test_discovery();
Command drain();
Command monitor();
Command help();
Command help_settings();
Command help_exit_codes();
Command completion();
Command complete();

}  // namespace fedge::cli
