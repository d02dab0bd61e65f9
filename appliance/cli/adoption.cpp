#include "appliance/cli/adoption.h"

#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit exit_of(const Json& reply) {
    return true_at(reply, "adopted") ? Exit::ok : Exit::dataplane;
}

void say_why_not(Session& session, const Json& reply) {
    const std::string reason = text_or(reply, "refused_reason", "");
    session.err()
        << "fedge: the dataplane has not adopted it" << (reason.empty() ? " in time" : ": " + printable(reason))
        << "\n  fix: it is published again as soon as the dataplane is back (fedge show status); if a setting is at "
           "fault, correct it and commit, or go back with fedge rollback\n";
}

}  // namespace

Exit report_revision(Session& session, const Json& reply) {
    const Exit exit = exit_of(reply);
    if (session.json) {
        print_json(session.out(), reply);
        return exit;
    }
    const std::string revision = text_or(reply, "revision", "?");
    for (const Json& warning : reply.value("warnings", Json::array()))
        session.err() << "warning: " << printable(value_text(warning)) << '\n';
    for (const Json& sentence : reply.value("weaker", Json::array()))
        session.err() << "weaker than before: " << printable(value_text(sentence)) << '\n';
    session.out() << "Revision " << revision << " is committed"
                  << (exit == Exit::ok ? " and in force.\n" : ", but not in force.\n");
    if (exit != Exit::ok) say_why_not(session, reply);
    return exit;
}

Exit report_change(Session& session, const Json& reply, const std::string& adopted, const std::string& stored) {
    const Exit exit = exit_of(reply);
    if (session.json) {
        print_json(session.out(), reply);
        return exit;
    }
    session.out() << (exit == Exit::ok ? adopted : stored + ", but that is not in force.") << '\n';
    if (exit != Exit::ok) say_why_not(session, reply);
    return exit;
}

Exit report_secret(Session& session, const Json& reply, const std::string& more) {
    const Exit exit = exit_of(reply);
    if (session.json) {
        print_json(session.out(), reply);
        return exit;
    }
    session.out() << printable(text_or(reply, "secret", "")) << '\n';
    session.err() << "Secret " << printable(text_or(reply, "id", "?"))
                  << (exit == Exit::ok ? " is in force." : " is stored, but that is not in force.")
                  << " It is shown this once" << more << '\n';
    if (exit != Exit::ok) say_why_not(session, reply);
    return exit;
}

}  // namespace fedge::cli
