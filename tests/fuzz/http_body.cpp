// Request target and body of PATCH /v1/candidate: whatever is accepted must be canonical, and must compile or say why
// not.
#include <string_view>

#include "control/api/message.h"
#include "control/api/patch.h"
#include "control/problem.h"
#include "control/settings/config.h"
#include "control/settings/table.h"
#include "tests/fuzz/expect.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace fedge;
    using namespace fedge::control;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    api::Request request;
    api::parse_target(text, request);
    const Settings base{{"interface.outside.address", {"192.0.2.10/26"}}, {"interface.outside.port", {"wan"}}};
    try {
        Edits edits = api::parse_patch(text, base);
        for (const auto& [key, values] : edits) {
            Setting setting = find_setting(key);
            fuzz::expect(setting.key == key, "accepted keys are canonical");
            fuzz::expect(!values || checked_values(setting, *values) == *values, "accepted values are canonical");
        }
        Compiled compiled = compile(with_edits(base, edits));
        for (const auto& error : compiled.errors) {
            fuzz::expect(!error.key.empty() && !error.what.empty() && !error.fix.empty(),
                         "a problem names key and fix");
        }
    } catch (const Refusal& refusal) {
        api::refusal_response(refusal);
    }
    return 0;
}
