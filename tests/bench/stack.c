/* The floor for two servers with Commander and Insight's stand-in on one network: the same work as raw calls.
 *
 *     stack ENGINE REDIS COMMANDER INSIGHT up together   everything at once
 *     stack ENGINE REDIS COMMANDER INSIGHT up after      the sidecars when both servers answer
 *     stack ENGINE REDIS COMMANDER INSIGHT down          kills and removes everything
 *
 * One network; then each container is created on it under its name, started and inspected by a thread with a
 * connection of its own. Done is when both servers answer PING on their published ports and both sidecars
 * answer their health paths with 200. Prints the milliseconds from the first call to the last answer. */
#include "call.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVER "\"Cmd\":[\"redis-server\",\"--save\",\"\",\"--protected-mode\",\"no\"]"
#define LINK(name)                                                                                           \
    "{\"label\":\"" name "\",\"host\":\"" name "\",\"port\":\"6379\",\"dbIndex\":0,\"password\":\"\"}"
#define CONNECTIONS "NODE_CONFIG={\"connections\":[" LINK("one") "," LINK("two") "]}"

struct part {
    const char *name, *port, *path; /* path: NULL for a server */
    const char *settings;           /* of the create body, JSON */
    const char *image;
};

struct job {
    const char *engine;
    struct part *part;
    atomic_int *failed;
};

static struct part parts[] = {
    {"one", "6379/tcp", NULL, SERVER, NULL},
    {"two", "6379/tcp", NULL, SERVER, NULL},
    {"rediscommander", "8081/tcp", "/apiv2/server/info", NULL, NULL},
    {"redisinsight", "5540/tcp", "/api/health/",
     "\"Env\":[\"RI_REDIS_HOST1=one\",\"RI_REDIS_PORT1=6379\",\"RI_REDIS_HOST2=two\",\"RI_REDIS_PORT2="
     "6379\"]",
     NULL},
};
enum { PARTS = sizeof parts / sizeof *parts };

static int is_healthy(int port, const char *path)
{
    char url[128];
    long status = 0;
    struct answer answer = {0};
    CURL *curl = curl_easy_init();

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 2000L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    free(answer.text);
    return status == 200;
}

static int create_body(char *body, size_t size, const struct part *part)
{
    char *settings = strdup(part->settings ? part->settings : "");
    if (!part->settings) { /* Commander's environment is JSON inside JSON */
        cJSON *text = cJSON_CreateString(CONNECTIONS);
        char *quoted = cJSON_PrintUnformatted(text);
        free(settings);
        settings = NULL;
        if (asprintf(&settings, "\"Env\":[%s]", quoted) < 0)
            return -1;
        free(quoted);
        cJSON_Delete(text);
    }
    snprintf(body, size,
             "{\"Image\":\"%s\",%s,\"Labels\":{\"io.apphost.floor\":\"%s\"},\"ExposedPorts\":{\"%s\":{}},"
             "\"HostConfig\":{\"Init\":true,\"NetworkMode\":\"%s\",\"PortBindings\":{\"%s\":[{\"HostIp\":"
             "\"127.0.0.1\"}]}},"
             "\"NetworkingConfig\":{\"EndpointsConfig\":{\"%s\":{\"Aliases\":[\"%s\"]}}}}",
             part->image, settings, prefix(), part->port, prefix(), part->port, prefix(), part->name);
    free(settings);
    return 0;
}

static int up_one(const struct job *job, CURL *curl)
{
    const struct part *part = job->part;
    char path[128], body[4096];
    cJSON *inspect = NULL;
    int port = 0;

    snprintf(path, sizeof(path), "POST /containers/create?name=%s-%s", prefix(), part->name);
    if (create_body(body, sizeof(body), part) < 0 || call(job->engine, curl, path, body, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "POST /containers/%s-%s/start", prefix(), part->name);
    if (call(job->engine, curl, path, NULL, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "GET /containers/%s-%s/json", prefix(), part->name);
    if (call(job->engine, curl, path, NULL, &inspect) > 0)
        port = published_port(inspect, part->port);
    cJSON_Delete(inspect);
    for (int tries = 0; port && tries < 60000; tries++) {
        if (part->path ? is_healthy(port, part->path) : ping(port))
            return 0;
        usleep(part->path ? 10000 : 1000);
    }
    fprintf(stderr, "stack: %s never answered\n", part->name);
    return -1;
}

static int down_one(const struct job *job, CURL *curl)
{
    char path[128];

    snprintf(path, sizeof(path), "DELETE /containers/%s-%s?force=1&v=1", prefix(), job->part->name);
    return call(job->engine, curl, path, NULL, NULL) < 0 ? -1 : 0;
}

static void *work(void *data, int (*each)(const struct job *job, CURL *curl))
{
    struct job *job = data;
    CURL *curl = curl_easy_init();

    if (each(job, curl) < 0)
        atomic_store(job->failed, 1);
    curl_easy_cleanup(curl);
    return NULL;
}

static void *work_up(void *data)
{
    return work(data, up_one);
}

static void *work_down(void *data)
{
    return work(data, down_one);
}

/* parts[from] to parts[to - 1], each in a thread. */
static void all(const char *engine, int from, int to, void *(*what)(void *data), atomic_int *failed)
{
    pthread_t threads[PARTS];
    struct job jobs[PARTS];

    for (int i = from; i < to; i++) {
        jobs[i] = (struct job){engine, &parts[i], failed};
        pthread_create(&threads[i], NULL, what, &jobs[i]);
    }
    for (int i = from; i < to; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    atomic_int failed = 0;
    const char *engine = argv[1];
    CURL *curl;
    char text[256];
    double start;

    if (argc < 6) {
        fprintf(stderr, "usage: stack ENGINE REDIS COMMANDER INSIGHT up together|after, or down\n");
        return 2;
    }
    parts[0].image = parts[1].image = argv[2];
    parts[2].image = argv[3];
    parts[3].image = argv[4];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    start = now_ms();
    if (strcmp(argv[5], "down") == 0) {
        all(engine, 0, PARTS, work_down, &failed);
        snprintf(text, sizeof(text), "DELETE /networks/%s", prefix());
        if (call(engine, curl, text, NULL, NULL) < 0)
            failed = 1;
    } else {
        int first = argc > 6 && strcmp(argv[6], "after") == 0 ? 2 : PARTS;
        snprintf(text, sizeof(text),
                 "{\"Name\":\"%s\",\"CheckDuplicate\":true,\"Labels\":{\"io.apphost.floor\":\"%s\"}}",
                 prefix(), prefix());
        if (call(engine, curl, "POST /networks/create", text, NULL) < 0)
            return 1;
        all(engine, 0, first, work_up, &failed);
        all(engine, first, PARTS, work_up, &failed);
    }
    printf("%.1f\n", now_ms() - start);
    curl_easy_cleanup(curl);
    return failed;
}
