/* Typed, case-sensitive getters over cJSON for untrusted documents, and a canonical printer.
 *
 * cJSON's own getter ignores case and it keeps numbers as doubles (nanosecond values lose digits: read those
 * as text from the wire). Getters return the fallback when the key is missing or of another type; they never
 * fail. Texts are borrowed from the document. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/error.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* Parses a whole document (trailing garbage is an error, nesting is bounded). NULL with ERROR_PROTOCOL on
 * nonsense. */
cJSON *json_parse(const char *text, size_t length, struct error *err);
void json_free(cJSON **document); /* for cleanup_json */
#define cleanup_json __attribute__((cleanup(json_free)))

/* NULL-safe: a NULL or non-object `object` has no members. */
cJSON *json_get(const cJSON *object, const char *key);
/* Walks "State.Health.Status". */
cJSON *json_path(const cJSON *object, const char *dotted);
const char *json_string(const cJSON *object, const char *key, const char *fallback);
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);
/* Array length, 0 when it is none. */
int json_count(const cJSON *array);

/* Builders; a NULL text adds nothing. A number is printed with all its digits, also where a double would
 * round it. */
void json_add_string(cJSON *object, const char *key, const char *text);
void json_add_int(cJSON *object, const char *key, int64_t value);
void json_add_bool(cJSON *object, const char *key, bool value);
cJSON *json_add_object(cJSON *object, const char *key);
cJSON *json_add_array(cJSON *object, const char *key);
void json_add_strings(cJSON *object, const char *key, const struct strlist *list);
/* Appends the strings of an array to list; false when it is not an array of strings. */
bool json_get_strings(const cJSON *object, const char *key, struct strlist *list);

/* Compact text; the caller frees. */
char *json_print(const cJSON *value);
/* Compact text with the members of every object sorted by name: equal documents print alike. The caller
 * frees. */
char *json_print_canonical(const cJSON *value);

#endif
