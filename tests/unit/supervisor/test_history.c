/* What the supervisor remembers: in order, bounded, and honest about what it forgot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "supervisor/internal.h"

static void add(struct history *history, int64_t rev, size_t padding)
{
    cJSON *record = cJSON_CreateObject();
    char *text = xcalloc(padding + 1, 1);
    memset(text, 'x', padding);
    json_add_int(record, "rev", rev);
    json_add_string(record, "detail", text);
    history_add(history, rev, record);
    free(text);
}

/* As a reader gets it. */
static cJSON *read_since(struct history *history, int64_t rev)
{
    cJSON *raw = history_since(history, rev);
    char *text = json_print(raw);
    cJSON *items = json_parse(text, strlen(text), NULL);
    cJSON_Delete(raw);
    free(text);
    assert_non_null(items);
    return items;
}

static void test_order(void **state)
{
    struct history *history = history_new();
    (void)state;
    for (int64_t rev = 10; rev <= 200; rev += 10)
        add(history, rev, 1);
    cJSON *items = read_since(history, 180);
    assert_int_equal(json_count(items), 2);
    assert_int_equal(json_int(cJSON_GetArrayItem(items, 0), "rev", 0), 190);
    assert_int_equal(history_from(history), 0);
    cJSON_Delete(items);
    items = read_since(history, 0);
    assert_int_equal(json_count(items), 20);
    cJSON_Delete(items);
    items = read_since(history, 200);
    assert_int_equal(json_count(items), 0);
    cJSON_Delete(items);
    history_free(history);
}

static void test_many(void **state)
{
    enum { MANY = 10000 };
    struct history *history = history_new();
    (void)state;
    for (int64_t rev = 1; rev <= MANY; rev++)
        add(history, rev, 1);
    cJSON *items = read_since(history, 0);
    int64_t first = json_int(cJSON_GetArrayItem(items, 0), "rev", 0);
    assert_true(json_count(items) < MANY);
    assert_int_equal(first, history_from(history) + 1);
    assert_int_equal(json_count(items), MANY - first + 1);
    cJSON_Delete(items);
    history_free(history);
}

static void test_large(void **state)
{
    struct history *history = history_new();
    (void)state;
    for (int64_t rev = 1; rev <= 20; rev++)
        add(history, rev, 300000);
    cJSON *items = read_since(history, 0);
    assert_int_equal(json_count(items), 3);
    assert_int_equal(history_from(history), 17);
    cJSON_Delete(items);
    add(history, 21, 3000000); /* too large by itself: the newest stays all the same */
    items = read_since(history, 0);
    assert_int_equal(json_count(items), 1);
    cJSON_Delete(items);
    history_free(history);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
