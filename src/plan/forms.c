/* How the members of a specification are told to people: what has a form of its own, by the rows of
 * records.c. Secrets stand as ***, ports that are not settled as what is tried first. See plan_tell(). */
#include "base/signals.h"
#include "base/pick.h"
#include "base/str.h"
#include "plan/internal.h"

#include <string.h>

/* ---- texts ---- */

static int likely_port_of(const struct plan_port *port)
{
    if (port->fixed_port)
        return port->fixed_port;
    return port->preferred_port;
}

static int likely_port(const char *node_id, const char *endpoint, void *data)
{
    const struct plan_node *node = plan_find(data, node_id);

    for (size_t i = 0; node && i < node->run.port_count; i++)
        if (str_eq(node->run.ports[i].endpoint, endpoint))
            return likely_port_of(&node->run.ports[i]);
    return 0;
}

static const char *no_secret(const char *name, void *data)
{
    (void)name, (void)data;
    return NULL;
}

char *plan_shown_text(const struct plan *plan, const struct plan_text *text)
{
    struct plan_lookup lookup = {.port = likely_port, .secret = no_secret, .data = (void *)plan};
    cleanup_free char *plain = plan_mask(text, &lookup);
    return str_printable(plain);
}

static void tell_text(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_text *text = member;
    (void)count;
    if (!text->count)
        return;
    cleanup_free char *shown = plan_shown_text(to->context, text);
    to->line(label, shown, to->data);
}

/* Words of a command line. */
static void tell_words(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_text *words = *(struct plan_text *const *)member;
    struct strbuf line = {0};

    for (size_t i = 0; i < count; i++) {
        cleanup_free char *word = plan_shown_text(to->context, &words[i]);
        bool is_plain = *word && !strpbrk(word, " \t\"'$`\\");
        const char *quote = text_if(!is_plain, "'");
        strbuf_addf(&line, "%s%s%s%s", text_if(i > 0, " "), quote, word, quote);
    }
    if (count)
        to->line(label, strbuf_text(&line), to->data);
    strbuf_free(&line);
}

static void tell_variables(const void *member, size_t count, const char *label,
                           const struct record_teller *to)
{
    const struct plan_variable *variables = *(struct plan_variable *const *)member;
    (void)label;

    for (size_t i = 0; i < count; i++) {
        cleanup_free char *value = plan_shown_text(to->context, &variables[i].value);
        cleanup_free char *line = xasprintf("%s=%s", variables[i].name, value);
        to->line(NULL, line, to->data);
    }
}

static void tell_pairs(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct model_pair *pairs = *(struct model_pair *const *)member;

    for (size_t i = 0; i < count; i++) {
        cleanup_free char *line = xasprintf("%s=%s", pairs[i].name, pairs[i].value);
        to->line(label, line, to->data);
    }
}

static void tell_users(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_user *users = *(struct plan_user *const *)member;
    (void)label;

    for (size_t i = 0; i < count; i++) {
        cleanup_free char *who = xasprintf("user %s", users[i].name);
        to->line(who, users[i].acl, to->data);
    }
}

static void tell_topology(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_topology *topology = member;
    (void)count, (void)label;
    if (!topology->kind)
        return;
    struct strbuf line = {0};
    strbuf_addf(&line, "%s, shards: %d, replicas: %d", names_text(&model_topology_names, topology->kind),
                topology->shards, topology->replicas);
    if (topology->sentinels)
        strbuf_addf(&line, ", sentinels: %d, quorum: %d, primary: %s", topology->sentinels, topology->quorum,
                    topology->primary_name);
    to->line("topology", strbuf_text(&line), to->data);
    strbuf_free(&line);
}

/* ---- places ---- */

static void tell_port(const struct plan_port *port, const struct record_teller *to)
{
    struct strbuf line = {0};
    cleanup_free char *label = xasprintf("endpoint %s", port->endpoint);
    const char *host = text_or(port->host, PLAN_LIKELY_HOST);

    if (port->at_gateway)
        host = PLAN_HOST_GATEWAY;
    strbuf_addf(&line, "%s://%s:%d", port->scheme, host, likely_port_of(port));
    if (!port->fixed_port)
        strbuf_adds(&line, " (or the next that is free)");
    if (port->target_port)
        strbuf_addf(&line, " -> %d", port->target_port);
    to->line(label, strbuf_text(&line), to->data);
    strbuf_free(&line);
}

