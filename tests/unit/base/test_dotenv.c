/* Compose's dialect of .env files. */
#include "base/dotenv.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void collect(const char *name, const char *value, int line, void *data)
{
    strbuf_addf(data, "%d:%s=%s|", line, name, value ? value : "(none)");
}

static const struct {
    const char *text, *wanted;
} cases[] = {
    {"", ""},
    {"\n# comment\n  # another\n", ""},
    {"A=1", "1:A=1|"},
    {"A=1\r\nB=2\r\n", "1:A=1|2:B=2|"},
    {"export A=1", "1:A=1|"},
    {"A = 1 ", "1:A=1|"},
    {"A: b", "1:A=b|"},
    {"A", "1:A=(none)|"},
    {"A=", "1:A=|"},
    {"A=b c # d", "1:A=b c|"},
    {"A=b#c", "1:A=b#c|"},
    {"A=#c", "1:A=|"},
    {"A='b # $X \\n'", "1:A=b # $X \\n|"},
    {"A=\"b\\n\\\"c\\\" \\$X \\q\"", "1:A=b\n\"c\" $X \\q|"},
    {"A='b' # c", "1:A=b|"},
    {"A=\"one\ntwo\"\nB=3", "1:A=one\ntwo|3:B=3|"},
    {"A=$B ${C}", "1:A=$B ${C}|"},
    {"A=b=c", "1:A=b=c|"},
    {"B='Let\\'s go'", "1:B=Let's go|"},
    {"B='Let\\'s go' # now\nC='\\''", "1:B=Let's go|2:C='|"},
    {"B='C:\\\\'\nC='a\\b\\\\c'", "1:B=C:\\\\|2:C=a\\b\\\\c|"},
    {"B='one\n\\'two\\''\nC=3", "1:B=one\n'two'|3:C=3|"},
    {"A=\"\\a\\b\\f\\v\\t|\"", "1:A=\a\b\f\v\t||"},
    {"A=\"\\0101\\0351\\01\\0000\\0777\"", "1:A=A\xC3\xA9\\01\\0000\\0777|"},
    {"A=\"C:\\\\\"", "1:A=C:\\|"},
    {"A=\"\\c\\x41\\'\"", "1:A=\\c\\x41\\'|"},
    {"A=''\nB=\"\"\nC=  \nD", "1:A=|2:B=|3:C=|4:D=(none)|"},
    {"A='x'\r\nB=\"y\" \r\nC\r\n", "1:A=x|2:B=y|3:C=(none)|"},
    {"export\tA='1'\n  export B\nexported=2", "1:A=1|2:B=(none)|3:exported=2|"},
    {"A=it's # fine\nB=a\\ b", "1:A=it's|2:B=a\\ b|"},
    {"A=\"# no\" # yes\nB='#'", "1:A=# no|2:B=#|"},
    {"1A=2\nN\xC3\xA4me=1\nA[0]=x", "1:1A=2|2:N\xC3\xA4me=1|3:A[0]=x|"},
    {"A.B-C_D=1", "1:A.B-C_D=1|"},
};

static void good_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_strbuf struct strbuf out = {0};
        cleanup_error struct error err = {0};
        assert_int_equal(dotenv_read("f", cases[i].text, collect, &out, &err), 0);
        assert_string_equal(strbuf_text(&out), cases[i].wanted);
    }
}

static void bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } bad[] = {{"=1", 1},     {"A=1\nB!=2", 2}, {"A b", 1},      {"\nA='x", 2},   {"A=\"x\ny", 1},
               {"A='x'y", 1}, {"!", 1},         {"A='C:\\'", 1}, {"A=\"x\\\"", 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_strbuf struct strbuf out = {0};
        cleanup_error struct error err = {0};
        assert_int_equal(dotenv_read("f", bad[i].text, collect, &out, &err), -1);
        assert_int_equal(err.code, ERROR_MANIFEST);
        assert_int_equal(err.source.line, bad[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_files), cmocka_unit_test(bad_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
