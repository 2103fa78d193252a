/* Row `saved`, on the way down: a server that saves nothing when it is stopped is told to, and answers,
 * before it is stopped.
 *
 * Happy path: the plan's save_command, one answer. Failures end the row as well, since a stop is not to be
 * kept up by a server that does not answer: what it refused, or that it was silent, stands in the
 * supervisor's log. It ends with the sensor (sensor_stop calls saving_stop). */
#include "orchestrator/internal.h"

#include "base/log.h"
#include "redis_conn/redis_conn.h"

enum { SILENCE_MS = 5000, MARGIN_MS = 5000 };

struct saving {
    char *command; /* the plan may be another one when the answer comes */
    struct redis_conn *conn;
    struct timer silence;
};

/* Who is killed, or holds no data, is not asked. */
bool saving_is_met(const struct node *node)
{
    bool saves = node->spec && node->spec->run.save_command && !node->spec->run.ephemeral;
    bool is_killed = node->o->kill || node->kill_signal || node->facts.spoiled;
    return !saves || is_killed || node->facts.saved || !node_is_alive(node);
}

void saving_stop(struct node *node)
{
    struct saving *saving = take_ptr(&node->saving);
    if (!saving)
        return;
    redis_conn_free(saving->conn);
    timer_stop(&saving->silence);
    free(saving->command);
    free(saving);
}

static void finish(struct node *node, const char *trouble)
{
    if (trouble)
        log_warn("%s is stopped without a last %s: %s", node->resource, node->saving->command, trouble);
    facts_save(node, true);
    saving_stop(node);
    node_wake(node);
}

static void on_saved(const struct resp_reply *reply, void *data)
{
    if (!reply)
        return; /* on_lost follows */
    if (reply->type == RESP_ERROR)
        finish(data, reply->str);
    else
        finish(data, NULL);
}

static void on_lost(const struct error *err, bool final, void *data)
{
    (void) final;
    finish(data, err->text);
}

static void on_silence(void *data)
{
    finish(data, "it does not answer");
}

struct limit saving_limit(const struct node *node)
{
    (void)node;
    return LIMIT_MS(SILENCE_MS + MARGIN_MS);
}

void saving_start(struct node *node)
{
    const char *const words[] = {node->spec->run.save_command, NULL};
    cleanup_error struct error err = {0};
    if (node->saving)
        return;

    node->saving = xcalloc(1, sizeof *node->saving);
    node->saving->command = xstrdup(words[0]);
    node->saving->conn = server_open(node, on_lost, node);
    timer_init(node->o->services.loop, &node->saving->silence, on_silence, node);
    timer_start(&node->saving->silence, SILENCE_MS);
    if (redis_conn_words(node->saving->conn, words, on_saved, node, &err) < 0)
        finish(node, err.text);
}
