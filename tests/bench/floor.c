/* The floor that the program is measured against: the same work as raw calls on kept-alive connections, and
 * nothing else.
 *
 *     floor ENGINE IMAGE up COUNT PARALLEL     creates, starts, inspects COUNT servers, PINGs each until PONG
 *     floor ENGINE IMAGE down COUNT PARALLEL   kills and removes them, in one call each
 *     floor ENGINE IMAGE noop                  one list call, one PING to a server that runs (after `up 1 1`)
 *
 * ENGINE is unix:///path or tcp://host:port. PARALLEL threads take servers from a common counter, each thread
 * with one connection of its own. Prints the milliseconds between the first call and the last answer;
 * starting this program and preparing its connections is not counted. Servers are called $APPHOST_FLOOR-N
 * (apphost-floor-N) and carry the label io.apphost.floor. Exit code 1 with a message when a call fails: a
 * floor that did not do the work would be too low. */
#include "call.h"

#include <pthread.h>
#include <stdatomic.h>

struct job {
    const char *engine, *image;
    int (*each)(const struct job *job, CURL *curl, int index);
    int count;
    atomic_int next, failed;
};

static int up_one(const struct job *job, CURL *curl, int index)
{
    char path[128], body[1024];
    cJSON *inspect = NULL;
    int port = 0;

    snprintf(body, sizeof(body),
             "{\"Image\":\"%s\",\"Cmd\":[\"redis-server\",\"--save\",\"\",\"--protected-mode\",\"no\"],"
             "\"Labels\":{\"io.apphost.floor\":\"%s\"},\"ExposedPorts\":{\"6379/tcp\":{}},"
             "\"HostConfig\":{\"Init\":true,\"PortBindings\":{\"6379/tcp\":[{\"HostIp\":\"127.0.0.1\"}]}}}",
             job->image, prefix());
    snprintf(path, sizeof(path), "POST /containers/create?name=%s-%d", prefix(), index);
    if (call(job->engine, curl, path, body, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "POST /containers/%s-%d/start", prefix(), index);
    if (call(job->engine, curl, path, NULL, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "GET /containers/%s-%d/json", prefix(), index);
    if (call(job->engine, curl, path, NULL, &inspect) > 0)
        port = published_port(inspect, "6379/tcp");
    cJSON_Delete(inspect);
    for (int tries = 0; port && tries < 5000; tries++) {
        if (ping(port))
            return 0;
        usleep(1000);
    }
    fprintf(stderr, "floor: server %d never answered\n", index);
    return -1;
}

static int down_one(const struct job *job, CURL *curl, int index)
{
    char path[128];

    snprintf(path, sizeof(path), "DELETE /containers/%s-%d?force=1&v=1", prefix(), index);
    return call(job->engine, curl, path, NULL, NULL) < 0 ? -1 : 0;
}

static int noop_one(const struct job *job, CURL *curl, int index)
{
    char request[256];
    cJSON *list = NULL;
    const cJSON *port;
    int ok;

    (void)index;
    snprintf(request, sizeof(request),
             "GET /containers/json?filters=%%7B%%22label%%22%%3A%%5B%%22io.apphost.floor%%3D%s%%22%%5D%%7D",
             prefix());
    if (call(job->engine, curl, request, NULL, &list) < 0)
        return -1;
    port = cJSON_GetObjectItem(
        cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "Ports"), 0), "PublicPort");
    ok = cJSON_IsNumber(port) && ping(port->valueint);
    cJSON_Delete(list);
    return ok ? 0 : -1;
}

static void *work(void *data)
{
    struct job *job = data;
    CURL *curl = curl_easy_init();
    int index;

    while ((index = atomic_fetch_add(&job->next, 1)) < job->count) {
        if (job->each(job, curl, index) < 0)
            atomic_store(&job->failed, 1);
    }
    curl_easy_cleanup(curl);
    return NULL;
}

int main(int argc, char **argv)
{
    struct job job = {.count = argc > 4 ? atoi(argv[4]) : 1};
    int parallel = argc > 5 ? atoi(argv[5]) : 1;
    pthread_t threads[128];
    double start;

    if (argc < 4 || parallel < 1 || parallel > 128) {
        fprintf(stderr, "usage: floor ENGINE IMAGE up|down|noop [COUNT [PARALLEL]]\n");
        return 2;
    }
    job.engine = argv[1];
    job.image = argv[2];
    job.each = strcmp(argv[3], "up") == 0 ? up_one : strcmp(argv[3], "down") == 0 ? down_one : noop_one;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    start = now_ms();
    for (int i = 0; i < parallel; i++)
        pthread_create(&threads[i], NULL, work, &job);
    for (int i = 0; i < parallel; i++)
        pthread_join(threads[i], NULL);
    printf("%.1f\n", now_ms() - start);
    return atomic_load(&job.failed);
}
