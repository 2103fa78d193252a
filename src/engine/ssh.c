/* An engine over ssh: one ssh process forwards a socket in a private folder of ours to the engine's socket
 * over there, and HTTP goes through it as to any unix socket.
 *
 * Nothing runs until the first negotiation, which every operation waits for: spawn → the socket accepts (ssh
 * listens once it is logged in) → told → ping. ssh must not ask anybody anything (BatchMode); what it says on
 * stderr when it fails is the error. When ssh ends later, the engine has to negotiate anew, which starts it
 * anew. It is killed with the engine; when we are killed, the guard kills it, and the socket's file is
 * removed by the next of us: its name carries our pid. */
#include "engine/address.h"

#include "base/file.h"
#include "base/ignore.h"
#include "base/pick.h"
#include "process/process.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { POLL_MS = 20, START_LIMIT_MS = 30000, WORDS_LIMIT = 8 << 10 };

struct tunnel {
    struct engine *engine;
    struct ssh_target target;
    char *path;
    struct process *process;
    struct strbuf words; /* what ssh said on stderr */
    struct timer poll;
    struct turn late;
    struct error failure;
    int64_t waited_ms;
    bool is_up, said_full;
    engine_tunnel_cb *done; /* while it starts */
};

/* ---- ssh://[user@]host[:port][/path/to.sock] ---- */

void ssh_target_free(struct ssh_target *target)
{
    free(target->destination);
    free(target->host);
    free(target->socket);
    *target = (struct ssh_target){0};
}

static bool is_plain(const char *text)
{
    return *text && *text != '-' && !strpbrk(text, " \t\r\n\\\"'`$;&|<>?#%,*");
}

/* Cuts ":port" off. */
static bool take_port(char *rest, int64_t *port)
{
    char *bracket = strrchr(rest, ']'), *colon = strrchr(bracket ? bracket : rest, ':');
    if (!colon)
        return true;
    *colon = '\0';
    return str_to_int64(colon + 1, 1, 65535, port);
}

bool ssh_target_parse(const char *url, struct ssh_target *target)
{
    if (!str_starts(url, "ssh://"))
        return false;
    cleanup_free char *rest = xstrdup(url + 6);
    char *slash = strchr(rest, '/');
    bool has_socket = slash && slash[1];
    *target = (struct ssh_target){.socket = xstrdup(has_socket ? slash : "/var/run/docker.sock")};
    if (slash)
        *slash = '\0';
    char *at = strrchr(rest, '@'), *host = at ? at + 1 : rest;
    size_t user = 0;
    if (at)
        user = (size_t)(at - rest);
    int64_t port = 0;
    bool fine = take_port(host, &port) && !(at && !user) && !memchr(rest, ':', user);

    if (*host == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    target->port = (int)port;
    target->host = xstrdup(host);
    if (user)
        target->destination = xasprintf("%.*s@%s", (int)user, rest, host);
    else
        target->destination = xstrdup(host);
    if (fine && is_plain(host) && is_plain(target->destination) && !strpbrk(target->socket, ": \t\r\n"))
        return true;
    ssh_target_free(target);
    return false;
}

/* ---- the socket's place ---- */

static bool make_private(const char *folder)
{
    struct stat st;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return false;
    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
}

/* Sockets of those of us that were killed. */
static void sweep_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    int pid, number, end;
    while (entries && (entry = readdir(entries))) {
        end = 0;
        if (sscanf(entry->d_name, "ssh-%9d-%9d.sock%n", &pid, &number, &end) != 2 || !end ||
            entry->d_name[end] || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        cleanup_free char *path = path_join(folder, entry->d_name);
        unlink(path);
    }
    if (entries)
        closedir(entries);
}

static char *socket_path(const struct engine *engine, struct error *err)
{
    static int number;
    const char *runtime = strlist_getenv(&engine->environment, "XDG_RUNTIME_DIR");
    cleanup_free char *own = NULL;
    if (runtime && *runtime == '/')
        own = path_join(runtime, "apphost");
    cleanup_free char *common = xasprintf("/tmp/apphost-%ld", (long)geteuid());
    const char *const folders[] = {own, common};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        cleanup_free char *path = NULL;
        if (folders[i])
            path = xasprintf("%s/ssh-%d-%d.sock", folders[i], (int)getpid(), ++number);
        if (!path || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path || !make_private(folders[i]))
            continue;
        sweep_folder(folders[i]);
        return take_ptr(&path);
    }

    error_set(err, ERROR_ENGINE, "cannot use %s for a forwarded socket: it is not a private folder of yours",
              common);
    error_hint(err, "remove it, or set XDG_RUNTIME_DIR to a folder of yours");
    return NULL;
}

