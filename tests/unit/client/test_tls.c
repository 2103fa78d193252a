/* room: client_conn */
/* TLS, IPv6 and sockets: certificates that verify and those that do not, and many threads over one encrypted
 * stream. */
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct server server; /* plain on its socket, TLS on its port */
static char certs[64];

static void shell(const char *format, ...)
{
    char command[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    char extra[512];

    (void)state;
    snprintf(certs, sizeof(certs), "/tmp/apphost-certs-XXXXXX");
    assert_non_null(mkdtemp(certs));
    shell("cd %s && exec >/dev/null 2>&1 && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
          "/CN=test-ca "
          "-keyout ca.key -out ca.pem && openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout "
          "key.pem -out csr "
          "&& printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' > ext "
          "&& openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "
          "cert.pem",
          certs);
    server_start(&server, NULL);
    server_kill(&server, true);
    snprintf(extra, sizeof(extra),
             "--port 0 --tls-port %d --tls-cert-file %s/cert.pem --tls-key-file %s/key.pem "
             "--tls-ca-cert-file %s/ca.pem "
             "--tls-auth-clients optional",
             server.port, certs, certs, certs);
    server_again(&server, extra);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    shell("rm -rf '%s'", certs);
    return 0;
}

static struct apphost_host *host_for(const char *connection, const char *ca)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    if (ca)
        apphost_config_set(config, "CACHE_CA_FILE", ca, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    return host;
}

struct row {
    const char *host, *more; /* around the port */
    bool with_ca;
    enum apphost_code code; /* 0: works */
    const char *words;
};

static const struct row rows[] = {
    {"localhost", ",ssl=true", true, 0, NULL},
    {"127.0.0.1", ",ssl=true", true, 0, NULL},
    {"[::1]", ",ssl=true", true, 0, NULL},
    {"rediss://127.0.0.1", "/1", true, 0, NULL},
    {"127.0.0.1", ",ssl=true,sslProtocols=Tls12", true, 0, NULL},
    {"127.0.0.1", ",ssl=true,sslHost=localhost", true, 0, NULL},
    {"127.0.0.1", ",ssl=true,sslHost=elsewhere.example", true, APPHOST_E_TLS, "hostname mismatch"},
    {"127.0.0.2", ",ssl=true,syncTimeout=500", true, APPHOST_E_CONNECT, "refused"},
    {"localhost", ",ssl=true,syncTimeout=60000", false, APPHOST_E_TLS, "certificate"},
    {"localhost", ",syncTimeout=500", false, APPHOST_E_CONNECT, ""},
};

static void certificates(void **state)
{
    char connection[128], ca[96];

    (void)state;
    snprintf(ca, sizeof(ca), "%s/ca.pem", certs);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct apphost_error error = {0};
        struct apphost_value value;

        snprintf(connection, sizeof(connection), "%s:%d%s", rows[i].host, server.port, rows[i].more);
        struct apphost_host *host = host_for(connection, rows[i].with_ca ? ca : NULL);
        int rc = apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error);
        if (error.code != rows[i].code || rc != (rows[i].code ? -1 : 0) ||
            !strstr(error.text, rows[i].words ? rows[i].words : ""))
            fail_msg("row %zu: %s: %s", i, apphost_code_name(error.code), error.text);
        apphost_host_free(host);
    }
}

struct job {
    struct apphost_cache *cache;
    int number;
    bool is_good;
};

static void *work(void *user)
{
    struct job *job = user;
    char *data = malloc(200000);
    struct apphost_value value;

    job->is_good = true;
    for (int i = 0; i < 40; i++) {
        size_t len = (size_t)(job->number * 7919 + i * 4973) % 200000;
        char key[32];

        snprintf(key, sizeof(key), "tls%d", job->number);
        memset(data, 'a' + (job->number + i) % 26, len);
        if (apphost_cache_set(job->cache, apphost_str(key), data, len, apphost_expire_in(60000), NULL) < 0 ||
            apphost_cache_get(job->cache, apphost_str(key), &value, NULL) != 1) {
            job->is_good = false;
            break;
        }
        job->is_good = job->is_good && value.len == len && memcmp(value.data, data, len) == 0;
        apphost_value_free(&value);
    }
    free(data);
    return NULL;
}

