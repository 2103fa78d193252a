/* The report of a run, from its beginning to its end. See run_report.h. */
#include "cli/run_report.h"
#include "cli/isolate_relay.h"
#include "cli/run_logs.h"
#include "engine/once.h"
#include "session/secrets.h"

#include "base/file.h"
#include "base/ignore.h"
#include "base/mem.h"
#include "base/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 5000, ENGINE_MS = 2000, PART_LIMIT = 64 << 20, MOST_PHASES = 8 };

struct run_report {
    struct context *context;
    struct isolate_worker worker;
    struct strlist files; /* as the options have them */
    char *log_dir;        /* or NULL */
    bool annotates;
    int64_t began_ns; /* since 1970 */
    struct report report;
    struct report_phase phases[MOST_PHASES];
    struct view *view; /* or NULL */
    cJSON *history;    /* or NULL */
    char *logs_folder;
    struct scrub scrub;
    bool has_plan; /* its secrets are in the scrub */
    bool is_sure;  /* nobody knows secrets that we were not told */
};

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t since_begin_ms(const struct run_report *report)
{
    return int64_max((wall_ns() - report->began_ns) / 1000000, 0);
}

static bool is_worker(const struct run_report *report)
{
    return report->worker.is_forked;
}

static bool has_document(const struct run_report *report)
{
    return report->files.count || report->annotates || is_worker(report);
}

/* ---- writing ---- */

static int write_part(int fd, const cJSON *document, struct error *err)
{
    cleanup_free char *text = json_print(document);
    size_t length = strlen(text);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, length, 0) == (ssize_t)length)
        return 0;
    return error_set(err, ERROR_FAILED, "cannot tell the parent: %s", strerror(errno));
}

static int write_files(const struct run_report *report, const cJSON *document, struct error *err)
{
    if (is_worker(report))
        return write_part(report->worker.part, document, err);
    for (size_t i = 0; i < report->files.count; i++)
        if (report_write(document, report->files.items[i], err))
            return -1;
    return 0;
}

static int write_unfinished(struct run_report *report, struct error *err)
{
    report->report.elapsed_ms = since_begin_ms(report);
    cleanup_json cJSON *document = report_document(&report->report, &report->scrub, report->is_sure);
    return write_files(report, document, err);
}

/* ---- the beginning ---- */

static void note_command(struct run_report *report)
{
    const struct args *args = &report->context->args;
    size_t count = 0;
    while (args->rest && args->rest[count])
        count++;
    report->report.command = (const char **)args->rest;
    report->report.command_count = count;
    if (count)
        return;
    report->report.command = (const char **)args->names.items;
    report->report.command_count = args->names.count;
}

/* Each has a folder of its own. */
static bool has_several(const struct args *args)
{
    return args_count(args, "isolate", 1) > 1 || args_value(args, "matrix");
}

static int begin(struct run_report *report, struct error *err)
{
    const struct args *args = &report->context->args;
    args_values(args, "report", &report->files);
    report->log_dir = xstrdup_null(args_value(args, "log-dir"));
    const char *annotations = args_value(args, "annotations");
    report->annotates = str_eq(annotations, "github");
    if (annotations)
        report->context->output.github = report->annotates;
    report->began_ns = wall_ns();
    report->report.began_at = report->began_ns / 1000000;
    secrets_of_environment(report->context->environment, &report->scrub);
    scrub_ready(&report->scrub);

    if (report->log_dir && !has_several(args) && run_logs_prepare(report->log_dir, err))
        return -1;
    if (!write_unfinished(report, err))
        return 0;
    error_wrap(err, "--report");
    return -1;
}

struct run_report *run_report_open(struct context *context, struct error *err)
{
    struct run_report *report = xcalloc(1, sizeof *report);
    report->context = context;
    report->is_sure = true;
    report->report = (struct report){.version = 1,
                                     .program = APPHOST_VERSION,
                                     .outcome = REPORT_UNFINISHED,
                                     .phase = "manifest",
                                     .phases = report->phases};
    if (!begin(report, err))
        return report;
    run_report_free(report);
    return NULL;
}

int run_report_become(struct run_report *report, const struct isolate_worker *worker, struct error *err)
{
    report->worker = *worker;
    if (!is_worker(report))
        return 0;
    report->began_ns = wall_ns();
    report->report.began_at = report->began_ns / 1000000;
    char *folder = isolate_path(worker, report->log_dir);
    free(report->log_dir);
    report->log_dir = folder;
    report->report.worker = worker->number;
    if (worker->variants)
        report->report.variant =
            arena_printf(&report->report.arena, "image=%s", worker->variants[worker->number - 1]);
    if (folder)
        return run_logs_prepare(folder, err);
    return 0;
}

/* The command may hold secrets of the manifest: it is told from when they are known. */
static void take_plan(struct run_report *report)
{
    if (report->has_plan)
        return;
    report->has_plan = report->context->project.plan != NULL;
    secrets_of_plan(report->context->project.plan, &report->scrub);
    scrub_ready(&report->scrub);
    if (report->has_plan)
        note_command(report);
}

