/* Heads that two readers could understand differently are refused, each with its status. */
#include "web/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define HOST "Host: localhost:8080\r\n"
#define END "\r\n"

static const struct {
    const char *text;
    int status;
} rows[] = {
    {"GET / HTTP/1.1\r\n" HOST END, 0},
    {"GET /api/v1/view?a=b HTTP/1.1\r\n" HOST END, 0},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 12\r\n" END, 0},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END, 0},
    /* the host */
    {"GET / HTTP/1.1\r\n" END, 400},
    {"GET / HTTP/1.1\r\n" HOST HOST END, 400},
    {"GET / HTTP/1.1\r\n" HOST "hOST: evil.example\r\n" END, 400},
    /* the body's length */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n" END, 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n" END, 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n" END, 501},
    /* lines */
    {"GET / HTTP/1.1\n" HOST END, 400},
    {"GET / HTTP/1.1\r\nHost: localhost\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST " folded: x\r\n" END, 400},
    {"GET / HTTP/1.1\r\n" HOST "X : y\r\n" END, 400},
    {"GET / HTTP/1.1\r\n" HOST "no colon\r\n" END, 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n" END, 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\001b\r\n" END, 400},
    {"\r\nGET / HTTP/1.1\r\n" HOST END, 400},
    /* the request line */
    {"GET  / HTTP/1.1\r\n" HOST END, 400},
    {"GET / HTTP/1.1 \r\n" HOST END, 400},
    {"GET /\r\n" HOST END, 400},
    {"GET http://evil.example/ HTTP/1.1\r\n" HOST END, 400},
    {"GET //evil.example/ HTTP/1.1\r\n" HOST END, 400},
    {"OPTIONS * HTTP/1.1\r\n" HOST END, 400},
    {"GET /a\tb HTTP/1.1\r\n" HOST END, 400},
    {"GET /\x7f HTTP/1.1\r\n" HOST END, 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" HOST END, 400},
    {"GET /#t HTTP/1.1\r\n" HOST END, 400},
    {"GET / HTTP/1.0\r\n" HOST END, 505},
    {"GET / HTTP/3.0\r\n" HOST END, 505},
    {"GET / FTP/1.11\r\n" HOST END, 400},
    {"PRI * HTTP/2.0\r\n" END, 505},
    {"G@T / HTTP/1.1\r\n" HOST END, 400},
    {"AVERYVERYLONGMETHOD / HTTP/1.1\r\n" HOST END, 501},
};

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct web_head head;
        const char *why = NULL;
        int status = web_head_read(&head, rows[i].text, strlen(rows[i].text), &why);
        if (status != rows[i].status)
            print_error("%s: %d, not %d\n", rows[i].text, status, rows[i].status);
        assert_int_equal(status, rows[i].status);
        assert_int_equal(why != NULL, status != 0);
        web_head_free(&head);
    }
}

static void nul(void **state)
{
    static const char text[] = "GET /a\0b HTTP/1.1\r\n" HOST END;
    struct web_head head;
    const char *why = NULL;
    (void)state;
    assert_int_equal(web_head_read(&head, text, sizeof text - 1, &why), 400);
    web_head_free(&head);
}

static void pieces(void **state)
{
    static const char text[] =
        "POST /a/b?c=d&e HTTP/1.1\r\nHost: x\r\nCONTENT-length: 5\r\nX-Y:  two words \t\r\n\r\nabcde";
    struct web_head head;
    const char *why = NULL;
    (void)state;
    size_t end = web_head_end(text, sizeof text - 1);
    assert_int_equal(end, sizeof text - 1 - 5);
    assert_int_equal(web_head_read(&head, text, end, &why), 0);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.path, "/a/b");
    assert_string_equal(head.query, "c=d&e");
    assert_int_equal(head.length, 5);
    assert_string_equal(web_head_value(&head, "x-y"), "two words");
    assert_null(web_head_value(&head, "x-z"));
    web_head_free(&head);
}

static void too_many_headers(void **state)
{
    char text[WEB_HEADERS * 8 + 64] = "GET / HTTP/1.1\r\n" HOST;
    struct web_head head;
    const char *why = NULL;
    (void)state;
    for (int i = 0; i < WEB_HEADERS; i++)
        strcat(text, "a: b\r\n");
    strcat(text, END);
    assert_int_equal(web_head_read(&head, text, strlen(text), &why), 431);
    web_head_free(&head);
}

static void no_end_yet(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST END;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        assert_int_equal(web_head_end(text, i), 0);
    assert_int_equal(web_head_end(text, sizeof text - 1), sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),         cmocka_unit_test(nul),        cmocka_unit_test(pieces),
        cmocka_unit_test(too_many_headers), cmocka_unit_test(no_end_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
