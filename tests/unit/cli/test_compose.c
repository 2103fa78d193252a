/* `init --from`: compose files become manifests that our own checks accept; hostile ones become errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/compose.h"

static int convert(const char *text, struct strbuf *out, struct strbuf *notes, struct error *err)
{
    char path[] = "/tmp/compose.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int failed = compose_convert(path, out, notes, err);
    unlink(path);
    return failed;
}

static void test_servers_containers_and_the_rest(void **state)
{
    (void)state;
    struct strbuf out = {0}, notes = {0};
    assert_int_equal(convert("services:\n"
                             "  my_cache:\n    image: redis:7\n    ports: ['127.0.0.1:6380:6379/tcp']\n    "
                             "volumes: [d:/data]\n"
                             "  fast: {image: docker.io/valkey/valkey}\n"
                             "  web:\n    image: \"nginx:1\"\n    ports: ['8080:80', '90']\n    "
                             "depends_on:\n      my_cache: {}\n"
                             "  api: {build: .}\n",
                             &out, &notes, NULL),
                     0);
    assert_string_equal(strbuf_text(&out),
                        "resources:\n"
                        "  my-cache:\n    type: redis\n    image: \"redis:7\"\n    host_port: 6380\n"
                        "  fast:\n    type: valkey\n    image: \"docker.io/valkey/valkey\"\n"
                        "  web:\n    type: container\n    image: \"nginx:1\"\n    endpoints:\n"
                        "      port-80: {target_port: 80, host_port: 8080}\n"
                        "      port-90: {target_port: 90}\n"
                        "    wait_for: [my-cache]\n");
    assert_non_null(strstr(strbuf_text(&notes), "my-cache: volumes is not taken over; data_volume"));
    assert_non_null(strstr(strbuf_text(&notes), "api has no image"));
    strbuf_free(&out);
    strbuf_free(&notes);
}

static void expect_failure(const char *text, const char *said)
{
    struct strbuf out = {0}, notes = {0};
    struct error error = {0};
    assert_int_equal(convert(text, &out, &notes, &error), -1);
    if (!strstr(error.text, said))
        fail_msg("\"%s\" lacks \"%s\"", error.text, said);
    error_clear(&error);
    strbuf_free(&out);
    strbuf_free(&notes);
}

static void test_hostile_files(void **state)
{
    (void)state;
    expect_failure("a: [", "YAML");
    expect_failure("services: text", "no services");
    expect_failure("", "no services");
    expect_failure("? [x]\n: y\n", "key");
    char deep[200];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    expect_failure(deep, "too deep");
    struct strbuf out = {0}, notes = {0};
    assert_int_equal(convert("services: &a {x: *a}", &out, &notes, NULL), 0);
    strbuf_free(&out);
    strbuf_free(&notes);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"my_cache", "my-cache"},
                                           {"9lives", "lives"},
                                           {"--a--b--", "a-b"},
                                           {"\303\251t\303\251", "t"},
                                           {"", "app"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = compose_name(names[i][0]);
        assert_string_equal(name, names[i][1]);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_containers_and_the_rest),
        cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
