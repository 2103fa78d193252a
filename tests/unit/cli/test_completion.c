/* room: args */
/* What a line that is being typed wants next. What is then offered: tests/e2e/completion.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "args/completion.h"
#include "cli/commands.h"

/* The words of a line, split at blanks; "_" is an empty one. */
static struct due due_of(const char *line, struct strlist *words)
{
    struct due due;
    strlist_free(words);
    while (*line) {
        size_t length = strcspn(line, " ");
        strlist_take(words, length == 1 && *line == '_' ? xstrdup("") : xstrndup(line, length));
        line += length + (line[length] == ' ');
    }
    completion_due(&cli_commands, words->items, (int)words->count, &due);
    return due;
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum names names;
    } rows[] = {
        {"_", NAMES_VERBS},
        {"lo", NAMES_VERBS},
        {"-p shop _", NAMES_VERBS},
        {"-p up _", NAMES_VERBS}, /* a value that is called like a verb */
        {"logs _", NAMES_RESOURCES},
        {"logs -f _", NAMES_RESOURCES}, /* follow, not the global file */
        {"logs cache ap", NAMES_RESOURCES},
        {"port _", NAMES_RESOURCES},
        {"port api _", NAMES_ENDPOINTS},
        {"port api http _", NAMES_NONE},
        {"exec _", NAMES_RESOURCES},
        {"-C /tmp exec -T ca", NAMES_RESOURCES},
        {"redis _", NAMES_RESOURCES},
        {"completion _", NAMES_SHELLS},
        {"help ru", NAMES_VERBS},
        {"ls _", NAMES_NONE},
    };
    struct strlist words = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct due due = due_of(rows[i].line, &words);
        if (due.kind != DUE_NAMES || due.names != rows[i].names)
            fail_msg("\"%s\": %d, names %d", rows[i].line, due.kind, due.names);
    }
    strlist_free(&words);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *option, *typed;
        enum names names;
    } rows[] = {
        {"redis cache --restore _", "restore", "", NAMES_SNAPSHOTS},
        {"redis cache --drop cl", "drop", "cl", NAMES_SNAPSHOTS},
        {"kill api -s _", "signal", "", NAMES_SIGNALS},
        {"kill -s HU", "signal", "HU", NAMES_SIGNALS},
        {"up --exit-code-from _", "exit-code-from", "", NAMES_RESOURCES},
        {"up -d --exit-code-from=te", "exit-code-from", "te", NAMES_RESOURCES},
        {"env --for _", "for", "", NAMES_RESOURCES},
        {"down -p _", "project-name", "", NAMES_PROJECTS},
        {"-p sh", "project-name", "sh", NAMES_PROJECTS},
        {"down -vp _", "project-name", "", NAMES_PROJECTS}, /* letters in a bundle */
        {"up --profile _", "profile", "", NAMES_PROFILES},
        {"up --progress _", "progress", "", NAMES_NONE},
        {"-o _", "output", "", NAMES_NONE},
        {"--engine=na", "engine", "na", NAMES_NONE},
        {"-f _", "file", "", NAMES_NONE},
        {"run --report _", "report", "", NAMES_NONE},
        {"up --log-dir _", "log-dir", "", NAMES_NONE},
    };
    struct strlist words = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct due due = due_of(rows[i].line, &words);
        if (due.kind != DUE_VALUE || !str_eq(due.option->name, rows[i].option) ||
            due.names != rows[i].names || !str_eq(due.typed, rows[i].typed))
            fail_msg("\"%s\": %d, names %d, typed \"%s\"", rows[i].line, due.kind, due.names, due.typed);
    }
    strlist_free(&words);
}

static void test_options_and_commands(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum due_kind kind;
        int at;
    } rows[] = {
        {"up --de", DUE_OPTION, 1},
        {"-", DUE_OPTION, 0},
        {"run -- _", DUE_COMMAND, 2},
        {"run cache -- npm te", DUE_COMMAND, 3},
        {"exec cache _", DUE_COMMAND, 2},
        {"exec cache -- redis-cli _", DUE_COMMAND, 3},
        {"exec -u 0 cache l", DUE_COMMAND, 4},
        {"logs -- --x", DUE_NAMES, 2},
        {"ps --nonsense _", DUE_NAMES, 2},
        {"nonsense _", DUE_NAMES, 1},
    };
    struct strlist words = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct due due = due_of(rows[i].line, &words);
        if (due.kind != rows[i].kind || due.at != rows[i].at)
            fail_msg("\"%s\": %d at %d", rows[i].line, due.kind, due.at);
    }
    strlist_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_options_and_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
