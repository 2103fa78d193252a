/* Tokens, seals, cookies, queries. */
#include "web/keys.h"
#include "web/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void tokens(void **state)
{
    char a[WEB_TOKEN_SIZE], b[WEB_TOKEN_SIZE];
    (void)state;
    web_token_make(a);
    web_token_make(b);
    assert_true(web_token_is(a));
    assert_false(web_token_is("short"));
    assert_string_not_equal(a, b);
    assert_true(web_keys_equal(a, a));
    assert_false(web_keys_equal(a, b));
    assert_false(web_keys_equal("", a));
    a[10] = '\0'; /* a beginning is not the whole */
    assert_false(web_keys_equal(a, b));
}

static void seals(void **state)
{
    char token[WEB_TOKEN_SIZE], other[WEB_TOKEN_SIZE], text[WEB_SEALED_SIZE], nonce[WEB_NONCE_SIZE];
    (void)state;
    web_token_make(token);
    web_token_make(other);
    web_seal(token, WEB_COOKIE, 1000, text);
    assert_true(web_sealed(token, WEB_COOKIE, text, 999, nonce));
    assert_int_equal(strlen(nonce), WEB_NONCE_SIZE - 1);
    assert_false(web_sealed(token, WEB_COOKIE, text, 1000, NULL));
    assert_false(web_sealed(token, WEB_TICKET, text, 999, NULL));
    assert_false(web_sealed(other, WEB_COOKIE, text, 999, NULL));

    /* Every byte counts, and so does the end that it says. */
    for (size_t i = 0; i < strlen(text); i++) {
        char changed[WEB_SEALED_SIZE];
        strcpy(changed, text);
        changed[i] = changed[i] == 'f' ? 'e' : 'f';
        assert_false(web_sealed(token, WEB_COOKIE, changed, 999, NULL));
        changed[i] = '\0';
        assert_false(web_sealed(token, WEB_COOKIE, changed, 999, NULL));
    }
    assert_false(web_sealed(token, WEB_COOKIE, "", 0, NULL));
    assert_false(web_sealed(token, WEB_COOKIE, "...", 0, NULL));
}

static void cookies(void **state)
{
    char value[16];
    (void)state;
    assert_true(web_cookie_find("a=1; apphost_80=x.y; b=2", "apphost_80", value, sizeof value));
    assert_string_equal(value, "x.y");
    assert_true(web_cookie_find("apphost_80=", "apphost_80", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(web_cookie_find("apphost_8080=x", "apphost_80", value, sizeof value));
    assert_false(web_cookie_find("xapphost_80=x", "apphost_80", value, sizeof value));
    assert_false(web_cookie_find("apphost_80=longerthanthereisroom", "apphost_80", value, sizeof value));
    assert_false(web_cookie_find("", "apphost_80", value, sizeof value));
}

static void expect(const char *query, const char *name, const char *value)
{
    char *text = web_query_bytes(query, name, NULL);
    if (value)
        assert_string_equal(text, value);
    else
        assert_null(text);
    free(text);
}

static void queries(void **state)
{
    size_t length = 0;
    (void)state;
    expect("a=1&b=x%2Fy+z&c", "a", "1");
    expect("a=1&b=x%2Fy+z&c", "b", "x/y z");
    expect("a=1&b=x%2Fy+z&c", "c", "");
    expect("a=1&b=x%2Fy+z&c", "d", NULL);
    expect("aa=1&a=2", "a", "2");
    expect("a=%zz%4", "a", "%zz%4");
    expect("", "a", NULL);
    expect("&&a=1", "a", "1");
    char *bytes = web_query_bytes("k=a%00b%ff", "k", &length);
    assert_int_equal(length, 4);
    assert_memory_equal(bytes, "a\0b\xff", 4);
    free(bytes);
    assert_int_equal(web_query_int("n=5", "n", 1), 5);
    assert_int_equal(web_query_int("n=-5", "n", 1), 1);
    assert_int_equal(web_query_int("n=x", "n", 1), 1);
    assert_true(web_query_flag("f", "f"));
    assert_true(web_query_flag("f=1", "f"));
    assert_false(web_query_flag("f=0", "f"));
}

static void pieces(void **state)
{
    (void)state;
    char *piece = web_path_piece("a%20b", 5);
    assert_string_equal(piece, "a b");
    free(piece);
    assert_null(web_path_piece("a%00b", 5));
    assert_null(web_path_piece("%0a", 3));
    assert_null(web_path_piece("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),  cmocka_unit_test(seals),  cmocka_unit_test(cookies),
        cmocka_unit_test(queries), cmocka_unit_test(pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