static void tell_ports(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_port *ports = *(struct plan_port *const *)member;
    (void)label;
    for (size_t i = 0; i < count; i++)
        tell_port(&ports[i], to);
}

static void tell_mounts(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_mount *mounts = *(struct plan_mount *const *)member;

    for (size_t i = 0; i < count; i++) {
        const char *mode = text_if(mounts[i].read_only, " (read-only)");
        cleanup_free char *line = xasprintf("%s -> %s%s", mounts[i].source, mounts[i].target, mode);
        to->line(label, line, to->data);
    }
}

/* ---- life ---- */

static void tell_pull(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const int *pull = member;
    (void)count;
    if (*pull != MODEL_PULL_MISSING)
        to->line(label, names_text(&model_pull_names, (size_t)*pull), to->data);
}

static void tell_signal(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const int *signum = member;
    (void)count;
    if (*signum)
        to->line(label, signals_name(*signum), to->data);
}

static void tell_duration(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    char text[24];
    const int64_t *ms = member;
    (void)count;
    str_duration(*ms, text);
    if (*ms)
        to->line(label, text, to->data);
}

static void tell_restart(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const struct plan_restart *restart = member;
    char first[24], longest[24];
    struct strbuf line = {0};
    (void)count;
    if (restart->when == MODEL_RESTART_NEVER)
        return;

    str_duration(restart->backoff_ms, first);
    str_duration(restart->max_backoff_ms, longest);
    strbuf_addf(&line, "%s, after %s to %s", names_text(&model_restart_names, restart->when), first, longest);
    if (restart->max_retries >= 0)
        strbuf_addf(&line, ", at most %d times", restart->max_retries);
    to->line(label, strbuf_text(&line), to->data);
    strbuf_free(&line);
}

static void tell_size(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    char text[24];
    const int64_t *bytes = member;
    (void)count;
    str_size(*bytes, text);
    if (*bytes)
        to->line(label, text, to->data);
}

static void tell_network(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    const bool *is_host = member;
    (void)count;
    if (*is_host)
        to->line(label, "host", to->data);
}

/* Its own rows: what is asked, where, how often. */
static void tell_probe(const void *member, size_t count, const char *label, const struct record_teller *to)
{
    (void)count, (void)label;
    record_tell(&plan_record_probe, member, to);
}

const struct record_form plan_form_text = {.tell = tell_text}, plan_form_words = {.tell = tell_words},
                         plan_form_input = {.label = "stdin", .tell = tell_text},
                         plan_form_environment = {.group = 2, .tell = tell_variables},
                         plan_form_users = {.tell = tell_users}, plan_form_topology = {.tell = tell_topology},
                         plan_form_labels = {.label = "label", .tell = tell_pairs},
                         plan_form_ports = {.group = 1, .tell = tell_ports},
                         plan_form_mounts = {.label = "mount", .group = 1, .tell = tell_mounts},
                         plan_form_pull = {.tell = tell_pull},
                         plan_form_signal = {.label = "stop.signal", .tell = tell_signal},
                         plan_form_stop_timeout = {.label = "stop.timeout", .tell = tell_duration},
                         plan_form_size = {.tell = tell_size},
                         plan_form_network = {.label = "network", .tell = tell_network},

                         plan_form_interval = {.label = "ready.interval", .tell = tell_duration},
                         plan_form_timeout = {.label = "ready.timeout", .tell = tell_duration},
                         plan_form_restart = {.tell = tell_restart}, plan_form_probe = {.tell = tell_probe},
                         plan_form_hidden = {.group = RECORD_HIDDEN};

void plan_tell(const struct plan *plan, const struct plan_run *run,
               void (*line)(const char *label, const char *text, void *data), void *data)
{
    const struct record_teller to = {line, data, plan};
    record_tell(&plan_record_run, run, &to);
}
