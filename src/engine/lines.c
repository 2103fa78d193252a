/* Newline-delimited text that arrives in pieces: /events and the progress of a pull. */
#include "engine/internal.h"

#include <string.h>

int engine_lines_feed(struct strbuf *rest, const char *bytes, size_t length, engine_line_cb *on_line,
                      void *data)
{
    /* Out of the owner: a callback may free it. */
    struct strbuf buffer = *rest;
    size_t limit = rest->limit;
    *rest = (struct strbuf){.limit = limit};
    bool fits = strbuf_add(&buffer, bytes, length), goes_on = true;
    size_t start = 0;

    while (goes_on && fits && start < buffer.length) {
        char *line = buffer.data + start;
        char *end = memchr(line, '\n', buffer.length - start);
        if (!end)
            break;
        size_t size = (size_t)(end - line);
        start += size + 1;
        if (size && line[size - 1] == '\r')
            size--;
        line[size] = '\0';
        goes_on = size == 0 || on_line(line, size, data);
    }

    if (goes_on && fits) {
        strbuf_consume(&buffer, start);
        *rest = buffer;
        return 0;
    }
    strbuf_free(&buffer);
    if (fits)
        return 0;
    return -1;
}