struct tunnel *engine_tunnel_new(struct engine *engine, const char *url, struct error *err)
{
    struct ssh_target target;
    if (!ssh_target_parse(url, &target)) {
        error_set(err, ERROR_ENGINE, "this is no engine address (ssh://[user@]host[:port][/path/to.sock])");
        return NULL;
    }
    char *path = socket_path(engine, err);
    if (!path) {
        ssh_target_free(&target);
        return NULL;
    }

    struct tunnel *tunnel = xcalloc(1, sizeof *tunnel);
    tunnel->engine = engine;
    tunnel->target = target;
    tunnel->path = path;
    tunnel->words.limit = WORDS_LIMIT;
    return tunnel;
}

const char *engine_tunnel_path(const struct tunnel *tunnel)
{
    return tunnel->path;
}

/* ---- its life ---- */

static void stop(struct tunnel *tunnel)
{
    timer_stop(&tunnel->poll);
    process_free(tunnel->process);
    tunnel->process = NULL;
    tunnel->is_up = false;
    unlink(tunnel->path);
}

static void tell(struct tunnel *tunnel, const struct error *err)
{
    engine_tunnel_cb *done = tunnel->done;
    tunnel->done = NULL;
    if (done)
        done(err, tunnel->engine);
}

/* The last line that ssh said, or NULL. The caller frees. */
static char *last_words(struct tunnel *tunnel)
{
    size_t length = tunnel->words.length;
    const char *text = strbuf_text(&tunnel->words);
    while (length && strchr("\r\n ", text[length - 1]))
        length--;
    size_t start = length;
    while (start && text[start - 1] != '\n')
        start--;
    cleanup_free char *line = xstrndup(text + start, length - start);
    if (*line)
        return str_printable(line);
    return NULL;
}

void engine_tunnel_explain(struct tunnel *tunnel, struct error *err)
{
    cleanup_free char *words = last_words(tunnel);
    cleanup_free char *cause = xstrdup(text_or(words, text_or(err->text, "no answer")));
    error_ignore(err, "its words are part of the new one");
    error_set(err, ERROR_ENGINE, "cannot reach the container engine at %s through ssh: %s",
              tunnel->target.destination, cause);
    cleanup_free char *port = NULL;
    if (tunnel->target.port)
        port = xasprintf(" -p %d", tunnel->target.port);
    else
        port = xstrdup("");
    error_hint(err,
               "\"ssh -o BatchMode=yes%s %s true\" has to work without a question: check the host, the key "
               "or the agent, known_hosts, and the engine's socket over there",
               port, tunnel->target.destination);
}

static void fail(struct tunnel *tunnel, const char *cause)
{
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_ENGINE, "%s", cause);
    engine_tunnel_explain(tunnel, &err);
    stop(tunnel);
    tell(tunnel, &err);
}

static void on_exit_status(const struct process_exit *how, void *data)
{
    struct tunnel *tunnel = data;
    (void)how;
    if (tunnel->done) {
        fail(tunnel, "ssh ended");
        return;
    }
    stop(tunnel);
    tunnel->engine->negotiated = false;
}

