/* See await.h. */
#include "session/await.h"
#include "session/pulse.h"

struct bystander {
    struct client *client;
    const struct pulse *pulse; /* or NULL */
    bool is_steady;
    int interrupts; /* at the beginning */
};

static bool is_user_interrupting(const struct bystander *bystander)
{
    return !bystander->is_steady && bystander->client->interrupts != bystander->interrupts;
}

static bool is_interrupted(void *data)
{
    const struct bystander *bystander = data;
    const struct client *client = bystander->client;
    if (client->after_turn)
        client->after_turn(client->turn_data);
    bool is_silent = bystander->pulse && bystander->pulse->is_silent;
    return is_silent || is_user_interrupting(bystander);
}

int await(struct client *client, const struct wait *wait, struct error *err)
{
    struct bystander bystander = {client, NULL, wait->is_steady, client->interrupts};
    const struct await_watch watch = {is_interrupted, &bystander};
    return loop_await(&client->loop, wait, &watch, err);
}

int await_supervisor(struct client *client, const struct wait *wait, struct error *err)
{
    struct pulse pulse;
    struct bystander bystander = {client, &pulse, wait->is_steady, client->interrupts};
    const struct await_watch watch = {is_interrupted, &bystander};
    pulse_start(&pulse, client);
    int answer = loop_await(&client->loop, wait, &watch, err);
    pulse_end(&pulse);
    bool is_silent = answer == AWAIT_INTERRUPTED && !is_user_interrupting(&bystander);
    if (is_silent)
        return client_refuse_silence(client, "", err);
    return answer;
}

int await_input(struct client *client, int fd)
{
    struct bystander bystander = {client, NULL, false, client->interrupts};
    const struct await_watch watch = {is_interrupted, &bystander};
    return loop_await_input(&client->loop, fd, &watch);
}

int await_interrupted(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "interrupted");
}
