/* What became of whom, of this session and of the one before it: so that two starts can be held beside each
 * other. The supervisor forgets its transitions with itself; this process outlives it.
 *
 * Happy path: with a session that is new, what was kept of another becomes the earlier one; the supervisor
 * tells what had happened before we came, and each transition after that is heard as it happens. Bounded in
 * number: the oldest goes first. */
#include "dashboard/internal.h"

#include "base/mem.h"
#include "control/requests.h"

#include <string.h>

enum { KEPT = 2000 };

static bool is_same(const struct page_history *history, const char *session)
{
    return history->session && !strcmp(history->session, session);
}

/* Whatever was told before this answer stands in it, too; what comes after it does not. */
static void on_history(const struct error *error, const cJSON *result, void *data)
{
    struct page_history *history = data;
    struct view_moments moments;
    struct arena arena = {0};
    const cJSON *item;
    bool is_told = !error && result && !view_moments_read(result, &arena, &moments, NULL);
    if (is_told) {
        cJSON_Delete(history->items);
        history->items = cJSON_CreateArray();
        history->count = 0;
        cJSON_ArrayForEach(item, moments.items) page_history_note(history, item);
    }
    arena_free(&arena);
}

void page_history_begin(struct page_history *history, struct control_connection *connection,
                        const char *session)
{
    struct control_request_handlers handlers = {.on_done = on_history, .data = history};
    const struct ask_watch ask = {.session = session};
    if (!is_same(history, session)) {
        cJSON_Delete(history->earlier);
        history->earlier = take_ptr(&history->items);
        cleanup_free_ptr(&history->session);
        history->session = xstrdup(session);
        history->count = 0;
    }
    if (!history->items)
        history->items = cJSON_CreateArray();
    control_request(connection, ask_name(ASK_HISTORY), record_to_json(&ask_watch_record, &ask), &handlers);
}

void page_history_note(struct page_history *history, const cJSON *record)
{
    if (!history->items || document_news(record) != NEWS_TRANSITION)
        return;
    cJSON *copy = cJSON_Duplicate(record, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
    cJSON_AddItemToArray(history->items, copy);
    if (++history->count > KEPT) {
        cJSON_DeleteItemFromArray(history->items, 0);
        history->count--;
    }
}

void page_history_end(struct page_history *history)
{
    cJSON_Delete(history->items);
    cJSON_Delete(history->earlier);
    cleanup_free_ptr(&history->session);
}
