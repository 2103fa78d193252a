/* room: args */
/* Help, man page and completion scripts: everything of the tables is in them, and the readers accept them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "args/help.h"
#include "cli/commands.h"

static void expect(const struct strbuf *text, const char *part)
{
    if (!strstr(strbuf_text(text), part))
        fail_msg("lacks \"%s\" in:\n%.2000s", part, strbuf_text(text));
}

static void expect_width(const struct strbuf *text, int width)
{
    for (const char *at = strbuf_text(text); *at;) {
        size_t length = strcspn(at, "\n");
        char *line = strndup(at, length);
        if (str_width(line) > width + 30 || strchr(line, '\t'))
            fail_msg("too wide: %s", line);
        free(line);
        at += length + (at[length] == '\n');
    }
}

static void test_overview_names_every_command_and_option(void **state)
{
    (void)state;
    struct strbuf text = {0};
    help_text(&cli_commands, NULL, 80, &text);
    for (const struct command *const *command = cli_commands.list; *command; command++) {
        char line[64];
        snprintf(line, sizeof line, "\n  %s ", (*command)->name);
        if ((*command)->hidden)
            assert_null(strstr(strbuf_text(&text), line));
        else
            expect(&text, line);
    }
    expect(&text, "--project-directory");
    expect(&text, "[APPHOST_WAIT_TIMEOUT]");
    expect_width(&text, 80);
    strbuf_free(&text);
}

static void test_each_command_tells_its_options(void **state)
{
    (void)state;
    for (const struct command *const *command = cli_commands.list; *command; command++) {
        struct strbuf text = {0};
        help_text(&cli_commands, *command, 80, &text);
        expect(&text, "Usage: apphost ");
        for (const struct option *option = (*command)->options; option && option->name; option++)
            if (!option->hidden)
                expect(&text, option->name);
        expect_width(&text, 80);
        strbuf_free(&text);
    }
}

static void test_both_forms_of_run_are_shown(void **state)
{
    (void)state;
    struct strbuf text = {0};
    help_text(&cli_commands, command_find(&cli_commands, "run"), 80, &text);
    expect(&text, "Usage: apphost run [RES…] -- COMMAND…\n       apphost run TASK\n");
    strbuf_free(&text);
}

/* Feeds text to a command; its exit status. */
static int feed(const char *command, const struct strbuf *text)
{
    FILE *pipe = popen(command, "w");
    fwrite(strbuf_text(text), 1, text->length, pipe);
    return pclose(pipe);
}

static void test_completion_scripts_parse(void **state)
{
    (void)state;
    static const struct {
        const char *shell, *check;
    } shells[] = {{"bash", "bash -n"},
                  {"zsh", "if command -v zsh >/dev/null; then zsh -n; else cat >/dev/null; fi"},
                  {"fish", "if command -v fish >/dev/null; then fish -n; else cat >/dev/null; fi"}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        struct strbuf script = {0};
        assert_true(help_completion(shells[i].shell, &script));
        expect(&script, "apphost __complete -- ");
        assert_int_equal(feed(shells[i].check, &script), 0);
        strbuf_free(&script);
    }
    struct strbuf none = {0};
    assert_false(help_completion("tcsh", &none));
    strbuf_free(&none);
}

static void test_man_page(void **state)
{
    (void)state;
    struct strbuf page = {0};
    help_man_page(&cli_commands, &page);
    expect(&page, ".TH APPHOST 1");
    expect(&page, ".SH EXIT STATUS");
    for (const struct command *const *command = cli_commands.list; *command; command++)
        if (!(*command)->hidden)
            expect(&page, (*command)->name);
    /* groff, where it is installed, must not warn */
    assert_int_equal(
        feed("if command -v groff >/dev/null; then groff -man -Tutf8 -ww -k -z 2>&1 | (! grep .); else cat "
             ">/dev/null; fi",
             &page),
        0);
    strbuf_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overview_names_every_command_and_option),
        cmocka_unit_test(test_each_command_tells_its_options),
        cmocka_unit_test(test_both_forms_of_run_are_shown),
        cmocka_unit_test(test_completion_scripts_parse),
        cmocka_unit_test(test_man_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
