/* Libraries that most commands never need are opened by those that do: libcurl alone brings two dozen others,
 * and the loader reads them for longer than `ps` takes.
 *
 * A library's own header here (curl.h, openssl.h, microhttpd.h) lists the functions that are used. Each
 * becomes a member of a struct, with the type that the library's header declares, and its name a macro for
 * that member: code is written as if the library were linked, and a function that is not listed does not
 * link. Whoever is a door to a library opens it first and passes the error on; a call before that is a call
 * of NULL.
 *
 * A program that shall run anywhere has them within (built with LIBRARY_WITHIN, packaging/static): the same
 * table is then filled with the addresses that the linker knows, and nothing is looked for.
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
    void *functions;              /* a struct with a pointer for each name, in their order */
    const void *const *within;    /* their addresses, in a program that has them; NULL: it is opened */
    const char *(*version)(void); /* "7.88.1"; NULL: it does not tell. Asked when it is open */
};

/* Finds the library and all its functions. 0, or -1. */
int library_open(const struct library *library, struct error *err);

/* For the lists of functions: a member of the struct, a name. */
#define LIBRARY_MEMBER(function) __typeof__(function) *(function);
#define LIBRARY_NAME(function) #function,

/* And for a program that has them within: a declaration by the linker's name, since the function's own is a
 * macro already, and the list of addresses. */
#ifdef LIBRARY_WITHIN
#define LIBRARY_LINKED(function) extern const char library_##function[] __asm__(#function);
#define LIBRARY_ADDRESS(function) library_##function,
#define LIBRARY_ADDRESSES(FUNCTIONS) ((const void *const[]){FUNCTIONS(LIBRARY_ADDRESS)})
#else
#define LIBRARY_LINKED(function)
#define LIBRARY_ADDRESSES(FUNCTIONS) NULL
#endif

#endif
