/* Sensors: what tells that an instance is ready, and that it still is.
 *
 * Most kinds are a probe of room probe/. A log pattern watches the lines of the resource's log; a command
 * inside a container runs through the engine again and again until it succeeds; the image's own health check
 * arrives with events, and where an image has none its first port is probed. A sensor only writes facts.ready
 * and wakes its node. A failure that waiting will not mend fails the node at once, unless it was ready
 * before. */
#include "orchestrator/internal.h"

#include "base/pick.h"

#include <string.h>

enum {
    EXEC_INTERVAL_MS = 1000,
    EXEC_LIMIT_MS = 10000, /* of one command */
    HEALTH_LOOK_MS = 2000,
    FIRST_TRY_MS = 1000, /* at one place, before the next is tried */
    LONGEST_TRY_MS = 8000,
};

static const int64_t START_NOTED_NS = INT64_C(2000000000);

const struct error *sensor_error(const struct node *node)
{
    const struct sensor *sensor = &node->sensor;
    const struct error *last = &sensor->last;
    if (sensor->probe)
        last = node->o->hooks.probe_error(sensor->probe);
    if (!last || !last->code)
        return NULL;
    return last;
}

/* What answered them where our ports are not was somebody else. */
static void doubt_others(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        const struct sensor *sensor = &node->sensor;
        bool is_probed = node->kind->at_engine && sensor->on && sensor->probe && node->facts.ready;
        if (is_probed && sensor->tried % o->where.count != o->place)
            sensor_again(node);
    }
}

static void set_ready(struct node *node, bool ready)
{
    if (node->facts.ready == ready)
        return;
    if (ready)
        error_clear(&node->sensor.last);
    facts_ready(node, ready);
    node_wake(node);
}

static void on_change(enum probe_state state, const struct error *err, bool final, void *data)
{
    struct node *node = data;
    if (err) {
        error_clear(&node->sensor.last);
        error_copy(&node->sensor.last, err);
    }

    if (final && err && !node->facts.was_ready && node->want == WANT_UP && !node->doing && !node->failed) {
        cleanup_error struct error cause = {0};
        error_set(&cause, ERROR_RESOURCE, "%s will not get ready: %s", node_exact_name(node), err->text);
        if (err->hint)
            error_hint(&cause, "%s", err->hint);
        node_fail_in_words(node, &cause);
        return;
    }

    if (state == PROBE_READY && place_prove(node))
        doubt_others(node->o);
    set_ready(node, state == PROBE_READY);
}

/* ---- log pattern ---- */

static void on_line(const char *line, size_t length, void *data)
{
    struct node *node = data;
    if (node->facts.ready || !node->sensor.has_regex)
        return;
    cleanup_free char *text = xstrndup(line, length);
    if (regexec(&node->sensor.regex, text, 0, NULL, 0) == 0)
        set_ready(node, true);
}

/* One that ran before we did has said it already: what it wrote since its start is read for that alone. */
static void on_past_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct node *node = data;
    (void)stream, (void)time_ns;
    on_line(line, length, node);
    if (node->facts.ready)
        timer_start(&node->sensor.timer, 0); /* ends the reading */
}

static void on_past_end(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    (void)result, (void)err;
    node->sensor.exec = NULL;
}

static int64_t state_time(const cJSON *raw, const char *which)
{
    const char *text = json_string(json_get(raw, "State"), which, "");
    int64_t time_ns = 0;
    if (!engine_parse_time(text, strlen(text), &time_ns))
        return 0;
    return int64_max(time_ns, 0);
}

/* Engines note the start once the program runs: a quick one has printed something by then. What came before
 * its last end is an earlier run's. */
static int64_t begin_of_run(const cJSON *raw)
{
    int64_t started_ns = state_time(raw, "StartedAt");
    if (!started_ns)
        return 0;
    return int64_max(state_time(raw, "FinishedAt"), started_ns - START_NOTED_NS);
}

static void on_past_known(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node->sensor.exec = NULL;
    int64_t since_ns = 0;
    if (!err)
        since_ns = begin_of_run(result->container->raw);
    if (since_ns)
        node->sensor.exec = engine_container_follow(node->o->services.engine, node->facts.object, since_ns,
                                                    on_past_line, on_past_end, node);
}

static void read_past(struct node *node)
{
    bool was_there = node->kind->at_engine && !node->facts.settled_ms && node->facts.object;
    if (was_there && engine_is_listed(node->o))
        node->sensor.exec =
            engine_container_inspect(node->o->services.engine, node->facts.object, on_past_known, node);
}

static void stop_reading(struct node *node)
{
    if (node->sensor.exec)
        engine_cancel(node->o->services.engine, node->sensor.exec);
    node->sensor.exec = NULL;
}

