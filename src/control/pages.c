/* Tables of pages of logs. See pages.h. */
#include "control/pages.h"

#define ROW(text, member, kind) RECORD_CALLED(text, struct ask_logs, member, kind)
static const struct record_field ask_logs_rows[] = {
    RECORD_COUNTED(struct ask_logs, resources, resource_count, FIELD_STRINGS, false),
    ROW("before", before, FIELD_STRING),
    ROW("grep", grep, FIELD_STRING),
    ROW("count", count, FIELD_INT64),
    ROW("sinceMs", since_ms, FIELD_INT64),
};
#undef ROW
RECORD(ask_logs_record, struct ask_logs, ask_logs_rows);

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_line, member, kind)
static const struct record_field line_rows[] = {
    ROW("resource", resource, FIELD_STRING), ROW("stream", stream, FIELD_STRING),
    ROW("timeMs", time_ms, FIELD_INT64),     ROW("line", line, FIELD_STRING),
    ROW("partial", partial, FIELD_BOOL),
};
#undef ROW
static RECORD(line_record, struct view_line, line_rows);

static const struct record_field answer_logs_rows[] = {
    RECORD_ARRAY(struct answer_logs, lines, line_count, line_record, false, .always = true),
    RECORD_CALLED("before", struct answer_logs, before, FIELD_STRING),
};
RECORD(answer_logs_record, struct answer_logs, answer_logs_rows);
