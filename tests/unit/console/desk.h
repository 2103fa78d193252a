/* A desk to work at: a real Redis, a shell that is linked to it, and standard input and output that a test
 * writes and reads. The supervisor, which tells the link where its server is, is not there: the desk tells
 * it. */
#ifndef DESK_H
#define DESK_H

#include "console/redis_shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>

struct desk {
    struct context context;
    struct redis_shell shell;
    struct redis_data_words words;
    struct error error;
    pid_t redis;
    int port, output, input; /* what standard output and input were */
    char folder[64];
    struct strbuf printed;
};

int desk_open(void **state);
int desk_close(void **state);

/* One command line, split as redis-cli does: what redis_shell_execute() returns. What was printed is in
 * desk->printed, and an error's text in desk->error. */
int desk_execute(struct desk *desk, const char *line);
/* The same, and it has to print exactly this. */
void desk_prints(struct desk *desk, const char *line, const char *wanted);

/* Standard input is this text; standard output is kept from here to desk_listen(). */
void desk_type(struct desk *desk, const char *text, size_t length);
void desk_catch(struct desk *desk);
const char *desk_listen(struct desk *desk);

#endif
