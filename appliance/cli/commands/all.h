// One function per command, each in the file of its name.
#pragma once

#include "appliance/cli/command.h"

namespace fedge::cli {

Command show_status();
Command show_interfaces();
Command show_cores();
Command show_allocations();
Command show_streams();
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
Command drain();
Command monitor();
Command help();
Command help_settings();
Command help_exit_codes();
Command completion();
Command complete();

}  // namespace fedge::cli
