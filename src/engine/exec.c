/* Running a command in a container: create, start (its output is the answer, until the connection ends), look
 * at the exit code. A command that cannot be started reports that in its output, with exit code 126 or 127.
 *
 * The engine cannot kill what it executes: a cancelled command goes on until it ends by itself. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { CREATE_TIMEOUT_MS = 60000, INSPECT_TIMEOUT_MS = 15000, OUTPUT_LIMIT = 256 << 10 };

struct exec_state {
    struct engine_demux demux;
    engine_output_cb *on_output; /* NULL: it is collected */
    struct engine_op_mark mark;
    char *exec_id;
    struct strbuf output;
};

static void free_exec(void *state)
{
    struct exec_state *exec = state;
    engine_demux_fini(&exec->demux);
    strbuf_free(&exec->output);
    free(exec->exec_id);
    free(exec);
}

static void on_inspected(struct engine_op *op, const struct http_response *response)
{
    struct exec_state *exec = op->state;
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    int code = (int)json_int(document, "ExitCode", -1); /* null: it runs still */
    engine_op_finish(op, &(struct engine_result){.exit_code = code, .output = strbuf_text(&exec->output)});
}

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct exec_state *exec = data;
    (void)stream, (void)time_ns;
    strbuf_add(&exec->output, line, length); /* beyond the limit: dropped */
    strbuf_addc(&exec->output, '\n');
}

static void on_bytes(int stream, const char *bytes, size_t length, void *data)
{
    struct exec_state *exec = data;
    if (engine_op_is_alive(&exec->mark))
        exec->on_output(stream, bytes, length, exec->mark.op->data);
}

/* The receiver may cancel from here: the state lives until the feeding function is done with it. */
static void on_output(const char *bytes, size_t length, void *data)
{
    struct engine_op *op = data;
    struct exec_state *exec = op->state;
    op->free_state = NULL;
    engine_demux_feed(&exec->demux, bytes, length);
    if (engine_op_is_alive(&exec->mark))
        op->free_state = free_exec;
    else
        free_exec(exec);
}

static void on_ended(struct engine_op *op, const struct http_response *response)
{
    struct exec_state *exec = op->state;
    (void)response;
    engine_demux_end(&exec->demux);
    engine_op_request(op, "GET", INSPECT_TIMEOUT_MS, "/exec/%s/json", exec->exec_id);
    op->on_data = NULL;
    op->on_answer = on_inspected;
    engine_op_send(op);
}

static void on_created(struct engine_op *op, const struct http_response *response)
{
    struct exec_state *exec = op->state;
    cleanup_json cJSON *document = engine_answer_json(op, response);
    if (!document)
        return;
    exec->exec_id = str_percent_encode(json_string(document, "Id", ""));
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_bool(body, "Detach", false);
    json_add_bool(body, "Tty", false);
    engine_op_request(op, "POST", 0, "/exec/%s/start", exec->exec_id);
    engine_op_body(op, body);
    op->on_data = on_output;
    op->on_answer = on_ended;
    engine_op_send(op);
}

static void add_texts(cJSON *body, const char *key, const char *const *texts)
{
    cJSON *array = json_add_array(body, key);
    for (size_t i = 0; texts && texts[i]; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(texts[i]));
}

static struct engine_op *start(struct engine_op *op, const char *id, const char *const *argv,
                               const char *const *environment, engine_output_cb *receive)
{
    struct exec_state *exec = xcalloc(1, sizeof *exec);
    exec->output.limit = OUTPUT_LIMIT;
    exec->on_output = receive;
    exec->mark = engine_op_mark(op);
    engine_demux_init(&exec->demux, false, on_line, exec);
    exec->demux.on_bytes = receive ? on_bytes : NULL;
    op->state = exec;
    op->free_state = free_exec;
    cleanup_json cJSON *body = cJSON_CreateObject();
    add_texts(body, "Cmd", argv);
    if (environment && environment[0])
        add_texts(body, "Env", environment);
    json_add_bool(body, "AttachStdout", true);
    json_add_bool(body, "AttachStderr", true);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "POST", CREATE_TIMEOUT_MS, "/containers/%s/exec", encoded);
    engine_op_body(op, body);
    op->on_answer = on_created;
    return engine_op_send(op);
}

static struct engine_op *make(struct engine *engine, const char *id, const char *const *argv,
                              engine_done_cb *done, void *data)
{
    return engine_op_new(engine, ON_EXEC, done, data, "run %s in container %s", argv[0] ? argv[0] : "nothing",
                         id);
}

struct engine_op *engine_exec_stream(struct engine *engine, const char *id, const char *const *argv,
                                     engine_output_cb *receive, engine_done_cb *done, void *data)
{
    return start(make(engine, id, argv, done, data), id, argv, NULL, receive);
}

struct engine_op *engine_exec(struct engine *engine, const char *id, const char *const *argv,
                              const char *const *environment, engine_done_cb *done, void *data)
{
    return start(make(engine, id, argv, done, data), id, argv, environment, NULL);
}
