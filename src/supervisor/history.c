/* What happened lately: a ring of records as they are sent, bounded in number and in bytes. The oldest go
 * first; the revision of the newest that went is kept, so that a reader knows what it misses. */
#include "supervisor/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 4096, KEPT_BYTES = 1 << 20 };

struct past {
    int64_t rev;
    char *text;
    size_t length;
};

struct history {
    struct past *items; /* a ring of `room` */
    size_t room, first, count;
    size_t bytes;
    int64_t from;
};

struct history *history_new(void)
{
    return xcalloc(1, sizeof(struct history));
}

static struct past *at(const struct history *history, size_t index)
{
    return &history->items[(history->first + index) % history->room];
}

static void drop_oldest(struct history *history)
{
    struct past *past = at(history, 0);
    history->from = past->rev;
    history->bytes -= past->length;
    free(past->text);
    history->first = (history->first + 1) % history->room;
    history->count--;
}

/* Small projects have few. Before the ring is full it begins at its start. */
static void make_room(struct history *history)
{
    if (history->count == KEPT)
        drop_oldest(history);
    if (history->count < history->room)
        return;
    struct past *items = xcalloc(history->room * 2 + 64, sizeof *items);
    for (size_t i = 0; i < history->count; i++)
        items[i] = *at(history, i);
    free(history->items);
    history->items = items;
    history->first = 0;
    history->room = history->room * 2 + 64;
}

void history_add(struct history *history, int64_t rev, cJSON *record)
{
    char *text = json_print(record);
    make_room(history);
    *at(history, history->count) = (struct past){rev, text, strlen(text)};
    history->bytes += at(history, history->count++)->length;
    while (history->bytes > KEPT_BYTES && history->count > 1)
        drop_oldest(history);
    cJSON_Delete(record);
}

int64_t history_from(const struct history *history)
{
    return history->from;
}

cJSON *history_since(const struct history *history, int64_t since)
{
    cJSON *items = cJSON_CreateArray();
    size_t first = history->count;
    while (first > 0 && at(history, first - 1)->rev > since)
        first--;
    for (size_t i = first; i < history->count; i++)
        cJSON_AddItemToArray(items, cJSON_CreateRaw(at(history, i)->text));
    return items;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    while (history->count)
        drop_oldest(history);
    free(history->items);
    free(history);
}
