/* Which engine is chosen, in a home of its own: flags, environment, contexts, configuration. */
#include "base/digest.h"
#include "base/file.h"
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static char home[64];

static void write_file(const char *name, const char *text)
{
    cleanup_free char *path = path_join(home, name);
    cleanup_free char *folder = path_dirname(path);
    assert_int_equal(file_mkdirs(folder, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void write_context(const char *name, const char *meta, bool with_tls)
{
    char hash[65], path[256];
    digest_sha256(name, strlen(name), hash);
    snprintf(path, sizeof path, ".docker/contexts/meta/%s/meta.json", hash);
    write_file(path, meta);
    if (!with_tls)
        return;
    snprintf(path, sizeof path, ".docker/contexts/tls/%s/docker/ca.pem", hash);
    write_file(path, "x");
}

static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/apphost-address-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

/* Resolves with HOME and these variables. */
static int resolve(const char *const *variables, const char *host, const char *context,
                   struct engine_address *address, struct error *err)
{
    cleanup_strlist struct strlist environment = {0};
    strlist_addf(&environment, "HOME=%s", home);
    for (size_t i = 0; variables && variables[i]; i++)
        strlist_add(&environment, variables[i]);
    return engine_resolve(environment.items, host, context, address, err);
}

static const struct {
    const char *host;
    const char *unix_path, *url, *published; /* "": is found out; NULL: no address */
    bool remote;
} hosts[] = {
    {"unix:///x/y.sock", "/x/y.sock", NULL, "", false},
    {"unix://", "/var/run/docker.sock", NULL, "", false},
    {"tcp://10.1.2.3", NULL, "http://10.1.2.3:2375", "10.1.2.3", true},
    {"tcp://host.example:99", NULL, "http://host.example:99", "host.example", true},
    {"tcp://host.example:99/", NULL, "http://host.example:99", "host.example", true},
    {"host.example:99", NULL, "http://host.example:99", "host.example", true},
    {"http://localhost:99", NULL, "http://localhost:99", "127.0.0.1", false},
    {"https://h:99", NULL, "https://h:99", "h", true},
    {"tcp://127.0.0.1:99", NULL, "http://127.0.0.1:99", "127.0.0.1", false},
    {"tcp://[fe80::1]:99", NULL, "http://[fe80::1]:99", "fe80::1", true},
    {"tcp://[::1]", NULL, "http://[::1]:2375", "127.0.0.1", false},
    {"unix://relative", NULL, NULL, NULL, false},
    {"tcp://h:0", NULL, NULL, NULL, false},
    {"tcp://h:65536", NULL, NULL, NULL, false},
    {"tcp://h:12x", NULL, NULL, NULL, false},
    {"tcp://h:99/path", NULL, NULL, NULL, false},
    {"tcp://u@h:99", NULL, NULL, NULL, false},
    {"tcp://[::1", NULL, NULL, NULL, false},
    {"foo://x", NULL, NULL, NULL, false},
    {"/var/run/docker.sock", NULL, NULL, NULL, false},
    {"npipe:////./pipe/docker_engine", NULL, NULL, NULL, false},
    {"ssh://me@h", NULL, NULL, "h", true},
    {"ssh://h:2222/run/x.sock", NULL, NULL, "h", true},
    {"ssh://[fe80::1]:22", NULL, NULL, "fe80::1", true},
    {"ssh://", NULL, NULL, NULL, false},
    {"ssh://-oProxyCommand=x", NULL, NULL, NULL, false},
    {"ssh://-l@h", NULL, NULL, NULL, false},
    {"ssh://me:secret@h", NULL, NULL, NULL, false},
    {"ssh://h:0", NULL, NULL, NULL, false},
    {"ssh://h x", NULL, NULL, NULL, false},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct engine_address address;
        struct error err = {0};
        int rc = resolve(NULL, hosts[i].host, NULL, &address, &err);
        bool good = hosts[i].published != NULL;
        if ((rc == 0) != good)
            print_error("%s: %s\n", hosts[i].host, rc ? err.text : address.url);
        assert_int_equal(rc, good ? 0 : -1);
        if (good) {
            assert_true(str_eq(address.unix_path, hosts[i].unix_path));
            assert_true(str_eq(address.url, hosts[i].url));
            assert_true(str_eq(address.published_host, *hosts[i].published ? hosts[i].published : NULL));
            assert_int_equal(address.remote, hosts[i].remote);
            assert_string_equal(address.origin, "--host");
        } else {
            assert_int_equal(err.code, ERROR_ENGINE);
            bool has_password = strstr(hosts[i].host, "secret") != NULL;
            assert_int_equal(strstr(err.text, hosts[i].host) != NULL, !has_password);
        }
        engine_address_free(&address);
        error_clear(&err);
    }
}

static void expect(const char *const *variables, const char *host, const char *context, const char *origin,
                   const char *chosen)
{
    struct engine_address address;
    struct error err = {0};
    int rc = resolve(variables, host, context, &address, &err);
    if (rc)
        print_error("%s\n", err.text);
    assert_int_equal(rc, 0);
    assert_string_equal(address.origin, origin);
    assert_string_equal(address.host, chosen);
    engine_address_free(&address);
}

static void test_blanks(void **state)
{
    (void)state;
    const char *host[] = {"DOCKER_HOST=unix:///one.sock ", "DOCKER_CONTEXT= ", NULL};
    const char *tcp[] = {"DOCKER_HOST=\t tcp://h:99\r\n", NULL};
    const char *context[] = {"DOCKER_HOST= \t", "DOCKER_CONTEXT=two ", NULL};
    write_context("two", "{\"Name\":\"two\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///two.sock \"}}}",
                  false);
    expect(host, NULL, NULL, "DOCKER_HOST", "unix:///one.sock");
    expect(tcp, NULL, NULL, "DOCKER_HOST", "tcp://h:99");
    expect(context, NULL, NULL, "context two", "unix:///two.sock");
    expect(NULL, " unix:///my folder/x.sock ", NULL, "--host", "unix:///my folder/x.sock");
}

static void expect_override(const char *const *variables, const char *expected)
{
    struct engine_address address, copy;
    struct error err = {0};
    assert_int_equal(resolve(variables, "unix:///x.sock", NULL, &address, &err), 0);
    assert_true(str_eq(address.override, expected));
    cleanup_json cJSON *json = engine_address_to_json(&address);
    engine_address_free(&address);
    assert_int_equal(engine_address_from_json(json, &address, &err), 0);
    engine_address_copy(&copy, &address);
    assert_true(str_eq(copy.override, expected));
    engine_address_free(&address);
    engine_address_free(&copy);
}

static void test_override(void **state)
{
    (void)state;
    const char *ours[] = {"APPHOST_PUBLISHED_HOST= 10.0.0.1 ", "TESTCONTAINERS_HOST_OVERRIDE=other", NULL};
    const char *synonym[] = {"APPHOST_PUBLISHED_HOST=", "TESTCONTAINERS_HOST_OVERRIDE=other", NULL};
    expect_override(ours, "10.0.0.1");
    expect_override(synonym, "other");
    expect_override(NULL, NULL);
}

static void test_order(void **state)
{
    (void)state;
    const char *host[] = {"DOCKER_HOST=tcp://env:1", NULL};
    const char *context[] = {"DOCKER_CONTEXT=two", NULL};
    const char *both[] = {"DOCKER_HOST=tcp://env:1", "DOCKER_CONTEXT=two", NULL};
    const char *empty[] = {"DOCKER_HOST=", "DOCKER_CONTEXT=", NULL};
    write_file(".docker/config.json", "{\"currentContext\":\"one\"}");
    write_context("one", "{\"Name\":\"one\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///one.sock\"}}}",
                  false);
    write_context("two", "{\"Name\":\"two\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///two.sock\"}}}",
                  false);
    expect(both, "tcp://flag:1", "one", "context one", "unix:///one.sock");
    expect(both, "tcp://flag:1", NULL, "--host", "tcp://flag:1");
    expect(both, NULL, NULL, "DOCKER_HOST", "tcp://env:1");
    expect(host, NULL, "default", "DOCKER_HOST", "tcp://env:1");
    expect(context, NULL, NULL, "context two", "unix:///two.sock");
    expect(empty, NULL, NULL, "context one", "unix:///one.sock");
    expect(NULL, NULL, NULL, "context one", "unix:///one.sock");
}

static void test_bad_contexts(void **state)
{
    (void)state;
    static const struct {
        const char *context, *word;
    } rows[] = {{"missing", "does not exist"}, {"empty", "no Docker endpoint"}, {"broken", "cannot read"}};
    write_context("empty", "{}", false);
    write_context("broken", "{", false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_address address;
        cleanup_error struct error err = {0};
        assert_int_equal(resolve(NULL, NULL, rows[i].context, &address, &err), -1);
        assert_int_equal(err.code, ERROR_ENGINE);
        assert_non_null(strstr(err.text, rows[i].word));
        assert_null(address.host);
    }
    struct engine_address address;
    cleanup_error struct error err = {0};
    write_file(".docker/config.json", "not JSON");
    assert_int_equal(resolve(NULL, NULL, NULL, &address, &err), -1);
    assert_non_null(strstr(err.text, "config.json"));
}

static void test_tls(void **state)
{
    (void)state;
    struct engine_address address;
    cleanup_free char *certificates = xasprintf("DOCKER_CERT_PATH=%s/certs", home);
    const char *verify[] = {"DOCKER_HOST=tcp://h", "DOCKER_TLS_VERIFY=1", certificates, NULL};
    const char *skip[] = {"DOCKER_HOST=tcp://h:5", "DOCKER_TLS=1", NULL};
    const char *local[] = {"DOCKER_HOST=unix:///x", "DOCKER_TLS_VERIFY=1", NULL};
    write_file("certs/ca.pem", "x");
    write_file("certs/key.pem", "x");
    assert_int_equal(resolve(verify, NULL, NULL, &address, NULL), 0);
    assert_string_equal(address.url, "https://h:2376");
    assert_true(address.tls && !address.skip_verify);
    assert_non_null(strstr(address.ca_file, "/certs/ca.pem"));
    assert_non_null(address.key_file);
    assert_null(address.cert_file);
    engine_address_free(&address);
    assert_int_equal(resolve(skip, NULL, NULL, &address, NULL), 0);
    assert_string_equal(address.url, "https://h:5");
    assert_true(address.skip_verify);
    engine_address_free(&address);
    assert_int_equal(resolve(local, NULL, NULL, &address, NULL), 0);
    assert_false(address.tls);
    engine_address_free(&address);
    write_context("tls", "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:5\",\"SkipTLSVerify\":true}}}",
                  true);
    assert_int_equal(resolve(NULL, NULL, "tls", &address, NULL), 0);
    assert_string_equal(address.url, "https://h:5");
    assert_true(address.skip_verify);
    assert_non_null(address.ca_file);
    engine_address_free(&address);
}

/* Sockets of this machine may come first; with none of them, what is below HOME or XDG_RUNTIME_DIR is found.
 */
static void test_well_known(void **state)
{
    (void)state;
    if (file_exists("/var/run/docker.sock") || file_exists("/run/podman/podman.sock")) {
        expect(NULL, NULL, NULL, "well-known socket",
               file_exists("/var/run/docker.sock") ? "unix:///var/run/docker.sock"
                                                   : "unix:///run/podman/podman.sock");
        return;
    }
    struct engine_address address;
    cleanup_error struct error err = {0};
    assert_int_equal(resolve(NULL, NULL, NULL, &address, &err), -1);
    assert_int_equal(err.code, ERROR_ENGINE);
    assert_non_null(err.hint);
}

static void test_json(void **state)
{
    (void)state;
    struct engine_address address, copy;
    const char *skip[] = {"DOCKER_HOST=tcp://h:5", "DOCKER_TLS=1", NULL};
    assert_int_equal(resolve(skip, NULL, NULL, &address, NULL), 0);
    cleanup_json cJSON *json = engine_address_to_json(&address);
    assert_int_equal(engine_address_from_json(json, &copy, NULL), 0);
    cleanup_json cJSON *again = engine_address_to_json(&copy);
    cleanup_free char *first = json_print(json), *second = json_print(again);
    assert_string_equal(first, second);
    assert_true(copy.remote && copy.tls && copy.skip_verify);
    engine_address_free(&address);
    engine_address_free(&copy);
    cleanup_json cJSON *empty = cJSON_CreateObject();
    cleanup_error struct error err = {0};
    assert_int_equal(engine_address_from_json(empty, &copy, &err), -1);
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        home_test(test_hosts),      home_test(test_blanks),       home_test(test_override),
        home_test(test_order),      home_test(test_bad_contexts), home_test(test_tls),
        home_test(test_well_known), home_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
