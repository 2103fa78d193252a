/* apphost bundle: one archive for a bug report, without secrets.
 *
 * What other commands print is asked of this program itself, each as a child with a limit, so that one that
 * fails or hangs costs its own part and nothing else; then files of the state folder that hold no secrets.
 * All of it goes through base/scrub.h into a private folder, which tar(1) packs.
 *
 * Which values are secret is asked of the running session, of the remembered ones, of the manifest and of the
 * environment: any of them may be missing, none of them is a reason to stop. */
#include "base/ours.h"
#include "base/scrub.h"
#include "process/process.h"
#include "session/await.h"
#include "session/context.h"
#include "session/secrets.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PART_MS = 60000, PART_LIMIT = 8 << 20, STATE_LIMIT = 64 << 20, MOST_WORDS = 8 };

static const struct part {
    const char *file;
    const char *words[MOST_WORDS]; /* the command line, without the program */
    bool is_foreign;               /* what others' programs said */
} parts[] = {
    {"version.json", {"version", "-o", "json"}, false},
    {"doctor.txt", {"doctor"}, false},
    {"validate.txt", {"validate"}, false},
    {"config.json", {"config", "-o", "json"}, false},
    {"graph.txt", {"graph"}, false},
    {"changes.txt", {"up", "--dry-run", "--explain", "--progress", "plain"}, false},
    {"resources.json", {"ps", "-o", "json"}, false},
    {"projects.json", {"ls", "-o", "json"}, false},
    {"logs.txt", {"logs", "-n", "2000", "--timestamps"}, true},
};
enum { PART_COUNT = sizeof parts / sizeof *parts };

/* Of the state folder: secrets.json is none of them. */
static const char *const state_files[] = {"session.json", "ports.json",   "tasks.json",
                                          "specs.json",   "servers.json", "supervisor.log"};
static const char *const machine_files[] = {"/etc/os-release",      "/proc/version",     "/proc/self/limits",
                                            "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/meminfo"};

struct bundle {
    struct context *context;
    struct project found; /* where the state is; also of a manifest that has errors */
    struct client client; /* a loop and the user's signals */
    bool is_sure;         /* nobody knows secrets that we were not told */
    struct scrub scrub;
    char *folder;           /* in which `name` is made; removed at the end */
    char *name;             /* the folder in the archive */
    struct strlist globals; /* what stood on our command line and holds for our children too */
    struct strbuf output;
    bool has_ended;
    struct process_exit how;
    cJSON *report;  /* [{file, code?, bytes}] */
    cJSON *history; /* what happened lately and how long it took (control/watch.h), of a session that runs */
};

/* ---- secrets ---- */

/* A session that runs knows them all (and what happened in it); one that does not tell them makes us leave
 * out what its programs said.
 */
static void add_session_secrets(struct bundle *bundle)
{
    struct client client = {.lease_fd = -1};
    struct client_options options = {.state_root = bundle->found.root, .prefix = bundle->found.prefix};
    cleanup_error struct error err = {0};

    if (client_open(&client, &options, &err) == 0)
        secrets_ask(&client, ANSWER_LIMIT, &bundle->scrub, &err);
    if (!error_is_set(&err))
        client_call(&client, ASK_HISTORY, NULL, ANSWER_LIMIT, &bundle->history, NULL);
    bundle->is_sure = !error_is_set(&err) || err.code == ERROR_NOT_RUNNING;
    client_close(&client);
}

static void collect_secrets(struct bundle *bundle, const char *folder)
{
    if (folder)
        add_session_secrets(bundle);
    secrets_remembered(folder, &bundle->scrub);
    secrets_of_plan(bundle->context->project.plan, &bundle->scrub);
    secrets_of_environment(bundle->context->environment, &bundle->scrub);
    scrub_ready(&bundle->scrub);
}

/* ---- parts ---- */

static int write_part(struct bundle *bundle, const char *file, const char *text, size_t length,
                      struct error *err)
{
    cleanup_free char *folder = path_join(bundle->folder, bundle->name), *path = path_join(folder, file);
    size_t size = 0;
    cleanup_free char *clean = scrub_text(&bundle->scrub, text, length, &size);