/* The one before is over. */
static void end_phase(struct run_report *report)
{
    size_t count = report->report.phase_count;
    if (count)
        report->phases[count - 1].elapsed_ms = since_begin_ms(report) - report->phases[count - 1].begin_ms;
}

void run_report_phase(struct run_report *report, const char *phase)
{
    cleanup_error struct error ignored = {0};
    end_phase(report);
    take_plan(report);
    report->report.phase = phase;
    if (report->report.phase_count < MOST_PHASES)
        report->phases[report->report.phase_count++] =
            (struct report_phase){.name = phase, .begin_ms = since_begin_ms(report)};
    if (has_document(report) && write_unfinished(report, &ignored))
        error_ignore(&ignored, "the end writes again, and tells it");
}

/* ---- what the session knows ---- */

static void take_view(struct run_report *report, const struct view *failed)
{
    cleanup_error struct error ignored = {0};
    struct client *client = &report->context->client;
    view_free(take_ptr(&report->view));
    if (failed)
        report->view = view_read(cJSON_Duplicate(failed->json, true), &ignored);
    else if (client_view(client, LIMIT_MS(ANSWER_MS), &report->view, &ignored))
        error_ignore(&ignored, "a session that is gone has no view");
    if (report->view)
        report_take_view(&report->report, report->view);
}

static void take_history(struct run_report *report)
{
    cleanup_error struct error ignored = {0};
    struct view_moments moments = {0};
    json_free(&report->history);
    if (client_call(&report->context->client, ASK_HISTORY, NULL, LIMIT_MS(ANSWER_MS), &report->history,
                    &ignored) ||
        view_moments_read(report->history, &report->report.arena, &moments, &ignored))
        error_ignore(&ignored, "a session that is gone has no history");
    report_take_moments(&report->report, moments.items);
}

/* Of what the engine says about an image. */
struct image_facts {
    const char *id, **digests;
    size_t digest_count;
};
static const struct record_field image_facts_rows[] = {
    RECORD_CALLED("Id", struct image_facts, id, FIELD_STRING),
    {.name = "RepoDigests",
     .type = FIELD_STRINGS,
     .offset = RECORD_OF_FIELD_STRINGS(struct image_facts, digests),
     .count_offset = RECORD_OFFSET(struct image_facts, digest_count, size_t)},
};
static RECORD(image_facts_record, struct image_facts, image_facts_rows);

static bool has_image(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->image_count; i++)
        if (str_eq(report->images[i].name, name))
            return true;
    return false;
}

static void ask_image(struct engine_once *once, struct report *report, const char *name)
{
    struct image_facts facts;
    if (!name || has_image(report, name))
        return;
    engine_image_inspect(once->engine, name, engine_once_done, once);
    if (engine_once_wait_for(once, LIMIT_MS(ENGINE_MS), NULL) ||
        record_take(&image_facts_record, once->json, &report->arena, &facts, "an image", NULL))
        return;

    struct report_image *image = &report->images[report->image_count++];
    *image = (struct report_image){.name = name, .id = facts.id};
    if (facts.digest_count)
        image->digest = facts.digests[0];
}

static void ask_engine(struct engine_once *once, struct report *report)
{
    engine_ping(once->engine, engine_once_done, once);
    if (engine_once_wait_for(once, LIMIT_MS(ENGINE_MS), NULL))
        return;
    report->engine.server = arena_strdup(&report->arena, once->server);
    report->engine.api_version = arena_strdup(&report->arena, once->api_version);
    report->images = arena_alloc(&report->arena, (report->resource_count + 1) * sizeof *report->images);
    for (size_t i = 0; i < report->resource_count; i++)
        ask_image(once, report, report->resources[i].image);
}

/* An engine that did not come up for the session has nothing to say to us. */
static void take_engine(struct run_report *report)
{
    const struct project *project = &report->context->project;
    struct engine_once once;
    report->report.image_count = 0;
    report->report.engine.kind = text_pick(project->is_native, "native", "docker");
    if (project->is_native || !report->view || !report->view->engine.is_connected)
        return;
    if (engine_once_open(&once, &project->engine, report->context->environment, NULL))
        return;
    ask_engine(&once, &report->report);
    engine_once_close(&once);
}

/* A session that runs knows all secrets; of one that does not tell them, what its programs said is left out.
 */
static void take_secrets(struct run_report *report)
{
    cleanup_error struct error ignored = {0};
    cleanup_free char *folder = project_folder(&report->context->project);
    report->is_sure = !secrets_ask(&report->context->client, LIMIT_MS(ANSWER_MS), &report->scrub, &ignored);
    if (!report->is_sure)
        error_ignore(&ignored, "then is_sure says it");
    secrets_remembered(folder, &report->scrub);
    scrub_ready(&report->scrub);
}

