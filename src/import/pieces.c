/* A resource in the making: its fields in the order in which they are met, with comments between them. See
 * internal.h. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static struct piece *add(struct service *service, const char *name)
{
    if (service->piece_count == service->piece_capacity) {
        service->piece_capacity = grown(service->piece_capacity, 16);
        service->pieces = xreallocarray(service->pieces, service->piece_capacity, sizeof *service->pieces);
    }
    struct piece *piece = &service->pieces[service->piece_count++];
    *piece = (struct piece){.name = name};
    return piece;
}

static struct piece *find(const struct service *service, const char *name)
{
    for (size_t i = 0; i < service->piece_count; i++)
        if (service->pieces[i].name && !strcmp(service->pieces[i].name, name))
            return &service->pieces[i];
    return NULL;
}

static struct piece *find_or_add(struct service *service, const char *name)
{
    struct piece *piece = find(service, name);
    if (piece)
        return piece;
    return add(service, name);
}

struct strbuf *piece_value(struct service *service, const char *name)
{
    return &find_or_add(service, name)->value;
}

struct strbuf *piece_body(struct service *service, const char *name)
{
    return &find_or_add(service, name)->body;
}

bool piece_is_there(const struct service *service, const char *name)
{
    return find(service, name) != NULL;
}

void piece_text(struct service *service, const char *name, const char *text)
{
    import_put_text(piece_value(service, name), text);
}

enum { COLUMNS = 100 };

void import_put_comment(struct strbuf *out, int indent, const char *text)
{
    int column = indent + 1;
    strbuf_addf(out, "%*s#", indent, "");
    while (*text) {
        size_t length = strcspn(text, " ");
        cleanup_free char *word = xstrndup(text, length);
        int width = str_width(word);
        if (column > indent + 3 && column + 1 + width > COLUMNS) {
            strbuf_addf(out, "\n%*s#  ", indent, "");
            column = indent + 3;
        }
        strbuf_addf(out, " %s", word);
        column += 1 + width;
        text += length + (text[length] == ' ');
    }
    strbuf_addc(out, '\n');
}

void import_put_place(struct strbuf *out, const struct yaml_node *at)
{
    strbuf_addf(out, "%s:%d: ", path_basename(text_or(at->pos.file, "-")), at->pos.line);
}

void piece_remark(struct import *im, struct service *service, const struct yaml_node *at, const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    cleanup_free char *shown = str_printable(text);
    va_end(args);
    struct piece *piece = add(service, NULL);
    piece->held = service->holding;
    import_put_place(&piece->value, at);
    strbuf_adds(&piece->value, shown);
    im->result->remarks++;
}

void pieces_release(struct service *service, const char *field)
{
    size_t count = service->piece_count;
    for (size_t i = 0; i < count; i++) {
        const char *held = service->pieces[i].held;
        if (!held || (field && strcmp(held, field) != 0))
            continue;
        struct piece *here = add(service, NULL);
        service->pieces[i].held = NULL;
        here->value = service->pieces[i].value;
        service->pieces[i].value = (struct strbuf){0};
    }
}

static void write_piece(const struct piece *piece, struct strbuf *out)
{
    if (!piece->name && piece->value.length)
        import_put_comment(out, 4, strbuf_text(&piece->value));
    if (!piece->name)
        return;
    if (!piece->value.length && !piece->body.length)
        return;
    strbuf_addf(out, "    %s:%s%s\n", piece->name, text_if(piece->value.length, " "),
                strbuf_text(&piece->value));
    strbuf_adds(out, strbuf_text(&piece->body));
}

void pieces_write(const struct service *service, struct strbuf *out)
{
    for (size_t i = 0; i < service->piece_count; i++)
        write_piece(&service->pieces[i], out);
}

void pieces_free(struct service *service)
{
    for (size_t i = 0; i < service->piece_count; i++) {
        strbuf_free(&service->pieces[i].value);
        strbuf_free(&service->pieces[i].body);
    }
    free(service->pieces);
}

const char *import_scalar(struct import *im, const struct yaml_node *node)
{
    if (node->kind == NODE_SCALAR && !manifest_is_null(node))
        return manifest_document_expand(im->document, import_text(im, node->text));
    return NULL;
}

void import_refuse(struct import *im, struct service *service, const struct yaml_node *key,
                   const struct yaml_node *value, const char *reason)
{
    cleanup_free char *shown = import_flow(value);
    piece_remark(im, service, key, "%s: %s: %s", key->text, shown, reason);
}
