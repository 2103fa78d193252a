/* A look at the bytes before the parser sees them: its own words about encodings name no place. */
#include "manifest/read.h"

#include <string.h>

static struct model_pos pos_at(const char *name, const char *text, size_t offset)
{
    struct model_pos pos = {name, 1, 1};
    for (size_t i = 0; i < offset; i++) {
        bool is_newline = text[i] == '\n';
        pos.line += is_newline;
        if (is_newline)
            pos.column = 1;
        else
            pos.column = pos.column + (((unsigned char)text[i] & 0xC0) != 0x80);
    }
    return pos;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
}

/* Length of the valid character at p, 0 when it is none. */
static size_t character_length(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (str_is_utf8(p, n))
            return n;
    return 0;
}

int manifest_check_text(struct loader *l, const char *name, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        if (is_control(c))
            return manifest_problem_at(l, pos_at(name, text, i), 1,
                                       "a control character (0x%02x) cannot stand here", c);
        size_t n = 1;
        if (c >= 0x80)
            n = character_length(text + i, length - i);
        if (!n)
            return manifest_problem_at(l, pos_at(name, text, i), 1, "byte 0x%02x: the file is not UTF-8", c);
        i += n;
    }
    return 0;
}
