/* apphost(1) from the tables, as roff. See help.h. */
#include "args/help.h"

#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>

/* Backslashes, hyphens that must stay hyphens, and a control character at the line's beginning. */
static void add_roff(struct strbuf *out, const char *text)
{
    bool is_start = true;
    for (; *text; text++) {
        if (is_start && (*text == '.' || *text == '\''))
            strbuf_adds(out, "\\&");
        if (*text == '\\')
            strbuf_adds(out, "\\e");
        else if (*text == '-')
            strbuf_adds(out, "\\-");
        else
            strbuf_addc(out, *text);
        is_start = *text == '\n';
    }
}

static void add_paragraphs(struct strbuf *out, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        cleanup_free char *line = xstrndup(text, length);
        add_roff(out, line);
        strbuf_adds(out, "\n");
        text += length;
        if (*text == '\n')
            strbuf_adds(out, ".PP\n");
        text += strspn(text, "\n");
    }
}

static void add_option(struct strbuf *out, const struct option *option)
{
    strbuf_adds(out, ".TP\n\\fB");
    if (option->letter)
        strbuf_addf(out, "\\-%c\\fR, \\fB", option->letter);
    strbuf_adds(out, "\\-\\-");
    add_roff(out, option->name);
    strbuf_adds(out, "\\fR");
    if (option->value) {
        strbuf_adds(out, " \\fI");
        add_roff(out, text_or(option->choices, option->value));
        strbuf_adds(out, "\\fR");
    }

    strbuf_adds(out, "\n");
    add_roff(out, option->help);
    strbuf_adds(out, "\n");
    if (option->twin)
        strbuf_addf(out, "(environment: \\fB%s\\fR)\n", option->twin);
}

static void add_options(struct strbuf *out, const struct option *table)
{
    for (; table && table->name; table++)
        if (!table->hidden)
            add_option(out, table);
}

static void add_examples(struct strbuf *out, const char *examples)
{
    if (!examples)
        return;
    strbuf_adds(out, ".PP\n.nf\n");
    while (*examples) {
        size_t length = strcspn(examples, "\n");
        cleanup_free char *line = xstrndup(examples, length);
        strbuf_adds(out, "    ");
        add_roff(out, line);
        strbuf_adds(out, "\n");
        examples += length + (examples[length] == '\n');
    }
    strbuf_adds(out, ".fi\n");
}

static void add_command(struct strbuf *out, const struct command *command)
{
    const char *form = command->usage;
    do {
        size_t length = strcspn(form, "\n");
        cleanup_free char *line = xstrndup(form, length);
        strbuf_addf(out, "%s\\fBapphost %s\\fR ", form == command->usage ? ".SS " : ".br\n", command->name);
        add_roff(out, line);
        strbuf_adds(out, "\n");
        form += length + (form[length] == '\n');
    } while (*form);
    strbuf_adds(out, ".PP\n"); /* else the last of several forms runs on into the text */
    add_paragraphs(out, command->description);
    add_options(out, command->options);
    add_examples(out, command->examples);
}

static void add_exit_codes(struct strbuf *out)
{
    strbuf_adds(out, ".SH EXIT STATUS\n");
    for (const struct exit_code *row = help_exit_codes; row->text; row++)
        strbuf_addf(out, ".TP\n.B %s\n%s\n", row->code, row->text);
    strbuf_adds(out, ".PP\nThe command's own code is the answer of \\fBrun\\fR, \\fBexec\\fR and \\fBup "
                     "\\-\\-exit\\-code\\-from\\fR.\n");
}

