/* room: args */
/* The parser of the command line: GNU forms, globals on both sides of the verb, twins, errors with
 * suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "args/args.h"
#include "cli/commands.h"
#include "process/process.h"

static char *no_environment[] = {NULL};

/* words: NULL-terminated, without the program's name. */
static int parse(struct args *args, const char *const *words, char *const *environment, struct error *err)
{
    char *argv[64] = {(char *)"apphost"};
    int argc = 1;
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    *args = (struct args){0};
    return args_parse(args, &cli_commands, argc, argv, environment, err);
}

static void expect_error(const char *const *words, char *const *environment, const char *text,
                         const char *hint)
{
    struct args args;
    struct error error = {0};
    assert_int_equal(parse(&args, words, environment, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    if (!strstr(error.text, text))
        fail_msg("\"%s\" lacks \"%s\"", error.text, text);
    if (hint && (!error.hint || !strstr(error.hint, hint)))
        fail_msg("hint \"%s\" lacks \"%s\"", error.hint ? error.hint : "", hint);
    error_clear(&error);
    args_free(&args);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_forms(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(
        parse(&args, WORDS("--file=a.yaml", "-fb.yaml", "-f", "c.yaml", "up", "-dw", "--file", "d", "x", "y"),
              no_environment, NULL),
        0);
    struct strlist files = {0};
    args_values(&args, "file", &files);
    assert_int_equal(files.count, 4);
    assert_string_equal(files.items[0], "a.yaml");
    assert_string_equal(files.items[1], "b.yaml");
    assert_string_equal(files.items[2], "c.yaml");
    assert_string_equal(files.items[3], "d");
    assert_string_equal(args.command->name, "up");
    assert_true(args_flag(&args, "detach"));
    assert_true(args_flag(&args, "watch"));
    assert_false(args_flag(&args, "explain"));
    assert_int_equal(args.names.count, 2);
    assert_string_equal(args.names.items[1], "y");
    strlist_free(&files);
    args_free(&args);
}

static void test_verbs_short_option_wins_after_the_verb(void **state)
{
    (void)state;
    struct args args;
    struct strlist files = {0};
    assert_int_equal(parse(&args, WORDS("-f", "a.yaml", "logs", "-f", "cache"), no_environment, NULL), 0);
    assert_true(args_flag(&args, "follow"));
    args_values(&args, "file", &files);
    assert_int_equal(files.count, 1);
    assert_int_equal(args.names.count, 1);
    strlist_free(&files);
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("down", "-v"), no_environment, NULL), 0);
    assert_true(args_flag(&args, "volumes"));
    assert_false(args_flag(&args, "verbose"));
    args_free(&args);
}

static void test_command_lines_are_kept_as_they_are(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(
        parse(&args, WORDS("run", "cache", "--", "npm", "--version", "--"), no_environment, NULL), 0);
    assert_int_equal(args.names.count, 1);
    assert_string_equal(args.rest[0], "npm");
    assert_string_equal(args.rest[1], "--version");
    assert_string_equal(args.rest[2], "--");
    assert_null(args.rest[3]);
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("exec", "cache", "redis-cli", "-p", "1"), no_environment, NULL), 0);
    assert_string_equal(args.rest[0], "redis-cli");
    assert_string_equal(args.rest[1], "-p");
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("exec", "cache", "--", "-x"), no_environment, NULL), 0);
    assert_string_equal(args.rest[0], "-x");
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("ps", "--", "-x"), no_environment, NULL), 0);
    assert_null(args.rest);
    assert_string_equal(args.names.items[0], "-x");
    args_free(&args);
}

static void test_twins(void **state)
{
    (void)state;
    struct args args;
    char *environment[] = {(char *)"APPHOST_FILE=a.yaml:b.yaml",
                           (char *)"APPHOST_PROFILE=one,two",
                           (char *)"APPHOST_PROJECT_NAME=shop",
                           (char *)"APPHOST_QUIET=1",
                           (char *)"APPHOST_DEBUG=0",
                           (char *)"APPHOST_WAIT_TIMEOUT=5s",
                           NULL};
    struct strlist files = {0}, profiles = {0};
    assert_int_equal(parse(&args, WORDS("up", "--wait-timeout", "1m"), environment, NULL), 0);
    args_values(&args, "file", &files);
    args_values(&args, "profile", &profiles);
    assert_int_equal(files.count, 2);
    assert_string_equal(files.items[1], "b.yaml");
    assert_int_equal(profiles.count, 2);
    assert_string_equal(args_value(&args, "project-name"), "shop");
    assert_true(args_from_environment(&args, "project-name"));
    assert_true(args_flag(&args, "quiet"));
    assert_false(args_flag(&args, "debug"));
    assert_int_equal(args_duration_ms(&args, "wait-timeout", 0), 60000);
    strlist_free(&files);
    strlist_free(&profiles);
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("up", "-f", "mine.yaml", "-p", "other"), environment, NULL), 0);
    args_values(&args, "file", &files);
    assert_int_equal(files.count, 1);
    assert_false(args_from_environment(&args, "project-name"));
    strlist_free(&files);
    args_free(&args);
    char *wrong[] = {(char *)"APPHOST_PROGRESS=loud", NULL};
    expect_error(WORDS("ps"), wrong, "APPHOST_PROGRESS", NULL);
}

