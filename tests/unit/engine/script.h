/* An http_transport that answers from a script, on a virtual loop: each request takes the first unused row
 * whose method and path fit, and is recorded. For what no real engine can be made to say. */
#ifndef TESTS_ENGINE_SCRIPT_H
#define TESTS_ENGINE_SCRIPT_H

#include "http/http.h"

struct script_row {
    const char *method, *path; /* path: a prefix */
    int status;                /* 0: a transport failure with `failure`; -1: silence */
    const char *body;
    const char *api_version;
    enum error_code failure;
    size_t piece; /* streams: bytes told at a time; 0: all at once */
    bool used;
};
enum { SCRIPT_ROWS = 64 };
struct script {
    struct script_row rows[SCRIPT_ROWS];
    int row_count;
    int request_count, open_calls;
    char requests[SCRIPT_ROWS][600]; /* "GET /path body" */
    char headers[SCRIPT_ROWS][600];
    bool fresh[SCRIPT_ROWS];
};
/* The one script of a test program. */
extern struct script script;
void script_reset(void);
void script_add(struct script_row row);
/* A ping that says this version. */
void script_ping(const char *api_version);
struct http_transport *script_open(struct loop *loop);

#endif
