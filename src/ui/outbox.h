/* Standard output of a command that must stay responsive: a stuck reader stops neither its signals nor its
 * session.
 *
 * What is added to `pending` waits in memory; outbox_flush() hands over what the descriptor takes without
 * blocking. While something waits, `is_stuck` tells the producer to pause and a timer tries again. */
#ifndef UI_OUTBOX_H
#define UI_OUTBOX_H

#include "base/str.h"
#include "loop/loop.h"

struct outbox {
    int fd;
    size_t chunk; /* bytes that a ready descriptor takes without blocking */
    struct strbuf pending;
    size_t sent;    /* of pending */
    bool is_broken; /* the reader is gone, or the disk is full */
    struct timer retry;
};

void outbox_init(struct outbox *outbox, struct loop *loop, int fd);
/* True when everything is out (or the reader is gone). */
bool outbox_flush(struct outbox *outbox);
/* The end: waits for the reader, but not longer than patience_ms without progress; what it did not take is
 * dropped. */
void outbox_fini(struct outbox *outbox, int patience_ms);

#endif
