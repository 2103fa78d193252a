/* apphost doctor: everything that has to be right, each finding with its fix. */
#include "doctor/doctor.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { NARROW = 60 };

static void run_checks(struct doctor *doctor)
{
    for (const struct doctor_check *check = doctor_checks; check->category; check++) {
        doctor->category = check->category;
        check->run(doctor);
    }
}

/* How a finding is marked: two columns in plain letters, one otherwise. */
static const struct finding_mark {
    const char *sign, *plain;
    enum colour colour;
} marks[] = {
    [DOCTOR_PASS] = {"✔", "ok", COLOUR_GREEN},
    [DOCTOR_WARNING] = {"!", "! ", COLOUR_YELLOW},
    [DOCTOR_FAIL] = {"✘", "x ", COLOUR_RED},
};

/* Behind the mark: the category, and beside it the message and its fix; below it where that would be too
 * narrow. */
static void print_finding(const struct doctor_finding *finding, int mark_width)
{
    int room = output_room(stdout), indent = mark_width + 1;
    if (room >= NARROW)
        indent += 10;
    cleanup_free char *message = str_printable(finding->message);
    const char *fix = finding->fix;
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "%-10s", finding->category);
    if (room < NARROW)
        strbuf_addf(&text, "\n%*s", indent, "");
    str_wrap(&text, message, indent, room);
    if (fix)
        strbuf_addf(&text, "\n%*sfix: ", indent, "");
    if (fix)
        str_wrap(&text, fix, indent + 5, room);
    puts(strbuf_text(&text));
}

static void print_text(const struct doctor *doctor)
{
    const struct output *output = &doctor->context->output;
    for (size_t i = 0; i < doctor->finding_count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];
        const struct finding_mark *mark = &marks[finding->status];
        const char *sign = mark->plain;
        if (output->unicode)
            sign = mark->sign;
        printf("%s%s%s ", output_colour(output->colour_out, mark->colour), sign,
               output_colour(output->colour_out, COLOUR_NONE));
        print_finding(finding, str_width(sign));
    }
    printf("%d passed, %d warning%s, %d failed\n", doctor->counts[DOCTOR_PASS],
           doctor->counts[DOCTOR_WARNING], plural_s(doctor->counts[DOCTOR_WARNING]),
           doctor->counts[DOCTOR_FAIL]);
}

static void print_json(const struct doctor *doctor)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "version", APPHOST_VERSION);
    cJSON *checks = json_add_array(document, "checks");
    for (size_t i = 0; i < doctor->finding_count; i++)
        cJSON_AddItemToArray(checks, finding_json(&doctor->findings[i]));
    cJSON *summary = json_add_object(document, "summary");
    json_add_int(summary, "passed", doctor->counts[DOCTOR_PASS]);
    json_add_int(summary, "warnings", doctor->counts[DOCTOR_WARNING]);
    json_add_int(summary, "failed", doctor->counts[DOCTOR_FAIL]);
    output_json(document);
}

/* The exit code is the first failure's. */
static int conclude(struct doctor *doctor, struct error *err)
{
    if (!doctor->counts[DOCTOR_FAIL])
        return 0;
    error_set(&doctor->first, ERROR_FAILED, "a check failed");
    error_move(err, &doctor->first);
    doctor->context->is_told = true;
    return -1;
}

static int run(struct context *context, struct error *err)
{
    struct doctor doctor = {.context = context};
    struct project_options options = context_project_options(context);
    project_load(&context->project, &options, &doctor.manifest);
    run_checks(&doctor);
    if (context->output.json)
        print_json(&doctor);
    else
        print_text(&doctor);
    if (doctor.has_engine)
        engine_once_close(&doctor.engine);
    arena_free(&doctor.arena);
    error_clear(&doctor.manifest);
    return conclude(&doctor, err);
}

const struct command cmd_doctor = {
    .name = "doctor",
    .summary = "check engine, ports, images, leftovers, state, manifest",
    .usage = "",
    .description = "Checks everything that has to be right, and says how to mend what is not: which engine "
                   "and why that one, "
                   "its version and permission, the manifest, its images and ports and who holds them, the "
                   "folders for state and sockets. What dead sessions left is "
                   "removed, and said. Exits 0 when nothing failed.",
    .examples = "apphost doctor\n"
                "apphost doctor -o json > report.json\n",
    .group = GROUP_MACHINE,
    .run = run,
};
