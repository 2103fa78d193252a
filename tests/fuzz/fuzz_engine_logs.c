/* room: engine */
/* Any bytes as a container's output, cut where the first byte says: no crash, no leak, and the cut never
 * matters. */
#include "engine/internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct strbuf *seen = data;
    if ((stream != 1 && stream != 2) || memchr(line, '\n', length))
        abort();
    strbuf_addf(seen, "%d@%lld:", stream, (long long)time_ns);
    strbuf_add(seen, line, length);
    strbuf_addc(seen, '\n');
}

static void run(const uint8_t *data, size_t size, size_t step, bool has_times, struct strbuf *seen)
{
    struct engine_demux demux;
    engine_demux_init(&demux, has_times, on_line, seen);
    for (size_t at = 0; at < size; at += step)
        engine_demux_feed(&demux, (const char *)data + at, size - at < step ? size - at : step);
    engine_demux_end(&demux);
    engine_demux_fini(&demux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct strbuf whole = {0}, pieces = {0};
    bool has_times = data[0] & 1;
    run(data + 1, size - 1, size, has_times, &whole);
    run(data + 1, size - 1, 1 + data[0] / 2, has_times, &pieces);
    if (whole.length != pieces.length || memcmp(strbuf_text(&whole), strbuf_text(&pieces), whole.length) != 0)
        abort();
    strbuf_free(&whole);
    strbuf_free(&pieces);
    return 0;
}
