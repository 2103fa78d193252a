/* What is kept, read back: items that pass a filter, as OTLP/JSON. */
#include "otlp/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL_LIMIT = 200, ANSWER_LIMIT = 160 << 20 };

bool otlp_passes(const struct otlp_item *item, const struct otlp_filter *filter)
{
    if (filter->service && strcmp(filter->service, item->source->service))
        return false;
    if (filter->name && strcmp(filter->name, item->name))
        return false;
    if (filter->trace && strcmp(filter->trace, item->trace))
        return false;
    if (filter->text && !strstr(item->json, filter->text))
        return false;
    if (filter->since_ns && item->end_ns <= filter->since_ns)
        return false;
    return item->severity >= filter->severity;
}

const struct otlp_item **otlp_choose(const struct otlp_ring *ring, const struct otlp_filter *filter,
                                     size_t *count)
{
    size_t limit = size_or(filter->limit, USUAL_LIMIT), passing = 0, at = 0;
    for (const struct otlp_item *item = ring->oldest; item; item = item->next)
        passing += otlp_passes(item, filter);
    size_t skipped = passing - size_min(passing, limit);
    *count = passing - skipped;

    const struct otlp_item **chosen = xcalloc(*count + 1, sizeof *chosen);
    for (const struct otlp_item *item = ring->oldest; item && at < *count; item = item->next) {
        if (!otlp_passes(item, filter))
            continue;
        if (skipped)
            skipped--;
        else
            chosen[at++] = item;
    }
    return chosen;
}

/* ---- as text ---- */

/* Items of one source that follow upon each other share its frame. */
static void add_items(struct strbuf *out, enum otlp_signal signal, const struct otlp_item *const *items,
                      size_t count)
{
    const struct otlp_names *names = otlp_names(signal);
    strbuf_addf(out, "\"%s\":[", names->resources);
    for (size_t i = 0; i < count; i++) {
        const struct otlp_source *source = items[i]->source;
        bool is_first = i == 0 || items[i - 1]->source != source;
        bool is_last = i + 1 == count || items[i + 1]->source != source;
        if (i)
            strbuf_addc(out, ',');

        if (is_first)
            strbuf_addf(out, "{\"resource\":%s,\"%s\":[{\"scope\":%s,\"%s\":[", source->resource,
                        names->scopes, source->scope, names->items);
        strbuf_adds(out, items[i]->json);
        if (is_last)
            strbuf_adds(out, "]}]}");
    }
    strbuf_addc(out, ']');
}

static void add_chosen(struct strbuf *out, const struct otlp_store *store, enum otlp_signal signal,
                       const struct otlp_filter *filter)
{
    size_t count = 0;
    const struct otlp_item **items = otlp_choose(&store->rings[signal], filter, &count);
    add_items(out, signal, items, count);
    free(items);
}

char *otlp_items(const struct otlp_store *store, enum otlp_signal signal, const struct otlp_filter *filter,
                 size_t *length)
{
    struct strbuf out = {.limit = ANSWER_LIMIT};
    strbuf_addc(&out, '{');
    add_chosen(&out, store, signal, filter);
    strbuf_addc(&out, '}');
    *length = out.length;
    return strbuf_take(&out);
}

char *otlp_trace(const struct otlp_store *store, const char *id, size_t *length)
{
    enum { MOST = 10000 };
    const struct otlp_filter filter = {.trace = id, .limit = MOST};
    const struct otlp_item *span = store->rings[OTLP_TRACES].oldest;
    struct strbuf out = {.limit = ANSWER_LIMIT};
    while (span && !otlp_passes(span, &filter))
        span = span->next;
    if (!span)
        return NULL;

    strbuf_addc(&out, '{');
    add_chosen(&out, store, OTLP_TRACES, &filter);
    strbuf_addc(&out, ',');
    add_chosen(&out, store, OTLP_LOGS, &filter);
    strbuf_addc(&out, '}');
    *length = out.length;
    return strbuf_take(&out);
}
