/* What whoever started us had decided about signals, and how it is kept.
 *
 * `nohup`, and a `&` in a shell without job control, start programs with HUP, or INT and QUIT, ignored: such
 * a decision holds for us, and for a command that we run in the caller's place. What we change for ourselves
 * (handlers, an ignored PIPE and XFSZ, an empty mask) must reach no command.
 *
 * signals_remember() comes first in a program's life; without it nothing counts as inherited. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdbool.h>

/* Notes what is ignored and blocked, and lets every signal through: one that stays blocked, CHLD for
 * instance, would never tell us anything. */
void signals_remember(void);
/* HUP, INT or QUIT, and ignored: nobody may begin to listen to it. */
bool signals_stay_ignored(int signum);
/* In a child, between fork and exec: as we were started. Safe in handlers. */
void signals_give_back(void);

/* The exit code that says: ended by this signal. As shells have it. */
static inline int signals_exit_code(int signum)
{
    return 128 + signum;
}

/* Signals that may be asked for, by name: "TERM". NULL, or 0: none of them. A name may start with SIG, in any
 * case, or be the number. */
const char *signals_name(int signum);
int signals_find(const char *name);

#endif
