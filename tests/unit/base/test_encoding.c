/* Byte order marks: what is made of them, and that nothing else is touched. */
#include "base/encoding.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *from;
    size_t from_length;
    const char *to;
    size_t to_length;
} cases[] = {
    {BYTES(""), BYTES("")},
    {BYTES("plain"), BYTES("plain")},
    {BYTES("\xEF\xBB\xBF"), BYTES("")},
    {BYTES("\xEF\xBB\xBF\xC3\xA4\0b"), BYTES("\xC3\xA4\0b")},
    {BYTES("\xEF\xBB"), BYTES("\xEF\xBB")},
    {BYTES("a\xEF\xBB\xBF"), BYTES("a\xEF\xBB\xBF")},
    {BYTES("\xEF\xBB\xBF\xEF\xBB\xBF"), BYTES("\xEF\xBB\xBF")},
    {BYTES("\xFF\xFE"), BYTES("")},
    {BYTES("\xFF\xFE"
           "A\0\xE4\0\xAC\x20\x3D\xD8\x00\xDE"),
     BYTES("A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80")},
    {BYTES("\xFE\xFF\0A\0\xE4\x20\xAC\xD8\x3D\xDE\x00"), BYTES("A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80")},
    {BYTES("\xFF\xFE\x3D\xD8"), BYTES("\xED\xA0\xBD")},
    {BYTES("\xFF\xFE\x00\xDE"
           "A\0"),
     BYTES("\xED\xB8\x80"
           "A")},
    {BYTES("\xFF\xFE"
           "A\0B"),
     BYTES("A\xFF")},
};

static void marks_go_and_text_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = xmalloc(cases[i].from_length + 1);
        memcpy(text, cases[i].from, cases[i].from_length + 1);
        size_t length = cases[i].from_length;
        text = encoding_to_utf8(text, &length);
        if (length != cases[i].to_length || memcmp(text, cases[i].to, length + 1))
            fail_msg("case %zu gives %zu bytes: \"%s\"", i, length, text);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks_go_and_text_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
