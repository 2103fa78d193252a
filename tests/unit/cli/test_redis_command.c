/* `redis` as a whole command: which of its ways exclude each other, and --failover between servers of a
 * topology. The server is a process of the test's that writes down what it is told. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct stage *stage;
    pid_t server;
    int port;
    char *environment, *view, *later; /* answers of the supervisor, which borrows them */
};

/* ---- the server ---- */

/* One command as words with a blank between. False: the connection is over. */
static bool read_command(FILE *from, char out[512])
{
    char line[256];
    *out = '\0';
    if (!fgets(line, sizeof line, from))
        return false;
    for (int left = atoi(line + 1); left > 0; left--) {
        if (!fgets(line, sizeof line, from) || !fgets(line, sizeof line, from))
            return false;
        line[strcspn(line, "\r")] = '\0';
        snprintf(out + strlen(out), 512 - strlen(out), "%s%s", *out ? " " : "", line);
    }
    return true;
}

/* As a node of a cluster sends on, here to itself: the first time, or always. */
static bool sends_on(int to, const char *command, int port)
{
    static bool has_moved, has_asked;
    if (strcmp(command, "GET moved") == 0 && !has_moved)
        return has_moved = dprintf(to, "-MOVED 7 :%d\r\n", port) > 0;
    if (strcmp(command, "GET asked") == 0 && !has_asked)
        return has_asked = dprintf(to, "-ASK 7 127.0.0.1:%d\r\n", port) > 0;
    if (strcmp(command, "GET round") == 0)
        return dprintf(to, "-MOVED 7 127.0.0.1:%d\r\n", port) > 0;
    return strcmp(command, "GET nowhere") == 0 && dprintf(to, "-MOVED 7 ?:%d\r\n", port) > 0;
}

static void answer(int to, const char *command, const char *refusal)
{
    if (strstr(command, "FAILOVER") && refusal)
        dprintf(to, "-%s\r\n", refusal);
    else if (strcmp(command, "SENTINEL MASTERS") == 0)
        dprintf(to, "*1\r\n*2\r\n$4\r\nname\r\n$4\r\nmain\r\n");
    else
        dprintf(to, "+OK\r\n");
}

static _Noreturn void serve(int listener, int port, const char *refusal)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    FILE *notes = fopen("told", "a");
    for (;;) {
        char command[512];
        int to = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        FILE *from = to >= 0 ? fdopen(to, "r") : NULL;
        if (!from || !notes)
            _exit(1);
        while (read_command(from, command)) {
            fprintf(notes, "%s\n", command);
            fflush(notes);
            if (!sends_on(to, command, port))
                answer(to, command, refusal);
        }
        fclose(from);
    }
}

static int start_server(struct world *world, const char *refusal)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fflush(stdout);
    world->server = fork();
    if (world->server == 0)
        serve(listener, ntohs(address.sin_port), refusal);
    close(listener);
    return ntohs(address.sin_port);
}

/* ---- the project ---- */

struct shown {
    const char *name, *role;
};

/* What the supervisor shows of `cache`: these nodes, all of them at this port. */
static char *view_of(const char *kind, const struct shown *nodes, int port)
{
    static const char node[] =
        "%s{\"name\":\"%s\",\"replicaOf\":\"cache\",\"kind\":\"redis\",\"node\":\"process:%s\","
        "\"state\":\"ready\",\"topology\":\"%s\",\"role\":\"%s\",\"wanted\":true,\"lifetime\":\"session\","
        "\"restarts\":0,\"timings\":{},\"ports\":[],\"host\":\"127.0.0.1\",\"port\":%d}";
    struct strbuf view = {0};
    strbuf_adds(&view,
                ",\"data\":{\"project\":\"shop\",\"hash\":\"0123abcd\",\"engine\":{\"connected\":false,"
                "\"state\":\"waiting\"},\"resources\":[");
    for (size_t i = 0; nodes[i].name; i++)
        strbuf_addf(&view, node, i ? "," : "", nodes[i].name, nodes[i].name, kind, nodes[i].role, port);
    strbuf_adds(&view, "],\"others\":[]}");
    return strbuf_take(&view);
}

static void show(struct world *world, const char *kind, const struct shown *nodes, const char *refusal)
{
    int port = world->port = start_server(world, refusal);
    world->view = view_of(kind, nodes, port);
    world->environment = xasprintf(",\"data\":{\"CACHE_HOST\":{\"value\":\"127.0.0.1\"},"
                                   "\"CACHE_PORT\":{\"value\":\"%d\"}}",
                                   port);
    stage_answer(world->stage, "view", NULL, world->view);
    stage_answer(world->stage, "env", NULL, world->environment);
}

static void be_topology(struct world *world, const char *kind, const char *refusal)
{
    show(world, kind, (const struct shown[]){{"cache-1", "primary"}, {"cache-2", "replica of cache-1"}, {0}},
         refusal);
}

