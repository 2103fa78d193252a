"""Further parts of the fault harness: what dead owners left, in every state that a container can be in; what a runner
of CI jobs ends behind us, by a variable or by a name; one project from two folders of state, two projects of one name.

Each function is a part: it gets the harness, and makes its cases with harness.case()."""
import os
import signal
import time

from company import are_ready, wait_for
from world import IMAGE, Engine, World, engine, is_alive, read

SERVER = f"resources: {{cache: {{type: redis, image: {IMAGE}}}}}\n"
# Once there is a file `over`, it ends as soon as it is started.
ENDING = (f'resources: {{cache: {{type: container, image: {IMAGE}, bind_mounts: ["./marks:/srv"], command: '
          '[sh, -c, "[ ! -e /srv/over ] || exit 1; exec sleep 1000"]}}\n')
BOTH = f"""resources:
  cache: {{type: redis, image: {IMAGE}}}
  web: {{type: process, command: [sleep, "1000"], references: [cache]}}
"""


def kill_both(w):
    """The supervisor cannot clean up after its guard, nor the guard after it."""
    who = w.session()
    for name, number in (("supervisor", signal.SIGSTOP), ("guard", signal.SIGKILL), ("supervisor", signal.SIGKILL)):
        if who.get(name):
            os.kill(who[name], number)
    wait_for(lambda: not any(is_alive(who.get(name)) for name in ("guard", "supervisor")), 30)


def containers(w):
    return [name for kind, name in w.objects() if kind == "containers"]


def state_of(name):
    return ((engine("GET", f"/containers/{name}/json") or {}).get("State") or {}).get("Status")


# ---- owners: dead ones, and what their containers have become ----

# What makes it of one that runs. Not here, because no request makes them: `removing`, which an engine has for a moment,
# and `dead`, which it has when it cannot remove.
STATES = {"created": None, "running": None, "paused": ("POST", "pause"), "exited": ("POST", "stop?t=0"),
          "restarting": ("POST", "restart?t=0")}
HEALERS = [["down"], ["gc"], ["up", "-d"], ["ps"]]


def owners(harness):
    neighbour = World(BOTH, False)
    harness.judge(neighbour, "owners", "neighbour", neighbour.run("up", "-d"))
    before = neighbour.session(), containers(neighbour)
    try:
        for state, verb in harness.sample([(s, v) for s in STATES for v in HEALERS]):
            name = f"{state}, then {' '.join(verb)}"
            harness.case("owners", name, lambda w: inherit(harness, w, name, state, verb),
                         ENDING if state == "restarting" else SERVER, state == "created")
        if (neighbour.session(), containers(neighbour)) != before or not are_ready(neighbour):
            harness.figures.fail("owners", "crashes", "neighbour", "a living neighbour was touched")
    finally:
        harness.finish(neighbour, "owners", "neighbour")


def leave(harness, w, name, state):
    """Its owners are dead, and the container is in that state."""
    if state == "created":
        w.rules("* POST /start silent")
        process = w.start("up", "-d")
        wait_for(lambda: containers(w) and b"/start" in read(w.log), 60)
        kill_both(w)
        process.kill()
        process.wait()
        w.rules()
        return
    os.makedirs(os.path.join(w.folder, "work", "marks"), exist_ok=True)
    harness.judge(w, "owners", name, w.run("up", "-d"))
    kill_both(w)
    if state == "restarting":
        with open(os.path.join(w.folder, "work", "marks", "over"), "w"):
            pass
        engine_json(f"/containers/{containers(w)[0]}/update", '{"RestartPolicy":{"Name":"always"}}')
    if STATES[state]:
        method, what = STATES[state]
        engine(method, f"/containers/{containers(w)[0]}/{what}")


def engine_json(path, body):
    connection = Engine()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()


def inherit(harness, w, name, state, verb):
    leave(harness, w, name, state)
    if not wait_for(lambda: any(state_of(one) == state for one in containers(w)), 30):
        raise RuntimeError(f"no container became {state}: {[state_of(one) for one in containers(w)]}")
    code = harness.judge(w, "owners", name, w.run(*verb))
    if verb[0] == "up":
        if code or not wait_for(lambda: are_ready(w), 30):
            harness.figures.fail("owners", "false ready", name, f"code {code}: {w.said()[-600:]}")
        return
    harness.is_gone(w, "owners", name, 30)


# ---- runner: it ends what a job left, by a variable that it gave it, or by a name ----

def runner(harness):
    """Everything that carries the variable, that is called apphost (killall), or that has it in its title (pkill -f).
    Guard and supervisor have neither the variable nor that name, so that they can clean up: when the command is ended
    that holds the session, all goes; a detached one goes on, and `down` finds it. Their title they have: TERM to all
    is a `down`, and after KILL the next command heals."""
    ways = [(by, name, how) for by in ("variable", "name", "title") for name in ("KILL", "TERM")
            for how in ("up", "up -d")]
    for by, name, how in harness.sample(ways):
        case = f"{how}, by {by}: {name}"
        harness.case("runner", case, lambda w: end_job(harness, w, case, by, name, how), BOTH, False)


