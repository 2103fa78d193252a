/* See text.h. */
#include "dashboard/text.h"

#include <string.h>

/* How many bytes of UTF-8 stand at the beginning: 0 for none. */
static size_t sequence(const char *bytes, size_t length)
{
    unsigned char first = (unsigned char)*bytes;
    size_t size = 1;
    if (first >= 0xf0)
        size = 4;
    else if (first >= 0xe0)
        size = 3;
    else if (first >= 0xc0)
        size = 2;
    if (size > length || (first != 0 && !str_is_utf8(bytes, size)))
        return 0;
    return size;
}

static void add_control(struct strbuf *out, unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        strbuf_addf(out, "\\%c", c);
        break;
    case '\n':
        strbuf_adds(out, "\\n");
        break;
    case '\t':
        strbuf_adds(out, "\\t");
        break;
    default:
        strbuf_addf(out, "\\u%04x", c);
    }
}

void text_add(struct strbuf *out, const char *bytes, size_t length)
{
    size_t plain = 0;
    strbuf_addc(out, '"');
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)bytes[i];
        size_t size = 1;
        bool is_plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        if (!is_plain)
            size = sequence(bytes + i, length - i);
        if (is_plain || size > 1) {
            i += size;
            continue;
        }

        strbuf_add(out, bytes + plain, i - plain);
        if (size == 0)
            strbuf_adds(out, "\xef\xbf\xbd");
        else
            add_control(out, c);
        plain = ++i;
    }
    strbuf_add(out, bytes + plain, length - plain);
    strbuf_addc(out, '"');
}
