/* Reads /proc/self/mountinfo and /proc/self/cgroup. A line of mountinfo (proc(5)):
 *   36 35 98:0 /root/field /mount/point rw,noatime master:1 - ext4 /dev/root rw
 * with blanks, tabs, line feeds and backslashes in names as \040 and so on. */
#include "machine/self.h"

#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LENGTH = 64, TEXT_LIMIT = 4 * 1024 * 1024 };

/* Files of /proc have no size: read until they end. */
static char *read_proc(const char *path)
{
    struct strbuf text = {.limit = TEXT_LIMIT};
    char part[4096];
    size_t length;
    FILE *file = fopen(path, "re");
    while (file && (length = fread(part, 1, sizeof part, file)) > 0 && strbuf_add(&text, part, length))
        continue;

    if (file)
        fclose(file);
    return strbuf_take(&text);
}

/* ---- lines of mountinfo ---- */

struct mount {
    char *device, *root, *point, *type;
};

static void mount_free(struct mount *mount)
{
    free(mount->device);
    free(mount->root);
    free(mount->point);
    free(mount->type);
    *mount = (struct mount){0};
}

static bool is_octal(const char *at)
{
    for (int i = 1; i <= 3; i++)
        if (at[i] < '0' || at[i] > '7')
            return false;
    return true;
}

/* "\040" and so on become what they stand for. */
static char *unescape(const char *text, size_t length)
{
    char *plain = xstrndup(text, length), *to = plain;
    for (const char *from = plain; *from;) {
        if (*from == '\\' && is_octal(from)) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }

    *to = '\0';
    return plain;
}

/* The next word, unescaped; *at moves behind it. NULL at the line's end. */
static char *next_word(const char **at)
{
    const char *start = *at + strspn(*at, " ");
    size_t length = strcspn(start, " \n");
    *at = start + length;
    if (length)
        return unescape(start, length);
    return NULL;
}

static void skip_word(const char **at)
{
    free(next_word(at));
}

/* False for a line that is none. */
static bool parse_line(const char *at, struct mount *mount)
{
    *mount = (struct mount){0};
    skip_word(&at);
    skip_word(&at);
    mount->device = next_word(&at);
    mount->root = next_word(&at);
    mount->point = next_word(&at);

    const char *end = strchrnul(at, '\n'), *dash = strstr(at, " - ");
    if (dash && dash < end) {
        at = dash + 3;
        mount->type = next_word(&at);
    }
    if (mount->type)
        return true;
    mount_free(mount);
    return false;
}

static const char *next_line(const char *line)
{
    const char *end = strchrnul(line, '\n');
    if (*end)
        return end + 1;
    return end;
}

/* ---- which container ---- */

static bool is_id(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    return length == ID_LENGTH;
}

/* The last part between slashes (and, in the names of systemd's scopes, between "-" and ".") that is an id:
 * the ones before it are of a container around ours, or of the volume that an engine in a container keeps its
 * own in. */
static char *id_in_path(const char *path, size_t length)
{
    const char *id = NULL;
    for (const char *at = path, *end = path + length; at < end;) {
        size_t part = strcspn(at, "/-.:\n");
        if (part > (size_t)(end - at))
            part = (size_t)(end - at);
        if (is_id(at, part))
            id = at;
        at += part + 1;
    }
    if (id)
        return xstrndup(id, ID_LENGTH);
    return NULL;
}

/* The files that engines make for each container, and mount into it. */
static bool is_made_by_engine(const char *point)
{
    return !strcmp(point, "/etc/hostname") || !strcmp(point, "/etc/resolv.conf") ||
           !strcmp(point, "/etc/hosts");
}

static char *id_of_mounts(const char *mountinfo)
{
    char *id = NULL;
    for (const char *line = mountinfo; *line && !id; line = next_line(line)) {
        struct mount mount;
        if (!parse_line(line, &mount))
            continue;
        const char *folder = strstr(mount.root, "containers/");
        if (folder && is_made_by_engine(mount.point))
            id = id_in_path(folder, strlen(folder));
        mount_free(&mount);
    }
    return id;
}

char *machine_container_id_in(const char *mountinfo, const char *cgroup)
{
    char *id = id_of_mounts(mountinfo);
    for (const char *line = cgroup; *line && !id; line = next_line(line))
        id = id_in_path(line, strcspn(line, "\n"));
    return id;
}

char *machine_container_id(void)
{
    cleanup_free char *mountinfo = read_proc("/proc/self/mountinfo");
    cleanup_free char *cgroup = read_proc("/proc/self/cgroup");
    return machine_container_id_in(mountinfo, cgroup);
}

/* ---- where a path lies ---- */

/* What is left of path below the mount point, with its slash, or NULL when it does not lie there. */
static const char *below(const char *path, const char *point)
{
    size_t length = strlen(point);
    if (!strcmp(point, "/"))
        return path;
    if (strncmp(path, point, length) || (path[length] && path[length] != '/'))
        return NULL;
    return path + length;
}

static void take_mount(struct mount *mount, const char *rest, struct machine_outside *outside)
{
    bool is_whole = !strcmp(mount->root, "/");
    bool has_rest = *rest && strcmp(rest, "/") != 0;
    machine_outside_free(outside);
    if (is_whole)
        outside->path = xstrdup(*rest ? rest : "/");
    else
        outside->path = xasprintf("%s%s", mount->root, text_if(has_rest, rest));
    outside->point = take_ptr(&mount->point);
    outside->type = take_ptr(&mount->type);
    outside->device = take_ptr(&mount->device);
    outside->is_bind = !is_whole;
}

void machine_outside_in(const char *mountinfo, const char *path, struct machine_outside *outside)
{
    *outside = (struct machine_outside){0};
    for (const char *line = mountinfo; *line; line = next_line(line)) {
        struct mount mount;
        if (!parse_line(line, &mount))
            continue;
        const char *rest = below(path, mount.point);
        /* of equals the later one, which covers the earlier */
        if (rest && (!outside->point || strlen(mount.point) >= strlen(outside->point)))
            take_mount(&mount, rest, outside);
        mount_free(&mount);
    }
}

void machine_outside(const char *path, struct machine_outside *outside)
{
    cleanup_free char *mountinfo = read_proc("/proc/self/mountinfo");
    machine_outside_in(mountinfo, path, outside);
}

char *machine_bound_from(const char *path)
{
    struct machine_outside outside = {0};
    char *result = NULL;
    machine_outside(path, &outside);
    if (outside.is_bind)
        result = take_ptr(&outside.path);
    machine_outside_free(&outside);
    return result;
}

void machine_outside_free(struct machine_outside *outside)
{
    free(outside->path);
    free(outside->point);
    free(outside->type);
    free(outside->device);
    *outside = (struct machine_outside){0};
}
