/* Queries and paths, decoded: "a=1&b=x%2Fy". Pure.
 *
 * Decoded bytes may be any, NUL too where a length is given; a broken escape stands for itself. */
#ifndef WEB_QUERY_H
#define WEB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first parameter of that name, decoded ('+' is a blank); NULL: there is none. *length may be NULL. The
 * caller frees. */
char *web_query_bytes(const char *query, const char *name, size_t *length);
/* fallback: also for what is no such number. */
int64_t web_query_int(const char *query, const char *name, int64_t fallback);
/* "1" or nothing behind the name. */
bool web_query_flag(const char *query, const char *name);
/* One piece of a path between slashes, decoded; NULL for one that is empty, or that holds NUL or other
 * control bytes. The caller frees. */
char *web_path_piece(const char *text, size_t length);

#endif
