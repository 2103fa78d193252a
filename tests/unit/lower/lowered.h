/* What the tests of room lower share: a model that must lower without a problem. */
#ifndef LOWERED_H
#define LOWERED_H

#include "lower/lower.h"

/* Who asks: project "shop", user 1000. */
struct plan_context lowered_context(void);
/* Fails the test when the model has a problem, and prints it. Frees `before` (may be NULL). */
struct plan *lowered_again(struct plan *before, const struct model *model,
                           const struct plan_context *context);

#endif
