/* room: args */
/* Hints for words that apphost does not know: those of other tools, misspelt ones, a forgotten "--". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "args/suggest.h"
#include "cli/commands.h"

static void expect(int answer, struct error *error, const char *hint)
{
    assert_int_equal(answer, -1);
    assert_non_null(error->hint);
    assert_string_equal(error->hint, hint);
    error_clear(error);
}

static void test_verbs_of_other_tools(void **state)
{
    (void)state;
    static const struct {
        const char *word, *hint;
    } rows[] = {
        {"status", "did you mean apphost ps?"},
        {"describe", "did you mean apphost ps -o json?"},
        {"inspect", "did you mean apphost config?"},
        {"destroy", "did you mean apphost down --volumes?"},
        {"attach", "did you mean apphost logs -f RES?"},
        {"shell", "did you mean apphost exec RES -- sh?"},
        {"cli", "did you mean apphost redis RES?"},
        {"check", "did you mean apphost validate?"},
        {"lint", "did you mean apphost validate?"},
        {"build", "did you mean apphost up? (images are pulled, never built)"},
        {"rm", "did you mean apphost down? (everything; apphost stop RES: one resource)"},
        {"prune", "did you mean apphost gc? (what dead sessions left; apphost down --volumes: this project)"},
        {"dwon", "did you mean apphost down?"},
        {"frobnicate-all", "apphost help lists the commands"},
    };
    struct error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(suggest_verb(&cli_commands, rows[i].word, "apphost", &error), &error, rows[i].hint);
    expect(suggest_verb(&cli_commands, "status", "apphost help", &error), &error,
           "did you mean apphost help ps?");
}

static void test_options_of_other_tools(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *written, *hint;
    } rows[] = {
        {"ps", "--format", "did you mean -o json?"},
        {"ps", "--json", "did you mean -o json?"},
        {"ps", "--all", "ps lists stopped resources too; apphost ls lists all projects"},
        {"down", "--remove-orphans", "down removes all that the project has running"},
        {"up", "--wait", "up waits by itself until everything is ready; --no-wait does not"},
        {"up", "--detatch", "did you mean --detach?"},
        {"up", "-Z", "apphost help up lists the options"},
        {NULL, "-d", "it goes after the verb: apphost up -d"},
        {NULL, "--follow", "it goes after the verb: apphost logs --follow"},
    };
    struct error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct args args = {.commands = &cli_commands,
                            .command = rows[i].verb ? command_find(&cli_commands, rows[i].verb) : NULL};
        expect(suggest_option(&args, rows[i].written, &error), &error, rows[i].hint);
    }
}

static void test_dashes(void **state)
{
    (void)state;
    struct args args = {.commands = &cli_commands, .command = command_find(&cli_commands, "run")};
    struct error error = {0};
    strlist_add(&args.names, "cache");
    strlist_add(&args.names, "npm");
    strlist_add(&args.names, "two words");
    expect(suggest_dashes(&args, 1, &error), &error, "apphost run cache -- npm \"two words\"");
    expect(suggest_option(&args, "-w", &error), &error,
           "a command and its options stand after --: apphost run -- cache npm \"two words\" -w …");
    args_free(&args);
}

static void test_resources(void **state)
{
    (void)state;
    static const char *const names[] = {"cache", "api"};
    struct error error = {0};
    expect(suggest_resource("cahce", names, 2, &error), &error, "did you mean cache?");
    expect(suggest_resource("frontend", names, 2, &error), &error, "there are: cache, api");
    expect(suggest_resource("frontend", names, 1, &error), &error, "there is: cache");
    expect(suggest_resource("frontend", names, 0, &error), &error, "there is none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs_of_other_tools),
        cmocka_unit_test(test_options_of_other_tools),
        cmocka_unit_test(test_dashes),
        cmocka_unit_test(test_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
