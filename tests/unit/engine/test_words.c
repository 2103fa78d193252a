/* Pure functions: the classifier's table, image references, the progress of pulls, lines. */
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- classifier: texts as Docker 20.10–29 and Podman 4.3 said them ---- */

static const struct {
    enum engine_context context;
    int status;
    const char *message;
    enum error_code code;
} said[] = {
    {ON_CREATE, 409,
     "Conflict. The container name \"/ra-c1\" is already in use by container \"ab\". You have to remove (or "
     "rename) that "
     "container to be able to reuse that name.",
     ERROR_CONFLICT},
    {ON_CREATE, 500,
     "creating container storage: the container name \"x\" is already in use by ab. You have to remove that "
     "container to "
     "be able to reuse that name: that name is already in use",
     ERROR_CONFLICT},
    {ON_CREATE, 404, "No such image: nosuch:1", ERROR_NO_IMAGE},
    {ON_CREATE, 404, "No such image: library/networker:not found", ERROR_NO_IMAGE},
    {ON_CREATE, 500, "x: image not known", ERROR_NO_IMAGE},
    {ON_IMAGE, 404, "no such image: X: No such image: X", ERROR_NO_IMAGE},
    {ON_CREATE, 500, "unable to find network with name or ID x: network not found", ERROR_CONFLICT},
    {ON_CREATE, 400, "invalid port specification: \"70000\"", ERROR_FAILED},
    {ON_CREATE, 400, "invalid mount config for type \"bind\": bind source path does not exist: /p",
     ERROR_FAILED},
    {ON_CREATE, 500, "write /var/lib/docker/overlay2/x-init/link: no space left on device", ERROR_SPACE},
    {ON_START, 500,
     "driver failed programming external connectivity on endpoint ra-c2 (e): Bind for 127.0.0.1:32772 "
     "failed: port is "
     "already allocated",
     ERROR_PORT},
    {ON_START, 500,
     "driver failed programming external connectivity on endpoint c (e): Error starting userland proxy: "
     "listen tcp4 "
     "127.0.0.1:16400: bind: address already in use",
     ERROR_PORT},
    {ON_START, 500,
     "failed to set up container networking: failed to bind host port 127.0.0.1:6379/tcp: address already "
     "in use",
     ERROR_PORT},
    {ON_START, 500,
     "cannot listen on the TCP port: listen tcp4 127.0.0.1:34743: bind: address already in use", ERROR_PORT},
    {ON_START, 500, "… listen tcp4 9.9.9.9:1: bind: cannot assign requested address", ERROR_PORT},
    {ON_START, 404, "network ra-nonet not found", ERROR_CONFLICT},
    {ON_START, 404, "No such container: x", ERROR_GONE},
    {ON_START, 500, "no container with name or ID \"x\" found: no such container", ERROR_GONE},
    {ON_START, 409, "container is marked for removal and cannot be started", ERROR_CONFLICT},
    {ON_START, 400, "network ra-net is ambiguous (2 matches found on name)", ERROR_CONFLICT},
    {ON_START, 400,
     "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
     "process: exec: "
     "\"nosuchcmd\": executable file not found in $PATH: unknown",
     ERROR_NOT_FOUND},
    {ON_START, 400,
     "… unable to start container process: exec: \"/x\": stat /x: no such file or directory: unknown",
     ERROR_NOT_FOUND},
    {ON_START, 500, "crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime",
     ERROR_NOT_FOUND},
    {ON_START, 400, "… exec: \"/etc\": permission denied: unknown", ERROR_NOT_EXECUTABLE},
    {ON_START, 400, "… exec: \"/etc\": is a directory: unknown", ERROR_NOT_EXECUTABLE},
    {ON_START, 500, "standard_init_linux.go: exec user process caused: exec format error",
     ERROR_NOT_EXECUTABLE},
    {ON_OTHER, 409, "Cannot kill container: X: Container ab is not running", ERROR_CONFLICT},
    {ON_OTHER, 500, "can only kill running containers. ab is in state exited: container state improper",
     ERROR_CONFLICT},
    {ON_OTHER, 409, "removal of container ra-x is already in progress", ERROR_CONFLICT},
    {ON_OTHER, 409, "network with name ra-net already exists", ERROR_CONFLICT},
    {ON_OTHER, 500, "network name x already used: network already exists", ERROR_CONFLICT},
    {ON_OTHER, 403, "error while removing network: network ra-net id ab has active endpoints",
     ERROR_CONFLICT},
    {ON_OTHER, 500, "\"ra-net\" has associated containers with it. use -f", ERROR_CONFLICT},
    {ON_OTHER, 409, "remove ra-v3: volume is in use - [ab]", ERROR_CONFLICT},
    {ON_OTHER, 404, "get ra-v3: no such volume", ERROR_GONE},
    {ON_OTHER, 404, "network ra-net not found", ERROR_GONE},
    {ON_EXEC, 409, "Container ab is not running", ERROR_CONFLICT},
    {ON_EXEC, 404, "No such exec instance: x", ERROR_GONE},
    {ON_OTHER, 404, "page not found", ERROR_GONE},
    {ON_OTHER, 500, "", ERROR_FAILED},
    {ON_OTHER, 400, "client version 1.42 is too new. Maximum supported API version is 1.41", ERROR_ENGINE},
    {ON_PULL, 404, "manifest for 127.0.0.1:5055/ra-redis:nope not found: manifest unknown: manifest unknown",
     ERROR_PULL},
    {ON_PULL, 500,
     "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
     ERROR_PULL},
    {ON_PULL, 500, "Get \"http://127.0.0.1:5099/v2/\": dial tcp 127.0.0.1:5099: connect: connection refused",
     ERROR_PULL},
    {ON_PULL, 500, "unauthorized", ERROR_PULL},
    {ON_PULL, 500, "toomanyrequests: You have reached your pull rate limit.", ERROR_PULL},
    {ON_PULL, 500, "received unexpected HTTP status: 503 Service Unavailable", ERROR_PULL},
    {ON_PULL, 400, "invalid reference format: repository name must be lowercase", ERROR_PULL},
    {ON_PULL, 0,
     "failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device",
     ERROR_SPACE},
};

