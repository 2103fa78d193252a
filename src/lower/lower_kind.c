/* Which kind becomes which node: one row a kind. */
#include "lower/internal.h"

#include <assert.h>

static const struct lower_kind kinds[] = {
    [MODEL_REDIS] = {PLAN_CONTAINER, PLAN_PROCESS},  [MODEL_VALKEY] = {PLAN_CONTAINER, PLAN_PROCESS},
    [MODEL_GARNET] = {PLAN_CONTAINER, PLAN_PROCESS}, [MODEL_CONNECTION_STRING] = {PLAN_VALUE, PLAN_VALUE},
    [MODEL_PROCESS] = {PLAN_PROCESS, PLAN_PROCESS},  [MODEL_CONTAINER] = {PLAN_CONTAINER, NO_NODE},
    [MODEL_EXTERNAL] = {PLAN_VALUE, PLAN_VALUE},
};
static_assert(sizeof kinds / sizeof *kinds == MODEL_KIND_COUNT, "a kind has no row");

const struct lower_kind *lower_kind(enum model_kind kind)
{
    return &kinds[kind];
}
