/* Tables of pages of logs. See pages.h. */
#include "control/pages.h"
#include "control/internal.h"

#define OWNER struct ask_logs
static const struct record_field ask_logs_rows[] = {
    TEXTS(resources, resource_count), ROW("before", before, FIELD_STRING),   ROW("grep", grep, FIELD_STRING),
    ROW("count", count, FIELD_INT64), ROW("sinceMs", since_ms, FIELD_INT64),
};
RECORD(ask_logs_record, OWNER, ask_logs_rows);
#undef OWNER

#define OWNER struct view_line
static const struct record_field line_rows[] = {
    ROW("resource", resource, FIELD_STRING), ROW("stream", stream, FIELD_STRING),
    ROW("timeMs", time_ms, FIELD_INT64),     ROW("line", line, FIELD_STRING),
    ROW("partial", partial, FIELD_BOOL),
};
static RECORD(line_record, OWNER, line_rows);
#undef OWNER

#define OWNER struct answer_logs
static const struct record_field answer_logs_rows[] = {
    LIST(lines, line_count, line_record, true),
    ROW("before", before, FIELD_STRING),
};
RECORD(answer_logs_record, OWNER, answer_logs_rows);
#undef OWNER
