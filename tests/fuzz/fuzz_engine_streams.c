/* room: engine */
/* Any bytes as the engine's lines of events and of a pull's progress, cut where the first byte says: no
 * crash, no leak, and the cut never matters. */
#include "engine/internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 12 }; /* small, so that lines that are too long are met */

struct reader {
    struct strbuf rest, seen;
    struct pull_progress *progress;
    int limit; /* of lines: then the reader says that it wants no more */
};

static void note_event(struct reader *reader, char *line, size_t length)
{
    struct engine_event event;
    cleanup_json cJSON *document = NULL;
    if (!engine_event_parse(line, length, &event, &document))
        return;
    if (!event.type || !event.action || !event.id)
        abort();
    strbuf_addf(&reader->seen, "%s %s %s %d %d %lld\n", event.type, event.action, event.id, event.exit_code,
                (int)event.health, (long long)event.time_ns);
}

static void note_progress(struct reader *reader, const char *line, size_t length)
{
    struct pull_state state = {0};
    if (!engine_pull_progress_line(reader->progress, line, length, &state))
        return;
    if (state.current < 0 || state.total < state.current)
        abort();
    strbuf_addf(&reader->seen, "%lld/%lld %d\n", (long long)state.current, (long long)state.total,
                state.done);
}

static bool on_line(char *line, size_t length, void *data)
{
    struct reader *reader = data;
    if (line[length] || memchr(line, '\n', length))
        abort();
    note_progress(reader, line, length);
    note_event(reader, line, length); /* last: it may cut the line */
    return --reader->limit > 0;
}

static bool run(struct reader *reader, const uint8_t *data, size_t size, size_t step)
{
    bool fits = true;
    reader->rest.limit = LIMIT;
    reader->limit = 1000;
    reader->progress = engine_pull_progress_new();
    for (size_t at = 0; fits && reader->limit > 0 && at < size; at += step) {
        size_t length = size - at < step ? size - at : step;
        fits = engine_lines_feed(&reader->rest, (const char *)data + at, length, on_line, reader) == 0;
    }
    return fits;
}

static void reader_free(struct reader *reader)
{
    strbuf_free(&reader->rest);
    strbuf_free(&reader->seen);
    engine_pull_progress_free(reader->progress);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct reader bytes = {0}, pieces = {0};
    bool bytes_fit = run(&bytes, data + 1, size - 1, 1);
    bool pieces_fit = run(&pieces, data + 1, size - 1, 1 + data[0] % 64);
    /* Beyond the limit a piece may end the reading a few lines earlier than a byte. */
    if (bytes_fit && pieces_fit && strcmp(strbuf_text(&bytes.seen), strbuf_text(&pieces.seen)) != 0)
        abort();
    reader_free(&bytes);
    reader_free(&pieces);
    return 0;
}
