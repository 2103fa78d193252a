/* Images: is it there? Pulling is in pull.c, names in reference.c. */
#include "engine/internal.h"

enum { READ_TIMEOUT_MS = 30000 };

/* A reference goes into the path as it is: its slashes belong there, and nothing else in it needs escaping.
 */
struct engine_op *engine_image_inspect(struct engine *engine, const char *reference, engine_done_cb *done,
                                       void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_IMAGE, done, data, "inspect image %s", reference);
    cleanup_free char *name = engine_image_name(engine, reference);
    struct image_reference parsed;
    cleanup_error struct error err = {0};
    if (image_reference_parse(name, &parsed, &err) < 0)
        return engine_op_fail_late(op, &err);
    image_reference_free(&parsed);
    engine_op_request(op, "GET", http_within(READ_TIMEOUT_MS), "/images/%s/json", name);
    op->on_answer = engine_answer_document;
    return engine_op_send(op);
}
