/* URLs taken apart: what is a piece of them, and what is none. */
#include "base/mem.h"
#include "base/str.h"
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* "scheme user password host port path", each in brackets; NULL: it is none. The caller frees. */
static char *taken_apart(const char *text)
{
    struct url url;
    if (!url_parse(&url, text))
        return NULL;
    const struct url_piece *pieces[] = {&url.scheme, &url.user, &url.password,
                                        &url.host,   &url.port, &url.path};
    struct strbuf out = {0};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        strbuf_addf(&out, "<%.*s>", (int)pieces[i]->length, pieces[i]->at ? pieces[i]->at : "");
    return strbuf_take(&out);
}

static void pieces(void **state)
{
    static const struct {
        const char *text, *pieces;
    } rows[] = {
        {"http://a", "<http><><><a><><>"},
        {"https://a.example:8443/v1?x=1#y", "<https><><><a.example><8443></v1?x=1#y>"},
        {"http://a?x=http://b:1/", "<http><><><a><><?x=http://b:1/>"},
        {"tcp://[::1]:6000", "<tcp><><><::1><6000><>"},
        {"http://[fe80::1%25eth0]/", "<http><><><fe80::1%25eth0><></>"},
        {"amqp://u:p@ss@h:1/v", "<amqp><u><p@ss><h><1></v>"},
        {"ftp://u@h", "<ftp><u><><h><><>"},
        {"a+b.c-d://h", "<a+b.c-d><><><h><><>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *got = taken_apart(rows[i].text);
        if (!got || strcmp(got, rows[i].pieces) != 0)
            fail_msg("%s: %s, not %s", rows[i].text, got ? got : "no URL", rows[i].pieces);
    }
}

static void what_is_none(void **state)
{
    static const char *const bad[] = {"",          "a",         "a:1",         "http:/a",    "http://",
                                      "http:///p", "://a",      "1http://a",   "http://:80", "http://a:",
                                      "http://[a", "http://[]", "http://[a]b", "h ttp://a",  "http://u@"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_free char *got = taken_apart(bad[i]);
        if (got)
            fail_msg("%s is taken for a URL: %s", bad[i], got);
    }
}

static int port_of(const char *text)
{
    struct url url;
    assert_true(url_parse(&url, text));
    return url_port(&url);
}

static void ports_and_tls(void **state)
{
    struct url url;
    (void)state;
    assert_int_equal(port_of("http://a"), 80);
    assert_int_equal(port_of("HTTPS://a/b"), 443);
    assert_int_equal(port_of("wss://a"), 443);
    assert_int_equal(port_of("https://a:1"), 1);
    assert_int_equal(port_of("amqp://a"), 0);
    assert_int_equal(port_of("http://a:0"), 0);
    assert_int_equal(port_of("http://a:65536"), 0);
    assert_int_equal(port_of("http://a:8o"), 0);
    assert_true(url_parse(&url, "Https://a") && url_is_tls(&url) && url_scheme_is(&url, "https"));
    assert_true(url_parse(&url, "http://a") && !url_is_tls(&url) && !url_scheme_is(&url, "https"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(ports_and_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
