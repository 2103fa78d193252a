/* What an image is asked for under: names of Docker Hub can be sent to a mirror by a prefix. */
#include "engine/internal.h"

#include "base/ours.h"

#include <stdlib.h>

static bool has_mirror(const struct engine *engine)
{
    static const char *const variables[] = {VARIABLE_IMAGE_PREFIX, "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *prefix = strlist_getenv(&engine->environment, variables[i]);
        if (prefix && *prefix)
            return true;
    }
    return false;
}

/* Without a mirror a name stays as it was written: an image that is only local is found under exactly that.
 */
char *engine_image_name(struct engine *engine, const char *reference)
{
    char *name = NULL;
    if (has_mirror(engine))
        name = engine_image_normalise(engine, reference, NULL);
    if (name)
        return name;
    return xstrdup(reference);
}

/* APPHOST_IMAGE_PREFIX stands for "docker.io/" (a pull-through mirror wants "library/" in the path);
 * Testcontainers' variable goes before names as people write them. */
char *engine_image_normalise(struct engine *engine, const char *reference, struct error *err)
{
    struct image_reference parsed;
    if (image_reference_parse(reference, &parsed, err) < 0)
        return NULL;
    const char *prefix = strlist_getenv(&engine->environment, VARIABLE_IMAGE_PREFIX);
    bool strip = !prefix || !*prefix;
    if (strip)
        prefix = strlist_getenv(&engine->environment, "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX");
    char *text = image_reference_text(&parsed, prefix, strip);
    image_reference_free(&parsed);
    return text;
}
