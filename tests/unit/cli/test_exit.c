/* Where an end becomes the program's exit code: cause, origin, and whose the other codes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cli/exit.h"

static const struct command plain = {.name = "plain"}, wrapper = {.name = "run", .own_failure_125 = true};

static int code_of(const struct command *command, enum error_code cause, enum error_origin origin)
{
    struct context context = {.args = {.command = command}};
    const struct error error = {.code = cause, .origin = origin};
    const struct result result = exit_result(&context, -1, &error);
    assert_int_equal(result.outcome, OUTCOME_FAILED);
    return exit_code(&context, &result);
}

static void test_causes_and_origins(void **state)
{
    static const struct {
        enum error_code cause;
        int ours, resources, commands;
    } rows[] = {
        {ERROR_FAILED, 1, 1, 1},         {ERROR_USAGE, 2, 2, 2},         {ERROR_MANIFEST, 3, 3, 3},
        {ERROR_ENGINE, 4, 4, 4},         {ERROR_PULL, 5, 5, 5},          {ERROR_RESOURCE, 1, 6, 1},
        {ERROR_TIMEOUT, 7, 7, 7},        {ERROR_PORT, 8, 8, 8},          {ERROR_OWNER, 9, 9, 9},
        {ERROR_NOT_RUNNING, 10, 10, 10}, {ERROR_RUN_TIMEOUT, 1, 1, 124}, {ERROR_NOT_EXECUTABLE, 1, 6, 126},
        {ERROR_NOT_FOUND, 1, 6, 127},    {ERROR_CANCELLED, 1, 1, 1},     {ERROR_NO_IMAGE, 5, 5, 5},
        {ERROR_GONE, 1, 1, 1},           {ERROR_CONFLICT, 1, 1, 1},      {ERROR_SPACE, 1, 1, 1},
        {ERROR_PROTOCOL, 1, 1, 1},       {ERROR_CUT, 4, 4, 4},           {ERROR_NO_FILE, 1, 1, 1},
    };
    (void)state;
    assert_int_equal(sizeof rows / sizeof *rows, ERROR_CODE_COUNT - 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(code_of(&plain, rows[i].cause, ORIGIN_OURS), rows[i].ours);
        assert_int_equal(code_of(&plain, rows[i].cause, ORIGIN_RESOURCE), rows[i].resources);
        assert_int_equal(code_of(&plain, rows[i].cause, ORIGIN_COMMAND), rows[i].commands);
    }
}

static void test_who_has_other_codes(void **state)
{
    (void)state;
    assert_int_equal(code_of(&wrapper, ERROR_MANIFEST, ORIGIN_OURS), 125);
    assert_int_equal(code_of(&wrapper, ERROR_NOT_FOUND, ORIGIN_RESOURCE), 125);
    assert_int_equal(code_of(&wrapper, ERROR_NOT_FOUND, ORIGIN_COMMAND), 127);
    assert_int_equal(code_of(&wrapper, ERROR_RUN_TIMEOUT, ORIGIN_COMMAND), 124);

    struct context context = {.args = {.command = &plain}, .has_other_codes = true};
    const struct error error = {.code = ERROR_RESOURCE, .origin = ORIGIN_RESOURCE};
    const struct result result = exit_result(&context, -1, &error);
    assert_int_equal(exit_code(&context, &result), 125);
}

static void test_nothing_learnt_is_a_failure(void **state)
{
    struct context context = {.args = {.command = &plain}};
    const struct result result = {0};
    (void)state;
    assert_int_equal(exit_code(&context, &result), 125);
}

static void test_signals(void **state)
{
    struct context context = {.args = {.command = &wrapper}, .client = {.interrupts = 1, .signum = 15}};
    const struct error error = {.code = ERROR_CANCELLED};
    struct result result = exit_result(&context, -1, &error);
    (void)state;
    assert_int_equal(exit_code(&context, &result), 143);

    context.is_told = true; /* a failure that was told stays one */
    result = exit_result(&context, -1, &error);
    assert_int_equal(exit_code(&context, &result), 125);
}

static void test_codes_pass(void **state)
{
    struct context context = {.args = {.command = &wrapper}};
    const struct error none = {0};
    const struct result result = exit_result(&context, 3, &none);
    (void)state;
    assert_int_equal(exit_code(&context, &result), 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes_and_origins),
        cmocka_unit_test(test_who_has_other_codes),
        cmocka_unit_test(test_nothing_learnt_is_a_failure),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_codes_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
