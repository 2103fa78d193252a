/* The progress of a pull: bytes summed over the layers, from the engine's lines.
 *
 * A layer's size is known once its download starts; "Download complete" and later words make it full. What is
 * there already counts for nothing. Extraction is not counted: it repeats the same bytes. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { LAYER_LIMIT = 1024 };

struct layer {
    char id[72];
    int64_t current, total;
    UT_hash_handle hh;
};

struct pull_progress {
    struct layer *layers;
    cJSON *line; /* owns the texts of the state */
    bool done;
};

struct pull_progress *engine_pull_progress_new(void)
{
    return xcalloc(1, sizeof(struct pull_progress));
}

void engine_pull_progress_free(struct pull_progress *progress)
{
    if (!progress)
        return;
    struct layer *layer = progress->layers;
    HASH_CLEAR(hh, progress->layers); /* the table alone: its items are a list, too */
    while (layer) {
        struct layer *next = layer->hh.next;
        free(layer);
        layer = next;
    }
    cJSON_Delete(progress->line);
    free(progress);
}

static struct layer *find_layer(struct pull_progress *progress, const char *id)
{
    struct layer *layer;
    HASH_FIND_STR(progress->layers, id, layer);
    if (layer || strlen(id) >= sizeof layer->id || HASH_COUNT(progress->layers) >= LAYER_LIMIT)
        return layer;
    layer = xcalloc(1, sizeof *layer);
    strcpy(layer->id, id);
    HASH_ADD_STR(progress->layers, id, layer);
    return layer;
}

static void take_layer(struct pull_progress *progress, const char *status, const char *id,
                       const cJSON *detail)
{
    static const char *const complete[] = {"Verifying Checksum", "Download complete", "Extracting",
                                           "Pull complete"};
    struct layer *layer = find_layer(progress, id);
    if (!layer)
        return;
    int64_t current = json_int(detail, "current", 0), total = json_int(detail, "total", 0);
    if (strcmp(status, "Downloading") == 0 && current >= 0 && total >= 0) {
        layer->current = current;
        if (total > current)
            layer->total = total;
        else
            layer->total = current;
    }

    for (size_t i = 0; i < sizeof complete / sizeof *complete; i++)
        if (strcmp(status, complete[i]) == 0)
            layer->current = layer->total;
}

static void sum(const struct pull_progress *progress, struct pull_state *state)
{
    struct layer *layer, *next;
    state->current = state->total = 0;
    HASH_ITER(hh, progress->layers, layer, next)
    {
        if (layer->total > INT64_MAX / LAYER_LIMIT)
            continue;
        state->current += layer->current;
        state->total += layer->total;
    }
}

bool engine_pull_progress_line(struct pull_progress *progress, const char *line, size_t length,
                               struct pull_state *state)
{
    cJSON *document = json_parse(line, length, NULL);

    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        return false;
    }

    cJSON_Delete(progress->line);
    progress->line = document;
    const char *id = json_string(document, "id", NULL);
    state->status = json_string(document, "status", "");
    state->error =
        json_string(json_get(document, "errorDetail"), "message", json_string(document, "error", NULL));
    if (engine_says(SAYS_PULLED, 0, state->status))
        progress->done = true;
    if (id)
        take_layer(progress, state->status, id, json_get(document, "progressDetail"));
    sum(progress, state);
    state->done = progress->done;
    return true;
}
