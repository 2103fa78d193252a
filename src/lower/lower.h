/* The model, lowered to a plan: everything that is known beforehand is settled here, what is not becomes a
 * late value. Asks nobody anything.
 *
 * Ownership: the plan is the caller's, who frees it with plan_free(); it borrows nothing of the model, but as
 * a draft (plan_context.is_draft). */
#ifndef LOWER_LOWER_H
#define LOWER_LOWER_H

#include "base/error.h"
#include "model/model.h"
#include "plan/plan.h"

/* Lowers a checked model. What a later version builds is refused at its position (ERROR_MANIFEST): all
 * problems are appended to problems[*problem_count] (array owned by the caller, freed with error_clear each +
 * free). Returns NULL when there was one. A plan
 * that cannot be read back is one without a position (ERROR_PROTOCOL): our mistake. */
struct plan *plan_lower(const struct model *model, const struct plan_context *context,
                        struct error **problems, size_t *problem_count);

#endif
