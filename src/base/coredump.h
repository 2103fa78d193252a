/* Core files of ours would hold passwords: we leave none. What we start gets the user's own limit back.
 *
 * RLIMIT_CORE and not PR_SET_DUMPABLE: the latter would also shut our folder in /proc, by which other
 * commands of the same user know who owns a session. Programs that take cores (systemd-coredump, apport) are
 * not even started. Threads: none; coredump_give_back() is safe after fork(). */
#ifndef BASE_COREDUMP_H
#define BASE_COREDUMP_H

/* At the start of the program, once. */
void coredump_forbid(void);
/* For a child that becomes something else, between fork() and exec(); or around a call that makes one, and
 * then coredump_forbid_again(). */
void coredump_give_back(void);
void coredump_forbid_again(void);

#endif
