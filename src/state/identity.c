/* Who a project is: "<name>-<hash8>", made and taken apart here only.
 *
 * The hash covers the inputs of the table below and nothing else; none of them may change between two starts
 * of the same thing. That rules out whatever a namespace numbers (inodes, pids), a container's id or host
 * name, the state folder, variables, and the working folder. Happy path: identity_hash(). An overridden
 * identity (APPHOST_PROJECT_NAME) has only its own text as input. */
#include "state/state.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "machine/self.h"
#include "machine/user.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_LENGTH = 8, FORMER_MACHINE_LIMIT = 256 };

/* Of the initial pid namespace, on every Linux: PROC_PID_INIT_INO. */
#define FORMER_PID_NAMESPACE "4026531836"

/* ---- the inputs ---- */

struct identity_facts {
    const struct identity_source *source;
    bool is_contained;
};

/* A folder that a container was given is known by where it comes from: two that are both called /workspace
 * differ, and whoever is rebuilt over the same one stays who he was. */
static char *tell_path(const struct identity_facts *facts)
{
    cleanup_free char *path = path_canonical(facts->source->manifest), *outside = NULL;
    if (facts->is_contained)
        outside = machine_bound_from(path);
    if (outside)
        return take_ptr(&outside);
    return take_ptr(&path);
}

static char *tell_name(const struct identity_facts *facts)
{
    return xstrdup(text_or_empty(facts->source->name));
}

static char *tell_user(const struct identity_facts *facts)
{
    (void)facts;
    return xasprintf("%ld", (long)machine_outer_uid(getuid()));
}

static char *tell_machine(const struct identity_facts *facts)
{
    char *id = NULL;
    if (!facts->is_contained)
        id = machine_lasting_id();
    if (id)
        return id;
    return xstrdup("");
}

static const struct identity_input {
    const char *part;
    char *(*tell)(const struct identity_facts *facts);
    const char *why; /* it is the same at the next start */
} inputs[] = {
    {"path", tell_path, "where the manifest lies, links resolved; in a container as its maker sees it"},
    {"name", tell_name, "given by the user where there is no path: standard input, run --isolate"},
    {"user", tell_user, "the uid outside of a user namespace: the one who started us"},
    {"machine", tell_machine,
     "tells two machines apart that share a home or an engine; a container's comes with its image and is "
     "left "
     "out, one of this boot alone as well"},
};

static void digest_of(const char *text, char hash[9])
{
    char sum[65];
    digest_sha256(text, strlen(text), sum);
    memcpy(hash, sum, HASH_LENGTH);
    hash[HASH_LENGTH] = '\0';
}

void identity_hash(const struct identity_source *source, char hash[9])
{
    cleanup_strbuf struct strbuf text = {0};
    if (source->override && *source->override) {
        strbuf_addf(&text, "override\n%s", source->override);
        digest_of(strbuf_text(&text), hash);
        return;
    }

    cleanup_free char *container = machine_container_id();
    struct identity_facts facts = {source, container != NULL};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        cleanup_free char *value = inputs[i].tell(&facts);
        strbuf_addf(&text, "%s\n%s\n", inputs[i].part, value);
    }
    digest_of(strbuf_text(&text), hash);
}

bool identity_former_hash(const struct identity_source *source, char hash[9])
{
    cleanup_free char *path = path_canonical(source->manifest);
    cleanup_free char *machine = file_read("/etc/machine-id", FORMER_MACHINE_LIMIT, NULL, NULL);
    cleanup_free char *text = xasprintf("%s\n%s\n%ld\n%s\n" FORMER_PID_NAMESPACE, path,
                                        text_or_empty(source->name), (long)getuid(), text_or_empty(machine));
    if (source->override && *source->override)
        return false;
    digest_of(text, hash);
    return true;
}

/* ---- the text ---- */

bool identity_is_hash(const char *text)
{
    return strlen(text) == HASH_LENGTH && strspn(text, "0123456789abcdef") == HASH_LENGTH;
}

char *identity_prefix(const char *name, const char *hash)
{
    return xasprintf("%s-%s", name, hash);
}

bool identity_parse(const char *prefix, struct identity *identity)
{
    const char *dash = strrchr(prefix, '-');
    if (!dash || dash == prefix || !identity_is_hash(dash + 1))
        return false;
    identity->name = xstrndup(prefix, (size_t)(dash - prefix));
    memcpy(identity->hash, dash + 1, HASH_LENGTH + 1);
    return true;
}

void identity_free(struct identity *identity)
{
    free(identity->name);
    *identity = (struct identity){0};
}