static void start_log(struct node *node, const char *pattern)
{
    struct sensor *sensor = &node->sensor;
    sensor->has_regex = regcomp(&sensor->regex, pattern, REG_EXTENDED | REG_NOSUB) == 0;
    struct log_writer *writer = output_open(node);
    if (writer)
        log_writer_watch(writer, on_line, node);
    if (node->kind->at_engine)
        output_follow(node);
    read_past(node);
}

/* ---- a command inside a container ---- */

static void on_exec(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    struct sensor *sensor = &node->sensor;
    const struct plan_probe *probe = node_probe(node);
    sensor->exec = NULL;
    bool ok = !err && result->exit_code == 0;
    if (!ok) {
        error_clear(&sensor->last);
        if (err)
            error_copy(&sensor->last, err);
        else
            error_set(&sensor->last, ERROR_RESOURCE, "%s ended with exit code %d", probe->exec[0],
                      result->exit_code);
    }
    set_ready(node, ok);
    timer_start(&sensor->timer, int64_or(probe->interval_ms, EXEC_INTERVAL_MS));
}

static void give_up_exec(struct node *node)
{
    struct sensor *sensor = &node->sensor;
    engine_cancel(node->o->services.engine, sensor->exec);
    sensor->exec = NULL;
    error_clear(&sensor->last);
    error_set(&sensor->last, ERROR_TIMEOUT, "%s has not ended within %d s", node_probe(node)->exec[0],
              EXEC_LIMIT_MS / 1000);
    set_ready(node, false);
}

/* Whatever comes of it, there is another try: after a pause, or when the limit of this one is over. */
static void run_exec(struct node *node)
{
    const struct plan_probe *probe = node_probe(node);
    if (node->sensor.exec)
        give_up_exec(node);
    if (node->facts.object && engine_is_listed(node->o))
        node->sensor.exec = engine_exec(node->o->services.engine, node->facts.object,
                                        (const char *const *)probe->exec, NULL, on_exec, node);
    timer_start(&node->sensor.timer, EXEC_LIMIT_MS);
}

/* ---- probes ---- */

static const struct plan_port *port_spec(const struct node *node, const char *endpoint)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->port_count; i++) {
        if (!endpoint || str_eq(run->ports[i].endpoint, endpoint))
            return &run->ports[i];
    }
    return NULL;
}

/* The port behind the engine's proxy, or 0 where the server itself is connected to. */
static int proxied_port(const struct node *node, const struct plan_port *port)
{
    bool is_published = node->kind->at_engine && !node->spec->run.host_network;
    if (!is_published)
        return 0;
    return port->target_port;
}

static void start_probe(struct node *node, enum probe_kind kind)
{
    struct orchestrator *o = node->o;
    const struct plan_probe *probe = node_probe(node);
    const struct plan_port *port = port_spec(node, probe->endpoint);
    const char *host = place_to_try(node, port);
    struct probe_options options = {
        .kind = kind,
        .host = host,
        .tls = probe->tls,
        .ca_file = probe->ca_file,
        .tls_name = text_or(probe->tls_name, host),
        .http_path = probe->http_path,
        .http_status = probe->http_status,
        .argv = (const char *const *)probe->exec,
        .working_dir = node->spec->run.working_dir,
        .interval_ms = probe->interval_ms,
    };

    if (port) {
        options.port = port_of(node, port->endpoint);
        options.proxied_port = proxied_port(node, port);
    }
    cleanup_free char *password = values_resolve_given(o, &probe->password);
    options.password = password;
    cleanup_strlist struct strlist environment = {0};
    if (kind == PROBE_EXEC && values_environment(node, &environment))
        options.environment = (const char *const *)environment.items;

    node->sensor.proves = kind == PROBE_PING && *text_or_empty(password);
    node->sensor.probe = o->hooks.probe(o->services.loop, &options, on_change, node);
    if (password)
        mem_wipe(password, strlen(password));
}

/* Through a published port. */
static void start_at_port(struct node *node, enum probe_kind kind)
{
    struct sensor *sensor = &node->sensor;
    if (place_refuses(node))
        return;
    sensor->tried = node->o->place;
    start_probe(node, kind);
    sensor->kind = kind;
    sensor->looked = false;
    sensor->unheard = 0;
    sensor->pause_ms = FIRST_TRY_MS;
    if (node->kind->at_engine)
        timer_start(&sensor->timer, FIRST_TRY_MS);
}

/* It takes long: was anything published at all, and is it at the other place? */
static void look_elsewhere(struct node *node)
{
    struct orchestrator *o = node->o;
    struct sensor *sensor = &node->sensor;
    place_look(node);
    if (!o->proven && o->where.count > 1) {
        o->hooks.probe_free(sensor->probe);
        sensor->tried++;
        start_probe(node, sensor->kind);
    }
    if (sensor->pause_ms < LONGEST_TRY_MS)
        sensor->pause_ms *= 2;
    timer_start(&sensor->timer, sensor->pause_ms);
}

