/* The forms, each from the record to a text. Inside report/ only. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include "report/report.h"

void report_junit(const struct report *report, struct strbuf *out);
void report_markdown(const struct report *report, struct strbuf *out);

const char *report_outcome_name(enum report_outcome outcome);
/* The command as one would type it, roughly; the caller frees. */
char *report_command_line(const struct report *report);
/* Why it failed, in a line; the caller frees. */
char *report_reason(const struct report *report);
/* What is said of a resource that failed; the caller frees. */
char *report_resource_reason(const struct report_resource *resource);
/* "worker 2", "image=redis:7.2"; the caller frees; NULL: there is one. */
char *report_label(const struct report *report);

#endif
