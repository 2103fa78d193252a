/* room: client_cache */
/* What the tests of the asynchronous calls share: a record of what the callbacks were told, and waiting. */
#ifndef TEST_ASYNCTEST_H
#define TEST_ASYNCTEST_H

#include <apphost/apphost.h>
#include <apphost/queue.h>

enum { PATIENCE_MS = 60000 };

struct outcome {
    int count, good, hits, failed;
    enum apphost_code code; /* of the last failure */
    int rc;                 /* of the last result, as all that follows */
    int64_t number;
    char text[64];    /* its value */
    char values[512]; /* of get-many: "a,-,c," where - is a miss */
};

int64_t now_ms(void);

/* The apphost_result_fn of an outcome. */
void on_result(void *user, const struct apphost_result *result);

/* Dispatches until there are `count` results; fails the test when they do not come, or when more do. */
void dispatch(struct apphost_queue *queue, const struct outcome *outcome, int count);

#endif
