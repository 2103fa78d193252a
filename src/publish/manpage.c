/* apphost-publish(7), from the table of fields. man(7) macros. */
#include "publish/publish.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

static void put(struct strbuf *out, const char *text)
{
    bool is_bold = false;

    for (const char *p = text; *p; p++) {
        if (*p == '`') {
            is_bold = !is_bold;
            if (is_bold)
                strbuf_adds(out, "\\fB");
            else
                strbuf_adds(out, "\\fR");
        } else if (*p == '-') {
            strbuf_adds(out, "\\-");
        } else if (*p == '\\') {
            strbuf_adds(out, "\\e");
        } else {
            strbuf_addc(out, *p);
        }
    }
}

static const struct {
    const char *table, *title;
} chapters[] = {
    {"manifest", "TOP LEVEL"},
    {"common", "EVERY RESOURCE"},
    {"running", "WHAT RUNS"},
    {"hosted", "WHAT AN ENGINE RUNS"},
    {"server", "REDIS, VALKEY, GARNET"},
    {"redis", "REDIS"},
    {"valkey", "VALKEY"},
    {"garnet", "GARNET"},
    {"connection-string", "CONNECTION-STRING"},
    {"process", "PROCESS"},
    {"container", "CONTAINER"},
    {"external", "EXTERNAL"},
    {"publish", "PUBLISH"},
};

static bool is_one_fate(const struct deployment_field *row)
{
    for (int target = 1; target < DEPLOYMENT_TARGET_COUNT; target++)
        if (row->fate[target] != row->fate[0])
            return false;
    return true;
}

static void describe(struct strbuf *out, const struct deployment_field *row)
{
    strbuf_adds(out, ".TP\n\\fB");
    put(out, row->field);
    strbuf_adds(out, "\\fR: ");
    if (is_one_fate(row))
        put(out, names_text(&deployment_fate_names, row->fate[0]));
    for (int target = 0; !is_one_fate(row) && target < DEPLOYMENT_TARGET_COUNT; target++) {
        if (target)
            strbuf_adds(out, ", ");
        put(out, names_text(&deployment_target_names, (size_t)target));
        strbuf_addc(out, ' ');
        put(out, names_text(&deployment_fate_names, row->fate[target]));
    }
    strbuf_addc(out, '\n');
    if (!row->words)
        return;

    cleanup_free char *words = xstrdup(row->words);
    words[0] = (char)toupper((unsigned char)words[0]);
    put(out, words);
    strbuf_adds(out, ".\n");
}

static const char begin[] =
    ".TH APPHOST\\-PUBLISH 7 \"\" \"apphost\"\n.nh\n.ad l\n.SH NAME\n"
    "apphost\\-publish \\- what becomes of each field of a manifest on other engines\n.SH DESCRIPTION\n";

static const char *const paragraphs[] = {
    "`apphost publish` writes files for compose, `docker stack deploy` and Kubernetes, `apphost deploy` "
    "makes an engine run the "
    "same. A field "
    "that is kept means the same there; one that is changed means something else, which is said when it is "
    "published; "
    "one that is refused is an error at its position in the manifest, since something would be lost by it.",
    "A process is a container there, of the image that `publish: {image: NAME}` says; `publish: false` "
    "leaves it out. "
    "Its variables have the same names, with the addresses of the inside: a server is reached by its name, "
    "on its own "
    "port.",
    "Passwords are in files of mode 0600: `.env` beside a compose file, `secrets/` beside the files for "
    "the others. "
    "Both are named in a `.gitignore`. With compose, change a password in `.env` and publish again: a label "
    "makes the "
    "server anew. A configuration is a variable of `.env` too, and refers to the password; one that changes "
    "gets a "
    "variable with a number.",
    "For a swarm each secret is a file that is named by its content, as in the swarm itself: what was "
    "replaced "
    "stays in both until you delete it. `docker stack deploy` gives no node a label, waits for nobody, and "
    "runs "
    "tasks each time: `apphost deploy swarm` does those things.",
    "Images stand there as the manifest names them: which one a tag means is asked by the nodes, whose way "
    "to "
    "the registry nobody has here. `image: NAME@sha256:...` pins one. `deploy swarm` asks the swarm's "
    "engine, "
    "and pins what it answers.",
    "Nothing was tried on a real cluster: objects are held against the types of Kubernetes, `apphost deploy "
    "kubernetes` against the real kubectl and an API server without controllers. Scheduling, volumes and "
    "probes are "
    "the cluster's.",
};

char *publish_man_page(void)
{
    struct strbuf out = {0};
    strbuf_adds(&out, begin);
    for (size_t i = 0; i < sizeof paragraphs / sizeof *paragraphs; i++) {
        strbuf_adds(&out, ".PP\n");
        put(&out, paragraphs[i]);
        strbuf_addc(&out, '\n');
    }

    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++) {
        strbuf_addf(&out, ".SH \"%s\"\n", chapters[i].title);
        for (const struct deployment_field *row = deployment_fields(); row->table; row++)
            if (strcmp(row->table, chapters[i].table) == 0)
                describe(&out, row);
    }
    strbuf_adds(&out, ".SH SEE ALSO\n.BR apphost (1),\n.BR apphost.yaml (5)\n");
    return strbuf_take(&out);
}