static void many_threads_over_one_stream(void **state)
{
    enum { THREADS = 16 };
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    char connection[128], ca[96];

    (void)state;
    snprintf(ca, sizeof(ca), "%s/ca.pem", certs);
    snprintf(connection, sizeof(connection), "localhost:%d,ssl=true,syncTimeout=20000", server.port);
    struct apphost_host *host = host_for(connection, ca);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){apphost_host_cache(host, NULL, NULL), i, false};
        pthread_create(&threads[i], NULL, work, &jobs[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(jobs[i].is_good);
    }
    apphost_host_free(host);
}

static void health_over_tls(void **state)
{
    struct apphost_health_report report;
    char connection[128], ca[96];

    (void)state;
    snprintf(ca, sizeof(ca), "%s/ca.pem", certs);
    snprintf(connection, sizeof(connection), "localhost:%d,ssl=true", server.port);
    struct apphost_host *host = host_for(connection, ca);
    assert_int_equal(apphost_health_run(apphost_host_health(host), NULL, &report, NULL), 0);
    assert_string_equal(report.entries[0].description, "");
    assert_int_equal(report.status, APPHOST_HEALTHY);
    apphost_health_report_free(&report);
    apphost_host_free(host);
}

/* A client certificate, signed by the authority or by nobody, put in place as one that renews it does. */
static void issue(const char *name, bool is_signed)
{
    if (is_signed)
        shell("cd %s && exec >/dev/null 2>&1 && openssl req -newkey rsa:2048 -nodes -subj /CN=%s -keyout "
              "new.key -out "
              "new.csr && openssl x509 -req -in new.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
              "-out new.pem "
              "&& mv new.key client.key && mv new.pem client.pem",
              certs, name);
    else
        shell("cd %s && exec >/dev/null 2>&1 && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "
              "/CN=%s -keyout "
              "new.key -out new.pem && mv new.key client.key && mv new.pem client.pem",
              certs, name);
}

static void use_client_certificate(struct apphost_options *options, void *user)
{
    char path[96];

    (void)user;
    snprintf(path, sizeof(path), "%s/client.pem", certs);
    assert_int_equal(apphost_options_set(options, "certFile", path, NULL), 0);
    snprintf(path, sizeof(path), "%s/client.key", certs);
    assert_int_equal(apphost_options_set(options, "keyFile", path, NULL), 0);
}

/* Until it works, or does not any more. */
static void await_ping(struct apphost_redis *redis, bool is_good)
{
    struct apphost_error error = {0};

    for (int i = 0; i < 6000; i++) {
        if ((apphost_redis_ping(redis, NULL, &error) == 0) == is_good)
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("%s", error.text);
}

/* Each connection reads the files anew: a program that runs takes what was renewed. */
static void client_certificates_are_renewed(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_client_options client = {.options = use_client_certificate};
    char text[128];

    (void)state;
    free(server_ask(&server, "CONFIG SET tls-auth-clients yes"));
    issue("first", true);
    snprintf(text, sizeof(text), "localhost:%d,ssl=true,connectTimeout=20000", server.port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    snprintf(text, sizeof(text), "%s/ca.pem", certs);
    apphost_config_set(config, "CACHE_CA_FILE", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_client(host, "cache", &client, NULL), 0);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    await_ping(redis, true);
    issue("stranger", false);
    free(server_ask(&server, "CLIENT KILL TYPE normal"));
    await_ping(redis, false);
    issue("second", true);
    await_ping(redis, true);
    free(server_ask(&server, "CONFIG SET tls-auth-clients optional"));
    apphost_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),
        cmocka_unit_test(many_threads_over_one_stream),
        cmocka_unit_test(health_over_tls),
        cmocka_unit_test(client_certificates_are_renewed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
