/* Byte order marks. See encoding.h. */
#include "base/encoding.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UTF8_MARK = 3, UTF16_MARK = 2 };

static uint32_t unit_at(const unsigned char *p, bool is_big)
{
    uint32_t first = p[0], second = p[1];
    if (is_big)
        return first << 8 | second;
    return second << 8 | first;
}

static void add_character(struct strbuf *out, uint32_t c)
{
    if (c < 0x80) {
        strbuf_addc(out, (char)c);
        return;
    }
    if (c < 0x800) {
        strbuf_addc(out, (char)(0xC0 | c >> 6));
    } else if (c < 0x10000) {
        strbuf_addc(out, (char)(0xE0 | c >> 12));
        strbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3F)));
    } else {
        strbuf_addc(out, (char)(0xF0 | c >> 18));
        strbuf_addc(out, (char)(0x80 | (c >> 12 & 0x3F)));
        strbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3F)));
    }
    strbuf_addc(out, (char)(0x80 | (c & 0x3F)));
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

/* A surrogate without its other half is written as if it were a character, which UTF-8 does not allow. */
static void add_utf16(struct strbuf *out, const unsigned char *p, size_t length, bool is_big)
{
    for (size_t i = 0; i + 1 < length; i += 2) {
        uint32_t unit = unit_at(p + i, is_big);
        uint32_t next = 0;
        if (i + 3 < length)
            next = unit_at(p + i + 2, is_big);
        if (is_high(unit) && is_low(next)) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00);
            i += 2;
        }
        add_character(out, unit);
    }
    if (length % 2)
        strbuf_addc(out, (char)0xFF);
}

static bool starts_with(const char *text, size_t length, const char *mark, size_t size)
{
    return length >= size && memcmp(text, mark, size) == 0;
}

char *encoding_to_utf8(char *text, size_t *length)
{
    bool is_little = starts_with(text, *length, "\xFF\xFE", UTF16_MARK);
    bool is_big = starts_with(text, *length, "\xFE\xFF", UTF16_MARK);
    if (starts_with(text, *length, "\xEF\xBB\xBF", UTF8_MARK)) {
        *length -= UTF8_MARK;
        memmove(text, text + UTF8_MARK, *length + 1);
        return text;
    }
    if (!is_little && !is_big)
        return text;
    struct strbuf out = {0};
    add_utf16(&out, (unsigned char *)text + UTF16_MARK, *length - UTF16_MARK, is_big);
    mem_wipe(text, *length);
    free(text);
    *length = out.length;
    return strbuf_take(&out);
}
