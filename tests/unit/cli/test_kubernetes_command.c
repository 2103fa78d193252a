/* `deploy kubernetes` against a kubectl that is a script: it writes down what it was told and answers as a
 * cluster would that has one thing of ours which is no longer wanted. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char manifest[] =
    "name: shop\n"
    "resources:\n"
    "  cache: {type: redis, image: 'registry.example/redis:7', data_volume: true}\n"
    "  api: {type: process, command: [x], references: [cache], publish: {image: 'registry.example/api:1'}}\n";

/* A file called like a variable changes an answer. The folder with what is applied is looked at while it is
 * there. */
static const char kubectl[] =
    "cd \"$HOME\"; printf '%s\\n' \"$*\" >>notes; env | grep PARAM >>notes\n"
    "case \" $* \" in\n"
    "*' version '*) if [ -e old ]; then echo '{\"clientVersion\":{\"major\":\"1\",\"minor\":\"20+\"}}'\n"
    "  else echo '{\"clientVersion\":{\"major\":\"1\",\"minor\":\"30\"}}'; fi ;;\n"
    "*' config view '*) echo '{\"current-context\":\"lab\",\"contexts\":['\n"
    "  echo '{\"name\":\"lab\",\"context\":{\"namespace\":\"team\"}},{\"name\":\"bare\",\"context\":{}}]}' "
    ";;\n"
    "*' get secret '*) ;;\n"
    "*' get persistentvolumeclaim '*) echo persistentvolumeclaim/data-cache-0 ;;\n"
    "*' get statefulset,'*) echo statefulset.apps/cache; [ -e same ] || echo deployment.apps/gone ;;\n"
    "*' get -k '*) echo statefulset.apps/cache; echo deployment.apps/api ;;\n"
    "*' get pods '*) echo '{\"items\":[{\"status\":{\"containerStatuses\":[{\"state\":{\"waiting\":'\n"
    "  echo '{\"reason\":\"ImagePullBackOff\"}}}]}}]}' ;;\n"
    "*' diff '*) [ ! -e same ] || exit 0\n"
    "  [ ! -e named ] || echo 'diff -u /tmp/l/apps.v1.Deployment.team.api "
    "/tmp/m/apps.v1.Deployment.team.api'\n"
    "  [ ! -e both ] || echo 'diff -u /tmp/l/apps.v1.StatefulSet.team.cache /tmp/m/x'\n"
    "  echo '+  replicas: 2'; exit 1 ;;\n"
    "*' apply '*) [ ! -e conflict ] || { echo 'error: Apply failed with 1 conflict' >&2; exit 1; }\n"
    "  for last; do :; done; last=${last%/*}; ls \"$last\" >applied; stat -c %a \"$last\" >>applied ;;\n"
    "*' get deployment/'*) [ ! -e past ] || echo '{\"spec\":{\"replicas\":2}}' ;;\n"
    "*' rollout history '*) printf 'deployment.apps/api\\nREVISION  CHANGE-CAUSE\\n2  <none>\\n13 "
    "<none>\\n\\n' ;;\n"
    "*' rollout undo deployment/'*) [ ! -e refuse ] || { echo 'error: forbidden' >&2; exit 1; } ;;\n"
    "*' rollout status deployment/'*) [ ! -e late ] || { echo 'error: timed out' >&2; exit 1; } ;;\n"
    "esac\n";

static int open_cluster(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage_end(stage);
    file_remove_tree("state", NULL);
    setenv("APPHOST_PARAM_UNUSED", "of-nobody-else", 1); /* parameters are for nobody but us */
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    stage_program("kubectl", kubectl);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_cluster, stage_close)

static char *notes(void)
{
    char *text = file_read("notes", 1 << 20, NULL, NULL);
    return text ? text : xstrdup("");
}

static void kubectl_was_told(const char *wanted)
{
    cleanup_free char *text = notes();
    if (!strstr(text, wanted))
        fail_msg("wanted \"%s\" in:\n%s", wanted, text);
}

static void kubectl_was_not_told(const char *unwanted)
{
    cleanup_free char *text = notes();
    if (strstr(text, unwanted))
        fail_msg("\"%s\" stands in:\n%s", unwanted, text);
}

static void nobody_is_asked_without_a_terminal(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("deploy", "kubernetes"));
    stage_says(stage, "Deploy shop in context lab, namespace team: there is nobody to ask");
    stage_says(stage, "-y does it without asking, --diff shows what would change");
    kubectl_was_not_told(" apply ");
}

static void a_difference_is_printed_and_nothing_else_is_done(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--diff"));
    assert_string_equal(
        strbuf_text(&stage->out),
        "+  replicas: 2\ndelete deployment.apps/gone: it is ours, and no longer in the manifest\n");
    kubectl_was_not_told(" apply ");
    kubectl_was_not_told(" delete ");
}

/* What is applied is in a folder that only we can read, and that is gone afterwards. */
static void what_is_applied_is_waited_for_and_the_rest_goes(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "-y", "--wait-timeout", "7s"));
    stage_says(stage, "cache is ready\n");
    stage_says(stage, "api is ready\n");
    stage_says(stage, "deleted deployment.apps/gone\n");
    kubectl_was_told("--context=lab --namespace=team apply --server-side --validate=false "
                     "--field-manager=apphost -f ");
    kubectl_was_told("rollout status statefulset/cache --timeout=7s\n");
    kubectl_was_told("rollout status deployment/api --timeout=7s\n");
    kubectl_was_told("delete --ignore-not-found deployment.apps/gone\n");
    kubectl_was_not_told("of-nobody-else");

    cleanup_free char *applied = file_read("applied", 4096, NULL, NULL), *told = notes();
    assert_string_equal(applied, "api.yaml\ncache.yaml\nkustomization.yaml\nsecrets\n700\n");
    char *folder = strstr(strstr(told, " diff "), " -k ") + strlen(" -k ");
    folder[strcspn(folder, "\n")] = '\0';
    assert_false(file_exists(folder));
}

