/*
 * Inside the library: what an error reply of a server means, by its first word. One table for all that have
 * to decide; the server's own text is always kept for the caller.
 */
#ifndef CLIENT_BASE_VERDICT_H
#define CLIENT_BASE_VERDICT_H

#include <stdbool.h>

enum verdict {
    VERDICT_ABSENT = 1,     /* the server is of no use for a cache now: fail-open counts it as away */
    VERDICT_PRIMARY = 2,    /* a replica says it: the primary may know better */
    VERDICT_REDIAL = 4,     /* it is not what it was: connect again */
    VERDICT_AUTH = 8,       /* user or password are wrong */
    VERDICT_ELSEWHERE = 16, /* the key lives on another node of a cluster */
};

/* A set of the above for the first word of an error reply, 0 for the caller's own mistakes. */
unsigned verdict_of(const char *word);

/* The first word of an error reply, "" when it is longer than any. */
void verdict_word(const char *text, char word[64]);

/* The same for the whole text of an error reply. */
unsigned verdict_of_text(const char *text);

/* What is known by no first word, but by others somewhere in the text: the one table of them. */
enum verdict_saying {
    SAYS_FULL = 1,        /* no more connections */
    SAYS_NO_PASSWORD = 2, /* none is asked for */
    SAYS_PASSWORD = 4,    /* it is about passwords */
    SAYS_NO_COMMAND = 8,  /* the server does not have it */
};

/* Is one of these said? */
bool verdict_says(unsigned sayings, const char *text);

#endif