def is_of_job(pid, by, cookie):
    if by == "variable":
        return cookie in read(f"/proc/{pid}/environ")
    if by == "name":
        return read(f"/proc/{pid}/comm").strip() == b"apphost"
    return b"apphost" in read(f"/proc/{pid}/cmdline").split(b"\0")[0]


def end_job(harness, w, case, by, name, how):
    w.environment["RUNNER_TRACKING_ID"] = w.name
    cookie = f"RUNNER_TRACKING_ID={w.name}".encode()
    process = w.start(*how.split())
    wait_for(lambda: process.poll() is not None or are_ready(w), 60)
    who, number = w.session(), signal.Signals[f"SIG{name}"]
    ended = [int(pid) for pid in {*w.processes(), str(process.pid)} if is_of_job(pid, by, cookie)]
    keepers = {who["supervisor"], who["guard"]}
    if (seen := keepers & set(ended)) != (keepers if by == "title" else set()):
        harness.figures.fail("runner", "crashes", case, f"of guard and supervisor are seen: {seen}")
    for pid in ended:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    harness.judge(w, "runner", case, w.end(process), number)
    if by == "title" and name == "KILL":
        harness.judge(w, "runner", case, w.run("doctor"))
    if how == "up" or by == "title":
        harness.is_gone(w, "runner", case, 60)
    elif not is_alive(who["supervisor"]) or w.run("down"):
        harness.figures.fail("runner", "crashes", case, f"a detached session was lost: {w.said()[-600:]}")


# ---- folders: one manifest from two folders of state; two manifests of one name ----

class Twin(World):
    """The same manifest, of the same user, with state and sockets elsewhere: as of another container."""

    def __init__(self, of):
        self.folder, self.name, self.proxy, self.before = f"{of.folder}/twin", of.name, None, 0
        for name in ("", "/state", "/run"):
            os.mkdir(self.folder + name, 0o700)
        os.symlink(f"{of.folder}/work", f"{self.folder}/work")
        self.environment = dict(of.environment, XDG_STATE_HOME=f"{self.folder}/state",
                                XDG_RUNTIME_DIR=f"{self.folder}/run")


def folders(harness):
    rounds = 2 if harness.options.short else harness.options.rounds // 5 + 1
    for number, manifest in harness.sample([(n, m) for n in range(rounds) for m in (BOTH, SERVER)]):
        kind = "both" if manifest == BOTH else "server"
        harness.case("folders", f"two folders of state, {kind}, round {number}",
                     lambda w: meet(harness, w, f"two folders of state, {kind}"), manifest, False)
        harness.case("folders", f"one name, {kind}, round {number}",
                     lambda w: pass_by(harness, w, f"one name, {kind}", manifest), manifest, False)


def at_once(harness, sides):
    processes = []
    for side in sides:
        processes.append(side.start("up", "-d"))
        time.sleep(harness.random.random() * 0.3)
    return [side.end(process) for side, process in zip(sides, processes)]


def meet(harness, w, case):
    """One of them has the project; the other one is told so (9), or came when all was there."""
    twin = Twin(w)
    codes = [harness.judge(side, "folders", case, code) for side, code in zip((w, twin), at_once(harness, (w, twin)))]
    if 0 not in codes:
        said = f"{w.said()[-300:]} {twin.said()[-300:]}"
        harness.figures.fail("folders", "crashes", case, f"nobody got it: {codes} {said}")
    for code, side in zip(codes, (w, twin)):
        if code == 0 and not wait_for(lambda: are_ready(side), 30):
            harness.figures.fail("folders", "false ready", case, side.said()[-600:])
    for side in (twin, w):
        harness.judge(side, "folders", case, side.run("down", "-v"))
    harness.is_gone(w, "folders", case, 30, volumes=True)


def pass_by(harness, w, case, manifest):
    """Another manifest of the same name, in the same state folder: neither touches the other."""
    other = World(manifest, False)
    path = os.path.join(other.folder, "work", "apphost.yaml")
    text = read(path).decode().replace(f"name: {other.name}", f"name: {w.name}")
    with open(path, "w") as file:
        file.write(text)
    other.environment.update(XDG_STATE_HOME=w.environment["XDG_STATE_HOME"],
                             XDG_RUNTIME_DIR=w.environment["XDG_RUNTIME_DIR"])
    try:
        codes = at_once(harness, (w, other))
        if codes != [0, 0]:
            harness.figures.fail("folders", "crashes", case, f"{codes} {w.said()[-300:]} {other.said()[-300:]}")
        harness.judge(other, "folders", case, other.run("down", "-v"))
        if not are_ready(w):
            harness.figures.fail("folders", "crashes", case, f"the other's down touched it: {w.said()[-600:]}")
    finally:
        other.run("down", "-v")
        other.close()
