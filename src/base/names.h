/* The names of an enum's values, as one list that the compiler holds against the enum.
 *
 *     static NAMES(until_names, UNTIL_COUNT, [UNTIL_STARTED] = "started", [UNTIL_GONE] = "gone");
 *
 * A list with a value too few, too many or twice does not compile: it has as many rows as the enum has values
 * (the enum's last member is its count), no row lies outside, and no two are for the same value. Other lists
 * by an enum's values (texts, tables of functions) say EACH_OF() behind themselves.
 *
 * Texts are static. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <assert.h>
#include <stddef.h>

struct enum_names {
    const char *const *texts;
    size_t count;
};

/* How many arguments there are, up to 32. */
#define NAMES_GIVEN(...)                                                                                     \
    NAMES_LAST(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,  \
               12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define NAMES_LAST(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, \
                   dd, ee, ff, given, ...)                                                                   \
    given

#define NAMES(list, total, ...)                                                                              \
    const struct enum_names list = {(const char *const[total]){__VA_ARGS__}, total};                         \
    static_assert(NAMES_GIVEN(__VA_ARGS__) == (total), "one name for each value, in " #list)

/* Behind a list whose rows are found by an enum's values. */
#define EACH_OF(list, total)                                                                                 \
    static_assert(sizeof(list) / sizeof *(list) == (total), "one row for each value, in " #list)

/* "unknown" for what is no value. */
const char *names_text(const struct enum_names *names, size_t value);
/* The value of that name, -1: none has it. NULL has none. */
int names_find(const struct enum_names *names, const char *text);

#endif
