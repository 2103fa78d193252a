/* Where published ports are: what the engine says about our own container, and who serves a socket. */
#include "base/file.h"
#include "engine/internal.h"
#include "loop/testing.h"
#include "script.h"
#include "world.h"

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

/* ---- in a container of the engine ---- */

static const struct {
    const char *document;
    const char *host;   /* NULL: nowhere */
    const char *shares; /* the container that has the network */
    bool apart;
    const char *how;
} containers[] = {
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"default\"},\"NetworkSettings\":{\"Networks\":"
     "{\"bridge\":{\"Gateway\":\"172.17.0.1\",\"IPAddress\":\"172.17.0.9\"}}}}",
     "172.17.0.1", NULL, true, "network bridge"},
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"own\"},\"NetworkSettings\":{\"Networks\":"
     "{\"inner\":{\"Gateway\":\"\"},\"own\":{\"Gateway\":\"172.18.0.1\"}}}}",
     "172.18.0.1", NULL, true, "network own"},
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"a\"},\"NetworkSettings\":{\"Networks\":"
     "{\"a\":{\"Gateway\":\"172.18.0.1\"},\"bridge\":{\"Gateway\":\"172.17.0.1\"}}}}",
     "172.17.0.1", NULL, true, "network bridge"},
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"host\"},\"NetworkSettings\":{\"Networks\":"
     "{\"host\":{\"Gateway\":\"\"}}}}",
     "127.0.0.1", NULL, false, "the host's network"},
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"none\"},\"NetworkSettings\":{\"Networks\":"
     "{\"none\":{\"Gateway\":\"\"}}}}",
     NULL, NULL, false, "no network with a gateway"},
    {"{\"Name\":\"/dev\",\"HostConfig\":{\"NetworkMode\":\"container:abc\"},\"NetworkSettings\":{}}", NULL,
     "abc", false, NULL},
    {"{\"HostConfig\":{},\"NetworkSettings\":{\"Networks\":{\"x\":{\"Gateway\":\"no address\"}}}}", NULL,
     NULL, false, "no network with a gateway"},
};

static void in_a_container(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        struct engine_where where = {0};
        const char *shares;
        cleanup_json cJSON *document =
            json_parse(containers[i].document, strlen(containers[i].document), NULL);
        bool settled = engine_where_in_container(document, &where, &shares);
        assert_int_equal(settled, containers[i].shares == NULL);
        assert_true(str_eq(shares, containers[i].shares));
        assert_int_equal(where.count, containers[i].host ? 1 : 0);
        assert_int_equal(where.apart, containers[i].apart);
        if (containers[i].host)
            assert_string_equal(where.places[0].host, containers[i].host);
        if (containers[i].apart)
            assert_string_equal(where.places[0].bind, containers[i].host);
        if (i == 0)
            assert_string_equal(where.self, "172.17.0.9");
        if (containers[i].how)
            assert_non_null(strstr(where.how, containers[i].how));
    }
}

/* ---- from the address ---- */

static struct engine_where found;
static int answers;

static void on_where(const struct engine_result *result, const struct error *err, void *data)
{
    (void)data;
    assert_null(err);
    found = *result->where;
    answers++;
}

/* Opens over the script, as if at this address, and asks. */
static void find(const char *host, const char *unix_path, const char *published, const char *override)
{
    const struct engine_address address = {.host = (char *)host,
                                           .origin = (char *)"DOCKER_HOST",
                                           .unix_path = (char *)unix_path,
                                           .published_host = (char *)published,
                                           .override = (char *) override};
    static char *no_environment[] = {NULL};
    struct world world = {0};
    script_reset();
    answers = 0;
    world_open_over(&world, script_open, no_environment);
    engine_address_copy(&world.engine->address, &address);
    engine_find_where(world.engine, on_where, NULL);
    assert_int_equal(answers, 0); /* never before it returned */
    while (!answers && loop_run_once(&world.loop))
        continue;
    assert_int_equal(answers, 1);
    world_close(&world);
}

static void from_the_address(void **state)
{
    (void)state;
    find("tcp://h:2376", NULL, "h", NULL);
    assert_string_equal(found.places[0].host, "h");
    assert_non_null(strstr(found.how, "tcp://h:2376"));
    find(NULL, NULL, NULL, NULL);
    assert_string_equal(found.places[0].host, "127.0.0.1");
    assert_int_equal(found.count, 1);
}

static void the_user_overrides(void **state)
{
    (void)state;
    find("tcp://h:1", NULL, "h", "x");
    assert_string_equal(found.places[0].host, "x");
    assert_string_equal(found.places[0].bind, "127.0.0.1");
    find("unix:///none", "/none", NULL, "10.9.8.7");
    assert_string_equal(found.places[0].host, "10.9.8.7");
    assert_string_equal(found.places[0].bind, "10.9.8.7");
    assert_non_null(strstr(found.how, "APPHOST_PUBLISHED_HOST"));
}

/* A socket that this very process serves is beside us, whatever files lie around. */
static void beside_us(void **state)
{
    (void)state;
    char folder[] = "/tmp/apphost-where-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *path = path_join(folder, "engine.sock");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    find("unix", path, NULL, NULL);
    close(fd);
    cleanup_free char *expected = xasprintf("process %ld beside us", (long)getpid());
    assert_int_equal(found.count, 1);
    assert_string_equal(found.places[0].host, "127.0.0.1");
    assert_string_equal(found.places[0].bind, "127.0.0.1");
    assert_non_null(strstr(found.how, expected));
    assert_int_equal(file_remove_tree(folder, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_container),
        cmocka_unit_test(from_the_address),
        cmocka_unit_test(the_user_overrides),
        cmocka_unit_test(beside_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
