"""Further parts of the fault harness: what many at once, a long time, other users and other clocks do.

Each function is a part: it gets the harness, and makes its cases with harness.case(). What they need of figures and
judgement is the harness's own."""
import os
import select
import shutil
import signal
import subprocess
import time

from world import APPHOST, HERE, IMAGE, World, engine, is_alive, read

MANIFEST = f"""resources:
  cache: {{type: redis, image: {IMAGE}}}
  web: {{type: process, command: [sleep, "1000"], references: [cache]}}
"""
PROCESS = 'resources: {web: {type: process, command: [sleep, "1000"]}}\n'
TALKING = MANIFEST + '  talker: {type: process, shell: "while :; do echo another line; sleep 0.2; done"}\n'
DAY = 86400
OTHER = 65534  # the other user


def wait_for(is_so, seconds):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def private_kb(pid):
    rows = read(f"/proc/{pid}/smaps_rollup").decode().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Clean", "Private_Dirty")))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def states(world):
    return {record["name"]: record["state"] for record in world.view()}


def are_ready(world):
    return set(states(world).values()) == {"ready"}


# ---- transitions: somebody is killed behind the n-th one ----

KILLED = ["supervisor", "guard", "command", "supervisor guard"]


def follow(world):
    return subprocess.Popen([APPHOST, "events"], cwd=f"{world.folder}/work", env=world.environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def transitions(harness):
    cases = [(verb, n, who) for verb, most in (("up", 8), ("down", 6)) for n in range(1, most + 1) for who in KILLED]
    for verb, n, who in harness.sample(cases):
        name = f"{verb}, transition {n}: KILL to {who}"
        harness.case("transitions", name, lambda w: kill_behind(harness, w, name, verb, n, who), MANIFEST, False)


def await_lines(events, count, is_over):
    """False: it is over, and so many were not written."""
    text = b""
    os.set_blocking(events.stdout.fileno(), False)
    while text.count(b"\n") < count:
        if select.select([events.stdout], [], [], 1)[0]:
            piece = os.read(events.stdout.fileno(), 65536)
            if not piece:
                return False
            text += piece
        elif is_over():
            return False
    return True


def pids_of(world, command, who):
    session = world.session()
    return [command if one == "command" else session.get(one) for one in who.split()]


def kill_behind(harness, world, name, verb, n, who):
    """The session of an up that is under way is followed as soon as there is one; that of a down from before it."""
    if verb == "down":
        harness.judge(world, "transitions", name, world.run("up", "-d"))
        events = follow(world)
        process = world.start("down")
    else:
        process = world.start("up")
        wait_for(lambda: world.session() or process.poll() is not None, 60)
        events = follow(world)
    if await_lines(events, n, lambda: process.poll() is not None or (verb == "up" and are_ready(world))):
        for pid in pids_of(world, process.pid, who):
            if pid and is_alive(pid):
                os.kill(pid, signal.SIGKILL)
    elif process.poll() is None:
        process.send_signal(signal.SIGINT)  # there were fewer
    events.kill()
    events.wait()
    sent = signal.SIGKILL if "command" in who else signal.SIGINT
    harness.judge(world, "transitions", name, world.end(process), sent)
    if "guard" in who and "supervisor" in who:
        return  # whatever comes next heals it
    if verb == "up" and (left := world.wait_until_empty(60)):
        harness.figures.fail("transitions", "leftovers", name, f"{left}\n{world.said()[-600:]}")


# ---- clocks: the wall clock jumps ----

def build_clock(folder):
    library = f"{folder}/clock.so"
    done = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, f"{HERE}/clock.c"], capture_output=True,
                          check=False)
    return library if done.returncode == 0 else None


def clocks(harness):
    shifts = (DAY, -DAY, 3650 * DAY, -3650 * DAY)
    for moment, shift in harness.sample([(m, s) for m in ("up", "running") for s in shifts]):
        name = f"{moment}: {shift // DAY:+} days"
        harness.case("clocks", name, lambda w: jump(harness, w, name, moment, shift), TALKING)


