/* Compose's dialect of .env files. */
#include "fixture.h"
#include "manifest/dotenv.h"

#include <string.h>

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
    {"\xEF\xBB\xBF"
     "A=1",
     "1:A=1|"},
    {"A.B-C_D=1", "1:A.B-C_D=1|"},
};

static void good_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_strbuf struct strbuf out = {0};
        cleanup_error struct error err = {0};
        assert_int_equal(manifest_dotenv("f", cases[i].text, collect, &out, &err), 0);
        assert_string_equal(strbuf_text(&out), cases[i].wanted);
    }
}

static void bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } bad[] = {{"=1", 1},       {"A=1\n1B=2", 2}, {"A b", 1}, {"\nA='x", 2},
               {"A=\"x\ny", 1}, {"A='x'y", 1},    {"!", 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_strbuf struct strbuf out = {0};
        cleanup_error struct error err = {0};
        assert_int_equal(manifest_dotenv("f", bad[i].text, collect, &out, &err), -1);
        assert_int_equal(err.code, ERROR_MANIFEST);
        assert_int_equal(err.source.line, bad[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_files), cmocka_unit_test(bad_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