static const char tail[] =
    ".SH THE ENGINE'S ADDRESS\n"
    "The first of: \\fB\\-\\-context\\fR, \\fB\\-\\-host\\fR, \\fBDOCKER_HOST\\fR, \\fBDOCKER_CONTEXT\\fR, "
    "the current "
    "context of the Docker configuration, the well-known sockets. \\fBapphost doctor\\fR says which one it "
    "is and why.\n"
    ".SH WHERE PUBLISHED PORTS ARE\n"
    "Found out, never guessed from files or interfaces: in a container of the engine (a mounted socket) the "
    "engine is asked about it, and ports are published on and reached at the gateway of its network; else "
    "whoever serves the engine's socket tells: beside us it is loopback; a remote engine's host is that of "
    "its address. \\fBapphost doctor\\fR, \\fBup \\-\\-explain\\fR and \\fBps \\-\\-verbose\\fR show the "
    "answer "
    "and its reason. \\fBAPPHOST_PUBLISHED_HOST\\fR (or \\fBTESTCONTAINERS_HOST_OVERRIDE\\fR) overrides it; "
    "an "
    "address there is also the one that ports are published on.\n"
    ".SH ENVIRONMENT\n"
    "Every global option has a variable that stands in for it, named with the option above: option before "
    "environment "
    "before manifest before default. Docker's variables \\fBDOCKER_HOST\\fR, \\fBDOCKER_CONTEXT\\fR, "
    "\\fBDOCKER_TLS_VERIFY\\fR, \\fBDOCKER_CERT_PATH\\fR, \\fBDOCKER_API_VERSION\\fR, \\fBDOCKER_CONFIG\\fR, "
    "\\fBDOCKER_AUTH_CONFIG\\fR and \\fBDOCKER_DEFAULT_PLATFORM\\fR are honoured, and so are "
    "\\fBNO_COLOR\\fR and "
    "\\fBFORCE_COLOR\\fR. \\fBAPPHOST_IMAGE_PREFIX\\fR substitutes a mirror for Docker Hub names.\n"
    ".SH CALLS INSIDE OF A SESSION\n"
    "The command of \\fBrun\\fR and \\fBexec\\fR and the processes of a manifest inherit no variable that "
    "steers \\fBapphost\\fR, but they carry the session that they belong to (\\fBAPPHOST_SESSION\\fR; of a "
    "session that nobody holds, \\fBrun\\fR's command has \\fBAPPHOST_PARENT_SESSION\\fR). As long as it "
    "lives, a call of \\fBapphost\\fR from there means that session, whatever its working folder is: "
    "\\fBps\\fR, \\fBenv\\fR, \\fBport\\fR, \\fBredis\\fR, \\fBexec\\fR, \\fBlogs\\fR, \\fBrestart\\fR, "
    "\\fBdown\\fR and all others that work on what runs. \\fB\\-f\\fR, \\fB\\-p\\fR, \\fB\\-C\\fR or their "
    "variables, given to the call itself, name another project. Commands that read a manifest (\\fBup\\fR, "
    "\\fBrun\\fR, \\fBvalidate\\fR …) look for one as always: when it is the session's own, or when there is "
    "none and the session's is read instead, they join the session with its name and its engine; another "
    "one is another project. \\fBrun \\-\\-isolate\\fR joins none. Profiles and parameters are not "
    "inherited either. After the session's end the search is the ordinary one.\n"
    ".SH SIGNALS\n"
    "The first interruption of \\fBup\\fR takes the session down in order, the second one kills, the third "
    "one leaves at "
    "once while the supervisor finishes.\n"
    ".SH WHAT IS TAKEN DOWN, AND WHEN\n"
    "Every end of a session removes the same: its processes, containers and networks; what is persistent "
    "and data volumes stay unless they are asked for. Each process is told by its environment "
    "(\\fBAPPHOST_SESSION\\fR), by a mark that leaving its group, its session, its parent or its "
    "environment does not take off (its soft limit of file locks, which Linux passes on and does not "
    "enforce), and by its descent while the guard lives. On any Linux, without privileges.\n"
    ".TP\n\\fBdown\\fR, the end of \\fBrun\\fR and \\fBup\\fR, a signal\nin order; all is gone, or what "
    "stays is named, when the command returns\n"
    ".TP\nthe supervisor, or the command that holds the session, is killed\nat once, by the guard or the "
    "supervisor; servers with data have their stop time\n"
    ".TP\nthe guard is killed\nthe supervisor takes all down in order\n"
    ".TP\nboth are killed\nthe next command of any kind does it\n"
    ".PP\nNot reached: processes that changed to another user, or asked somebody else to start them (a "
    "service manager, \\fBcron\\fR); and one that both emptied its environment and set that limit itself, "
    "once the guard is dead.\n"
    ".SH FILES\n"
    ".TP\n\\fI$XDG_STATE_HOME/apphost/PROJECT\\-HASH/\\fR\nremembered ports and passwords, logs, the "
    "session's record (default: \\fI~/.local/state\\fR)\n"
    ".TP\n\\fI$XDG_RUNTIME_DIR/apphost/\\fR\ncontrol sockets (default: \\fI/tmp/apphost\\-UID\\fR)\n"
    ".SH SEE ALSO\n"
    ".BR apphost.yaml (5)\n";

void help_man_page(const struct commands *commands, struct strbuf *out)
{
    strbuf_addf(
        out,
        ".TH APPHOST 1 \"\" \"apphost %s\" \"User Commands\"\n.nh\n.SH NAME\napphost \\- start servers, "
        "containers "
        "and processes from one manifest\n.SH SYNOPSIS\n.B apphost\n[\\fIoptions\\fR] \\fIcommand\\fR …\n"
        ".SH DESCRIPTION\n",
        APPHOST_VERSION);
    strbuf_adds(out,
                "Starts what an \\fBapphost.yaml\\fR(5) describes: Redis and Valkey servers, containers and "
                "processes, each with the connection strings it references; and takes all of it down again.\n"
                ".SH GLOBAL OPTIONS\nThey stand before or after the command.\n");
    add_options(out, option_globals());
    strbuf_adds(out, ".SH COMMANDS\n");

    for (const struct command *const *command = commands->list; *command; command++)
        if (!(*command)->hidden)
            add_command(out, *command);

    add_exit_codes(out);
    strbuf_adds(out, tail);
}
