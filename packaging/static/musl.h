/* What the sources use of glibc and musl has not, included before each file that is compiled with musl. */
#ifndef STATIC_MUSL_H
#define STATIC_MUSL_H

#include <regex.h>
#include <stdio.h>
#include <string.h>

/* As glibc's: "TERM" and "Terminated" of SIGTERM; NULL of a number that is no signal. */
const char *sigabbrev_np(int number);
const char *sigdescr_np(int number);

/* Linux 5.9 has it; the callers know what to do without. */
int close_range(unsigned first, unsigned last, int flags);

/* With it a text ends where matches[0].rm_eo says. */
#define REG_STARTEND (1 << 16)
int regexec_range(const regex_t *regex, const char *text, size_t count, regmatch_t *matches, int flags);
#ifndef STATIC_MUSL_SELF
#define regexec regexec_range
#endif

/* Streams that can be replaced (base/stall.c does), and what writes to the first of them without naming it.
 */
extern FILE *static_stdout, *static_stderr;
#ifndef STATIC_MUSL_SELF
#undef stdout
#undef stderr
#define stdout static_stdout
#define stderr static_stderr
#define printf(...) fprintf(stdout, __VA_ARGS__)
#define vprintf(format, arguments) vfprintf(stdout, format, arguments)
#define puts(text) fprintf(stdout, "%s\n", text)
#define putchar(character) fputc(character, stdout)
#endif

#endif
