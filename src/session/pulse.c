/* Questions while a request is under way. See pulse.h. */
#include "session/pulse.h"

enum { BEAT_MS = 10000, MISSES = 3 };

static void set_beat(struct pulse *pulse)
{
    timer_start(&pulse->beat, limit_or(pulse->client->beat_ms, LIMIT_MS(BEAT_MS)).ms);
}

static void ask(struct pulse *pulse)
{
    client_end(pulse->client, &pulse->question);
    client_begin(pulse->client, &pulse->question, ASK_HELLO, NULL);
}

/* A refusal is an answer as well. */
static void on_beat(void *data)
{
    struct pulse *pulse = data;
    bool is_waiting = pulse->question.id && !pulse->question.done;
    if (is_waiting)
        pulse->missed = pulse->missed + 1;
    else
        pulse->missed = 0;
    if (!is_waiting)
        ask(pulse);

    pulse->is_silent = pulse->missed >= MISSES || control_is_broken(pulse->client->connection);
    pulse->client->is_silent = pulse->is_silent;
    if (!pulse->is_silent)
        set_beat(pulse);
}

void pulse_start(struct pulse *pulse, struct client *client)
{
    *pulse = (struct pulse){.client = client};
    timer_init(&client->loop, &pulse->beat, on_beat, pulse);
    if (client->is_silent) {
        ask(pulse);
        pulse->missed = MISSES - 1;
    }
    set_beat(pulse);
}

void pulse_end(struct pulse *pulse)
{
    timer_stop(&pulse->beat);
    client_end(pulse->client, &pulse->question);
}
