#include "appliance/cli/commands/all.h"

namespace fedge::cli {

const std::vector<Command>& all_commands() {
    static const std::vector<Command> commands = {
        show_status(),
        show_interfaces(),
        show_cores(),
        show_allocations(),
        show_streams(),
        show_neighbors(),
        show_counters(),
        show_drops(),
        show_config(),
        show_revisions(),
        show_audit(),
        set(),
        unset(),
        diff(),
        commit(),
        discard(),
        rollback(),
        turn_user_add(),
        turn_user_remove(),
        turn_user_list(),
        turn_secret_add(),
        turn_secret_rotate(),
        turn_secret_remove(),
        turn_secret_list(),
        turn_disconnect(),
        drain(),
        monitor(),
        help(),
        help_settings(),
        help_exit_codes(),
        completion(),
        complete(),
    };
    return commands;
}

}  // namespace fedge::cli
