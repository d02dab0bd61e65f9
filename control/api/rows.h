// Rows of the dataplane as JSON, page by page.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "control/api/json.h"
#include "control/api/message.h"
#include "control/control.h"

namespace fedge::control::api {

struct RowRequest {
    contract::Kind kind;
    uint64_t cursor = 0;
    uint32_t limit = 0;
    std::function<bool(const Json&)> filter;  // empty: every row
};

// `rows` and the cursor of what follows (0: nothing); on failure `error` is not empty. With a filter, pages are read
// until `limit` rows passed or the time of a question is over, and up to one page more than `limit` may come.
using RowsCallback = std::function<void(Json rows, uint64_t next, const std::string& error)>;

// `now` is asked before each page.
void collect_rows(Dataplane& dataplane, RowRequest request, std::function<Clock::time_point()> now, RowsCallback done);

// The page that `after` and `limit` of the query string ask for. Throws Refusal (invalid).
RowRequest paged(contract::Kind kind, const Request& request);
// As a reply: `rows`, and in `next` the cursor of what follows (empty: nothing).
void send_rows(Control& control, RowRequest request, Reply reply);

}  // namespace fedge::control::api
