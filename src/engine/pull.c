/* Pulling an image: credentials, then POST /images/create, whose answer is a line of JSON for every step.
 *
 * It may fail before (HTTP status), inside (an errorDetail line in a 200), or by ending without a word; only
 * a final "Status: …" line is success. Where that is missing (Podman) the image is looked for. The engine
 * never gives up on a registry that stalls: the limit on silence does. Leaving cancels the download, unless
 * somebody else waits for the same image. */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_LIMIT = 256 << 10, INSPECT_TIMEOUT_MS = 30000 };

struct image_pull {
    char *reference, *path;
    struct auth_search *search;
    struct pull_progress *progress;
    struct strbuf rest;
    char *error;
    bool done;
    struct limit idle;
    engine_pull_cb *on_progress;
};

static void free_pull(void *state)
{
    struct image_pull *pull = state;
    engine_auth_cancel(pull->search);
    engine_pull_progress_free(pull->progress);
    strbuf_free(&pull->rest);
    free(pull->reference);
    free(pull->path);
    free(pull->error);
    free(pull);
}

static bool on_line(char *line, size_t length, void *data)
{
    const struct engine_op_mark *mark = data;
    struct image_pull *pull = mark->op->state;
    struct pull_state state;
    if (!engine_pull_progress_line(pull->progress, line, length, &state))
        return true;
    if (state.error && !pull->error)
        pull->error = str_printable(state.error);
    pull->done = state.done;
    if (!pull->on_progress || state.error)
        return true;
    pull->on_progress(state.status, state.current, state.total, mark->op->data);
    return engine_op_is_alive(mark);
}

static void on_data(const char *bytes, size_t length, void *data)
{
    struct engine_op *op = data;
    struct image_pull *pull = op->state;
    struct engine_op_mark mark = engine_op_mark(op);
    if (engine_lines_feed(&pull->rest, bytes, length, on_line, &mark) == 0)
        return;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_PROTOCOL, "cannot %s: a line of more than %d bytes", op->what, LINE_LIMIT);
    engine_op_fail(op, &err);
}

static void verify(struct engine_op *op)
{
    struct image_pull *pull = op->state;
    engine_op_request(op, "GET", http_within(INSPECT_TIMEOUT_MS), "/images/%s/json", pull->reference);
    op->on_data = NULL;
    op->on_answer = engine_answer_empty;
    engine_op_send(op);
}

static void on_end(struct engine_op *op, const struct http_response *response)
{
    struct image_pull *pull = op->state;
    (void)response;

    /* The last line may lack its end. */
    if (pull->rest.length) {
        struct pull_state state;
        if (engine_pull_progress_line(pull->progress, strbuf_text(&pull->rest), pull->rest.length, &state)) {
            pull->done = state.done;
            if (state.error && !pull->error)
                pull->error = str_printable(state.error);
        }
    }

    if (pull->error)
        engine_op_refuse(op, 0, pull->error);
    else if (pull->done)
        engine_op_finish(op, &(struct engine_result){.exit_code = -1});
    else
        verify(op);
}

static void on_auth(const char *header, const char *note, void *data)
{
    struct engine_op *op = data;
    struct image_pull *pull = op->state;
    pull->search = NULL;
    op->note = xstrdup_null(note);
    engine_op_request(op, "POST", (struct http_limits){pull->idle, FOREVER, pull->idle}, "%s", pull->path);
    op->request.header = xstrdup_null(header);
    op->on_data = on_data;
    op->on_answer = on_end;
    engine_op_send(op);
}

static char *make_path(const struct image_reference *reference, const char *platform)
{
    cleanup_free char *name = xasprintf("%s/%s", reference->registry, reference->path);
    cleanup_free char *encoded = str_percent_encode(name);
    /* Without a tag the engine would pull every one there is. */
    cleanup_free char *tag = str_percent_encode(text_or(reference->digest, reference->tag));
    cleanup_free char *wanted = NULL;
    if (platform)
        wanted = str_percent_encode(platform);
    return xasprintf("/images/create?fromImage=%s&tag=%s%s%s", encoded, tag, text_if(wanted, "&platform="),
                     text_or_empty(wanted));
}

struct engine_op *engine_image_pull(struct engine *engine, const struct engine_pull *wanted,
                                    engine_done_cb *done, void *data)
{
    cleanup_free char *name = engine_image_name(engine, wanted->reference);
    struct engine_op *op = engine_op_new(engine, ON_PULL, done, data, "pull %s", name);
    struct image_reference parsed;
    cleanup_error struct error err = {0};
    if (image_reference_parse(name, &parsed, &err) < 0)
        return engine_op_fail_late(op, &err);
    if (parsed.is_id) {
        error_set(&err, ERROR_PULL, "cannot pull %s: it is an image's id, not its name", name);
        image_reference_free(&parsed);
        return engine_op_fail_late(op, &err);
    }

    struct image_pull *pull = xcalloc(1, sizeof *pull);
    pull->reference = xstrdup(name);
    pull->path = make_path(&parsed, wanted->platform);
    pull->progress = engine_pull_progress_new();
    pull->rest.limit = LINE_LIMIT;
    pull->idle = wanted->idle;
    pull->on_progress = wanted->on_progress;
    op->state = pull;
    op->free_state = free_pull;
    pull->search = engine_auth_start(engine, parsed.registry, on_auth, op);
    image_reference_free(&parsed);
    return op;
}