def set_clock(world, seconds):
    with open(f"{world.folder}/clock.new", "w") as file:
        file.write(f"{seconds}\n")
    os.rename(f"{world.folder}/clock.new", f"{world.folder}/clock")


def lines_of(world, *arguments):
    out = subprocess.run([APPHOST, "logs", "talker", *arguments], cwd=f"{world.folder}/work", env=world.environment,
                         capture_output=True, timeout=120, check=False).stdout
    return out.decode().splitlines()


def jump(harness, world, name, moment, shift):
    """What is said to be ready is; what is written is read; what is killed comes back; all goes down."""
    library = build_clock(world.folder)
    if not library:
        raise RuntimeError("no compiler for the clock")
    set_clock(world, 0)
    world.environment.update(LD_PRELOAD=library, APPHOST_TEST_CLOCK=f"{world.folder}/clock")
    if moment == "up":
        with open(f"{world.folder}/jump", "w") as file:
            file.write(f"echo {shift} >{world.folder}/clock\n")
        world.rules(f"1 POST /start before sh {world.folder}/jump")
    if harness.judge(world, "clocks", name, world.run("up", "-d")) != 0 or not world.is_truly_ready():
        harness.figures.fail("clocks", "false ready", name, world.said()[-400:])
    set_clock(world, shift)
    before = len(lines_of(world))
    if not wait_for(lambda: len(lines_of(world)) > before, 60):
        harness.figures.fail("clocks", "hangs", name, "nothing of what is written since then is read")
    for kind, container in world.objects():
        if kind == "containers":
            engine("POST", f"/containers/{container}/kill")
    if not wait_for(world.is_truly_ready, 60):
        harness.figures.fail("clocks", "false ready", name, f"a killed server does not come back: {states(world)}")
    set_clock(world, 0)
    harness.judge(world, "clocks", name, world.run("restart", "web"))
    harness.judge(world, "clocks", name, world.run("down"))


# ---- crowd: many projects at once ----

def crowd(harness):
    """Every fifth has a server of its own; networks are few in an engine."""
    count = 6 if harness.options.short else harness.options.projects
    worlds = [World(MANIFEST if number % 5 == 0 else PROCESS, False) for number in range(count)]
    for verb in (["up", "-d"], ["up", "-d"], ["restart", "web"]):
        each(harness, worlds, verb)
        for world in worlds:
            if not are_ready(world):
                harness.figures.fail("crowd", "false ready", f"{verb} of {count}", str(states(world)))
    each(harness, worlds, ["down"])
    for world in worlds:
        harness.figures.add("crowd", "cases")
        harness.finish(world, "crowd", f"one of {count}")


def each(harness, worlds, verb):
    started = time.monotonic()
    processes = [world.start(*verb) for world in worlds]
    for world, process in zip(worlds, processes):
        if code := harness.judge(world, "crowd", f"{verb} of {len(worlds)}", world.end(process)):
            harness.figures.fail("crowd", "crashes", f"{verb} of {len(worlds)}", f"code {code}: {world.said()[-300:]}")
    print(f"crowd: {len(worlds)} x {' '.join(verb)}: {time.monotonic() - started:.1f} s")


# ---- users: two of them, one folder ----

class OtherUser:
    """The same project folder and engine; home, state and sockets of his own."""

    def __init__(self, world):
        self.folder = f"{world.folder}/other"
        self.world = world
        for name in ("", "/home", "/run", "/state"):
            os.mkdir(self.folder + name, 0o700)
        shutil.copy(APPHOST, f"{self.folder}/apphost")
        for name in ("", "/home", "/run", "/state", "/apphost"):
            os.chown(self.folder + name, OTHER, OTHER)
        for path in (world.folder, f"{world.folder}/work"):
            os.chmod(path, 0o755)
        os.chmod(world.environment["DOCKER_HOST"][len("unix://"):], 0o666)

    def start(self, *arguments):
        out = open(f"{self.world.folder}/out", "ab")
        environment = dict(self.world.environment, HOME=f"{self.folder}/home",
                           XDG_STATE_HOME=f"{self.folder}/state", XDG_RUNTIME_DIR=f"{self.folder}/run",
                           XDG_CONFIG_HOME=f"{self.folder}/home")
        return subprocess.Popen([f"{self.folder}/apphost", *arguments], cwd=f"{self.world.folder}/work",
                                env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, user=OTHER,
                                group=OTHER, extra_groups=[])

    def run(self, *arguments):
        return self.world.end(self.start(*arguments))


