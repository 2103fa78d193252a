/* A waterfall on the terminal: what was worked on when, and for how long. */
#ifndef UI_WATERFALL_H
#define UI_WATERFALL_H

#include "control/watch.h"
#include "ui/output.h"

#include <stdint.h>

struct waterfall_row {
    const char *name, *goal;
    bool waits;                   /* for others */
    int64_t begin_us, elapsed_us; /* since the beginning */
};
/* The rows that were worked on since then, of the items of `history`; names lie in the arena or the items. */
size_t waterfall_read(const cJSON *items, int64_t since_us, struct arena *arena, struct waterfall_row **rows);
/* Who began first comes first. What took no hundredth of a second is left out. */
void waterfall_print(const struct output *output, const struct waterfall_row *rows, size_t count,
                     FILE *stream);

#endif
