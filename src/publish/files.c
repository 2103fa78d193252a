/* Writing published files: looked at as a whole first, so that nothing is written when one of them is not
 * ours.
 *
 * The mark is the first line, with a digest of what follows: a file whose digest differs was edited, one
 * without a mark is foreign. What is only added to has no mark, nor has a value: the name of its file holds a
 * digest, so that another content under it was edited. Every file is replaced in one step. */
#include "publish/internal.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MARK "# written by apphost publish, hash "

enum { FILE_LIMIT = 16 << 20, HASH_LENGTH = 16 };

static void forget(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    free(text);
}

static struct publish_file *add(struct publish_files *files, enum publish_file_kind kind, const char *name,
                                char *text)
{
    files->items = xreallocarray(files->items, files->count + 1, sizeof *files->items);
    struct publish_file *file = &files->items[files->count++];
    *file = (struct publish_file){.kind = kind, .name = xstrdup(name), .text = text};
    return file;
}

void publish_add(struct publish_files *files, enum publish_file_kind kind, const char *name, char *text)
{
    add(files, kind, name, text);
}

void publish_add_secret(struct publish_files *files, enum publish_file_kind kind, const char *name,
                        char *text)
{
    add(files, kind, name, text)->is_secret = true;
}

void publish_free(struct publish_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].name);
        forget(files->items[i].text);
    }
    free(files->items);
    strlist_free(&files->notes);
    *files = (struct publish_files){0};
}

/* ---- what is there ---- */

/* Behind the mark's line, or NULL without a mark. *is_edited: it is not what is wanted, nor has it the digest
 * that the mark says. */
static const char *behind_mark(const char *text, const char *wanted, bool *is_edited)
{
    char digest[65];
    const char *end = strchr(text, '\n');
    if (!str_starts(text, MARK) || !end)
        return NULL;
    if (str_eq(end + 1, wanted))
        return end + 1;
    digest_sha256(end + 1, strlen(end + 1), digest);
    *is_edited = strncmp(text + strlen(MARK), digest, HASH_LENGTH) != 0;
    return end + 1;
}

static char *read_whole(const struct publish_files *files, const char *name, struct error *err)
{
    cleanup_free char *path = path_join(files->folder, name);
    struct error cause = {0};
    char *text = file_read(path, FILE_LIMIT, NULL, &cause);
    if (cause.code == ERROR_NO_FILE)
        error_clear(&cause);
    else if (!text)
        error_move(err, &cause);
    return text;
}

char *publish_read(const struct publish_files *files, const char *name)
{
    bool is_edited = false;
    char *text = read_whole(files, name, NULL);
    const char *rest = behind_mark(text_or_empty(text), NULL, &is_edited);
    if (!rest)
        return text;
    char *out = xstrdup(rest);
    forget(text);
    return out;
}

static bool is_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    return strncmp(text, line, length) == 0 && (text[length] == '\n' || !text[length]);
}

static bool has_line(const char *text, const char *line)
{
    for (const char *at = text; at && *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (is_line(at, line) || is_line(at, line + 1))
            return true;
    return false;
}

/* What is added to a file that has something added already is behind that. */
static struct publish_file *find_added(struct publish_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].kind == PUBLISH_ADDED && strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    return NULL;
}

void publish_add_missing_line(struct publish_files *files, const char *name, const char *line)
{
    cleanup_free char *text = publish_read(files, name);
    struct publish_file *file = find_added(files, name);
    const char *before = "";
    if (file)
        before = file->text;
    bool is_there = has_line(text, line) || has_line(before, line);
    char *added = xasprintf("%s%s%s", before, text_if(!is_there, line), text_if(!is_there, "\n"));
    if (!file) {
        publish_add(files, PUBLISH_ADDED, name, added);
        return;
    }
    free(file->text);
    file->text = added;
}

static int refuse(const struct publish_files *files, const struct publish_file *file, bool is_edited,
                  struct error *err)
{
    cleanup_free char *path = path_join(files->folder, file->name);
    if (is_edited)
        error_set(err, ERROR_FAILED, "%s was edited since it was published: it is left as it is", path);
    else
        error_set(err, ERROR_FAILED,
                  "%s is there already and was not published by apphost: it is left as it is", path);
    if (str_eq(file->name, "compose.yaml"))
        error_hint(err, "edits of your own belong into compose.override.yaml; --force replaces this one");
    else
        error_hint(err, "take another folder with -o, or replace it with --force");
    return -1;
}

