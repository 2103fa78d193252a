/* What a run was, as a document: for a CI that keeps it, in three forms.
 *
 * Happy path: a command fills a struct report from what it has (the view, the moments, its own phases) and
 * makes a document of it, report_document(), out of which the secrets are taken; report_write() writes that
 * in the form that the file's name says. The document is the record below and nothing else
 * (docs/apphost-report.schema.json): the other forms, and a parent that puts the documents of its workers
 * into one, read it again by the same table.
 *
 * Nothing here asks anybody: no socket, no engine, no clock. Ownership: a report borrows what it points to,
 * or has it in its arena; documents are the caller's. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/scrub.h"
#include "control/view.h"
#include "control/watch.h"
#include "record/record.h"

#include <stdio.h>

enum report_outcome {
    REPORT_NO_OUTCOME,
    REPORT_UNFINISHED, /* nobody lived to tell the end */
    REPORT_PASSED,
    REPORT_FAILED,
    REPORT_INTERRUPTED, /* by a signal */
    REPORT_OUTCOME_COUNT
};

/* Times are milliseconds, since the run began. */
struct report_phase {
    const char *name;
    int64_t begin_ms, elapsed_ms;
};
struct report_span { /* a row that was worked on */
    const char *resource, *goal;
    bool waits; /* for others */
    int64_t begin_ms, elapsed_ms;
};
struct report_image {
    const char *name, *id, *digest; /* digest: the registry's; NULL: it never had one */
};
struct report_timing {
    const char *goal;
    int64_t ms;
};

struct report_resource {
    const char *name, *replica_of, *kind, *state, *health, *role;
    const char *address; /* secrets masked */
    const char *image;
    const char *decision, *explain;
    bool is_task, is_wanted;
    int64_t restarts, signal;
    struct record_maybe exit_code;
    bool is_out_of_memory;
    struct report_timing *timings;
    size_t timing_count;
    struct view_error error;
    const char *last_probe, *last_lines;
};

struct report_engine {
    const char *kind, *server, *api_version; /* "docker" or "native" */
    struct view_published published;
};

struct report {
    int version;         /* of the form: 1 */
    const char *program; /* apphost's version */
    enum report_outcome outcome;
    const char *phase;                           /* where it ended: "done", or what was under way */
    struct record_maybe exit_code, code, signal; /* ours; the command's, and the signal that ended it */
    struct view_error error;
    const char *resource;         /* whose failure it is */
    int64_t began_at, elapsed_ms; /* milliseconds since 1970; how long */
    const char *project, *manifest;
    const char *variant; /* of a matrix: "image=redis:7.2" */
    int worker;          /* from 1; 0: there is one */
    const char **command;
    size_t command_count;
    struct report_engine engine;
    struct report_phase *phases;
    size_t phase_count;
    struct report_resource *resources;
    size_t resource_count;
    struct report_image *images;
    size_t image_count;
    struct report_span *spans;
    size_t span_count;
    const cJSON *chaos;
    struct report *workers; /* several at once: the rest is theirs */
    size_t worker_count;

    struct arena arena;
};
RECORD_OF(report_record, struct report);

/* The resources as a view has them, with what its own report of a failure says more. */
void report_take_view(struct report *report, const struct view *view);
/* The rows that were worked on since began_at; items of `history`. */
void report_take_moments(struct report *report, const cJSON *items);
/* It failed, or ended with an error: what is worth its last lines. */
bool report_is_failed(const struct report_resource *resource);

/* Of its own texts everything but names is searched for secrets. is_sure false: not all of them are known,
 * and what programs said is left out. */
cJSON *report_document(const struct report *report, const struct scrub *scrub, bool is_sure);
/* Of a worker that told nothing, or was never begun. */
cJSON *report_of_lost_worker(int number, const char *variant);
/* One document of the workers' (taken), in their order. */
cJSON *report_of_workers(const struct report *whole, cJSON **documents, size_t count);

/* ---- forms ---- */

enum report_form { REPORT_JSON, REPORT_JUNIT, REPORT_MARKDOWN };
/* "FILE" by its suffix (.xml, .md, else JSON), or with the form in front: "md:FILE". *file points into it. */
enum report_form report_form_of(const char *option, const char **file);
/* Replaces the file when all of it is written. */
int report_write(const cJSON *document, const char *option, struct error *err);
/* What each worker came to, as a table: which versions the command works with. */
void report_print_workers(const cJSON *document, FILE *stream, bool colour);
/* Annotations of a GitHub step (`::error …`): what failed. */
void report_annotate(const cJSON *document, FILE *stream);

#endif
