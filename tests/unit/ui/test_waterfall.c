/* The waterfall: order, bars that lie where the time was, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/waterfall.h"

static char *print(const struct waterfall_row *rows, size_t count, bool unicode)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    const struct output output = {.unicode = unicode};
    waterfall_print(&output, rows, count, stream);
    fclose(stream);
    return text;
}

static const struct waterfall_row rows[] = {
    {"cache", "created", false, 0, 100000},    {"cache", "healthy", false, 100000, 100000},
    {"api", "waiting", true, 1000, 199000},    {"cache", "calm", false, 100000, 10}, /* no time at all */
    {"api", "started", false, 200000, 200000},
};

static void test_order_and_bars(void **state)
{
    char *text = print(rows, sizeof rows / sizeof *rows, false);
    (void)state;
    static const char expected[] = "RESOURCE  GOAL     TIME   0 TO 0.40s\n"
                                   "cache     created  0.10s  ##########\n"
                                   "cache     healthy  0.10s            ##########\n"
                                   "api       waiting  0.20s  ....................\n"
                                   "api       started  0.20s                      ####################\n";
    assert_string_equal(text, expected);
    free(text);
}

static void test_without_time(void **state)
{
    const struct waterfall_row nothing = {"cache", "created", false, 0, 0};
    char *text = print(&nothing, 1, true);
    (void)state;
    assert_non_null(strstr(text, "RESOURCE"));
    assert_null(strstr(text, "created"));
    free(text);
    text = print(rows, 1, true);
    assert_non_null(strstr(text, "█"));
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bars),
        cmocka_unit_test(test_without_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
