/* Emptying a server: all databases, then the functions, where the server knows functions. */
#include "base/mem.h"
#include "redis_data/operation.h"

static void flush(struct redis_data *operation);

static void on_functions(const struct resp_reply *reply, void *data)
{
    struct redis_data *operation = data;
    if (operation_is_over(operation, reply)) /* before Redis 7 there are none, and an error says so */
        return;
    if (operation_next(operation))
        flush(operation);
    else
        operation_end(operation);
}

static void on_flushed(const struct resp_reply *reply, void *data)
{
    struct redis_data *operation = data;
    struct error err = {0};
    if (operation_is_over(operation, reply) || reply->type != RESP_ERROR)
        return;
    operation_answer(reply, &err);
    operation_fail(operation, &err);
}

static void flush(struct redis_data *operation)
{
    operation_words(operation, (const char *const[]){"FLUSHALL", NULL}, on_flushed);
    operation_words(operation, (const char *const[]){"FUNCTION", "FLUSH", NULL}, on_functions);
}

struct redis_data *redis_data_flush(struct loop *loop, const struct redis_conn_options *server,
                                    redis_data_done_cb *done, void *data)
{
    struct redis_data *operation = xcalloc(1, sizeof *operation);
    operation_start(operation, loop, server, done, data);
    flush(operation);
    return operation;
}