/* The table says a moment later that the other one is primary. */
static void hand_over(struct world *world, const char *kind)
{
    static const struct shown nodes[] = {{"cache-1", "replica of cache-2"}, {"cache-2", "primary"}, {0}};
    enum { LATER = 10 };
    world->later = view_of(kind, nodes, world->port);
    stage_answer_from(world->stage, LATER, "view", world->later);
}

/* At the moment after: the sentinels have chosen another than the one that follows the former primary. */
static void be_watched(struct world *world, const char *refusal)
{
    static const struct shown nodes[] = {{"cache-1", ""},
                                         {"cache-2", "primary"},
                                         {"cache-3", "replica of cache-1"},
                                         {"cache-sentinel-1", "sentinel"},
                                         {0}};
    show(world, "sentinel", nodes, refusal);
}

static int open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    void *stage = NULL;
    *state = world;
    int rc = stage_open(&stage);
    world->stage = stage;
    return rc;
}

static int close_world(void **state)
{
    struct world *world = *state;
    void *stage = world->stage;
    if (world->server > 0) {
        kill(world->server, SIGKILL);
        waitpid(world->server, NULL, 0);
    }
    int rc = stage_close(&stage);
    free(world->environment);
    free(world->view);
    free(world->later);
    free(world);
    return rc;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

static void server_was_told(const char *wanted)
{
    cleanup_free char *told = file_read("told", 1 << 16, NULL, NULL);
    if (!told || !strstr(told, wanted))
        fail_msg("wanted \"%s\" in:\n%s", wanted, told ? told : "");
}

/* ---- ways ---- */

static void ways_exclude_each_other(void **state)
{
    static const struct {
        const char *words[6], *wanted;
    } rows[] = {
        {{"redis"}, "redis wants RES"},
        {{"redis", "cache", "--pipe", "--flush"}, "--pipe and --flush do not go together"},
        {{"redis", "cache", "--flush", "--snapshot", "a"}, "--flush and --snapshot do not go together"},
        {{"redis", "cache", "--seed", "f", "--failover"}, "--seed and --failover do not go together"},
        {{"redis", "cache", "--failover", "PING"}, "--failover takes no command"},
        {{"redis", "cache", "--flush", "--", "PING"}, "--flush takes no command"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage_runs(world->stage, 2, rows[i].words);
        stage_says(world->stage, rows[i].wanted);
        assert_int_equal(stage_asked(world->stage), 0);
    }
}

static void only_servers_are_talked_to(void **state)
{
    struct world *world = *state;
    stage_runs(world->stage, 2, WORDS("redis", "api", "PING"));
    stage_says(world->stage, "api is no Redis server: it is of type process");
    stage_runs(world->stage, 10, WORDS("redis", "cach", "PING"));
    stage_says(world->stage, "cache");
    stage_runs(world->stage, 0, WORDS("redis", "cache", "--snapshots"));
    stage_says(world->stage, "cache has no snapshots");
    stage_end(world->stage);
    stage_runs(world->stage, 10, WORDS("redis", "cache", "PING"));
    stage_says(world->stage, "apphost up -d starts it");
}

static void a_command_goes_to_the_server(void **state)
{
    struct world *world = *state;
    be_topology(world, "replication", NULL);
    stage_runs(world->stage, 0, WORDS("redis", "cache", "SET", "greeting", "hello there"));
    assert_string_equal(strbuf_text(&world->stage->out), "OK\n");
    server_was_told("SET greeting hello there\n");
    stage_runs(world->stage, 0, WORDS("redis", "cache", "-o", "json", "--", "PING"));
    assert_string_equal(strbuf_text(&world->stage->out), "\"OK\"\n");
}

/* ---- redirections ---- */

static void a_cluster_that_sends_on_is_followed(void **state)
{
    struct world *world = *state;
    be_topology(world, "cluster", NULL);
    stage_runs(world->stage, 0, WORDS("redis", "cache", "GET", "moved"));
    assert_string_equal(strbuf_text(&world->stage->out), "OK\n");
    stage_runs(world->stage, 0, WORDS("redis", "cache", "GET", "asked"));
    server_was_told("GET moved\nGET moved\nGET asked\nASKING\nGET asked\n");
}

/* Round and round, to nobody, away from a node that was meant: the server's word is the answer. */
static void what_is_not_followed_is_said(void **state)
{
    static const struct {
        const char *words[5], *wanted;
    } rows[] = {
        {{"redis", "cache", "GET", "round"}, "MOVED 7 127.0.0.1:"},
        {{"redis", "cache", "GET", "nowhere"}, "MOVED 7 ?:"},
        {{"redis", "cache-1", "GET", "moved"}, "it is followed where the cluster is asked by its name"},
    };
    struct world *world = *state;
    be_topology(world, "cluster", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage_runs(world->stage, 1, rows[i].words);
        stage_says(world->stage, rows[i].wanted);
    }
}

/* ---- failover ---- */

static void who_is_alone_has_nobody_to_take_over(void **state)
{
    struct world *world = *state;
    stage_answer(world->stage, "env", NULL,
                 ",\"data\":{\"CACHE_HOST\":{\"value\":\"127.0.0.1\"},\"CACHE_PORT\":{\"value\":\"1\"}}");
    stage_runs(world->stage, 2, WORDS("redis", "cache", "--failover"));
    stage_says(world->stage, "nobody replicates cache");
    stage_says(world->stage,
               "`replication`, `sentinel` and `cluster` with replicas have somebody who can take over");
}

/* The primary is told to whom; it is over when the table says that the other one is primary. */
static void a_replication_is_handed_over_by_its_primary(void **state)
{
    struct world *world = *state;
    be_topology(world, "replication", NULL);
    hand_over(world, "replication");
    stage_runs(world->stage, 0, WORDS("redis", "cache", "--failover"));
    stage_says(world->stage, "cache-2 is primary now, in place of cache-1");
    server_was_told("FAILOVER TO 127.0.0.1 ");
    server_was_told(" TIMEOUT 10000\n");
}

static void a_cluster_is_taken_over_by_the_replica(void **state)
{
    struct world *world = *state;
    be_topology(world, "cluster", NULL);
    hand_over(world, "cluster");
    stage_runs(world->stage, 0, WORDS("redis", "cache-2", "--failover", "-o", "json"));
    cleanup_json cJSON *json = json_parse(strbuf_text(&world->stage->out), world->stage->out.length, NULL);
    assert_string_equal(json_string(json, "action", ""), "failover");
    assert_string_equal(json_string(json, "primary", ""), "cache-2");
    assert_string_equal(json_string(json, "former", ""), "cache-1");
    server_was_told("CLUSTER FAILOVER\n");
}

static void a_servers_refusal_is_told_in_its_words(void **state)
{
    struct world *world = *state;
    be_topology(world, "replication", "ERR FAILOVER target HOST and PORT is not a replica.");
    stage_runs(world->stage, 1, WORDS("redis", "cache", "--failover"));
    stage_says(world->stage, "FAILOVER target HOST and PORT is not a replica.");
    cleanup_free char *told = file_read("told", 1 << 16, NULL, NULL);
    assert_null(strstr(told, "ROLE"));
}

/* They choose: they are asked by the name that they have for it, and who is primary then is what is seen. */
static void sentinels_are_asked_for_one(void **state)
{
    struct world *world = *state;
    be_watched(world, NULL);
    stage_runs(world->stage, 0, WORDS("redis", "cache-1", "--failover"));
    stage_says(world->stage, "cache-2 is primary now, in place of cache-1");
    server_was_told("SENTINEL MASTERS\nSENTINEL FAILOVER main\n");
}

static void nobody_tells_sentinels_whom_to_choose(void **state)
{
    struct world *world = *state;
    be_watched(world, "NOGOODSLAVE No suitable replica to promote");
    stage_runs(world->stage, 2, WORDS("redis", "cache-3", "--failover"));
    stage_says(world->stage, "who takes over is chosen by the sentinels of cache");
    stage_says(world->stage, "apphost redis cache --failover");
    stage_runs(world->stage, 1, WORDS("redis", "cache-1", "--failover"));
    stage_says(world->stage, "NOGOODSLAVE No suitable replica to promote");
}

/* ---- partitions ---- */

static void who_is_no_container_cannot_be_cut_off(void **state)
{
    struct world *world = *state;
    be_topology(world, "replication", NULL);
    stage_runs(world->stage, 2, WORDS("redis", "cache", "--partition", "cache-2"));
    stage_says(world->stage, "cache-2 is a process of this machine: there is no network to cut it off from");
    stage_runs(world->stage, 2, WORDS("redis", "cache", "--partition", "cache"));
    stage_says(world->stage, "cache is no node of cache");
}

static void who_is_healed_has_a_role_again(void **state)
{
    struct world *world = *state;
    be_topology(world, "replication", NULL);
    stage_answer(world->stage, "heal", NULL, "");
    stage_runs(world->stage, 0, WORDS("redis", "cache", "--heal"));
    stage_says(world->stage, "cache is whole again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ways_exclude_each_other),
        TEST(only_servers_are_talked_to),
        TEST(a_command_goes_to_the_server),
        TEST(a_cluster_that_sends_on_is_followed),
        TEST(what_is_not_followed_is_said),
        TEST(who_is_alone_has_nobody_to_take_over),
        TEST(a_replication_is_handed_over_by_its_primary),
        TEST(a_cluster_is_taken_over_by_the_replica),
        TEST(a_servers_refusal_is_told_in_its_words),
        TEST(sentinels_are_asked_for_one),
        TEST(nobody_tells_sentinels_whom_to_choose),
        TEST(who_is_no_container_cannot_be_cut_off),
        TEST(who_is_healed_has_a_role_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
