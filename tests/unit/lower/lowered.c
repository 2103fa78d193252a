/* A model that must lower without a problem: see lowered.h. */
#include "lowered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct plan_context lowered_context(void)
{
    return (struct plan_context){.project = "shop", .project_hash = "0123abcd", .uid = 1000, .gid = 1000};
}

struct plan *lowered_again(struct plan *before, const struct model *model, const struct plan_context *context)
{
    struct error *problems = NULL;
    size_t count = 0;
    plan_free(before);
    struct plan *plan = plan_lower(model, context, &problems, &count);
    for (size_t i = 0; i < count; i++) {
        print_message("problem: %s\n", problems[i].text);
        error_clear(&problems[i]);
    }
    free(problems);
    assert_int_equal(count, 0);
    assert_non_null(plan);
    return plan;
}