void run_report_look(struct run_report *report, const struct view *failed)
{
    struct client *client = &report->context->client;
    int interrupts = client->interrupts;
    if ((!has_document(report) && !report->log_dir) || !client->connection)
        return;
    client->interrupts = 0; /* it ends waits: these are short, and the one that came is answered elsewhere */
    take_secrets(report);
    if (has_document(report) && (report->is_sure || failed))
        take_view(report, failed);
    if (has_document(report) && report->is_sure) {
        take_history(report);
        take_engine(report);
    }
    free(report->logs_folder);
    report->logs_folder = xstrdup_null(client->logs_folder);
    client->interrupts += interrupts;
}

/* ---- the end ---- */

static enum report_outcome outcome_of(const struct run_report *report, int exit_code)
{
    if (!exit_code)
        return REPORT_PASSED;
    if (report->context->client.interrupts)
        return REPORT_INTERRUPTED;
    return REPORT_FAILED;
}

static void take_last_lines(struct run_report *report)
{
    struct report *made = &report->report;
    for (size_t i = 0; i < made->resource_count && report->logs_folder; i++) {
        struct report_resource *resource = &made->resources[i];
        if (resource->last_lines || !report_is_failed(resource))
            continue;
        cleanup_free char *lines = run_logs_tail(report->logs_folder, resource->name, report->began_ns);
        if (lines)
            resource->last_lines = arena_strdup(&made->arena, lines);
    }
}

static void take_end(struct run_report *report, const struct run_end *end)
{
    struct report *made = &report->report;
    end_phase(report);
    take_plan(report);
    note_command(report);
    made->elapsed_ms = since_begin_ms(report);
    made->outcome = outcome_of(report, end->exit_code);
    made->phase = text_or(end->phase, made->phase);
    made->exit_code = (struct record_maybe){true, end->exit_code};
    made->chaos = end->chaos;
    if (end->command_code >= 0)
        made->code = (struct record_maybe){true, end->command_code};
    if (end->command_code > 128)
        made->signal = (struct record_maybe){true, end->command_code - 128};

    if (!error_is_set(end->error))
        return;
    made->error = view_error_of(end->error, &made->arena);
    made->resource = end->error->resource;
}

static void tell(const struct run_report *report, const cJSON *document)
{
    cleanup_error struct error error = {0};
    if (write_files(report, document, &error))
        output_warn(&report->context->output, "--report: %s", error.text);
    if (report->annotates && !is_worker(report))
        report_annotate(document, stderr);
}

static void write_logs(const struct run_report *report)
{
    cleanup_error struct error error = {0};
    if (!report->log_dir || !report->logs_folder)
        return;
    if (!report->is_sure)
        output_warn(&report->context->output,
                    "--log-dir: no logs are written: the session did not tell which secrets to take out");
    else if (run_logs_write(report->logs_folder, report->log_dir, report->began_ns, &report->scrub, &error))
        output_warn(&report->context->output, "--log-dir: %s", error.text);
}

void run_report_end(struct run_report *report, const struct run_end *end)
{
    write_logs(report);
    if (!has_document(report))
        return;
    take_last_lines(report);
    take_end(report, end);
    cleanup_json cJSON *document = report_document(&report->report, &report->scrub, report->is_sure);
    tell(report, document);
}

static cJSON *read_part(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || size > PART_LIMIT)
        return NULL;
    cleanup_free char *text = xmalloc((size_t)size);
    if (pread(fd, text, (size_t)size, 0) != size)
        return NULL;
    return json_parse(text, (size_t)size, NULL);
}

static cJSON *take_part(const struct isolate_worker *worker, int at)
{
    cJSON *part = read_part(worker->parts[at]);
    if (part)
        return part;
    cleanup_free char *variant = NULL;
    if (worker->variants)
        variant = xasprintf("image=%s", worker->variants[at]);
    return report_of_lost_worker(at + 1, variant);
}

void run_report_end_workers(struct run_report *report, const struct isolate_worker *worker, int exit_code)
{
    if (!has_document(report) && !worker->variants)
        return;
    cleanup_free cJSON **parts = xcalloc((size_t)worker->count, sizeof(cJSON *));
    for (int i = 0; i < worker->count; i++)
        parts[i] = take_part(worker, i);
    const struct error none = {0};
    const struct run_end end = {.exit_code = exit_code, .command_code = -1, .phase = "done", .error = &none};
    take_end(report, &end);
    if (isolate_relay_was_interrupted())
        report->report.outcome = REPORT_INTERRUPTED;
    cleanup_json cJSON *document = report_of_workers(&report->report, parts, (size_t)worker->count);
    tell(report, document);
    if (worker->variants && !report->context->output.quiet)
        report_print_workers(document, stderr, report->context->output.colour_err);
}

void run_report_free(struct run_report *report)
{
    if (!report)
        return;
    strlist_free(&report->files);
    free(report->log_dir);
    free(report->logs_folder);
    view_free(report->view);
    json_free(&report->history);
    scrub_free(&report->scrub);
    arena_free(&report->report.arena);
    free(report);
}
