/* Secrets leave a text in every form, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/scrub.h"

static void becomes(const char *const *secrets, const char *text, const char *wanted)
{
    struct scrub scrub = {0};
    size_t length = 0;
    for (; *secrets; secrets++)
        scrub_add(&scrub, *secrets);
    scrub_ready(&scrub);
    cleanup_free char *clean = scrub_text(&scrub, text, strlen(text), &length);
    assert_string_equal(clean, wanted);
    assert_int_equal(length, strlen(wanted));
    scrub_free(&scrub);
}

static void every_form_goes(void **state)
{
    (void)state;
    const char *const secrets[] = {"correct horse\"+é", NULL};
    becomes(secrets, "a correct horse\"+é b", "a *** b");
    becomes(secrets, "redis://:correct%20horse%22%2B%C3%A9@h", "redis://:***@h");
    becomes(secrets, "{\"p\":\"correct horse\\\"+é\"}", "{\"p\":\"***\"}");
    becomes(secrets, "Basic Y29ycmVjdCBob3JzZSIrw6k=", "Basic ***");
    becomes(secrets, "correct horse", "correct horse");
}

static void the_longest_goes_first(void **state)
{
    (void)state;
    const char *const secrets[] = {"secret", "secret-and-more", NULL};
    becomes(secrets, "secret-and-more secret-and secret", "*** ***-and ***");
}

static void short_ones_stand_alone(void **state)
{
    (void)state;
    const char *const secrets[] = {"x1", "", NULL, NULL};
    becomes(secrets, "x1 password=x1, x10 ax1 x1", "*** password=***, x10 ax1 ***");
}

static void lines_of_a_key_go_each(void **state)
{
    (void)state;
    const char *const secrets[] = {"-----BEGIN KEY-----\nMIIabcdefg\nab\n", NULL};
    becomes(secrets, "app | MIIabcdefg\napp | ab\n", "app | ***\napp | ab\n");
}

static void bytes_that_are_no_text_stay(void **state)
{
    (void)state;
    struct scrub scrub = {0};
    size_t length = 0;
    scrub_add(&scrub, "secret");
    scrub_ready(&scrub);
    cleanup_free char *clean = scrub_text(&scrub,
                                          "\0\xff"
                                          "secret\0",
                                          9, &length);
    assert_int_equal(length, 6);
    assert_memory_equal(clean, "\0\xff***\0", 6);
    scrub_free(&scrub);
}

/* However a text is cut: the same comes out. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    static const char text[] = "pw=secret-and-more, secret-and, xsecret x1 x12\nse\ncret secretsecret";
    struct scrub scrub = {0};
    size_t wanted_length = 0;
    scrub_add(&scrub, "secret");
    scrub_add(&scrub, "secret-and-more");
    scrub_add(&scrub, "x1");
    scrub_ready(&scrub);
    cleanup_free char *wanted = scrub_text(&scrub, text, sizeof text - 1, &wanted_length);
    assert_null(strstr(wanted, "secret"));

    for (size_t step = 1; step < sizeof text; step++) {
        struct scrub_stream stream = {0};
        cleanup_strbuf struct strbuf out = {0};
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t rest = sizeof text - 1 - at;
            scrub_feed(&scrub, &stream, text + at, rest < step ? rest : step, &out);
        }
        scrub_end(&scrub, &stream, &out);
        assert_string_equal(strbuf_text(&out), wanted);
    }
    scrub_free(&scrub);
}

static void only_what_may_be_a_secret_is_held(void **state)
{
    (void)state;
    struct scrub scrub = {0};
    struct scrub_stream stream = {0};
    cleanup_strbuf struct strbuf out = {0};
    scrub_add(&scrub, "secret");
    scrub_ready(&scrub);
    scrub_feed(&scrub, &stream, "name? ", 6, &out);
    assert_string_equal(strbuf_text(&out), "name? ");
    scrub_feed(&scrub, &stream, "is sec", 6, &out);
    assert_string_equal(strbuf_text(&out), "name? is ");
    scrub_feed(&scrub, &stream, "ond\n", 4, &out);
    assert_string_equal(strbuf_text(&out), "name? is second\n");
    scrub_end(&scrub, &stream, &out);
    scrub_free(&scrub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_goes),
        cmocka_unit_test(the_longest_goes_first),
        cmocka_unit_test(short_ones_stand_alone),
        cmocka_unit_test(lines_of_a_key_go_each),
        cmocka_unit_test(bytes_that_are_no_text_stay),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(only_what_may_be_a_secret_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