static void test_classify(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct error err = {0};
        engine_classify(said[i].context, said[i].status, said[i].message, "do it", &err);
        if (err.code != said[i].code)
            print_error("%s: %s, expected %s\n", said[i].message, error_name(err.code),
                        error_name(said[i].code));
        assert_int_equal(err.code, said[i].code);
        assert_true(str_starts(err.text, "cannot do it: "));
        error_clear(&err);
    }
}

/* What somebody acts upon is a detail, and which port it is about is asked, too. */
static void test_details(void **state)
{
    static const struct {
        int status;
        const char *message;
        enum error_detail detail;
    } rows[] = {
        {500, "Bind for 127.0.0.1:2012 failed: port is already allocated", DETAIL_PORT_TAKEN},
        {500, "listen tcp4 127.0.0.1:2012: bind: address already in use", DETAIL_PORT_TAKEN},
        {500, "listen tcp4 9.9.9.9:1: bind: cannot assign requested address", DETAIL_ADDRESS_FOREIGN},
        {404, "network ra-nonet not found", DETAIL_NETWORK_GONE},
        {409, "container is marked for removal and cannot be started", DETAIL_BEING_REMOVED},
        {409, "Conflict", DETAIL_NONE},
        {500, "", DETAIL_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        engine_classify(ON_START, rows[i].status, rows[i].message, "do it", &err);
        assert_int_equal(err.detail, rows[i].detail);
        assert_int_equal(engine_names_port(&err, 2012), rows[i].detail == DETAIL_PORT_TAKEN);
        assert_false(engine_names_port(&err, 201));
        error_clear(&err);
    }
}

/* What is said without being a failure: each saying by the words of those who say it, and by no others. */
static void test_sayings(void **state)
{
    static const struct {
        int status;
        const char *message;
        unsigned saying;
    } rows[] = {
        {400, "client version 1.42 is too new. Maximum supported API version is 1.41", SAYS_VERSION},
        {400, "client version 1.12 is too old. Minimum supported API version is 1.24", SAYS_VERSION},
        {500, "client version 1.42 is too new.", 0},
        {404, "No such container: x", SAYS_GONE},
        {404, "page not found", SAYS_GONE},
        {500, "no container with name or ID \"x\" found: no such container", SAYS_GONE},
        {500, "get ra-v3: no such volume", SAYS_GONE},
        {500, "unable to find network with name or ID x: network not found", SAYS_GONE},
        {409, "removal of container ra-x is already in progress", SAYS_GOING},
        {409, "Cannot kill container: X: Container ab is not running", SAYS_STOPPED},
        {403, "endpoint with name x already exists in network ra-net", SAYS_MEMBER},
        {500, "container ab is already connected to network ra-net: network is already connected",
         SAYS_MEMBER},
        {500, "endpoint with name x is another's", 0},
        {500, "container ab is not connected to network ra-net", SAYS_STRANGER},
        {500, "container-init binary not found on the host: stat /usr/libexec/podman/catatonit",
         SAYS_NO_INIT},
        {0, "credentials not found in native keychain", SAYS_NO_CREDENTIALS},
        {0, "Status: Downloaded newer image for redis:7", SAYS_PULLED},
        {0, "received unexpected HTTP status: 503 Service Unavailable", 0},
        {0, "Up 2 seconds (healthy)", SAYS_HEALTHY},
        {0, "Up 2 minutes (unhealthy)", SAYS_UNHEALTHY},
        {0, "Up 1 second (health: starting)", SAYS_NOT_HEALTHY_YET},
        {0, "Up 1 second", 0},
        {0, "Apply failed with 1 conflict: conflict with \"kubectl\"", SAYS_FIELD_TAKEN},
        {0, "error: no rollout history found for deployment \"api\"", SAYS_NO_PAST},
        {0, "error: no last revision to roll back to", SAYS_NO_PAST},
        {500, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned saying = SAYS_VERSION; saying <= SAYS_NO_PAST; saying <<= 1)
            if (engine_says(saying, rows[i].status, rows[i].message) != (saying == rows[i].saying))
                fail_msg("%d %s: saying %u", rows[i].status, rows[i].message, saying);
    assert_true(engine_says(SAYS_GONE | SAYS_GOING, 409, "removal is already in progress"));
    assert_false(engine_says(0, 404, "No such container: x"));
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"{\"message\":\"no\"}\n", "no"}, {"{\"cause\":\"c\",\"message\":\"m\\nn\",\"response\":500}", "m n"},
        {"Not Found\r\n", "Not Found"},   {"", ""},
        {"{\"message\":5}", ""},          {"{\"message\":\"\\u001b[31mred\"}", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *message = engine_message(rows[i].body, strlen(rows[i].body));
        if (rows[i].message)
            assert_string_equal(message, rows[i].message);
        assert_null(strchr(message, '\033'));
    }
    cleanup_free char *huge = xcalloc(1, 100001);
    memset(huge, 'x', 100000);
    cleanup_free char *cut = engine_message(huge, 100000);
    assert_true(strlen(cut) <= 2048);
}

/* ---- references ---- */

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references(void **state)
{
    (void)state;
    static const struct {
        const char *text, *full;
    } rows[] = {
        {"redis", "docker.io/library/redis:latest"},
        {"redis:7.4", "docker.io/library/redis:7.4"},
        {"docker.io/redis", "docker.io/library/redis:latest"},
        {"index.docker.io/library/redis:7", "docker.io/library/redis:7"},
        {"valkey/valkey:9.1", "docker.io/valkey/valkey:9.1"},
        {"ghcr.io/microsoft/garnet:1.0", "ghcr.io/microsoft/garnet:1.0"},
        {"localhost/redis", "localhost/redis:latest"},
        {"localhost:5000/redis", "localhost:5000/redis:latest"},
        {"127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x"},
        {"[::1]:5000/a", "[::1]:5000/a:latest"},
        {"Host/a", "Host/a:latest"},
        {"a_b/c__d/e-f--g.h:V_1.2-x", "docker.io/a_b/c__d/e-f--g.h:V_1.2-x"},
        {"redis@sha256:" HEX64, "docker.io/library/redis@sha256:" HEX64},
        {"redis:7@sha256:" HEX64, "docker.io/library/redis:7@sha256:" HEX64},
        {"sha256:" HEX64, "sha256:" HEX64},
        {"", NULL},
        {"Redis", NULL},
        {"docker.io/Redis", NULL},
        {"redis:", NULL},
        {"redis:.x", NULL},
        {"redis:a b", NULL},
        {"red is", NULL},
        {"redis@sha256:12", NULL},
        {"redis@" HEX64, NULL},
        {"a//b", NULL},
        {"/a", NULL},
        {"a/", NULL},
        {"a..b", NULL},
        {"a___b", NULL},
        {"-a", NULL},
        {"a-", NULL},
        {"../etc", NULL},
        {"host:port/a", NULL},
        {"a\nb", NULL},
        {"r\xc3\xa9"
         "dis",
         NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct image_reference reference;
        struct error err = {0};
        int rc = image_reference_parse(rows[i].text, &reference, &err);
        if ((rc == 0) != (rows[i].full != NULL))
            print_error("%s: %s\n", rows[i].text, rc ? err.text : "accepted");
        assert_int_equal(rc, rows[i].full ? 0 : -1);
        if (rc == 0) {
            cleanup_free char *full = image_reference_text(&reference, NULL, false);
            assert_string_equal(full, rows[i].full);
        } else {
            assert_int_equal(err.code, ERROR_MANIFEST);
        }
        error_clear(&err);
        image_reference_free(&reference);
    }
}

static void test_long_references(void **state)
{
    (void)state;
    char text[400];
    struct image_reference reference;
    struct error err = {0};
    memset(text, 'a', sizeof text);
    text[255 - strlen("docker.io/library/")] = '\0';
    assert_int_equal(image_reference_parse(text, &reference, &err), 0);
    image_reference_free(&reference);
    memset(text, 'a', sizeof text);
    text[256 - strlen("docker.io/library/")] = '\0';
    assert_int_equal(image_reference_parse(text, &reference, &err), -1);
    error_clear(&err);
    memset(text, 'a', sizeof text);
    text[1] = ':';
    text[2 + 128] = '\0';
    assert_int_equal(image_reference_parse(text, &reference, &err), 0);
    image_reference_free(&reference);
    text[2 + 128] = 'a';
    text[2 + 129] = '\0';
    assert_int_equal(image_reference_parse(text, &reference, &err), -1);
    error_clear(&err);
}

static void test_mirrors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *prefix;
        bool strip;
        const char *full;
    } rows[] = {
        {"redis:7", "mirror.local/hub", false, "mirror.local/hub/library/redis:7"},
        {"redis:7", "mirror.local/hub/", false, "mirror.local/hub/library/redis:7"},
        {"redis:7", "mirror.local/hub/", true, "mirror.local/hub/redis:7"},
        {"valkey/valkey:9", "mirror.local", true, "mirror.local/valkey/valkey:9"},
        {"ghcr.io/a/b:1", "mirror.local", false, "ghcr.io/a/b:1"},
        {"redis:7", "", false, "docker.io/library/redis:7"},
        {"sha256:" HEX64, "mirror.local", false, "sha256:" HEX64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct image_reference reference;
        assert_int_equal(image_reference_parse(rows[i].text, &reference, NULL), 0);
        cleanup_free char *full = image_reference_text(&reference, rows[i].prefix, rows[i].strip);
        assert_string_equal(full, rows[i].full);
        image_reference_free(&reference);
    }
}

/* ---- pulls ---- */

static void test_progress(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t current, total;
        bool done;
    } rows[] = {
        {"{\"status\":\"Pulling from ok\",\"id\":\"1\"}", 0, 0, false},
        {"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"a\"}", 0, 0, false},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},\"id\":\"a\"}", 10,
         100, false},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":50},\"id\":\"b\"}", 11, 150,
         false},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":30,\"total\":100},\"id\":\"a\"}", 31,
         150, false},
        {"{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"c\"}", 31, 150, false},
        {"{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"a\"}", 101, 150, false},
        {"{\"status\":\"Extracting\",\"progressDetail\":{\"current\":5,\"total\":100},\"id\":\"a\"}", 101,
         150, false},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":-5,\"total\":-1},\"id\":\"b\"}", 101,
         150, false},
        {"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":60},\"id\":\"d\"}", 161, 210, false},
        {"{\"status\":\"Retrying in 5 seconds\",\"id\":\"b\"}", 161, 210, false},
        {"{\"status\":\"Digest: sha256:x\"}", 161, 210, false},
        {"{\"status\":\"Status: Image is up to date for x\"}", 161, 210, true},
    };
    struct pull_progress *progress = engine_pull_progress_new();
    struct pull_state pull;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(engine_pull_progress_line(progress, rows[i].line, strlen(rows[i].line), &pull));
        assert_true(pull.current == rows[i].current);
        assert_true(pull.total == rows[i].total);
        assert_int_equal(pull.done, rows[i].done);
        assert_null(pull.error);
    }
    static const char failed[] = "{\"errorDetail\":{\"message\":\"new\"},\"error\":\"old\"}",
                      old[] = "{\"error\":\"old\"}";
    assert_true(engine_pull_progress_line(progress, failed, strlen(failed), &pull));
    assert_string_equal(pull.error, "new");
    assert_true(engine_pull_progress_line(progress, old, strlen(old), &pull));
    assert_string_equal(pull.error, "old");
    assert_false(engine_pull_progress_line(progress, "[1]", 3, &pull));
    assert_false(engine_pull_progress_line(progress, "{", 1, &pull));
    engine_pull_progress_free(progress);
}

