/* A record as lines for people: every row that is not hidden, by its form or else by its type. What is zero,
 * false or empty is not told, as it is not written. See record.h. */
#include "base/str.h"
#include "record/record.h"

enum { GROUPS = 4 };

static const void *member(const struct record_field *field, const void *from)
{
    return (const char *)from + field->offset;
}

static size_t counter(const struct record_field *field, const void *from)
{
    return *(const size_t *)((const char *)from + field->count_offset);
}

static void tell_number(const char *label, int64_t number, const struct record_teller *to)
{
    if (!number)
        return;
    cleanup_free char *text = xasprintf("%lld", (long long)number);
    to->line(label, text, to->data);
}

static void tell_text(const char *label, const char *text, const struct record_teller *to)
{
    if (text)
        to->line(label, text, to->data);
}

static void tell_texts(const struct record_field *field, const char *label, const void *from,
                       const struct record_teller *to)
{
    const char *const *texts = *(const char *const *const *)member(field, from);
    bool is_counted = field->type == FIELD_STRINGS;
    size_t count = SIZE_MAX;
    if (is_counted)
        count = counter(field, from);

    for (size_t i = 0; texts && i < count && (is_counted || texts[i]); i++)
        tell_text(label, texts[i], to);
}

static void tell_numbers(const struct record_field *field, const char *label, const void *from,
                         const struct record_teller *to)
{
    const int *numbers = *(int *const *)member(field, from);
    struct strbuf text = {0};

    for (size_t i = 0; i < counter(field, from); i++)
        strbuf_addf(&text, "%s%d", &" "[!i], numbers[i]);
    if (text.length)
        to->line(label, strbuf_text(&text), to->data);
    strbuf_free(&text);
}

static void tell_by_type(const struct record_field *field, const char *label, const void *from,
                         const struct record_teller *to)
{
    const void *value = member(field, from);

    switch (field->type) {
    case FIELD_STRING:
        tell_text(label, *(const char *const *)value, to);
        break;
    case FIELD_INT:
        tell_number(label, *(const int *)value, to);
        break;
    case FIELD_INT64:
        tell_number(label, *(const int64_t *)value, to);
        break;
    case FIELD_BOOL:
        if (*(const bool *)value)
            tell_text(label, "true", to);
        break;
    case FIELD_NAME:
        if (*(const int *)value)
            tell_text(label, names_text(field->names, (size_t) * (const int *)value), to);
        break;
    case FIELD_STRINGS:
    case FIELD_ARGV:
        tell_texts(field, label, from, to);
        break;
    case FIELD_INTS:
        tell_numbers(field, label, from, to);
        break;
    default: /* structures and what is custom have a form, or say nothing: see the test of their tables */
        break;
    }
}

static void tell_field(const struct record_field *field, const void *from, const struct record_teller *to)
{
    const struct record_form *form = field->form;
    const char *label = field->name;

    if (form && form->label)
        label = form->label;
    size_t count = 1;
    if (field->count_offset)
        count = counter(field, from);
    if (form && form->tell)
        form->tell(member(field, from), count, label, to);
    else
        tell_by_type(field, label, from, to);
}

void record_tell(const struct record *record, const void *from, const struct record_teller *to)
{
    for (int group = 0; group < GROUPS; group++)
        for (size_t i = 0; i < record->count; i++) {
            const struct record_field *field = &record->fields[i];
            int own = field->form ? field->form->group : 0;
            if (own == group)
                tell_field(field, from, to);
        }
}