    if (file_write_atomic(path, clean, size, 0600, err) < 0)
        return -1;
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "file", file);
    json_add_int(item, "bytes", (int64_t)size);
    cJSON_AddItemToArray(bundle->report, item);
    return 0;
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct bundle *bundle = data;
    (void)stream;
    strbuf_add(&bundle->output, bytes, length); /* beyond the limit: dropped, and said */
}

static void on_exit_of_child(const struct process_exit *how, void *data)
{
    struct bundle *bundle = data;
    bundle->how = *how;
    bundle->has_ended = true;
}

/* Runs to its end; its output, both streams, is in bundle->output. A signal of the user's is the only failure
 * that ends everything. */
static int run_child(struct bundle *bundle, const char *const *argv, struct error *err)
{
    struct process_options options = {.argv = argv,
                                      .is_tool = true,
                                      .environment = (const char *const *)bundle->context->environment,
                                      .on_output = on_output,
                                      .on_exit = on_exit_of_child,
                                      .data = bundle};
    struct wait wait = {.fact = &bundle->has_ended, .what = "the end of a part", .limit = LIMIT_MS(PART_MS)};
    cleanup_error struct error cause = {0};

    strbuf_free(&bundle->output);
    bundle->output.limit = PART_LIMIT;
    bundle->has_ended = false;
    struct process *process = process_spawn(&bundle->client.loop, &options, &cause);
    int rc = process ? await(&bundle->client, &wait, &cause) : -1;
    if (process)
        process_free(process);
    if (rc == AWAIT_INTERRUPTED)
        return await_interrupted(err);
    if (rc < 0)
        strbuf_addf(&bundle->output, "\napphost bundle: %s\n", cause.text);
    return 0;
}

static int add_command(struct bundle *bundle, const struct part *part, struct error *err)
{
    cleanup_strlist struct strlist argv = {0};
    strlist_add(&argv, "/proc/self/exe");
    for (size_t i = 0; i < bundle->globals.count; i++)
        strlist_add(&argv, bundle->globals.items[i]);
    for (int i = 0; i < MOST_WORDS && part->words[i]; i++)
        strlist_add(&argv, part->words[i]);

    if (run_child(bundle, (const char *const *)argv.items, err) < 0)
        return -1;
    if (bundle->has_ended && bundle->how.code != 0)
        strbuf_addf(&bundle->output, "\napphost bundle: exit code %d, signal %d\n", bundle->how.code,
                    bundle->how.signal);
    if (bundle->output.full)
        strbuf_free(&bundle->output);
    return write_part(bundle, part->file, strbuf_text(&bundle->output), bundle->output.length, err);
}

static int add_file(struct bundle *bundle, const char *path, const char *name, struct error *err)
{
    size_t length = 0;
    cleanup_free char *text = file_read(path, STATE_LIMIT, &length, NULL);
    return text ? write_part(bundle, name, text, length, err) : 0;
}

static int add_state(struct bundle *bundle, const char *folder, struct error *err)
{
    for (size_t i = 0; folder && i < sizeof state_files / sizeof *state_files; i++) {
        cleanup_free char *path = path_join(folder, state_files[i]);
        if (add_file(bundle, path, state_files[i], err) < 0)
            return -1;
    }
    return 0;
}

/* Logins, keys, headers of collectors and URLs with a user stand in variables whose names say so, or whose
 * values look like that. */
static bool is_telling(const char *entry)
{
    static const char *const words[] = {"AUTH", "HEADERS", "TOKEN", "KEY", "PASS", "SECRET", "CREDENTIAL"};
    const char *value = entry + strcspn(entry, "=");
    cleanup_free char *name = xstrndup(entry, (size_t)(value - entry));
    const char *address = strstr(value, "://");
    bool is_named = str_starts(name, VARIABLE_PARAM);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        is_named = is_named || strcasestr(name, words[i]);
    return is_named || (address && strchr(address, '@'));
}