def users(harness):
    if os.geteuid() != 0:
        return
    pairs = [(["up", "-d"], ["up", "-d"]), (["up", "-d"], ["down"]), (["run", "--", "true"], ["up", "-d"]),
             (["gc"], ["up", "-d"])]
    rounds = 1 if harness.options.short else harness.options.rounds // 20 + 1
    for number, pair in harness.sample([(n, p) for n in range(rounds) for p in pairs]):
        name = f"{pair}, round {number}"
        harness.case("users", name, lambda w: meet(harness, w, name, *pair), MANIFEST)


def meet(harness, world, name, first, second):
    """Both at once: each is served, or told whose the project is."""
    other = OtherUser(world)
    one = world.start(*first)
    time.sleep(harness.random.random() * 0.3)
    two = other.start(*second)
    for process in (one, two):
        harness.judge(world, "users", name, world.end(process))
    for side in (other, world):  # whoever has nothing takes nothing
        harness.judge(world, "users", name, side.run("down", "-v"))
    other.run("down", "-v", "--all")


# ---- soak: one session for a long time ----

HISTORY_KB = 1280


def soak(harness):
    seconds = 0 if harness.options.short else harness.options.soak
    harness.case("soak", f"{seconds} s", lambda w: live(harness, w, seconds), MANIFEST, False)


def grows(memory):
    """Kilobytes, round after round. What happened lately is kept, a megabyte of it (supervisor/history.c): what goes
    beyond that and beyond half time is a slope. A few rounds show none."""
    half = len(memory) // 2
    level = max(memory[max(0, half - 5):half + 5] + [memory[0] + HISTORY_KB])
    return len(memory) >= 40 and min(memory[-10:]) > level + 512


def live(harness, world, seconds):
    harness.judge(world, "soak", "up", world.run("up", "-d"))
    who, figures, most = world.session(), [], 0
    end = time.monotonic() + seconds
    while len(figures) < 5 or time.monotonic() < end:
        one_round(harness, world, len(figures))
        if len(figures) >= 3:  # the first ones show what it has at most; another one may have not left yet
            most = max(row[1] for row in figures[:3])
            wait_for(lambda: descriptors(who["supervisor"]) <= most, 60)
        figures.append((private_kb(who["supervisor"]), descriptors(who["supervisor"])))
    memory = [row[0] for row in figures]
    half = len(memory) // 2
    print(f"soak: {len(figures)} rounds: supervisor {memory[0]} → {memory[-1]} kB, at half time {memory[half]} kB; "
          f"descriptors {figures[0][1]} → {figures[-1][1]}; guard {private_kb(who['guard'])} kB")
    if figures[-1][1] > most:
        harness.figures.fail("soak", "leftovers", "descriptors", str(figures[-5:]))
    if grows(memory):
        harness.figures.fail("soak", "leftovers", "memory", str(memory))
    harness.judge(world, "soak", "down", world.run("down", "-v"))


def one_round(harness, world, number):
    """A restart, a converge, a death behind our back; each time all is well again."""
    for verb in (["restart", "web"], ["up", "-d", "--force-recreate"], ["logs"], ["ps"]):
        if code := harness.judge(world, "soak", str(verb), world.run(*verb)):
            harness.figures.fail("soak", "crashes", str(verb), f"round {number}: code {code}: {world.said()[-300:]}")
    for kind, name in world.objects():
        if kind == "containers":
            engine("POST", f"/containers/{name}/kill")
    if not wait_for(world.is_truly_ready, 60):
        harness.figures.fail("soak", "false ready", f"round {number}", str(states(world)))
