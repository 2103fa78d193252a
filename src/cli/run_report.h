/* `run --report`, `--log-dir` and `--annotations`: what is noted on the way, and written at the end. Inside
 * cli/ only.
 *
 * Happy path: run_report_open() before anything is begun, run_report_phase() as the run goes on,
 * run_report_look() while the session is still there, run_report_end(). At each phase the files are written
 * as they would be if nothing came any more ("unfinished"): whoever is killed leaves one that says where, and
 * nobody reads that of the run before. A worker's part is its parent's, which puts all of them into one.
 *
 * All take what was opened without any of the three options, and do nothing. */
#ifndef CLI_RUN_REPORT_H
#define CLI_RUN_REPORT_H

#include "cli/isolate.h"
#include "report/report.h"

struct run_report;
/* NULL, with *err: a file cannot be written, a folder is none. */
struct run_report *run_report_open(struct context *context, struct error *err);
/* From now on this is a worker's. */
int run_report_become(struct run_report *report, const struct isolate_worker *worker, struct error *err);
void run_report_phase(struct run_report *report, const char *phase);
/* Asks the session for what it knows. failed: the view that came with a failure, or NULL. */
void run_report_look(struct run_report *report, const struct view *failed);

struct run_end {
    int exit_code;
    int command_code;  /* -1: it has not run */
    const char *phase; /* where it ended */
    const struct error *error;
    const cJSON *chaos; /* or NULL */
};
/* Writes all; what cannot be written is told. */
void run_report_end(struct run_report *report, const struct run_end *end);
/* The same in the parent of workers. */
void run_report_end_workers(struct run_report *report, const struct isolate_worker *worker, int exit_code);
void run_report_free(struct run_report *report);

#endif
