"""Further parts of the fault harness: a real engine that dies, freezes and comes back; little memory and few processes;
how long it takes until nothing is left.

Each function is a part: it gets the harness, and makes its cases with harness.case()."""
import os
import signal
import statistics
import subprocess
import time

import world
from company import OTHER, PROCESS, OtherUser, private_kb, wait_for
from world import HERE, IMAGE, is_alive

MANIFEST = f"""resources:
  cache: {{type: redis, image: {IMAGE}, data_volume: true}}
  web: {{type: process, command: [sleep, "1000"], references: [cache]}}
"""
FIVE = ("resources:\n" + "".join(f"  cache{n}: {{type: redis, image: {IMAGE}}}\n" for n in range(4)) +
        f"  box: {{type: container, image: {IMAGE}, command: [redis-server], references: [cache0]}}\n" +
        "".join(f'  web{n}: {{type: process, command: [sleep, "1000"]}}\n' for n in range(2)))


# ---- engine: one of our own ----

class OwnEngine:
    """See own-engine. host is empty where none can be had."""

    def __init__(self):
        self.process = subprocess.Popen([f"{HERE}/own-engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.host = self.process.stdout.readline().strip()

    def tell(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "done":
            raise RuntimeError(answer or f"the engine's keeper ended at {word}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(120)


def engine(harness):
    if harness.options.short or os.geteuid() != 0:
        return
    own, before = OwnEngine(), world.ENGINE
    if not own.host:
        print("engine: one of our own cannot be started here")
        return
    world.ENGINE = own.host[len("unix://"):]
    try:
        cases = [(moment, how) for moment in ("up", "running", "down") for how in ("kill", "stop", "freeze")]
        for moment, how in harness.sample(cases):
            harness.case("engine", f"{moment}: {how}", lambda w: fail_under(harness, w, own, moment, how),
                         MANIFEST, False)
    finally:
        world.ENGINE = before
        own.close()


def away(harness, own, how):
    """It is gone for a moment, and then back."""
    own.tell(how)
    time.sleep(harness.random.random() * 3)
    own.tell("thaw" if how == "freeze" else "revive")


def fail_under(harness, w, own, moment, how):
    name = f"{moment}: {how}"
    if moment == "up":
        process = w.start("up", "-d")
        wait_for(lambda: w.objects() or process.poll() is not None, 60)
        time.sleep(harness.random.random())
        away(harness, own, how)
        if harness.judge(w, "engine", name, w.end(process)) == 0 and not wait_for(w.is_truly_ready, 60):
            harness.figures.fail("engine", "false ready", name, w.said()[-600:])
        return
    if harness.judge(w, "engine", name, w.run("up", "-d")) != 0:
        harness.figures.fail("engine", "crashes", name, w.said()[-600:])
    if moment == "running":
        away(harness, own, how)
        if not wait_for(w.is_truly_ready, 120):
            harness.figures.fail("engine", "false ready", name, f"it never came back: {w.said()[-600:]}")
        return
    process = w.start("down")
    time.sleep(harness.random.random() * 0.3)
    away(harness, own, how)
    harness.judge(w, "engine", name, w.end(process))


# ---- scarce: little memory, few processes ----

def scarce(harness):
    """Address space of the command, and of what it starts, in kilobytes; processes of a user of his own."""
    for size in harness.sample([20000, 40000, 80000, 160000]):
        harness.case("scarce", f"{size} kB", lambda w: bounded(harness, w, f"ulimit -v {size}"), PROCESS, False)
    for count in harness.sample([1, 2, 3, 4, 6, 8]) if os.geteuid() == 0 else []:
        harness.case("scarce", f"{count} processes", lambda w: few_processes(harness, w, count), PROCESS, False)


def bounded(harness, w, limit):
    process = subprocess.Popen(["sh", "-c", f"{limit}; exec '{world.APPHOST}' up -d"], cwd=f"{w.folder}/work",
                               env=w.environment, stdin=subprocess.DEVNULL, stdout=open(f"{w.folder}/out", "ab"),
                               stderr=subprocess.STDOUT)
    code = w.end(process)
    if code == 127:  # the loader had no room: no line of ours has run
        return
    harness.judge(w, "scarce", limit, code)


def few_processes(harness, w, count):
    """Root has no such limit: the other user has it."""
    other = OtherUser(w)
    before = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "prlimit", f"--nproc={count}"]
    environment = dict(w.environment, HOME=f"{other.folder}/home", XDG_STATE_HOME=f"{other.folder}/state",
                       XDG_RUNTIME_DIR=f"{other.folder}/run", XDG_CONFIG_HOME=f"{other.folder}/home")
    process = subprocess.Popen([*before, f"{other.folder}/apphost", "up", "-d"], cwd=f"{w.folder}/work",
                               env=environment, stdin=subprocess.DEVNULL, stdout=open(f"{w.folder}/out", "ab"),
                               stderr=subprocess.STDOUT)
    harness.judge(w, "scarce", f"{count} processes", w.end(process))
    harness.judge(w, "scarce", f"{count} processes: down", other.run("down", "-v", "--all"))


# ---- ends: how long it takes ----

def ends(harness):
    if harness.options.short:
        return
    kills, thirds, guards = [], [], []
    for number in harness.sample(range(21)):
        harness.case("ends", f"kill -9, round {number}", lambda w: kill_all(harness, w, kills, guards), FIVE, False)
        harness.case("ends", f"third Ctrl-C, round {number}", lambda w: interrupt(harness, w, thirds), PROCESS, False)
    show("kill -9 of the supervisor until 2 processes, 5 containers and the network are gone", kills, "1000 ms")
    show("third Ctrl-C until the command has left", thirds, "100 ms")
    show("guard, private memory", guards, "512 kB")


def show(name, figures, bar):
    if figures:
        middle = statistics.median(figures)
        print(f"ends: {name}: {min(figures):.0f} to {max(figures):.0f}, median {middle:.0f} of {len(figures)} "
              f"(bar: {bar})")


def kill_all(harness, w, kills, guards):
    harness.judge(w, "ends", "up", w.run("up", "-d"))
    who, pids = w.session(), [int(pid) for pid in w.processes()]
    guards.append(private_kb(who["guard"]))
    start = time.monotonic()
    os.kill(who["supervisor"], signal.SIGKILL)
    if wait_for(lambda: not any(is_alive(pid) for pid in pids) and not w.objects(), 60):
        kills.append((time.monotonic() - start) * 1000)
    else:
        harness.figures.fail("ends", "leftovers", "kill -9", str(w.leftovers()))


def interrupt(harness, w, thirds):
    """Its supervisor is stopped, so that there is something left to leave."""
    process = w.start("up")
    wait_for(lambda: process.poll() is not None or "ready" in w.said(), 60)
    supervisor = w.session()["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # what comes twice in a moment is one
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    harness.judge(w, "ends", "third Ctrl-C", w.end(process), signal.SIGINT)
    thirds.append((time.monotonic() - start) * 1000)
    os.kill(supervisor, signal.SIGCONT)
