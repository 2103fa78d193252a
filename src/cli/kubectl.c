/* See kubectl.h. */
#include "cli/kubectl.h"
#include "session/await.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* Server-side apply is a plain part of it since 1.22. */
enum { ASK_MS = 30 * 1000, OUTPUT_LIMIT = 16 << 20, FIRST_MINOR = 22 };

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct kubectl *k = data;
    struct strbuf *into = &k->output;
    if (stream == 2)
        into = &k->complaint;
    strbuf_add(into, bytes, length);
}

static void on_end(const struct process_exit *how, void *data)
{
    struct kubectl *k = data;
    k->code = how->code;
    k->has_ended = true;
}

static void wipe(struct strbuf *buf)
{
    if (buf->data)
        mem_wipe(buf->data, buf->length);
    strbuf_free(buf);
    buf->limit = OUTPUT_LIMIT;
}

static int run_to_end(struct kubectl *k, const char *const *argv, int64_t limit_ms, struct error *err)
{
    cleanup_strlist struct strlist environment = {0};
    process_inherit(&environment, k->context->environment);
    struct process_options options = {.argv = argv,
                                      .is_tool = true,
                                      .environment = (const char *const *)environment.items,
                                      .on_output = on_output,
                                      .on_exit = on_end,
                                      .data = k};
    struct wait wait = {.fact = &k->has_ended, .what = "the end of kubectl", .limit = LIMIT_MS(limit_ms)};
    wipe(&k->output);
    wipe(&k->complaint);
    k->has_ended = false;
    k->code = -1;

    struct process *process = process_spawn(&k->client.loop, &options, err);
    if (!process) {
        error_hint(err, "`apphost deploy kubernetes` works through the kubectl of your PATH: install it");
        return -1;
    }
    int rc = await(&k->client, &wait, err);
    process_free(process);
    if (rc == AWAIT_INTERRUPTED)
        return await_interrupted(err);
    return rc;
}

int kubectl_run(struct kubectl *k, const char *const *words, int64_t limit_ms, struct error *err)
{
    cleanup_strlist struct strlist argv = {0};
    strlist_add(&argv, "kubectl");
    if (k->config_context)
        strlist_addf(&argv, "--context=%s", k->config_context);
    if (k->namespace)
        strlist_addf(&argv, "--namespace=%s", k->namespace);
    for (size_t i = 0; words[i]; i++)
        strlist_add(&argv, words[i]);
    return run_to_end(k, (const char *const *)argv.items, limit_ms, err);
}

/* The last line that it said, without its own name before it. */
static char *last_words(const struct kubectl *k)
{
    const char *text = strbuf_text(&k->complaint), *line = text;
    for (const char *p = text; *p; p++)
        if (*p == '\n' && p[1])
            line = p + 1;
    cleanup_free char *copy = xstrndup(line, strcspn(line, "\n"));
    return str_printable(copy);
}

int kubectl_do(struct kubectl *k, const char *const *words, int64_t limit_ms, struct error *err)
{
    if (kubectl_run(k, words, limit_ms, err) < 0)
        return -1;
    if (k->code == 0)
        return 0;
    cleanup_free char *said = last_words(k);
    return error_set(err, ERROR_ENGINE, "kubectl %s failed: %s", words[0], said);
}

cJSON *kubectl_json(const struct kubectl *k)
{
    return json_parse(strbuf_text(&k->output), k->output.length, NULL);
}

void kubectl_read(const struct kubectl *k, const struct record *record, struct arena *arena, void *into)
{
    cleanup_json cJSON *json = kubectl_json(k);
    record_take(record, json, arena, into, "", NULL); /* what it does not say is nothing */
}

/* ---- what it is, and where it points ---- */

static int check_version(struct kubectl *k, struct error *err)
{
    static const char *const words[] = {"version", "--client", "-o", "json", NULL};
    if (kubectl_do(k, words, ASK_MS, err) < 0)
        return -1;
    struct kubectl_version version;
    struct arena arena = {0};
    kubectl_read(k, &kubectl_version_record, &arena, &version);
    int major = atoi(text_or_empty(version.client.major)), minor = atoi(text_or_empty(version.client.minor));
    arena_free(&arena);
    if (major > 1 || minor >= FIRST_MINOR)
        return 0;
    error_set(err, ERROR_ENGINE, "this kubectl is too old: it says version %d.%d", major, minor);
    error_hint(err, "it has to know server-side apply: version 1.%d or newer", FIRST_MINOR);
    return -1;
}

static const struct kubectl_place *find_context(const struct kubectl_config *config, const char *name)
{
    for (size_t i = 0; i < config->context_count; i++)
        if (str_eq(config->contexts[i].name, name))
            return &config->contexts[i].place;
    return NULL;
}

/* What the user says comes before what kubectl's configuration says. */
static int choose(struct kubectl *k, const struct kubectl_config *config, const char *context_name,
                  const char *namespace, struct error *err)
{
    const char *name = text_or(context_name, text_or_empty(config->current));
    const struct kubectl_place *found = find_context(config, name);
    if (found) {
        k->config_context = xstrdup(name);
        k->namespace = xstrdup(text_or(namespace, text_or(found->namespace, "default")));
        return 0;
    }
    if (*name)
        error_set(err, ERROR_ENGINE, "kubectl knows no context %s", name);
    else
        error_set(err, ERROR_ENGINE, "kubectl points at no cluster: it has no current context");
    error_hint(err, "`kubectl config get-contexts` lists them, --context names one");
    return -1;
}

static int pin(struct kubectl *k, const char *context_name, const char *namespace, struct error *err)
{
    static const char *const words[] = {"config", "view", "-o", "json", NULL};
    if (kubectl_do(k, words, ASK_MS, err) < 0)
        return -1;

    struct kubectl_config config;
    struct arena arena = {0};
    kubectl_read(k, &kubectl_config_record, &arena, &config);
    int failed = choose(k, &config, context_name, namespace, err);
    arena_free(&arena);
    return failed;
}

int kubectl_open(struct kubectl *k, const struct context *context, const char *context_name,
                 const char *namespace, struct error *err)
{
    *k = (struct kubectl){.context = context};
    if (client_open_alone(&k->client, err) || client_watch_signals(&k->client, err))
        return -1;
    if (check_version(k, err) < 0 || pin(k, context_name, namespace, err) < 0)
        return -1;
    return 0;
}

void kubectl_close(struct kubectl *k)
{
    wipe(&k->output);
    wipe(&k->complaint);
    free(k->config_context);
    free(k->namespace);
    client_close(&k->client);
}
