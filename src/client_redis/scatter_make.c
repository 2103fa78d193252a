/*
 * Making a scatter: the batch is copied, for it may have to be sent again when its caller has gone on, and
 * cut into units that stay together.
 */
#include "client_base/fail.h"
#include "client_redis/scatter_internal.h"

#include <stdlib.h>
#include <string.h>

/* The commands, their words, their text. */
static int copy_batch(struct scatter *scatter, const struct batch *batch)
{
    size_t size = batch->count * sizeof(struct conn_command);

    for (size_t i = 0; i < batch->count; i++) {
        const struct conn_command *command = &batch->commands[i];

        size += command->argc * (sizeof(char *) + sizeof(size_t));
        for (size_t k = 0; k < command->argc; k++)
            size += conn_command_length(command, k);
    }
    struct conn_command *copies = scatter->block = malloc(size + sizeof(struct conn_command));
    if (!copies)
        return -1;
    const char **argv = (const char **)(copies + batch->count);
    size_t words = 0;
    for (size_t i = 0; i < batch->count; i++)
        words += batch->commands[i].argc;
    size_t *lens = (size_t *)(argv + words);
    char *text = (char *)(lens + words);
    for (size_t i = 0; i < batch->count; i++) {
        const struct conn_command *command = &batch->commands[i];

        copies[i] = (struct conn_command){command->argc, argv, lens};
        for (size_t k = 0; k < command->argc; k++) {
            size_t len = conn_command_length(command, k);

            if (len > 0)
                memcpy(text, command->argv[k], len);
            *argv++ = text;
            *lens++ = len;
            text += len;
        }
    }
    scatter->batch = *batch;
    scatter->batch.commands = copies;
    scatter->batch.times = NULL;
    return 0;
}

void scatter_free(struct scatter *scatter)
{
    for (size_t i = 0; scatter->items && i < scatter->item_count; i++)
        resp_reply_free(scatter->items[i]);
    free(scatter->items);
    free(scatter->units);
    free(scatter->block);
    free(scatter);
}

static void add_unit(struct scatter *scatter, int slot, size_t first, size_t count)
{
    struct unit *unit = &scatter->units[scatter->unit_count++];

    *unit = (struct unit){.slot = slot, .first = first, .count = count, .reply = scatter->item_count};
    unit->replies = count;
    if (scatter->is_transaction)
        unit->replies += 2; /* of MULTI and EXEC */
    scatter->item_count += unit->replies;
}

static bool has_same_key(const struct conn_command *a, const struct conn_command *b)
{
    return a->argc > 1 && b->argc > 1 && a->lens[1] == b->lens[1] &&
           memcmp(a->argv[1], b->argv[1], a->lens[1]) == 0;
}

/* Between MULTI and EXEC: entry by entry, for of several keys of a slot that is being moved some are here and
 * some there. What may not be repeated stays whole. */
static void cut_transaction(struct scatter *scatter)
{
    const struct batch *batch = &scatter->batch;
    size_t last = batch->count - 1;

    if (!batch->is_idempotent) {
        add_unit(scatter, slot_of_command(&batch->commands[last - 1]), 1, last - 1);
        return;
    }
    for (size_t i = 1, first = 1; i < last; i++) {
        if (i + 1 < last && has_same_key(&batch->commands[i], &batch->commands[i + 1]))
            continue;
        add_unit(scatter, slot_of_command(&batch->commands[first]), first, i + 1 - first);
        first = i + 1;
    }
}

static int cut(struct scatter *scatter)
{
    const struct batch *batch = &scatter->batch;

    scatter->is_transaction = batch->count > 2 && batch->commands[0].lens[0] == 5 &&
                              memcmp(batch->commands[0].argv[0], "MULTI", 5) == 0;
    scatter->units = malloc(batch->count * sizeof(*scatter->units));
    if (scatter->units && scatter->is_transaction)
        cut_transaction(scatter);
    for (size_t i = 0; scatter->units && !scatter->is_transaction && i < batch->count; i++)
        add_unit(scatter, slot_of_command(&batch->commands[i]), i, 1);
    if (scatter->item_count > 0)
        scatter->items = calloc(scatter->item_count, sizeof(*scatter->items));
    return scatter->items ? 0 : -1;
}

struct scatter *scatter_new(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                            struct apphost_error *error)
{
    struct cluster *cluster = cluster_of(redis, error);
    struct scatter *scatter = cluster ? calloc(1, sizeof(*scatter)) : NULL;

    if (!cluster)
        return NULL;
    if (scatter) {
        scatter->redis = redis;
        scatter->cluster = cluster;
        scatter->role = role;
    }
    if (scatter && copy_batch(scatter, batch) == 0 && cut(scatter) == 0)
        return scatter;
    if (scatter)
        scatter_free(scatter);
    fail_memory(error);
    return NULL;
}