/* Which of ours, the engine's and the terminal's variables are set, and what to, where that may be told. */
static int add_variables(struct bundle *bundle, struct error *err)
{
    static const char *const ours[] = {
        VARIABLES_OURS, "DOCKER_", "CONTAINER_HOST=", "XDG_",  "TMPDIR=",        "TERM=", "LANG=",
        "LC_",          "CI=",     "GITHUB_ACTIONS=", "OTEL_", "TESTCONTAINERS_"};
    cleanup_strbuf struct strbuf text = {0};
    for (char *const *entry = bundle->context->environment; *entry; entry++) {
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
            if (!str_starts(*entry, ours[i]))
                continue;
            if (is_telling(*entry))
                strbuf_addf(&text, "%.*s=***\n", (int)strcspn(*entry, "="), *entry);
            else
                strbuf_addf(&text, "%s\n", *entry);
        }
    }
    return write_part(bundle, "environment.txt", strbuf_text(&text), text.length, err);
}

static int add_machine(struct bundle *bundle, struct error *err)
{
    for (size_t i = 0; i < sizeof machine_files / sizeof *machine_files; i++) {
        cleanup_free char *name = xasprintf("machine-%s.txt", path_basename(machine_files[i]));
        if (add_file(bundle, machine_files[i], name, err) < 0)
            return -1;
    }
    return add_variables(bundle, err);
}

/* Events and timings: transitions, rows that were worked on, requests, each with when and how long. */
static int add_history(struct bundle *bundle, struct error *err)
{
    if (!bundle->history)
        return 0;
    cleanup_free char *text = cJSON_Print(bundle->history);
    return write_part(bundle, "history.json", text, strlen(text), err);
}

static int add_parts(struct bundle *bundle, const char *folder, struct error *err)
{
    for (int i = 0; i < PART_COUNT; i++) {
        if (parts[i].is_foreign && !bundle->is_sure) {
            output_warn(&bundle->context->output, "%s is left out: the session does not tell its secrets",
                        parts[i].file);
            continue;
        }
        output_note(&bundle->context->output, "%s", parts[i].file);
        if (add_command(bundle, &parts[i], err) < 0)
            return -1;
    }
    return add_history(bundle, err) || add_state(bundle, folder, err) || add_machine(bundle, err) ? -1 : 0;
}

/* ---- the archive ---- */

static int make_folder(struct bundle *bundle, struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    if (!temporary || !*temporary)
        temporary = "/tmp";
    bundle->folder = xasprintf("%s/apphost-bundle-XXXXXX", temporary);
    if (!mkdtemp(bundle->folder)) {
        error_set(err, errno == ENOSPC ? ERROR_SPACE : ERROR_FAILED, "cannot create a folder in %s: %s",
                  temporary, strerror(errno));
        error_hint(err, "set TMPDIR to a folder that you may write");
        free(take_ptr(&bundle->folder));
        return -1;
    }
    cleanup_free char *inner = path_join(bundle->folder, bundle->name);
    return file_mkdirs(inner, 0700, err);
}

static int pack(struct bundle *bundle, const char *archive, struct error *err)
{
    cleanup_free char *made = path_join(bundle->folder, "made");
    const char *const argv[] = {"tar", "-czf", made, "-C", bundle->folder, bundle->name, NULL};
    if (run_child(bundle, argv, err) < 0)
        return -1;
    if (!bundle->has_ended || bundle->how.code != 0) {
        error_set(err, ERROR_FAILED, "tar cannot pack the bundle: %s", strbuf_text(&bundle->output));
        return error_hint(err, "tar and gzip have to be in PATH"), -1;
    }

    size_t length = 0;
    cleanup_free char *bytes = file_read(made, SIZE_MAX / 2, &length, err);
    if (!bytes)
        return -1;
    if (strcmp(archive, "-") != 0)
        return file_write_atomic(archive, bytes, length, 0600, err);
    fwrite(bytes, 1, length, stdout);
    return 0;
}

