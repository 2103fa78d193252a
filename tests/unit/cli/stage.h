/* A stage for whole commands: a project whose supervisor is a process of the test's, which answers each verb
 * as it was told and writes down what it was asked. A command is run as the program would run it, in a
 * process of its own, with the stage's state folder; its exit code, both of its streams and the supervisor's
 * notes are looked at. */
#ifndef STAGE_H
#define STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>

#include "base/json.h"
#include "base/str.h"

enum { STAGE_ANSWERS = 16 };

/* What the supervisor does to one request instead of answering it as it was told. */
enum stage_deed {
    DEED_NONE,
    DEED_DIES,     /* by a signal: nothing is cleaned up */
    DEED_ENDS,     /* closes the connection and answers the next one */
    DEED_REFUSES,  /* the error "no" */
    DEED_LATE,     /* answers after a while */
    DEED_NONSENSE, /* half a JSON text */
    DEED_STALLS,   /* never answers this one */
};

/* What `view` is answered with: cache and api are ready, job has failed, hand is manual. */
extern const char stage_view[];
/* As what stands in an answer: none is given. */
extern const char stage_silence[];

struct stage {
    char folder[64], before[4096], hash[9];
    struct {
        const char *verb, *records, *rest; /* transitions, one JSON text a line; what stands in the answer */
        int from;                          /* which asking of the verb it is for, and all after it */
    } answers[STAGE_ANSWERS];
    int answer_count;
    enum stage_deed deed;
    int deed_at;      /* which request, from 1; 0: none */
    int interrupt_at; /* after how many requests stage_interrupt() begins; 0: deed_at */
    bool is_plain;    /* the command line has no -p shop: what is found in the folder is meant */
    pid_t supervisor;
    struct strbuf out, err, asked;
};

int stage_open(void **state); /* with the answers of a project that has cache, api, job and hand */
int stage_close(void **state);

/* rest: ",\"data\":{…}" or ",\"error\":{…}"; records: transitions before it, or NULL. */
void stage_answer(struct stage *stage, const char *verb, const char *records, const char *rest);
/* The same from the n-th asking on, from 1. */
void stage_answer_from(struct stage *stage, int n, const char *verb, const char *rest);
/* Nobody answers any more: the session is over. */
void stage_end(struct stage *stage);

/* A file of the working folder. */
void stage_file(const char *name, const char *text);
/* A shell script that commands find before any program of this name. */
void stage_program(const char *name, const char *script);
/* Lines of a resource's log, as the supervisor writes them. */
void stage_log(const struct stage *stage, const char *resource, const char *text);

/* The exit code of "apphost WORDS…". */
int stage_run(struct stage *stage, const char *const *words);
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The same, with Ctrl-C pressed again and again once the supervisor was asked deed_at times; 128 and the
 * signal's number when that killed it. */
int stage_interrupt(struct stage *stage, const char *const *words);

/* Fails the test with both streams when the code is another, or a text does not stand there. */
void stage_runs(struct stage *stage, int code, const char *const *words);
void stage_prints(const struct stage *stage, const char *text);
void stage_says(const struct stage *stage, const char *text);
/* How many requests were made. */
int stage_asked(const struct stage *stage);
/* A request that holds this text was made. */
void stage_was_asked(const struct stage *stage, const char *text);

#endif
