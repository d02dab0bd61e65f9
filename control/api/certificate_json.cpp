#include "control/api/certificate_json.h"

#include "control/certificates/check.h"

namespace fedge::control::api {

Json facts_json(const CertificateFacts& facts) {
    return {{"subject", facts.subject},
            {"issuer", facts.issuer},
            {"serial", facts.serial},
            {"names", facts.names},
            {"not_before", facts.not_before},
            {"not_after", facts.not_after},
            {"key", facts.key},
            {"signature", facts.signature},
            {"purposes", facts.purposes},
            {"authority", facts.authority},
            {"sha256", facts.sha256}};
}

Json validity_json(const Validity& validity) {
    return {{"from", validity.from}, {"to", validity.to ? Json(validity.to) : Json(nullptr)}};
}

Json certificate_row(const StoredCertificate& certificate, int64_t now) {
    Json out{{"name", certificate.name}, {"requested", certificate.requested}};
    if (!certificate.chain.empty()) {
        const CertificateFacts& leaf = certificate.chain.front();
        int64_t ends = certificate.ends();
        const CertificateFacts* first = &leaf;
        for (const auto& facts : certificate.chain) {
            if (facts.not_after == ends && leaf.not_after != ends) first = &facts;
        }
        out["names"] = leaf.names;
        out["subject"] = leaf.subject;
        out["issuer"] = leaf.issuer;
        out["key"] = leaf.key;
        out["sha256"] = leaf.sha256;
        out["length"] = certificate.chain.size();
        out["ends"] = ends;
        out["ends_first"] = first->subject;
        out["days_left"] = (ends - now) / kDay - ((ends - now) % kDay < 0 ? 1 : 0);
    }
    out["staple"] = certificate.stapled ? validity_json(certificate.staple) : Json(nullptr);
    out["created"] = certificate.created;
    out["who"] = certificate.who;
    return out;
}

}  // namespace fedge::control::api
