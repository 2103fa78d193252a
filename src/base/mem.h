/* Memory for the program (not for the client library): allocation that aborts, arenas, and ownership by
 * scope.
 *
 * A program that cannot allocate a few bytes cannot clean up in an orderly way either; the guard does it for
 * us then. Locals that own something are declared with a cleanup attribute and leave a function with
 * take_ptr(). Whatever grows with input from outside uses struct strbuf (base/str.h), which has a limit. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* Like their namesakes without the x, but abort the process with a message when memory is out. Never return
 * NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Overflow-checked realloc of count elements. */
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
void *xmemdup(const void *data, size_t size);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
/* xstrdup that maps NULL to NULL. */
char *xstrdup_null(const char *text);

/* Overwrites with zeros in a way that the compiler keeps. */
void mem_wipe(void *data, size_t size);

static inline void *take_ptr_raw(void *slot)
{
    void **p = slot;
    void *value = *p;
    *p = NULL;
    return value;
}
/* Takes the value out of an owning local: returns *p and sets it to NULL. */
#define take_ptr(p) ((__typeof__(*(p)))take_ptr_raw(p))

void cleanup_free_ptr(void *slot);
#define cleanup_free __attribute__((cleanup(cleanup_free_ptr)))

/* An arena: everything is freed at once. Zero-initialise; arena_free() releases all and zeroes. */
struct arena {
    struct arena_block *blocks;
    size_t used;
};
/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Grows an array that lives in the arena (old contents are copied; the old memory stays until arena_free). */
void *arena_grow(struct arena *arena, void *old, size_t old_count, size_t new_count, size_t size);
void arena_free(struct arena *arena);

#endif
