/* The shape of `users`: a server's users besides "default", each with a password and the server's own rules.
 *
 * What a rule may be is the server's to know: it judges when the user is made. Here only what apphost owns is
 * refused: passwords stand in `password`. */
#include "manifest/field.h"

#include <string.h>

enum { MOST_USERS = 100, MOST_NAME = 63, MOST_ACL = 8192 };

/* --- rules --- */

static const char *find_fault(const char *word, size_t length)
{
    static const char *const owned[] = {"nopass", "resetpass", "reset"};
    if (strchr("><#!", *word))
        return "a password stands in `password`";
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (strlen(owned[i]) == length && strncasecmp(owned[i], word, length) == 0)
            return "whether there is a password is said by `password`; what was before is always forgotten";
    return NULL;
}

static int read_acl(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_user *user = object;
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (!*text || strlen(text) > MOST_ACL || strpbrk(text, "\r\n"))
        return manifest_problem(l, value, "`%s` must be %s, on one line", field->name, field->shape->words);

    for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        const char *fault = find_fault(at, length);
        if (fault) {
            manifest_problem(l, value, "%s", fault);
            manifest_hide_source(l);
            return -1;
        }
        at += length;
    }
    user->acl = text;
    user->acl_pos = value->pos;
    return 0;
}

/* --- a user --- */

static int read_user_password(struct loader *l, const struct field *field, struct yaml_node *value,
                              void *object)
{
    struct model_user *user = object;
    struct manifest_password password = {user->password_kind, user->password};

    int rc = manifest_read_password(l, field, value, &password);
    user->password_kind = password.kind;
    user->password = password.text;
    return rc;
}

static const struct shape shape_acl = {
    .words = "rules such as \"~app:* +@read +@write\"", .accept = ACCEPT_TEXT, .read = read_acl};
typedef struct model_user shape_acl_value;
static const struct shape shape_user_password = {.words = "text, {parameter: name}, or false",
                                                 .accept = ACCEPT_SCALAR | ACCEPT_TABLE,
                                                 .read = read_user_password,
                                                 .table = &manifest_table_password};
typedef struct model_user shape_user_password_value;

static const struct field user_fields[] = {
    {.name = "password",
     WHOLE(shape_user_password, struct model_user),
     .fallback = "generated, and remembered",
     .help = "The user's password, the parameter that holds it, or false for none."},
    {.name = "acl",
     WHOLE(shape_acl, struct model_user),
     .help = "What the user may do, in the server's words, such as \"~app:* +@read +@write\". Required."},
};
static const struct table table_user = {
    .name = "user", .help = "a user", .fields = user_fields, .count = FIELD_COUNT(user_fields)};
static const struct shape shape_user = {
    .words = "a map with `password` and `acl`", .accept = ACCEPT_TABLE, .table = &table_user};

static int check_name(struct loader *l, const struct yaml_node *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(key->text);
    if (strcmp(key->text, "default") == 0) {
        manifest_problem(l, key, "the user `default` is the one that `password` is for");
        return -1;
    }
    if (length && length <= MOST_NAME && strspn(key->text, allowed) == length)
        return 0;
    return manifest_problem(l, key, "a user's name has 1 to 63 letters, digits, hyphens, dots and _");
}

static int read_users(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_user *users = arena_alloc(l->arena, (value->count + 1) * sizeof *users);
    size_t count = 0;

    for (size_t i = 0; i < value->count; i++) {
        struct yaml_node *key = value->keys[i], *item = value->items[i];
        struct model_user user = {.name = key->text, .pos = key->pos};
        if (check_name(l, key) < 0)
            continue;
        if (item->kind != NODE_MAP)
            manifest_problem(l, item, "a user must be %s", field->shape->item->words);
        else if (manifest_read_table(l, &table_user, item, &user) < 0)
            continue;
        else if (!user.acl)
            manifest_problem(l, key, "the user `%s` needs `acl`: without rules it may do nothing", user.name);
        else
            users[count++] = user;
    }
    *(struct model_user **)manifest_slot(object, field->offset) = users;
    *(size_t *)manifest_slot(object, field->count_offset) = count;
    return 0;
}

const struct shape shape_users = {.words = "a map from names to users",
                                  .accept = ACCEPT_MAP,
                                  .read = read_users,
                                  .item = &shape_user,
                                  .most = MOST_USERS};
