/* Private to room logs: the last lines of a writer, in memory, for failure reports. */
#ifndef LOGS_TAIL_H
#define LOGS_TAIL_H

#include "base/str.h"
#include "logs/record.h"

#include <sys/uio.h>

/* Zero-initialise; free text. */
struct log_tail {
    struct strbuf text;
    bool is_cut;     /* the first line is not whole */
    int open_stream; /* of an unfinished line at the end, or 0 */
};

/* The record's text comes in two pieces. */
void log_tail_add(struct log_tail *tail, const struct log_record *record, const struct iovec pieces[2]);
/* The last `count` lines, newline-terminated, with what the streams have said since their last newline. The
 * caller frees. */
char *log_tail_text(const struct log_tail *tail, const struct strbuf *waiting1, const struct strbuf *waiting2,
                    int count);

#endif