static void test_many_layers(void **state)
{
    (void)state;
    struct pull_progress *progress = engine_pull_progress_new();
    struct pull_state pull = {0};
    for (int i = 0; i < 3000; i++) {
        char line[128];
        int n = snprintf(
            line, sizeof line,
            "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"%d\"}", i);
        assert_true(engine_pull_progress_line(progress, line, (size_t)n, &pull));
    }
    assert_int_equal(pull.total, 2048); /* the limit: 1024 layers */
    engine_pull_progress_free(progress);
}

/* ---- lines ---- */

static bool on_line(char *line, size_t length, void *data)
{
    struct strbuf *seen = data;
    assert_int_equal(strlen(line), length);
    strbuf_addf(seen, "<%s>", line);
    return strcmp(line, "stop") != 0;
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] = "one\r\n\ntwo\nthree";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct strbuf rest = {.limit = 100}, seen = {0};
        for (size_t i = 0; i < sizeof text - 1; i += piece) {
            size_t n = sizeof text - 1 - i < piece ? sizeof text - 1 - i : piece;
            assert_int_equal(engine_lines_feed(&rest, text + i, n, on_line, &seen), 0);
        }
        assert_string_equal(strbuf_text(&seen), "<one><two>");
        assert_string_equal(strbuf_text(&rest), "three");
        strbuf_free(&rest);
        strbuf_free(&seen);
    }
    struct strbuf rest = {.limit = 16}, seen = {0};
    assert_int_equal(engine_lines_feed(&rest, "stop\nmore\n", 10, on_line, &seen), 0);
    assert_string_equal(strbuf_text(&seen), "<stop>");
    assert_int_equal(engine_lines_feed(&rest, "0123456789", 10, on_line, &seen), 0);
    assert_int_equal(engine_lines_feed(&rest, "0123456789", 10, on_line, &seen), -1);
    strbuf_free(&rest);
    strbuf_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classify),    cmocka_unit_test(test_details),
        cmocka_unit_test(test_sayings),     cmocka_unit_test(test_messages),
        cmocka_unit_test(test_references),  cmocka_unit_test(test_long_references),
        cmocka_unit_test(test_mirrors),     cmocka_unit_test(test_progress),
        cmocka_unit_test(test_many_layers), cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
