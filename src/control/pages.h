/* Pages of logs, for whoever shows them from the end backwards. Followed lines never cross the socket; a page
 * is bounded (logs/logs.h).
 *
 *   logs      {resources:[…], before, count, sinceMs, grep}
 *             {"lines":[{"resource","stream":"stdout"|"stderr","timeMs","line","partial"?}],"before"?}
 *             before: the cursor of the page that was read; none in the answer: there is nothing before.
 *             grep: an extended regular expression
 *
 * A page may hold fewer lines than `count`, even none, and a cursor all the same: go on with that. */
#ifndef CONTROL_PAGES_H
#define CONTROL_PAGES_H

#include "record/record.h"

struct ask_logs {
    const char **resources;
    size_t resource_count;
    const char *before, *grep;
    int64_t count, since_ms;
};
struct view_line {
    const char *resource, *stream;
    int64_t time_ms;
    const char *line;
    bool partial;
};
struct answer_logs {
    struct view_line *lines;
    size_t line_count;
    const char *before;
};

RECORD_OF(ask_logs_record, struct ask_logs);
RECORD_OF(answer_logs_record, struct answer_logs);

#endif
