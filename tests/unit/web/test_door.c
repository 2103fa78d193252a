/* Who comes in: names, origins, sites, types of body. */
#include "web/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *line, *headers;
    int status;
} rows[] = {
    {"GET /", "Host: shop.localhost:80\r\n", 0},
    {"GET /", "Host: SHOP.localhost\r\n", 0},
    {"GET /api/v1/view", "Host: 127.0.0.1:9999\r\n", 0},
    {"GET /", "Host: [::1]:80\r\n", 0},
    {"GET /", "Host: evil.example\r\n", 421},
    {"GET /", "Host: evil.example:127\r\n", 421},
    {"GET /", "Host: 0.0.0.0:80\r\n", 421},
    {"GET /", "Host: localhost.evil.example\r\n", 421},
    {"GET /", "Host: localhost:80:80\r\n", 421},
    {"GET /", "Host: localhost@evil\r\n", 421},
    {"GET /", "Host: other.localhost\r\n", 421},
    {"GET /", "Host:\r\n", 421},
    {"GET /", "Host: tunnel.example\r\nOrigin: https://tunnel.example\r\n", 0},
    {"GET /", "Host: localhost:80\r\nOrigin: https://tunnel.example\r\n", 0},
    {"GET /", "Host: localhost:80\r\nOrigin: http://localhost:80\r\n", 0},
    {"GET /", "Host: localhost:80\r\nOrigin: http://localhost:81\r\n", 403},
    {"GET /", "Host: localhost:80\r\nOrigin: https://localhost:80\r\n", 403},
    {"GET /", "Host: localhost:80\r\nOrigin: null\r\n", 403},
    {"GET /", "Host: localhost:80\r\nOrigin:\r\n", 403},
    {"GET /", "Host: localhost:80\r\nOrigin: http://1.2.3.4:80\r\n", 403},
    {"GET /", "Host: localhost:80\r\nOrigin: http://localhost:80\r\nOrigin: http://evil\r\n", 403},
    {"GET /", "Host: localhost\r\nSec-Fetch-Site: none\r\n", 0},
    {"GET /api/v1/view", "Host: localhost\r\nSec-Fetch-Site: none\r\n", 403},
    {"GET /api/v1/view", "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n", 0},
    {"GET /api/v1/view", "Host: localhost\r\nSec-Fetch-Site: same-site\r\n", 403},
    {"GET /", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n", 403},
    {"GET /", "Host: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n", 403},
    {"POST /x", "Host: localhost\r\nContent-Type: application/json\r\n", 0},
    {"POST /x", "Host: localhost\r\nContent-Type: Application/JSON; charset=utf-8\r\n", 0},
    {"POST /x", "Host: localhost\r\nContent-Type: application/jsonp\r\n", 415},
    {"POST /x", "Host: localhost\r\nContent-Type: text/plain\r\n", 415},
    {"POST /x", "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n", 415},
    {"POST /x", "Host: localhost\r\n", 415},
    {"DELETE /x", "Host: localhost\r\n", 415},
    {"POST /x", "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 101\r\n", 413},
    {"GET /x", "Host: localhost\r\nContent-Length: 1\r\n", 400},
    {"OPTIONS /x", "Host: localhost\r\nOrigin: http://localhost\r\n", 403},
    {"TRACE /x", "Host: localhost\r\n", 405},
    {"PUT /x", "Host: localhost\r\n", 405},
};

static void each_row(void **state)
{
    struct web_policy policy = {.body_limit = 100};
    (void)state;
    strlist_add(&policy.hosts, "shop.localhost");
    strlist_add(&policy.hosts, "localhost");
    strlist_add(&policy.hosts, "127.0.0.1");
    strlist_add(&policy.hosts, "[::1]");
    strlist_add(&policy.guests, "tunnel.example");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct web_head head;
        const char *why = NULL;
        int length = snprintf(text, sizeof text, "%s HTTP/1.1\r\n%s\r\n", rows[i].line, rows[i].headers);
        assert_int_equal(web_head_read(&head, text, (size_t)length, &why), 0);
        struct web_verdict verdict = web_judge(&head, &policy);
        if (verdict.status != rows[i].status)
            print_error("%s%s", text, verdict.text);
        assert_int_equal(verdict.status, rows[i].status);
        assert_int_equal(verdict.code != NULL, verdict.status != 0);
        web_head_free(&head);
    }
    strlist_free(&policy.hosts);
    strlist_free(&policy.guests);
}

static void ports(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: [::1]:4711\r\n\r\n";
    struct web_head head;
    const char *why = NULL;
    (void)state;
    assert_int_equal(web_head_read(&head, text, sizeof text - 1, &why), 0);
    assert_int_equal(web_host_port(&head), 4711);
    web_head_free(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row), cmocka_unit_test(ports)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