/* What steers this command steers none of its children: a twin that is new has to stand in the list. */
static void expect_withheld(const struct option *options)
{
    for (const struct option *option = options; option && option->name; option++) {
        cleanup_free char *entry = option->twin ? xasprintf("%s=x", option->twin) : NULL;
        if (entry && process_inherits(entry))
            fail_msg("children inherit %s", option->twin);
    }
}

static void test_children_inherit_no_twin(void **state)
{
    (void)state;
    expect_withheld(option_globals());
    for (const struct command *const *command = cli_commands.list; *command; command++)
        expect_withheld((*command)->options);
}

static void test_aliases(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(parse(&args, WORDS("ps", "--no-color"), no_environment, NULL), 0);
    assert_string_equal(args_value(&args, "color"), "never");
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("ps", "--ansi=always"), no_environment, NULL), 0);
    assert_string_equal(args_value(&args, "color"), "always");
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("graph", "--dot"), no_environment, NULL), 0);
    assert_string_equal(args_value(&args, "format"), "dot");
    args_free(&args);
    assert_int_equal(parse(&args, WORDS("stats"), no_environment, NULL), 0);
    assert_string_equal(args.command->name, "top");
    args_free(&args);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error(WORDS("dwon"), no_environment, "dwon", "apphost down");
    expect_error(WORDS("xyzzy"), no_environment, "xyzzy", "apphost help");
    expect_error(WORDS("up", "--detatch"), no_environment, "--detatch", "--detach");
    expect_error(WORDS("--detach", "up"), no_environment, "--detach", "after the verb");
    expect_error(WORDS("up", "-Z"), no_environment, "-Z", "help up");
    expect_error(WORDS("up", "--wait-timeout"), no_environment, "wants a value", NULL);
    expect_error(WORDS("up", "--wait-timeout", "soon"), no_environment, "\"soon\"", NULL);
    expect_error(WORDS("up", "--detach=yes"), no_environment, "takes no value", NULL);
    expect_error(WORDS("ps", "-o", "jsno"), no_environment, "text|json", "json");
    expect_error(WORDS("ps", "--file="), no_environment, "not empty", NULL);
    expect_error(WORDS("run", "--isolate", "x"), no_environment, "number", NULL);
    expect_error(WORDS("port"), no_environment, "port wants", NULL);
    expect_error(WORDS("version", "extra"), no_environment, "extra", NULL);
    expect_error(WORDS("down", "\033[31m"), no_environment, "\\x1b", NULL);
}

static void test_help_needs_no_arguments(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(parse(&args, WORDS("port", "--help"), no_environment, NULL), 0);
    args_free(&args);
}

/* A table is data: what a human would not notice in it is checked here. */
static void test_tables(void **state)
{
    (void)state;
    for (const struct command *const *command = cli_commands.list; *command; command++) {
        assert_non_null((*command)->run);
        assert_non_null((*command)->usage);
        assert_non_null((*command)->description);
        assert_ptr_equal(command_find(&cli_commands, (*command)->name), *command);
        for (const struct option *option = (*command)->options; option && option->name; option++) {
            const char *value = NULL;
            assert_non_null(option_resolve(*command, option, &value));
            assert_true(option->type == OPTION_FLAG || option->value || option->choices);
            assert_true(option->type != OPTION_CHOICE || option->choices || option->alias);
            for (const struct option *other = option + 1; other->name; other++) {
                assert_string_not_equal(option->name, other->name);
                assert_true(!option->letter || option->letter != other->letter);
            }
        }
    }
    for (const struct option *option = option_globals(); option->name; option++)
        assert_true(option->hidden || *option->help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_verbs_short_option_wins_after_the_verb),
        cmocka_unit_test(test_command_lines_are_kept_as_they_are),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_children_inherit_no_twin),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_help_needs_no_arguments),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
