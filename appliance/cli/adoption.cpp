#include "appliance/cli/adoption.h"

#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {

Exit report_revision(Session& session, const Json& reply) {
    const bool adopted = true_at(reply, "adopted");
    const Exit exit = adopted ? Exit::ok : Exit::dataplane;
    if (session.json) {
        print_json(session.out(), reply);
        return exit;
    }
    const std::string revision = text_or(reply, "revision", "?");
    for (const Json& warning : reply.value("warnings", Json::array()))
        session.err() << "warning: " << printable(value_text(warning)) << '\n';
    if (adopted) {
        session.out() << "Revision " << revision << " is committed and in force.\n";
        return exit;
    }
    session.out() << "Revision " << revision << " is committed, but not in force.\n";
    const std::string refused = text_or(reply, "refused_reason", "");
    if (refused.empty()) {
        session.err()
            << "fedge: the dataplane has not adopted it in time\n"
               "  fix: nothing is lost, it is published as soon as the dataplane is there; see: fedge show status\n";
    } else {
        session.err() << "fedge: the dataplane refused it and keeps what it had: " << printable(refused)
                      << "\n  fix: correct the setting and commit again, or go back with fedge rollback\n";
    }
    return exit;
}

}  // namespace fedge::cli
