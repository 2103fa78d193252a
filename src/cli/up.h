/* The foreground half of `up`: logs, later changes, the manifest's changes, the end. Inside cli/ only. */
#ifndef CLI_UP_H
#define CLI_UP_H

#include "ui/log_view.h"
#include "ui/outbox.h"
#include "session/session.h"
#include "session/trace.h"
#include "logs/logs.h"

struct up {
    struct context *context;
    struct render *render;      /* progress of converging */
    struct render *later;       /* changes once it is ready: plain lines */
    struct output later_output; /* what `later` borrows */
    struct outbox out;          /* standard output */
    struct log_view view;
    struct log_reader *reader;
    struct client_call watch;
    struct trace *trace;   /* or NULL */
    int64_t began_us;      /* microseconds since 1970 */
    const char *exit_from; /* --exit-code-from, or NULL */
    bool exit_from_ended;
    bool is_news; /* something that staying ends with, or that is to be acted on */
    /* --watch */
    struct watch **watches; /* one a folder */
    size_t watch_count;
    const char *loaded; /* what the manifest said when it was loaded first; up_watch_look() */
    bool is_first_look;
    bool changed;
    bool applying; /* converging shows the changes itself */
};

/* Converges once: the answer of session_up(), the progress finished. */
int up_converge(struct up *up, struct view **view, struct error *err);
/* What is printed when it is ready. */
void up_print_ready(struct up *up, const struct view *view);
/* Where the time since up->began_us went, row by row. */
void up_print_timings(struct up *up, const struct view *view);
int64_t up_now_us(void);
/* What a dry run has decided. */
void up_print_decisions(struct up *up, const struct view *view);

/* Starts merging logs of these resources (empty: all) to standard output. */
int up_logs_start(struct up *up, const char *folder, const struct strlist *resources);
void up_logs_end(struct up *up);
/* Stays until the project ends, a signal comes, or --exit-code-from's resource ends. The answer is the exit
 * code. */
int up_stay(struct up *up, struct error *err);
/* Takes our session down, or leaves somebody else's. The answer is the exit code, `code` when all went well.
 */
int up_leave(struct up *up, int code, struct error *err);

/* --watch: up->changed is set when a file of the manifest changed and things have settled, or may have
 * changed since it was loaded. */
void up_watch_start(struct up *up);
/* What a manifest says, in one text to compare; the caller frees. */
char *up_watch_look(const struct project *project);
void up_watch_end(struct up *up);
/* Loads the manifest again and converges; problems are printed and nothing is changed. */
void up_watch_apply(struct up *up);

#endif
