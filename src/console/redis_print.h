/* Replies as text, the three ways of redis-cli. */
#ifndef CONSOLE_REDIS_PRINT_H
#define CONSOLE_REDIS_PRINT_H

#include "base/str.h"
#include "redis_conn/redis_conn.h"

enum redis_form {
    REDIS_FORM_TTY,  /* (integer) 1, "quoted", 1) numbered */
    REDIS_FORM_RAW,  /* the bytes; elements on lines of their own */
    REDIS_FORM_JSON, /* one document on one line; bytes that are no UTF-8 as \u00XX */
};

/* Appends the reply and a newline. Source of the first two: cliFormatReplyTTY() and cliFormatReplyRaw() of
 * Redis 7, src/redis-cli.c. */
void redis_print(struct strbuf *out, const struct resp_reply *reply, enum redis_form form);
/* Texts that are meant for people (INFO, CLIENT LIST, …): raw even where other answers are quoted. */
bool redis_print_is_text(const char *const *arguments, const size_t *lengths, size_t count);

#endif