static void report(const struct bundle *bundle, const char *archive)
{
    if (strcmp(archive, "-") == 0)
        return;
    if (!bundle->context->output.json) {
        printf("%s\n", archive);
        return;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "file", archive);
    cJSON_AddItemToObject(document, "parts", cJSON_Duplicate(bundle->report, true));
    output_json(document);
}

/* What our children have to be told as well. A manifest from standard input was read: they do without. */
static void keep_globals(struct bundle *bundle)
{
    const struct args *args = &bundle->context->args;
    for (int i = 0; i < args->item_count; i++) {
        const struct args_item *item = &args->items[i];
        bool is_global = false;
        for (const struct option *option = option_globals(); option->name; option++)
            is_global = is_global || option == item->option;
        bool speaks = strcmp(item->option->name, "output") == 0 || strcmp(item->option->name, "quiet") == 0;
        if (!is_global || item->from_environment || speaks || strcmp(item->value, "-") == 0)
            continue;
        if (item->option->type == OPTION_FLAG)
            strlist_addf(&bundle->globals, "--%s", item->option->name);
        else
            strlist_addf(&bundle->globals, "--%s=%s", item->option->name, item->value);
    }
}

static void bundle_free(struct bundle *bundle)
{
    if (bundle->folder)
        file_remove_tree(bundle->folder, NULL);
    free(bundle->folder);
    free(bundle->name);
    cJSON_Delete(bundle->report);
    cJSON_Delete(bundle->history);
    strbuf_free(&bundle->output);
    strlist_free(&bundle->globals);
    scrub_free(&bundle->scrub);
    project_free(&bundle->found);
    client_close(&bundle->client);
}

static int make(struct bundle *bundle, const char *archive, struct error *err)
{
    cleanup_free char *folder = project_folder(&bundle->found);
    if (client_open_alone(&bundle->client, err) || client_watch_signals(&bundle->client, err))
        return -1;
    collect_secrets(bundle, folder);
    keep_globals(bundle);
    if (make_folder(bundle, err) || add_parts(bundle, folder, err) || pack(bundle, archive, err))
        return -1;
    report(bundle, archive);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    struct bundle bundle = {
        .context = context, .client = {.lease_fd = -1}, .is_sure = true, .report = cJSON_CreateArray()};
    struct project_options options = context_project_options(context);
    cleanup_error struct error ignored = {0}; /* the parts say what is wrong */
    char stamp[32];
    time_t now = time(NULL);
    struct tm local;

    project_identify(&bundle.found, &options, NULL);
    project_load(&context->project, &options, &ignored);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    bundle.name = xasprintf("apphost-bundle-%s-%s", text_or(bundle.found.name, "none"), stamp);
    const struct strlist *names = &context->args.names;
    cleanup_free char *archive =
        names->count ? xstrdup(names->items[0]) : xasprintf("%s.tar.gz", bundle.name);
    int rc = make(&bundle, archive, err);
    bundle_free(&bundle);
    return rc;
}

const struct command cmd_bundle = {
    .name = "bundle",
    .summary = "one archive for a bug report, without secrets",
    .usage = "[FILE]",
    .description =
        "Packs what a bug report needs into a .tar.gz that only you may read: version, what "
        "doctor, validate, "
        "config, graph, ps and ls print, the last lines of all logs, what `up` would change, what happened "
        "in the session "
        "lately and how long each step took (history.json), the supervisor's own "
        "log, and what this machine says about itself. Nothing is started, changed or sent.\n"
        "Values of secrets (passwords, secret parameters, keys) are replaced by *** wherever they "
        "stand, also "
        "percent-encoded, in JSON and in base64. Secrets that apphost does not know, because a "
        "program prints what "
        "it got from elsewhere, stay: look at logs.txt before you send it.\n"
        "FILE - is standard output. Without FILE the archive is made in the current folder and "
        "its name printed.",
    .examples = "apphost bundle\n"
                "apphost bundle report.tar.gz\n",
    .group = GROUP_MACHINE,
    .most = 1,
    .run = run,
};
