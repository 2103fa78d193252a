/* The formats of `apphost env` with nasty values, read back by real readers: sh for the shell's, a small
 * reader for .env. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/env_format.h"

static const char *const nasty[] = {"plain",       "",
                                    "two words",   "it's",
                                    "\"quoted\"",  "$HOME `id` $(id)",
                                    "back\\slash", "line\nbreak",
                                    "cr\r\nlf",    "#hash",
                                    "a=b",         "!history",
                                    "tab\there",   "\303\251\342\200\231\342\200\230",
                                    "%percent",    "trailing ",
                                    " leading",    "*glob?[]",
                                    "'",           "''\"\"\\\\",
                                    "\\n"};
enum { NASTY = sizeof nasty / sizeof *nasty };

static cJSON *one(const char *name, const char *value, bool secret)
{
    cJSON *environment = cJSON_CreateObject();
    cJSON *variable = json_add_object(environment, name);
    json_add_string(variable, "value", value);
    json_add_bool(variable, "secret", secret);
    return environment;
}

static char *formatted(const char *name, const char *value, const char *format)
{
    struct strbuf text = {0};
    cJSON *environment = one(name, value, true);
    env_format(environment, format, &text);
    cJSON_Delete(environment);
    return strbuf_take(&text);
}

static void test_shell_reads_it_back(void **state)
{
    (void)state;
    for (int i = 0; i < NASTY; i++) {
        char *text = formatted("VALUE", nasty[i], "shell");
        char path[] = "/tmp/env_format.XXXXXX";
        int fd = mkstemp(path);
        FILE *file = fdopen(fd, "w");
        fprintf(file, "%sprintf '%%s' \"$VALUE\"\n", text);
        fclose(file);
        char command[128], answer[256];
        snprintf(command, sizeof command, "sh %s", path);
        FILE *pipe = popen(command, "r");
        answer[fread(answer, 1, sizeof answer - 1, pipe)] = '\0';
        assert_int_equal(pclose(pipe), 0);
        remove(path);
        assert_string_equal(answer, nasty[i]);
        free(text);
    }
}

/* The quoting rules that .env readers agree on. */
static char *read_dotenv(const char *line)
{
    const char *at = strchr(line, '=') + 1;
    struct strbuf out = {0};
    if (*at == '\'') {
        strbuf_add(&out, at + 1, strcspn(at + 1, "'"));
        assert_string_equal(at + 1 + strcspn(at + 1, "'"), "'\n");
        return strbuf_take(&out);
    }
    assert_int_equal(*at++, '"');
    for (; *at && *at != '"'; at++) {
        if (*at != '\\')
            strbuf_addc(&out, *at);
        else
            strbuf_addc(&out, *++at == 'n' ? '\n' : *at == 'r' ? '\r' : *at);
    }
    assert_string_equal(at, "\"\n");
    return strbuf_take(&out);
}

static void test_dotenv_reads_it_back(void **state)
{
    (void)state;
    for (int i = 0; i < NASTY; i++) {
        char *text = formatted("VALUE", nasty[i], "dotenv");
        assert_int_equal(strcspn(text, "\n"), strlen(text) - 1); /* one line */
        char *answer = read_dotenv(text);
        assert_string_equal(answer, nasty[i]);
        free(answer);
        free(text);
    }
}

static void test_json_reads_it_back(void **state)
{
    (void)state;
    for (int i = 0; i < NASTY; i++) {
        char *text = formatted("my-value", nasty[i], "json");
        cJSON *document = json_parse(text, strlen(text), NULL);
        assert_string_equal(json_string(document, "my-value", NULL), nasty[i]);
        cJSON_Delete(document);
        free(text);
    }
}

static void test_github(void **state)
{
    (void)state;
    char *text = formatted("VALUE", "a=b c", "github");
    assert_string_equal(text, "VALUE=a=b c\n");
    free(text);
    text = formatted("VALUE", "one\ntwo", "github");
    char end[64];
    assert_int_equal(sscanf(text, "VALUE<<%63s", end), 1);
    char wanted[256];
    snprintf(wanted, sizeof wanted, "VALUE<<%s\none\ntwo\n%s\n", end, end);
    assert_string_equal(text, wanted);
    free(text);
    struct strbuf masks = {0};
    cJSON *environment = one("VALUE", "50%\n\ntwo", true);
    env_format_masks(environment, &masks);
    assert_string_equal(strbuf_text(&masks), "::add-mask::50%25\n::add-mask::two\n");
    cJSON_Delete(environment);
    strbuf_truncate(&masks, 0);
    environment = one("VALUE", "public", false);
    env_format_masks(environment, &masks);
    assert_string_equal(strbuf_text(&masks), "");
    cJSON_Delete(environment);
    strbuf_free(&masks);
}

static void test_powershell(void **state)
{
    (void)state;
    char *text = formatted("VALUE", "it's \342\200\231 $x", "powershell");
    assert_string_equal(text, "$env:VALUE = 'it''s \342\200\231\342\200\231 $x'\n");
    free(text);
    text = formatted("my-value", "x", "powershell");
    assert_string_equal(text, "${env:my-value} = 'x'\n");
    free(text);
}

static void test_names_that_a_shell_cannot_hold(void **state)
{
    (void)state;
    char *text = formatted("ConnectionStrings__my-cache", "x", "shell");
    assert_string_equal(text, "# ConnectionStrings__my-cache: left out, a shell cannot hold this name\n");
    free(text);
    text = formatted("ConnectionStrings__my-cache", "x", "dotenv");
    assert_string_equal(text, "ConnectionStrings__my-cache='x'\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell_reads_it_back), cmocka_unit_test(test_dotenv_reads_it_back),
        cmocka_unit_test(test_json_reads_it_back),  cmocka_unit_test(test_github),
        cmocka_unit_test(test_powershell),          cmocka_unit_test(test_names_that_a_shell_cannot_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