static void where_it_goes_may_be_said(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--diff", "--context", "bare"));
    kubectl_was_told("--context=bare --namespace=default diff ");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--diff", "--namespace", "mine"));
    kubectl_was_told("--context=lab --namespace=mine diff ");
    stage_runs(stage, 4, WORDS("deploy", "kubernetes", "--diff", "--context", "none"));
    stage_says(stage, "kubectl knows no context none");
    stage_says(stage, "`kubectl config get-contexts` lists them");
}

static void nothing_to_change_is_said(void **state)
{
    struct stage *stage = *state;
    stage_file("same", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--diff"));
    stage_says(stage, "context lab, namespace team: nothing to change");
    assert_string_equal(strbuf_text(&stage->out), "");
}

static void what_does_not_get_ready_is_told_with_the_pods_words(void **state)
{
    struct stage *stage = *state;
    stage_file("late", "");
    stage_runs(stage, 7, WORDS("deploy", "kubernetes", "-y"));
    stage_says(stage, "api does not get ready: ImagePullBackOff");
    stage_says(stage, "--rollback goes back to it");
    kubectl_was_not_told(" delete "); /* what served before goes on */
}

static void somebody_elses_field_is_left_alone(void **state)
{
    struct stage *stage = *state;
    stage_file("conflict", "");
    stage_runs(stage, 4, WORDS("deploy", "kubernetes", "-y"));
    stage_says(stage, "kubectl apply failed: error: Apply failed with 1 conflict");
    stage_says(stage, "--force-conflicts");
    kubectl_was_not_told("rollout");
}

static void what_is_removed_keeps_its_data(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("deploy", "kubernetes", "--remove"));
    stage_says(stage, "Remove shop in context lab, namespace team: there is nobody to ask");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--remove", "-y"));
    stage_says(stage, "deleted statefulset.apps/cache\n");
    kubectl_was_not_told("persistentvolumeclaim");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--remove", "--volumes", "-y"));
    stage_says(stage, "deleted persistentvolumeclaim/data-cache-0\n");
}

/* What the last deploy from here changed, and nothing else; once. */
static void a_deploy_is_undone_where_it_changed_something(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 1, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    stage_says(stage, "no deploy from here to context lab, namespace team is known to go back from");
    stage_file("named", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "-y"));
    stage_file("notes", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    kubectl_was_told("rollout undo deployment/api\n");
    kubectl_was_not_told("rollout undo statefulset/cache\n");
    stage_says(stage, "api is ready\n");
    kubectl_was_not_told(" apply ");
    stage_runs(stage, 1, WORDS("deploy", "kubernetes", "--rollback", "-y"));
}

/* By the number that it had: a deploy that changed no template has made none, and one step back is too far.
 */
static void what_is_undone_goes_back_to_what_was_seen_before(void **state)
{
    struct stage *stage = *state;
    stage_file("named", "");
    stage_file("past", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "-y"));
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    kubectl_was_told("rollout undo deployment/api --to-revision=13\n");
    kubectl_was_told("patch deployment/api --type=merge -p {\"spec\":{\"replicas\":2}}\n");
    stage_runs(stage, 1, WORDS("deploy", "kubernetes", "--rollback", "-y"));
}

/* What went back is not taken back once more: that would bring back what was left. */
static void an_undo_that_failed_goes_on_where_it_was(void **state)
{
    struct stage *stage = *state;
    stage_file("named", "");
    stage_file("both", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "-y"));
    stage_file("refuse", "");
    stage_runs(stage, 4, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    kubectl_was_told("rollout undo statefulset/cache\n");
    stage_file("notes", "");
    unlink("refuse");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    kubectl_was_told("rollout undo deployment/api\n");
    kubectl_was_not_told("rollout undo statefulset/cache\n");
}

static void what_was_refused_is_nothing_to_go_back_from(void **state)
{
    struct stage *stage = *state;
    stage_file("named", "");
    stage_runs(stage, 0, WORDS("deploy", "kubernetes", "-y"));
    stage_file("conflict", "");
    stage_runs(stage, 4, WORDS("deploy", "kubernetes", "-y"));
    stage_runs(stage, 1, WORDS("deploy", "kubernetes", "--rollback", "-y"));
    kubectl_was_not_told(" rollout undo ");
}

static void a_kubectl_that_is_too_old_is_not_used(void **state)
{
    struct stage *stage = *state;
    stage_file("old", "");
    stage_runs(stage, 4, WORDS("deploy", "kubernetes", "-y"));
    stage_says(stage, "this kubectl is too old: it says version 1.20");
    stage_says(stage, "version 1.22 or newer");
    kubectl_was_not_told("config view");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_asked_without_a_terminal),
        TEST(a_difference_is_printed_and_nothing_else_is_done),
        TEST(what_is_applied_is_waited_for_and_the_rest_goes),
        TEST(where_it_goes_may_be_said),
        TEST(nothing_to_change_is_said),
        TEST(what_does_not_get_ready_is_told_with_the_pods_words),
        TEST(somebody_elses_field_is_left_alone),
        TEST(what_is_removed_keeps_its_data),
        TEST(a_deploy_is_undone_where_it_changed_something),
        TEST(what_is_undone_goes_back_to_what_was_seen_before),
        TEST(an_undo_that_failed_goes_on_where_it_was),
        TEST(what_was_refused_is_nothing_to_go_back_from),
        TEST(a_kubectl_that_is_too_old_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
