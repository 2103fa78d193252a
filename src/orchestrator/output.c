/* Output of resources: processes write straight into their log, containers are followed into it.
 *
 * A follow is a stream of its own and starts when the container is ready (before that nobody reads, and a
 * cold start is kept to its few requests); it asks for everything from the start, or after a pause for what
 * came since the last line. When it ends while the container runs, it is opened again by the next start. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <string.h>

/* At each start anew: secrets change. */
static void keep_masked(struct node *node)
{
    if (node->output.writer && node->spec && node->spec->run.mask)
        log_writer_mask(node->output.writer, secrets_scrub(node->o));
}

struct log_writer *output_open(struct node *node)
{
    struct orchestrator *o = node->o;
    cleanup_error struct error err = {0};
    if (!node->output.writer && o->services.logs_folder && node->resource) {
        node->output.writer =
            log_writer_new(o->services.loop, o->services.logs_folder, node->resource, 0, &err);
        if (!node->output.writer)
            log_warn("%s", err.text); /* the resource can run without its log */
    }
    keep_masked(node);
    return node->output.writer;
}

void output_say(struct node *node, const char *line)
{
    struct log_writer *writer = output_open(node);
    cleanup_free char *text = xasprintf("apphost: %s", line);
    if (!writer)
        return;
    log_writer_flush(writer);
    log_writer_add_line(writer, 2, text, strlen(text), 0);
    log_writer_flush(writer);
}

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct node *node = data;
    struct node_output *output = &node->output;
    if (time_ns && time_ns <= output->since_ns) /* `since` is inclusive */
        return;
    if (time_ns > output->last_ns)
        output->last_ns = time_ns;
    if (output->writer)
        log_writer_add_line(output->writer, stream, line, length, time_ns);
}

static void on_end(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    (void)err;
    struct node *node = data;
    node->output.follow = NULL;
    if (node->output.writer)
        log_writer_flush(node->output.writer);
}

void output_follow(struct node *node)
{
    struct orchestrator *o = node->o;
    struct node_output *output = &node->output;
    if (output->follow || !node->facts.object || !output_open(node))
        return;
    output->since_ns = output->last_ns;
    output->follow = engine_container_follow(o->services.engine, node->facts.object, output->last_ns, on_line,
                                             on_end, node);
}

/* Lets a follow of a container that ended run out: the last lines are the interesting ones. */
void output_unfollow(struct node *node)
{
    if (node->output.writer)
        log_writer_flush(node->output.writer);
}

void output_free(struct node *node)
{
    struct node_output *output = &node->output;
    if (output->follow)
        engine_cancel(node->o->services.engine, output->follow);
    if (output->writer)
        log_writer_free(output->writer);
    free(output->tail);
    memset(output, 0, sizeof *output);
}

char *output_tail(const struct node *node)
{
    if (node->output.tail)
        return xstrdup(node->output.tail);
    if (!node->output.writer)
        return NULL;
    return log_writer_tail(node->output.writer, TAIL_LINES);
}
