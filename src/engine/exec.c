/* Running a command in a container: create, start (its output is the answer, until the connection ends), look
 * at the exit code. A command that cannot be started reports that in its output, with exit code 126 or 127.
 *
 * A session with input has the start's connection taken over (http/duplex.c). Its terminal's size is told
 * when that is open, and again for as long as the engine says that nothing runs yet; a size that came since
 * waits for that answer.
 *
 * The engine cannot kill what it executes: a cancelled command goes on until it ends by itself. */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum {
    CREATE_TIMEOUT_MS = 60000,
    START_TIMEOUT_MS = 60000,
    INSPECT_TIMEOUT_MS = 15000,
    OUTPUT_LIMIT = 256 << 10
};
enum { RESIZE_TRIES = 20, RESIZE_RETRY_MS = 50 };

struct exec_state {
    struct engine_demux demux;
    engine_output_cb *on_output; /* NULL: it is collected */
    struct engine_op_mark mark;
    char *exec_id;
    struct strbuf output;
    bool has_input, has_terminal, is_open;
    loop_cb *on_open, *on_drained;
    int rows, columns;
    struct engine_op *resizing;
    bool is_resized; /* since the request that is under way */
    int tries_left;
    struct timer again;
};

static void free_exec(void *state)
{
    struct exec_state *exec = state;
    timer_stop(&exec->again);
    engine_cancel(exec->mark.engine, exec->resizing); /* younger than we: a closing engine frees us first */
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

/* ---- the terminal's size ---- */

static void send_size(void *data);

static void on_sized(const struct engine_result *result, const struct error *err, void *data)
{
    struct exec_state *exec = data;
    (void)result;
    exec->resizing = NULL;
    if (exec->is_resized)
        send_size(exec);
    else if (err && exec->tries_left-- > 0)
        timer_start(&exec->again, RESIZE_RETRY_MS);
}

static void send_size(void *data)
{
    struct exec_state *exec = data;
    exec->is_resized = false;
    exec->resizing =
        engine_op_new(exec->mark.engine, ON_EXEC, on_sized, exec, "resize terminal of %s", exec->exec_id);
    engine_op_request(exec->resizing, "POST", http_within(INSPECT_TIMEOUT_MS), "/exec/%s/resize?h=%d&w=%d",
                      exec->exec_id, exec->rows, exec->columns);
    engine_op_send(exec->resizing);
}

static void resize(struct exec_state *exec)
{
    exec->is_resized = true;
    exec->tries_left = RESIZE_TRIES;
    timer_stop(&exec->again);
    if (exec->is_open && exec->rows > 0 && exec->columns > 0 && !exec->resizing)
        send_size(exec);
}

void engine_session_resize(struct engine_op *op, int rows, int columns)
{
    struct exec_state *exec = op->state;
    exec->rows = rows;
    exec->columns = columns;
    resize(exec);
}

/* ---- input ---- */

static void on_open(int status, void *data)
{
    struct engine_op *op = data;
    struct exec_state *exec = op->state;
    (void)status;
    exec->is_open = true;
    if (exec->has_terminal)
        resize(exec);
    if (exec->on_open)
        exec->on_open(op->data);
}

static void on_drained(void *data)
{
    struct engine_op *op = data;
    struct exec_state *exec = op->state;
    if (exec->on_drained)
        exec->on_drained(op->data);
}

size_t engine_session_write(struct engine_op *op, const char *bytes, size_t length)
{
    const struct exec_state *exec = op->state;
    if (exec->is_open && op->call)
        return http_write(op->call, bytes, length);
    return 0;
}

void engine_session_write_end(struct engine_op *op)
{
    const struct exec_state *exec = op->state;
    if (exec->is_open && op->call)
        http_write_end(op->call);
}

/* ---- the conversation ---- */

static void on_ended(struct engine_op *op, const struct http_response *response)
{
    struct exec_state *exec = op->state;
    (void)response;
    engine_demux_end(&exec->demux);
    exec->is_open = false;
    engine_op_request(op, "GET", http_within(INSPECT_TIMEOUT_MS), "/exec/%s/json", exec->exec_id);
    op->on_data = NULL;
    op->on_open = NULL;
    op->on_drained = NULL;
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
    json_add_bool(body, "Tty", exec->has_terminal);
    if (exec->has_terminal && exec->rows > 0 && exec->columns > 0) { /* engines below 1.42 do not read it */
        cJSON *size = json_add_array(body, "ConsoleSize");
        cJSON_AddItemToArray(size, cJSON_CreateNumber(exec->rows));
        cJSON_AddItemToArray(size, cJSON_CreateNumber(exec->columns));
    }

    engine_op_request(op, "POST", http_stream_within(LIMIT_MS(START_TIMEOUT_MS)), "/exec/%s/start",
                      exec->exec_id);
    engine_op_body(op, body);
    op->request.duplex = exec->has_input;
    op->on_data = on_output;
    op->on_open = on_open;
    op->on_drained = on_drained;
    op->on_answer = on_ended;
    engine_op_send(op);
}

static void add_texts(cJSON *body, const char *key, const char *const *texts)
{
    cJSON *array = json_add_array(body, key);
    for (size_t i = 0; texts && texts[i]; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(texts[i]));
}

static struct exec_state *make_state(struct engine_op *op, const struct engine_session *session)
{
    struct exec_state *exec = xcalloc(1, sizeof *exec);

    exec->output.limit = OUTPUT_LIMIT;
    exec->on_output = session->on_output;
    exec->on_open = session->on_open;
    exec->on_drained = session->on_drained;
    exec->has_input = session->has_input;
    exec->has_terminal = session->has_terminal;
    exec->rows = session->rows;

    exec->columns = session->columns;
    exec->mark = engine_op_mark(op);
    timer_init(op->engine->loop, &exec->again, send_size, exec);
    engine_demux_init(&exec->demux, false, on_line, exec);
    exec->demux.on_bytes = NULL;
    if (session->on_output)
        exec->demux.on_bytes = on_bytes;
    exec->demux.is_raw = session->has_terminal;

    return exec;
}

static cJSON *make_body(const struct engine_session *session)
{
    cJSON *body = cJSON_CreateObject();
    add_texts(body, "Cmd", session->argv);
    if (session->environment && session->environment[0])
        add_texts(body, "Env", session->environment);
    if (session->user)
        json_add_string(body, "User", session->user);
    if (session->folder)
        json_add_string(body, "WorkingDir", session->folder);
    if (session->has_input)
        json_add_bool(body, "AttachStdin", true);
    if (session->has_terminal)
        json_add_bool(body, "Tty", true);
    json_add_bool(body, "AttachStdout", true);
    json_add_bool(body, "AttachStderr", true);
    return body;
}

struct engine_op *engine_session(struct engine *engine, const char *id, const struct engine_session *session,
                                 engine_done_cb *done, void *data)
{
    const char *program = text_or(session->argv[0], "nothing");
    struct engine_op *op = engine_op_new(engine, ON_EXEC, done, data, "run %s in container %s", program, id);
    op->state = make_state(op, session);
    op->free_state = free_exec;
    cleanup_json cJSON *body = make_body(session);
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "POST", http_within(CREATE_TIMEOUT_MS), "/containers/%s/exec", encoded);
    engine_op_body(op, body);
    op->on_answer = on_created;
    return engine_op_send(op);
}

struct engine_op *engine_exec(struct engine *engine, const char *id, const char *const *argv,
                              const char *const *environment, engine_done_cb *done, void *data)
{
    struct engine_session session = {.argv = argv, .environment = environment};
    return engine_session(engine, id, &session, done, data);
}