static int look_at(const struct publish_files *files, struct publish_file *file, bool force,
                   struct error *err)
{
    struct error cause = {0};
    char *old = read_whole(files, file->name, &cause);
    if (error_is_set(&cause)) {
        error_move(err, &cause);
        return -1;
    }
    if (file->kind == PUBLISH_ADDED) {
        file->is_changed = *file->text;
        forget(old);
        return 0;
    }

    bool is_edited = file->kind == PUBLISH_VALUE;
    const char *rest = old;
    if (!is_edited)
        rest = behind_mark(text_or_empty(old), file->text, &is_edited);
    bool is_same = rest && strcmp(rest, file->text) == 0;
    bool is_ours = (rest && !is_edited) || (is_same && file->kind == PUBLISH_VALUE);
    file->is_changed = !is_same || !is_ours;
    bool is_refused = old && !is_ours && !force;
    forget(old);
    if (is_refused)
        return refuse(files, file, is_edited, err);
    return 0;
}

int publish_look(struct publish_files *files, bool force, struct error *err)
{
    for (size_t i = 0; i < files->count; i++)
        if (look_at(files, &files->items[i], force, err) < 0)
            return -1;
    return 0;
}

/* ---- writing ---- */

static int write_text(const struct publish_files *files, const struct publish_file *file, const char *before,
                      struct error *err)
{
    cleanup_free char *path = path_join(files->folder, file->name);
    cleanup_free char *folder = path_dirname(path);
    char *text = xasprintf("%s%s", before, file->text);
    int rc = file_mkdirs(folder, 0755, err);
    mode_t mode = 0644;
    if (file->is_secret)
        mode = 0600;
    if (rc == 0)
        rc = file_write_atomic(path, text, strlen(text), mode, err);
    forget(text);
    return rc;
}

static int write_marked(const struct publish_files *files, const struct publish_file *file, struct error *err)
{
    char digest[65];
    digest_sha256(file->text, strlen(file->text), digest);
    cleanup_free char *mark = xasprintf(MARK "%.*s\n", HASH_LENGTH, digest);
    return write_text(files, file, mark, err);
}

/* The old bytes stay as they are, in front. */
static int write_added(const struct publish_files *files, const struct publish_file *file, struct error *err)
{
    struct error cause = {0};
    char *old = read_whole(files, file->name, &cause);
    if (error_is_set(&cause)) {
        error_move(err, &cause);
        return -1;
    }
    size_t length = strlen(text_or_empty(old));
    bool ends = !length || old[length - 1] == '\n';
    char *before = xasprintf("%s%s", text_or_empty(old), text_if(!ends, "\n"));
    int rc = write_text(files, file, before, err);
    forget(before);
    forget(old);
    return rc;
}

/* Whatever was there, others may not read it now. */
static int close_to_others(const struct publish_files *files, const struct publish_file *file,
                           struct error *err)
{
    cleanup_free char *path = path_join(files->folder, file->name);
    struct stat info;
    if (!file->is_secret || stat(path, &info) < 0 || (info.st_mode & 077) == 0)
        return 0;
    if (chmod(path, 0600) == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "%s holds secrets and is open to others: its mode cannot be changed",
                     path);
}

static int write_file(const struct publish_files *files, const struct publish_file *file, struct error *err)
{
    if (!file->is_changed)
        return close_to_others(files, file, err);
    if (file->kind == PUBLISH_ADDED)
        return write_added(files, file, err);
    if (file->kind == PUBLISH_VALUE)
        return write_text(files, file, "", err);
    return write_marked(files, file, err);
}

int publish_write(struct publish_files *files, bool force, struct error *err)
{
    if (publish_look(files, force, err) < 0)
        return -1;
    for (size_t i = 0; i < files->count; i++)
        if (write_file(files, &files->items[i], err) < 0)
            return -1;
    return 0;
}
