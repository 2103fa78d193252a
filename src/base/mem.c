/* Allocation that aborts, and arenas made of blocks that double up to 64 KiB.
 *
 * An allocation larger than the block size gets a block of its own. Nothing is freed singly. */
#include "base/mem.h"
#include "base/pick.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die_out_of_memory(void)
{
    static const char text[] = "apphost: out of memory\n";
    fwrite(text, 1, sizeof text - 1, stderr);
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size_or(size, 1));
    if (!p)
        die_out_of_memory();
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(size_or(count, 1), size_or(size, 1));
    if (!p)
        die_out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size_or(size, 1));
    if (!p)
        die_out_of_memory();
    return p;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        die_out_of_memory();
    return xrealloc(old, count * size);
}

char *xstrdup(const char *text)
{
    return xmemdup(text, strlen(text) + 1);
}

char *xstrdup_null(const char *text)
{
    if (!text)
        return NULL;
    return xstrdup(text);
}

char *xstrndup(const char *text, size_t length)
{
    size_t n = strnlen(text, length);
    char *p = xmalloc(n + 1);
    memcpy(p, text, n);
    p[n] = '\0';
    return p;
}

void *xmemdup(const void *data, size_t size)
{
    void *p = xmalloc(size);
    if (size)
        memcpy(p, data, size);
    return p;
}

char *xvasprintf(const char *format, va_list args)
{
    char *text;
    if (vasprintf(&text, format, args) < 0)
        die_out_of_memory();
    return text;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    return text;
}

void mem_wipe(void *data, size_t size)
{
    if (data && size)
        explicit_bzero(data, size);
}

void cleanup_free_ptr(void *slot)
{
    void **pointer = slot;
    free(*pointer);
    *pointer = NULL; /* whoever calls it by hand may go on with the variable */
}

/* Blocks double from the least to the most; what is larger has a block of its own. */
enum { ARENA_LEAST = 1024, ARENA_MOST = 65536 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        die_out_of_memory();
    size = (size + align - 1) / align * align;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size) {
        size_t room = ARENA_LEAST;
        if (block)
            room = size_min(block->size * 2, ARENA_MOST);
        room = size_max(room, size);
        block = xmalloc(sizeof *block + room);
        *block = (struct arena_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }

    void *p = block->data + block->used;
    block->used += size;
    arena->used += size;
    return memset(p, 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    size_t n = strnlen(text, length);
    char *p = arena_alloc(arena, n + 1);
    memcpy(p, text, n);
    return p;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    va_end(args);
    return arena_strdup(arena, text);
}

void *arena_grow(struct arena *arena, void *old, size_t old_count, size_t new_count, size_t size)
{
    if (size && new_count > SIZE_MAX / size)
        die_out_of_memory();
    void *p = arena_alloc(arena, new_count * size);
    if (old_count)
        memcpy(p, old, old_count * size);
    return p;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct arena){0};
}
