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
    const std::string reason = text_or(reply, "refused_reason", "");
    session.err()
        << "fedge: the dataplane has not adopted it" << (reason.empty() ? " in time" : ": " + printable(reason))
        << "\n  fix: it is published again as soon as the dataplane is back (fedge show status); if a setting is at "
           "fault, correct it and commit, or go back with fedge rollback\n";
    return exit;
}

}  // namespace fedge::cli