/* ---- the image's health check: events tell; engines that have no such event are asked ---- */

static void note_health(struct node *node, enum engine_health health, const struct error *err)
{
    struct error *last = &node->sensor.last;
    if (!err)
        facts_feel(node, health);
    error_clear(last);
    if (err)
        error_copy(last, err);
    else if (health == ENGINE_HEALTH_UNHEALTHY)
        error_set(last, ERROR_RESOURCE, "the image's own health check fails");
    else if (health == ENGINE_HEALTH_STARTING)
        error_set(last, ERROR_RESOURCE, "the image's own health check has not succeeded yet");
}

static void on_health(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node->sensor.exec = NULL;
    enum engine_health health = ENGINE_HEALTH_STARTING;
    if (!err)
        health = result->container->health;
    bool none = health == ENGINE_HEALTH_NONE && result->container->running;
    note_health(node, health, err);
    if (none && node->port_count)
        start_at_port(node, PROBE_TCP);
    else if (health == ENGINE_HEALTH_HEALTHY || none)
        set_ready(node, true); /* with none, running is all there is to know */
    else
        timer_start(&node->sensor.timer, HEALTH_LOOK_MS);
}

static void look_at_health(struct node *node)
{
    bool may_ask = !node->sensor.exec && node->facts.object && engine_is_listed(node->o);
    if (!may_ask)
        timer_start(&node->sensor.timer, HEALTH_LOOK_MS);
    else
        node->sensor.exec =
            engine_container_inspect(node->o->services.engine, node->facts.object, on_health, node);
}

static void on_timer(void *data)
{
    struct node *node = data;
    if (node_probe(node)->kind == PLAN_PROBE_LOG)
        stop_reading(node);
    else if (node->sensor.probe && !node->facts.ready)
        look_elsewhere(node);
    else if (node_probe(node)->kind == PLAN_PROBE_EXEC && !node->sensor.probe)
        run_exec(node);
    else if (!node->facts.ready)
        look_at_health(node);
}

/* The resolved text says where to, and how. */
static void start_elsewhere(struct node *node)
{
    struct orchestrator *o = node->o;
    struct elsewhere place = {0};
    char *text = values_resolve(o, &node->spec->value);
    if (elsewhere_find(&place, node->spec, text_or_empty(text)))
        node->sensor.probe = o->hooks.probe(o->services.loop, &place.options, on_change, node);
    else
        node_fail_text(node, ERROR_RESOURCE, "%s cannot be checked: %s", node->resource, place.why);
    elsewhere_fini(&place);
    if (text)
        mem_wipe(text, strlen(text));
    free(text);
}

void sensor_start(struct node *node)
{
    struct sensor *sensor = &node->sensor;
    const struct plan_probe *probe = node_probe(node);
    sensor->on = true;
    error_clear(&sensor->last);
    timer_init(node->o->services.loop, &sensor->timer, on_timer, node);
    if (node->kind->is_elsewhere) {
        start_elsewhere(node);
        return;
    }
    switch (probe->kind) {
    case PLAN_PROBE_NONE:
    case PLAN_PROBE_KIND_COUNT:
        break;
    case PLAN_PROBE_PING:
        start_at_port(node, PROBE_PING);
        break;
    case PLAN_PROBE_HTTP:
        start_at_port(node, PROBE_HTTP);
        break;
    case PLAN_PROBE_TCP:
        start_at_port(node, PROBE_TCP);
        break;
    case PLAN_PROBE_LOG:
        start_log(node, probe->log_pattern);
        break;
    case PLAN_PROBE_EXEC:
        if (node->kind->at_engine)
            run_exec(node);
        else
            start_probe(node, PROBE_EXEC);
        break;
    case PLAN_PROBE_IMAGE_HEALTH:
        look_at_health(node); /* the image may have none */
        break;
    }
}

void sensor_stop(struct node *node)
{
    struct orchestrator *o = node->o;
    struct sensor *sensor = &node->sensor;
    facts_ready(node, false);
    for (size_t i = 0; i < BESIDE_COUNT; i++)
        if (node->beside[i])
            node->beside[i](node);
    saving_stop(node);
    forming_leave(node);

    if (!sensor->on)
        return;
    sensor->on = false;
    timer_stop(&sensor->timer);

    if (sensor->probe)
        o->hooks.probe_free(sensor->probe);
    sensor->probe = NULL;
    if (sensor->exec)
        engine_cancel(o->services.engine, sensor->exec);
    sensor->exec = NULL;

    if (node->output.writer)
        log_writer_watch(node->output.writer, NULL, NULL);
    if (sensor->has_regex)
        regfree(&sensor->regex);
    sensor->has_regex = false;
}

/* Who is asked anew answers when it can: a server that somebody has paused does so once it goes on. */
void sensor_again(struct node *node)
{
    sensor_stop(node);
    sensor_start(node);
    node_wake(node);
}
