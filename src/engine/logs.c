/* A container's output: its last lines, and following it.
 *
 * A stream of logs ends when the container ends, and does not resume with its next start: the caller opens it
 * again with the time of the last line it has. The engine's `since` includes that moment, so lines up to it
 * are dropped here. Podman's times are whole seconds: the n-th line of a second gets n nanoseconds more, so
 * that its time says which lines of this second were seen already. */
#include "engine/swarm.h"

#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { TAIL_LIMIT = 256 << 10, TAIL_TIMEOUT_MS = 30000, SECOND_NS = 1000000000 };

struct log_state {
    struct engine_demux demux;
    struct engine_op_mark mark;
    bool is_dead; /* a callback cancelled the operation: nothing of it may be touched after this call */
    int64_t since_ns;
    int64_t second_ns; /* of the last line whose time was a whole second, */
    int in_second;     /* and its number in this second, from 1 */
    engine_log_cb *on_line;
    struct strbuf tail;
};

static void free_logs(void *state)
{
    struct log_state *logs = state;
    engine_demux_fini(&logs->demux);
    strbuf_free(&logs->tail);
    free(logs);
}

static struct log_state *attach(struct engine_op *op, bool has_times, engine_log_cb *on_line)
{
    struct log_state *logs = xcalloc(1, sizeof *logs);
    engine_demux_init(&logs->demux, has_times, on_line, logs);
    logs->mark = engine_op_mark(op);
    op->state = logs;
    op->free_state = free_logs;
    return logs;
}

/* ---- tail ---- */

static void on_tail_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct log_state *logs = data;
    (void)stream, (void)time_ns;
    if (length > TAIL_LIMIT - 1) {
        line += length - (TAIL_LIMIT - 1);
        length = TAIL_LIMIT - 1;
    }
    if (logs->tail.length + length + 1 > TAIL_LIMIT)
        strbuf_consume(&logs->tail, logs->tail.length + length + 1 - TAIL_LIMIT);
    strbuf_add(&logs->tail, line, length);
    strbuf_addc(&logs->tail, '\n');
}

static void on_tail_data(const char *bytes, size_t length, void *data)
{
    struct engine_op *op = data;
    struct log_state *logs = op->state;
    engine_demux_feed(&logs->demux, bytes, length);
}

static void on_tail_end(struct engine_op *op, const struct http_response *response)
{
    struct log_state *logs = op->state;
    (void)response;
    engine_demux_end(&logs->demux);
    engine_op_finish(op, &(struct engine_result){.output = strbuf_text(&logs->tail), .exit_code = -1});
}

static struct engine_op *send_tail(struct engine_op *op, const char *folder, const char *id, int tail)
{
    cleanup_free char *encoded = engine_path_part(id);
    engine_op_request(op, "GET", http_within(TAIL_TIMEOUT_MS), "/%s/%s/logs?stdout=1&stderr=1&tail=%d",
                      folder, encoded, tail);
    attach(op, false, on_tail_line);
    op->on_data = on_tail_data;
    op->on_answer = on_tail_end;
    return engine_op_send(op);
}

struct engine_op *engine_container_tail(struct engine *engine, const char *id, int tail, engine_done_cb *done,
                                        void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "read the output of container %s", id);
    return send_tail(op, "containers", id, tail);
}

struct engine_op *engine_task_tail(struct engine *engine, const char *id, int tail, engine_done_cb *done,
                                   void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "read the output of task %s", id);
    return send_tail(op, "tasks", id, tail);
}

/* ---- follow ---- */

static int64_t exact_time(struct log_state *logs, int64_t time_ns)
{
    if (time_ns == 0 || time_ns % SECOND_NS != 0)
        return time_ns;
    if (time_ns != logs->second_ns)
        logs->in_second = 0;
    logs->in_second++;
    logs->second_ns = time_ns;
    return time_ns + logs->in_second;
}

/* The follower may cancel from here: the lines that are left are then dropped, and the state lives until the
 * feeding function is done with it. */
static void on_follow_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct log_state *logs = data;
    time_ns = exact_time(logs, time_ns);
    bool is_old = logs->since_ns && time_ns && time_ns <= logs->since_ns;
    if (logs->is_dead || is_old)
        return;
    logs->on_line(stream, line, length, time_ns, logs->mark.op->data);
    logs->is_dead = !engine_op_is_alive(&logs->mark);
}

static void on_follow_data(const char *bytes, size_t length, void *data)
{
    struct engine_op *op = data;
    struct log_state *logs = op->state;
    op->free_state = NULL; /* a cancel from inside leaves it to us */
    engine_demux_feed(&logs->demux, bytes, length);
    if (logs->is_dead)
        free_logs(logs);
    else
        op->free_state = free_logs;
}

static void on_follow_end(struct engine_op *op, const struct http_response *response)
{
    struct log_state *logs = op->state;
    (void)response;
    op->free_state = NULL;
    engine_demux_end(&logs->demux);
    bool is_dead = logs->is_dead;
    free_logs(logs);
    if (!is_dead)
        engine_op_finish(op, &(struct engine_result){.exit_code = -1});
}

/* The caller frees. */
static char *since_text(int64_t since_ns)
{
    if (since_ns <= 0)
        return xstrdup("");
    return xasprintf("&since=%lld.%09lld", (long long)(since_ns / SECOND_NS),
                     (long long)(since_ns % SECOND_NS));
}

static struct engine_op *send_follow(struct engine_op *op, int64_t since_ns, engine_log_cb *on_line)
{
    struct log_state *logs = attach(op, true, on_follow_line);
    logs->since_ns = since_ns;
    logs->on_line = on_line;
    op->on_data = on_follow_data;
    op->on_answer = on_follow_end;
    return engine_op_send(op);
}

struct engine_op *engine_container_follow(struct engine *engine, const char *id, int64_t since_ns,
                                          engine_log_cb *on_line, engine_done_cb *done, void *data)
{
    struct engine_op *op =
        engine_op_new(engine, ON_OTHER, done, data, "follow the output of container %s", id);
    cleanup_free char *encoded = engine_path_part(id);
    cleanup_free char *since = since_text(since_ns);
    /* Podman sends the head with the first line, which may never come; nobody waits for it. */
    engine_op_request(op, "GET", http_stream_within(FOREVER),
                      "/containers/%s/logs?stdout=1&stderr=1&follow=1&timestamps=1%s", encoded, since);
    return send_follow(op, since_ns, on_line);
}

struct engine_op *engine_service_logs(struct engine *engine, const struct engine_service_output *output,
                                      engine_done_cb *done, void *data)
{
    struct engine_op *op =
        engine_op_new(engine, ON_OTHER, done, data, "read the output of service %s", output->name);
    cleanup_free char *encoded = engine_path_part(output->id);
    cleanup_free char *since = since_text(output->since_ns);
    cleanup_free char *tail = xstrdup("all");
    if (output->tail >= 0) {
        free(tail);
        tail = xasprintf("%d", output->tail);
    }
    engine_op_request(op, "GET", http_stream_within(FOREVER),
                      "/services/%s/logs?stdout=1&stderr=1&timestamps=1&follow=%d&tail=%s%s", encoded,
                      output->is_followed, tail, since);
    return send_follow(op, output->since_ns, output->on_line);
}
