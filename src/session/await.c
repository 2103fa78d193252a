/* See await.h. */
#include "session/await.h"

struct bystander {
    struct client *client;
    bool is_steady;
    int interrupts; /* at the beginning */
};

static bool is_interrupted(void *data)
{
    const struct bystander *bystander = data;
    const struct client *client = bystander->client;
    if (client->after_turn)
        client->after_turn(client->turn_data);
    return !bystander->is_steady && client->interrupts != bystander->interrupts;
}

int await(struct client *client, const struct wait *wait, struct error *err)
{
    struct bystander bystander = {client, wait->is_steady, client->interrupts};
    const struct await_watch watch = {is_interrupted, &bystander};
    return loop_await(&client->loop, wait, &watch, err);
}

int await_interrupted(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "interrupted");
}
