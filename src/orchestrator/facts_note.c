/* The writers of facts that are texts. See facts_note.h. */
#include "orchestrator/internal.h"

static void replace(char **slot, const char *text)
{
    char *copy = xstrdup_null(text);
    free(*slot);
    *slot = copy;
}

void facts_name(struct node *node, const char *id)
{
    replace(&node->facts.object, id);
}

void facts_make_of(struct node *node, const char *spec_hash)
{
    replace(&node->facts.spec_hash, spec_hash);
}

void facts_resolve(struct node *node, const char *digest)
{
    replace(&node->facts.digest, digest);
}

void facts_label_ports(struct node *node, const char *label)
{
    replace(&node->facts.port_label, label);
}

void facts_complete(struct node *node, char *key)
{
    free(node->facts.completed);
    node->facts.completed = key;
}

void facts_use(struct node *node, char *users, struct strlist names)
{
    free(node->facts.users);
    strlist_free(&node->facts.user_names);
    node->facts.users = users;
    node->facts.user_names = names;
}

void facts_clear(struct facts *facts)
{
    free(facts->object);
    free(facts->spec_hash);
    free(facts->digest);
    free(facts->port_label);
    free(facts->users);
    free(facts->role);
    free(facts->gateway);
    strlist_free(&facts->user_names);

    struct facts kept = {
        .not_before = facts->not_before,
        .restarts = facts->restarts,
        .retries = facts->retries,
        .trouble_ms = facts->trouble_ms,
        .was_ready = facts->was_ready,
        .completed = facts->completed,
        .exit_code = facts->exit_code,
        .exit_signal = facts->exit_signal,
        .oom = facts->oom,
        .absent = facts->absent,
        .pulled = facts->pulled,
    };
    *facts = kept;
}
