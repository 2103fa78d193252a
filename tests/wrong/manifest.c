/* Fields of a manifest whose shape makes something else than their member holds. See scripts/check-wrong. */
#include "manifest/tables.h"

const struct field *wrong_fields(void);

static const struct field fields[] = {
    {.name = "optional", RESOURCE(shape_bool, optional)},
    {.name = "labels", RESOURCE_LIST(shape_labels, labels, label_count)},
    {.name = "environment", WHOLE(shape_environment, struct model_resource)},
#if CASE == 1 /* text in a flag */
    {.name = "optional", RESOURCE(shape_text, optional)},
#elif CASE == 2 /* a long number in a short one */
    {.name = "host_port", RESOURCE(shape_size, redis.host_port)},
#elif CASE == 3 /* another enum */
    {.name = "pull", RESOURCE(shape_lifetime, pull)},
#elif CASE == 4 /* a list in one text */
    {.name = "image", RESOURCE(shape_texts, image)},
#elif CASE == 5 /* a late text in a final one */
    {.name = "image", RESOURCE(shape_late, image)},
#elif CASE == 6 /* a counter that is none */
    {.name = "labels", RESOURCE_LIST(shape_labels, labels, memory)},
#elif CASE == 7 /* the shape reads a whole resource */
    {.name = "environment", RESOURCE(shape_environment, environment)},
#elif CASE == 8 /* and that is another structure */
    {.name = "environment", WHOLE(shape_environment, struct model_redis)},
#elif CASE == 9 /* no such member */
    {.name = "nothing", RESOURCE(shape_bool, nothing)},
#endif
};

const struct field *wrong_fields(void)
{
    return fields;
}
