/* room: engine */
/* Any text as what an engine says: containers, lists, events, the progress of pulls, error answers; and as an
 * image reference. No crash, no leak, and what comes out keeps its promises. */
#include "engine/internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_container(const struct engine_container *container)
{
    if (!container->id || !container->name || !container->state || !container->image || !container->error)
        abort();
    for (int i = 0; i < container->port_count; i++)
        if (container->ports[i].host_port < 1 || container->ports[i].host_port > 65535)
            abort();
    if (!container->running && container->port_count)
        abort();
}

static void read_documents(const char *text, size_t length)
{
    cleanup_json cJSON *document = json_parse(text, length, NULL);
    struct engine_container container;
    const cJSON *item;
    engine_container_from_inspect(&container, document);
    check_container(&container);
    engine_container_from_list(&container, document);
    check_container(&container);
    if (cJSON_IsArray(document)) {
        cJSON_ArrayForEach(item, document)
        {
            engine_container_from_list(&container, item);
            check_container(&container);
        }
    }
    struct engine_address address;
    if (engine_address_from_json(document, &address, NULL) == 0)
        engine_address_free(&address);
}

static bool on_line(char *line, size_t length, void *data)
{
    struct pull_progress *progress = data;
    struct engine_event event;
    struct pull_state state = {0};
    cleanup_json cJSON *document = NULL;
    if (engine_event_parse(line, length, &event, &document) && (!event.action || !event.id || !event.type))
        abort();
    if (engine_pull_progress_line(progress, line, length, &state) &&
        (state.current < 0 || state.total < state.current))
        abort();
    return true;
}

static void read_reference(const char *text)
{
    struct image_reference reference, again;
    if (image_reference_parse(text, &reference, NULL) < 0)
        return;
    char *full = image_reference_text(&reference, NULL, false);
    if (image_reference_parse(full, &again, NULL) < 0)
        abort();
    char *twice = image_reference_text(&again, NULL, false);
    if (strcmp(full, twice) != 0)
        abort();
    free(full);
    free(twice);
    image_reference_free(&reference);
    image_reference_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    size_t length = strlen(text);
    struct error err = {0};
    read_documents(text, length);
    struct pull_progress *progress = engine_pull_progress_new();
    struct strbuf rest = {.limit = 1 << 16};
    engine_lines_feed(&rest, text, length, on_line, progress);
    strbuf_free(&rest);
    engine_pull_progress_free(progress);
    char *message = engine_message(text, length);
    engine_classify(ON_START, 500, message, "start it", &err);
    error_clear(&err);
    read_reference(text);
    free(message);
    free(text);
    return 0;
}
