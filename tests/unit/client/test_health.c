/* Health checks in parallel, and the answers over HTTP to the byte. */
#include <apphost/health.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum apphost_health_status say(void *user, char *description, size_t size)
{
    snprintf(description, size, "said so");
    return *(enum apphost_health_status *)user;
}

/* Until the flag is set, or for a minute. */
static enum apphost_health_status sleep_long(void *user, char *description, size_t size)
{
    atomic_bool *is_over = user;

    (void)description;
    (void)size;
    for (int i = 0; i < 6000 && !atomic_load(is_over); i++)
        poll(NULL, 0, 10);
    return APPHOST_HEALTHY;
}

static atomic_int met;

/* Healthy only when the other one runs at the same time. */
static enum apphost_health_status meet(void *user, char *description, size_t size)
{
    (void)user;
    (void)description;
    (void)size;
    atomic_fetch_add(&met, 1);
    for (int i = 0; i < 6000 && atomic_load(&met) < 2; i++)
        poll(NULL, 0, 10);
    return atomic_load(&met) >= 2 ? APPHOST_HEALTHY : APPHOST_UNHEALTHY;
}

static void checks_run_at_the_same_time(void **state)
{
    const struct apphost_health_check one = {.name = "one", .check = meet};
    const struct apphost_health_check two = {.name = "two", .check = meet};
    struct apphost_health *health = apphost_health_new();
    struct apphost_health_report report;

    (void)state;
    assert_int_equal(apphost_health_add(health, &one, NULL), 0);
    assert_int_equal(apphost_health_add(health, &two, NULL), 0);
    assert_int_equal(apphost_health_run(health, NULL, &report, NULL), 0);
    assert_int_equal(report.status, APPHOST_HEALTHY);
    apphost_health_report_free(&report);
    apphost_health_free(health);
}

static void ask_http(int port, const char *request, char *answer, size_t size)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssize_t got;
    size_t len = 0;

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    while ((got = recv(fd, answer + len, size - 1 - len, 0)) > 0)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
}

static void health_over_http(void **state)
{
    enum apphost_health_status mine = APPHOST_HEALTHY;
    static atomic_bool is_over;
    struct apphost_health *health = apphost_health_new();
    const struct apphost_health_check check = {.name = "mine", .check = say, .user = &mine};
    const struct apphost_health_check again = {.name = "MINE", .check = say, .user = &mine};
    const struct apphost_health_check slow = {
        .name = "slow", .check = sleep_long, .user = &is_over, .timeout_ms = 50};
    struct apphost_health_report report;
    struct apphost_error error = {0};
    char answer[2048];
    int port = 0;

    (void)state;
    assert_int_equal(apphost_health_add(health, &check, &error), 0);
    assert_int_equal(apphost_health_add(health, &again, &error), -1);
    assert_string_equal(error.text, "Duplicate health checks were registered with the name(s): MINE");
    assert_int_equal(apphost_health_listen(health, "nonsense:x", &port, &error), -1);
    assert_int_equal(apphost_health_listen(health, ":0", &port, &error), 0);
    ask_http(port, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", answer, sizeof(answer));
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
                                "Cache-Control: no-store, no-cache\r\nPragma: no-cache\r\n"
                                "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\n\r\nHealthy");
    mine = APPHOST_DEGRADED;
    ask_http(port, "GET /health?x HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "200 OK"));
    assert_non_null(strstr(answer, "\r\n\r\nDegraded"));
    mine = APPHOST_UNHEALTHY;
    ask_http(port, "GET /health HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "503 Service Unavailable"));
    assert_non_null(strstr(answer, "\r\n\r\nUnhealthy"));
    ask_http(port, "GET /alive HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "\r\n\r\nHealthy"));
    ask_http(port, "HEAD /health HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_null(strstr(answer, "\r\n\r\nUnhealthy"));
    ask_http(port, "GET /healthy HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "404 Not Found"));
    ask_http(port, "POST /health HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "405 Method Not Allowed"));
    ask_http(port, "\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "400 Bad Request"));
    mine = APPHOST_DEGRADED;
    assert_int_equal(apphost_health_add(health, &slow, &error), 0);
    assert_int_equal(apphost_health_run(health, NULL, &report, &error), 0);
    assert_int_equal(report.status, APPHOST_UNHEALTHY);
    assert_string_equal(report.entries[0].description, "said so");
    assert_string_equal(report.entries[1].description, "A timeout occurred while running check.");
    atomic_store(&is_over, true);
    apphost_health_report_free(&report);
    apphost_health_free(health);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* They are still waited for when the others have had their answers. */
static void who_says_nothing_costs_nothing(void **state)
{
    enum { SILENT = 5 };
    struct apphost_health *health = apphost_health_new();
    char answer[2048], byte;
    int silent[SILENT], port = 0;

    (void)state;
    assert_int_equal(apphost_health_listen(health, ":0", &port, NULL), 0);
    for (int i = 0; i < SILENT; i++)
        silent[i] = connect_to(port);
    assert_int_equal(send(silent[0], "GET /hea", 8, MSG_NOSIGNAL), 8);
    ask_http(port, "GET /health HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "200 OK"));
    for (int i = 0; i < SILENT; i++)
        assert_int_equal(recv(silent[i], &byte, 1, MSG_DONTWAIT), -1);
    /* And who was slow is answered in the end. */
    assert_int_equal(send(silent[0], "lth HTTP/1.1\r\n\r\n", 17, MSG_NOSIGNAL), 17);
    ssize_t got = recv(silent[0], answer, sizeof(answer) - 1, 0);
    assert_true(got > 0);
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 OK", 15), 0);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    apphost_health_free(health);
}

/* More of them than there is room for: the oldest go. */
static void a_crowd_that_says_nothing_goes(void **state)
{
    enum { SILENT = 100 };
    struct apphost_health *health = apphost_health_new();
    char answer[2048];
    int silent[SILENT], port = 0;

    (void)state;
    assert_int_equal(apphost_health_listen(health, ":0", &port, NULL), 0);
    for (int i = 0; i < SILENT; i++)
        silent[i] = connect_to(port);
    ask_http(port, "GET /alive HTTP/1.1\r\n\r\n", answer, sizeof(answer));
    assert_non_null(strstr(answer, "200 OK"));
    apphost_health_free(health);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_run_at_the_same_time), cmocka_unit_test(health_over_http),
        cmocka_unit_test(who_says_nothing_costs_nothing), cmocka_unit_test(a_crowd_that_says_nothing_goes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
