/* Raw calls to an engine, for the programs that measure the floor: libcurl on a thread's own kept-alive
 * connection, a PING to a published port, the time. A header of statics, because each floor is a program of
 * one file. */
#ifndef BENCH_CALL_H
#define BENCH_CALL_H

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct answer {
    char *text;
    size_t length;
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
static long call(const char *engine, CURL *curl, const char *request, const char *body, cJSON **reply)
{
    struct answer answer = {0};
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    const char *path = strchr(request, ' ') + 1;
    char url[512], method[8];
    long status = -1;
    int is_unix = strncmp(engine, "unix://", 7) == 0;

    snprintf(method, sizeof(method), "%.*s", (int)(path - request - 1), request);
    headers = curl_slist_append(headers, "Expect:");
    snprintf(url, sizeof(url), "http://%s/v1.41%s", is_unix ? "engine" : engine + 6, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (is_unix)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, engine + 7);
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

/* One connection, one PING; 1 when it answers PONG. A published port accepts before the server
 * listens, and while its container is gone it may keep a connection for seconds. */
static int ping(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char reply[8] = "";
    ssize_t got = 0;
    struct timeval patience = {.tv_usec = 100000};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
        got = recv(fd, reply, 7, MSG_WAITALL);
    close(fd);
    return got == 7 && memcmp(reply, "+PONG\r\n", 7) == 0;
}

static int published_port(const cJSON *inspect, const char *inside)
{
    const cJSON *ports = cJSON_GetObjectItem(cJSON_GetObjectItem(inspect, "NetworkSettings"), "Ports");
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(ports, inside), 0);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(first, "HostPort"));

    return text ? atoi(text) : 0;
}

/* What our objects are called in front: runs beside each other have names of their own. */
static const char *prefix(void)
{
    const char *given = getenv("APPHOST_FLOOR");

    return given ? given : "apphost-floor";
}

#endif
