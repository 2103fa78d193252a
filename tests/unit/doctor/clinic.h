/* A clinic for apphost doctor: a home of its own for state, sockets and a manifest, an engine that says what
 * its table says, and checks that are run one by one.
 *
 * The engine is a child process; it ends with the clinic. Findings are looked at as the command prints them.
 */
#ifndef CLINIC_H
#define CLINIC_H

#include "doctor/doctor.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>

/* Which path is answered how: the first row whose text stands in the path. Other paths are not there (404).
 */
struct saying {
    const char *path;
    int status; /* 0: the connection is closed without an answer */
    const char *body;
};

struct clinic {
    char folder[64], before[4096];
    char *root; /* of all state */
    struct strlist environment;
    struct context context;
    struct doctor doctor;
    struct strbuf printed;
    pid_t engine;
};

int clinic_open(void **state);
int clinic_close(void **state);

/* FOLDER/apphost.yaml. Without: there is none. */
void clinic_manifest(struct clinic *clinic, const char *text);
/* Answers on the socket that DOCKER_HOST names from here on; a list that ends with a NULL path. */
void clinic_engine(struct clinic *clinic, const struct saying *sayings);
/* The state folder of shop-HASH as a session leaves it: the lock's descriptor where is_held, else -1. */
int clinic_session(struct clinic *clinic, const char *hash, bool is_held);

/* Loads the project, and runs the checks of these categories; a list that ends with NULL. */
void clinic_check(struct clinic *clinic, const char *const *categories);
/* The findings have to be these, in order. NULL for a message: any; for a fix: none. "*" at the end of a text
 * stands for any rest. */
struct finding {
    enum doctor_status status;
    const char *message, *fix;
};
void clinic_finds(struct clinic *clinic, const struct finding *findings, size_t count);

/* The whole command: what its run() returns, with what it printed in clinic->printed and the error in *err.
 */
int clinic_run(struct clinic *clinic, struct error *err);

#define CHECK(clinic, ...) clinic_check(clinic, (const char *const[]){__VA_ARGS__, NULL})
#define FINDS(clinic, ...)                                                                                   \
    clinic_finds(clinic, (const struct finding[]){__VA_ARGS__},                                              \
                 sizeof((const struct finding[]){__VA_ARGS__}) / sizeof(struct finding))

#endif