static void on_words(int stream, const char *bytes, size_t length, void *data)
{
    struct tunnel *tunnel = data;
    (void)stream;
    if (tunnel->words.length + length > WORDS_LIMIT / 2) /* the newest are of interest */
        strbuf_truncate(&tunnel->words, 0);
    strbuf_add(&tunnel->words, bytes, size_min(length, WORDS_LIMIT / 2));
}

static void on_poll(void *data)
{
    struct tunnel *tunnel = data;
    tunnel->waited_ms += POLL_MS;
    tunnel->is_up = address_try_connect(tunnel->path) == 0;
    if (tunnel->is_up)
        tell(tunnel, NULL);
    else if (tunnel->waited_ms >= START_LIMIT_MS)
        fail(tunnel, "no connection within 30 seconds");
    else
        timer_start(&tunnel->poll, POLL_MS);
}

static void on_late(void *data)
{
    struct tunnel *tunnel = data;
    cleanup_error struct error err = {0};
    error_move(&err, &tunnel->failure);
    tell(tunnel, &err);
}

static struct process *spawn(struct tunnel *tunnel, struct error *err)
{
    const struct ssh_target *target = &tunnel->target;
    cleanup_strlist struct strlist argv = {0};

    static const char *const fixed[] = {"ssh", "-nNT",
                                        "-o",  "BatchMode=yes",
                                        "-o",  "ConnectTimeout=20",
                                        "-o",  "ExitOnForwardFailure=yes",
                                        "-o",  "StreamLocalBindUnlink=yes",
                                        "-o",  "StreamLocalBindMask=0177",
                                        "-o",  "ServerAliveInterval=15",
                                        "-o",  "ControlPath=none"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        strlist_add(&argv, fixed[i]);
    strlist_add(&argv, "-L");
    strlist_addf(&argv, "%s:%s", tunnel->path, target->socket);

    if (target->port) {
        strlist_add(&argv, "-p");
        strlist_addf(&argv, "%d", target->port);
    }

    strlist_add(&argv, "--");
    strlist_add(&argv, target->destination);
    static const char *const none[] = {NULL};
    cleanup_strlist struct strlist inherited = {0};
    process_inherit(&inherited, tunnel->engine->environment.items);
    const char *const *environment = (const char *const *)inherited.items;
    return process_spawn(tunnel->engine->loop,
                         &(struct process_options){.argv = (const char *const *)argv.items,
                                                   .environment = environment ? environment : none,
                                                   .is_tool = true,
                                                   .on_output = on_words,
                                                   .on_exit = on_exit_status,
                                                   .data = tunnel},
                         err);
}

bool engine_tunnel_is_up(const struct tunnel *tunnel)
{
    return tunnel->is_up;
}

void engine_tunnel_start(struct tunnel *tunnel, engine_tunnel_cb *done)
{
    if (tunnel->done)
        return;
    timer_init(tunnel->engine->loop, &tunnel->poll, on_poll, tunnel);
    turn_init(&tunnel->late, on_late, tunnel);
    tunnel->done = done;
    tunnel->waited_ms = 0;
    strbuf_truncate(&tunnel->words, 0);
    tunnel->process = spawn(tunnel, &tunnel->failure);
    if (tunnel->process) {
        timer_start(&tunnel->poll, POLL_MS);
        return;
    }
    engine_tunnel_explain(tunnel, &tunnel->failure);
    loop_post(tunnel->engine->loop, &tunnel->late);
}

void engine_tunnel_free(struct tunnel *tunnel)
{
    if (!tunnel)
        return;
    tunnel->done = NULL;
    if (tunnel->poll.run)
        loop_unpost(tunnel->engine->loop, &tunnel->late);
    if (tunnel->poll.run)
        stop(tunnel);
    error_clear(&tunnel->failure);
    strbuf_free(&tunnel->words);
    ssh_target_free(&tunnel->target);
    free(tunnel->path);
    free(tunnel);
}
