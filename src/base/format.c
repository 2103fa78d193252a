/* Texts, times and sizes as people read them. See str.h. */
#include "base/mem.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void str_wrap(struct strbuf *out, const char *text, int indent, int width)
{
    int column = indent;

    while (*text) {
        size_t length = strcspn(text, " \n");
        cleanup_free char *word = xstrndup(text, length);
        int columns = str_width(word);
        if (column > indent && column + 1 + columns > width) {
            strbuf_addf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            strbuf_addc(out, ' ');
            column++;
        }
        strbuf_add(out, text, length);
        column += columns;
        text += length;
        if (*text == '\n') {
            strbuf_addf(out, "\n%*s", indent, "");
            column = indent;
        }
        text += *text != '\0';
    }
}

void str_elapsed(int64_t ms, char out[24])
{
    if (ms < 0)
        ms = 0;
    if (ms < 10000)
        snprintf(out, 24, "%.2fs", (double)ms / 1000);
    else if (ms < 60000)
        snprintf(out, 24, "%.1fs", (double)ms / 1000);
    else if (ms < 3600000)
        snprintf(out, 24, "%" PRId64 "m%02" PRId64 "s", ms / 60000, ms / 1000 % 60);
    else
        snprintf(out, 24, "%" PRId64 "h%02" PRId64 "m", ms / 3600000, ms / 60000 % 60);
}

void str_bytes(int64_t bytes, char out[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 999.5 && unit < 4; unit++)
        value /= 1000;
    snprintf(out, 24, "%.*f %s", unit > 0, value, units[unit]); /* bytes are whole */
}

void str_duration(int64_t ms, char out[24])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t length = 0;

    snprintf(out, 24, "0s");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t whole = ms / units[i].ms;
        if (whole > 0)
            length += (size_t)snprintf(out + length, 24 - length, "%" PRId64 "%s", whole, units[i].unit);
        ms -= whole * units[i].ms;
    }
}

void str_size(int64_t bytes, char out[24])
{
    const char *units = " kmg";

    while (bytes && bytes % 1024 == 0 && units[1]) {
        bytes /= 1024;
        units++;
    }
    snprintf(out, 24, "%" PRId64 "%.*s", bytes, *units != ' ', units);
}
