// Certificates as JSON. Times are Unix seconds. Private keys are in none of it.
#pragma once

#include "control/api/json.h"
#include "control/certificates/certificates.h"

namespace fedge::control::api {

Json facts_json(const CertificateFacts& facts);
Json validity_json(const Validity& validity);  // {"from", "to"}; "to" is null if it says nothing
// One row of a listing; what there is of a certificate that is only requested is its name.
Json certificate_row(const StoredCertificate& certificate, int64_t now);

}  // namespace fedge::control::api
