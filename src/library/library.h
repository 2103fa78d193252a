/* Libraries that most commands never need are opened by those that do: libcurl alone brings two dozen others,
 * and the loader reads them for longer than `ps` takes.
 *
 * A library's own header here (curl.h, openssl.h, microhttpd.h) lists the functions that are used. Each
 * becomes a member of a struct, with the type that the library's header declares, and its name a macro for
 * that member: code is written as if the library were linked, and a function that is not listed does not
 * link. Whoever is a door to a library opens it first and passes the error on; a call before that is a call
 * of NULL.
 *
 * Failure modes: the library is not there, or lacks a function: an error that names it and what needs it;
 * asked again, it is looked for again. Libraries stay open until the process ends. Any thread may open one.
 */
#ifndef LIBRARY_LIBRARY_H
#define LIBRARY_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

struct library {
    const char *file;         /* as the loader knows it: "libcurl.so.4" */
    const char *package;      /* that has it on Debian */
    const char *what_for;     /* "engines are called over it" */
    const char *const *names; /* of its functions */
    size_t count;
    void *functions; /* a struct with a pointer for each name, in their order */
};

/* Finds the library and all its functions. 0, or -1. */
int library_open(const struct library *library, struct error *err);

/* For the lists of functions: a member of the struct, a name. */
#define LIBRARY_MEMBER(function) __typeof__(function) *(function);
#define LIBRARY_NAME(function) #function,

#endif
