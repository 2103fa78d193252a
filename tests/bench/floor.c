/*
 * The floor that the program is measured against: the same work as raw calls on kept-alive connections, and
 * nothing else.
 *
 *     floor ENGINE IMAGE up COUNT PARALLEL     creates, starts and inspects COUNT servers, PINGs each until
 * PONG floor ENGINE IMAGE down COUNT PARALLEL   kills and removes them, in one call each floor ENGINE IMAGE
 * noop                  one list call and one PING to a server that runs (after `up 1 1`)
 *
 * ENGINE is unix:///path or tcp://host:port. PARALLEL threads take servers from a common counter, each thread
 * with one connection of its own. Prints the milliseconds between the first call and the last answer;
 * starting this program and preparing its connections is not counted. Servers are called apphost-floor-N and
 * carry the label io.apphost.floor. Exit code 1 with a message when a call fails: a floor that did not do the
 * work would be too low.
 */
#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct answer {
    char *text;
    size_t length;
};

struct job {
    const char *engine, *image;
    int (*each)(const struct job *job, CURL *curl, int index);
    int count;
    atomic_int next, failed;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct answer *answer = data;
    char *text = realloc(answer->text, answer->length + size * count + 1);

    if (!text)
        return 0;
    memcpy(text + answer->length, bytes, size * count);
    answer->text = text;
    answer->length += size * count;
    text[answer->length] = '\0';
    return size * count;
}

/* "POST /path" on the thread's connection; the status, or -1. *reply (may be NULL) is the caller's to delete.
 */
static long call(const struct job *job, CURL *curl, const char *request, const char *body, cJSON **reply)
{
    struct answer answer = {0};
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    const char *path = strchr(request, ' ') + 1;
    char url[512], method[8];
    long status = -1;
    int is_unix = strncmp(job->engine, "unix://", 7) == 0;

    snprintf(method, sizeof(method), "%.*s", (int)(path - request - 1), request);
    headers = curl_slist_append(headers, "Expect:");
    snprintf(url, sizeof(url), "http://%s/v1.41%s", is_unix ? "engine" : job->engine + 6, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (is_unix)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, job->engine + 7);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
    else
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300)
        fprintf(stderr, "floor: %s: %ld %s\n", request, status, answer.text ? answer.text : "");
    if (reply)
        *reply = answer.text ? cJSON_Parse(answer.text) : NULL;
    free(answer.text);
    curl_slist_free_all(headers);
    return status >= 200 && status < 300 ? status : -1;
}

/* One connection, one PING; 1 when it answers PONG. A published port accepts before the server listens. */
static int ping(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char reply[8] = "";
    ssize_t got = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
        got = recv(fd, reply, 7, MSG_WAITALL);
    close(fd);
    return got == 7 && memcmp(reply, "+PONG\r\n", 7) == 0;
}

static int published_port(const cJSON *inspect)
{
    const cJSON *ports = cJSON_GetObjectItem(cJSON_GetObjectItem(inspect, "NetworkSettings"), "Ports");
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(ports, "6379/tcp"), 0);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(first, "HostPort"));

    return text ? atoi(text) : 0;
}

static int up_one(const struct job *job, CURL *curl, int index)
{
    char path[128], body[1024];
    cJSON *inspect = NULL;
    int port = 0;

    snprintf(body, sizeof(body),
             "{\"Image\":\"%s\",\"Cmd\":[\"redis-server\",\"--save\",\"\",\"--protected-mode\",\"no\"],"
             "\"Labels\":{\"io.apphost.floor\":\"1\"},\"ExposedPorts\":{\"6379/tcp\":{}},"
             "\"HostConfig\":{\"Init\":true,\"PortBindings\":{\"6379/tcp\":[{\"HostIp\":\"127.0.0.1\"}]}}}",
             job->image);
    snprintf(path, sizeof(path), "POST /containers/create?name=apphost-floor-%d", index);
    if (call(job, curl, path, body, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "POST /containers/apphost-floor-%d/start", index);
    if (call(job, curl, path, NULL, NULL) < 0)
        return -1;
    snprintf(path, sizeof(path), "GET /containers/apphost-floor-%d/json", index);
    if (call(job, curl, path, NULL, &inspect) > 0)
        port = published_port(inspect);
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

    snprintf(path, sizeof(path), "DELETE /containers/apphost-floor-%d?force=1&v=1", index);
    return call(job, curl, path, NULL, NULL) < 0 ? -1 : 0;
}

static int noop_one(const struct job *job, CURL *curl, int index)
{
    static const char request[] =
        "GET /containers/json?filters=%7B%22label%22%3A%5B%22io.apphost.floor%22%5D%7D";
    cJSON *list = NULL;
    const cJSON *port;
    int ok;

    (void)index;
    if (call(job, curl, request, NULL, &list) < 0)
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
