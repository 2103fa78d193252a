"""What the fault harness stands on: folders of its own, the program, the proxy before the engine, and the proof that
nothing is left.

A World is one project: state, sockets, working folder, a proxy whose rules may change at any time. close() fails for no
leftover: it counts them, says which, and removes them, so that one case does not spoil the next."""
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
APPHOST = os.environ.get("APPHOST", os.path.join(HERE, "../../build/apphost"))
ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")[len("unix://"):]
IMAGE = "apphost-test/redis:7.0"
HANG = 240  # a command that has not ended by then hangs; the longest limit of the program is half of that


class Engine(http.client.HTTPConnection):
    """The engine itself, past the proxy."""

    def __init__(self):
        super().__init__("engine", timeout=60)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(ENGINE)


def engine(method, path):
    connection = Engine()
    try:
        connection.request(method, path)
        text = connection.getresponse().read()
    finally:
        connection.close()
    try:
        return json.loads(text)
    except ValueError:
        return None


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def is_alive(pid):
    stat = read(f"/proc/{pid}/stat")
    return bool(stat) and stat[stat.rindex(b")") + 2:][:1] not in (b"Z", b"X")


class World:
    count = 0

    def __init__(self, manifest, proxied=True):
        World.count += 1
        self.folder = tempfile.mkdtemp(prefix="af.")
        self.name = f"faults-{os.getpid()}-{World.count}"
        for name in ("state", "run", "config", "work"):
            os.mkdir(f"{self.folder}/{name}", 0o700)
        with open(os.path.join(self.folder, "work", "apphost.yaml"), "w") as file:
            file.write(f"name: {self.name}\n{manifest}")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("APPHOST_", "XDG_", "DOCKER_"))}
        self.environment.update(XDG_STATE_HOME=f"{self.folder}/state", XDG_RUNTIME_DIR=f"{self.folder}/run",
                                XDG_CONFIG_HOME=f"{self.folder}/config", HOME=self.folder,
                                DOCKER_HOST=f"unix://{ENGINE}")
        self.log = f"{self.folder}/requests"
        self.before = 0
        self.proxy = None
        if proxied:
            self.start_proxy()

    def start_proxy(self):
        listen = f"{self.folder}/proxy.sock"
        self.proxy = subprocess.Popen([f"{HERE}/engine-proxy", listen, ENGINE, f"{self.folder}/rules", self.log])
        while not os.path.exists(listen):
            time.sleep(0.01)
        self.environment["DOCKER_HOST"] = f"unix://{listen}"

    def rules(self, *lines):
        with open(f"{self.folder}/rules.new", "w") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(f"{self.folder}/rules.new", f"{self.folder}/rules")

    def requests(self):
        return len(read(self.log).splitlines())

    # ---- the program ----

    def start(self, *arguments):
        self.before = len(read(f"{self.folder}/out"))
        out = open(f"{self.folder}/out", "ab")
        return subprocess.Popen([APPHOST, *arguments], cwd=f"{self.folder}/work", env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def end(self, process):
        """Its exit code; None when it hangs (it is then killed)."""
        try:
            return process.wait(HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def run(self, *arguments):
        return self.end(self.start(*arguments))

    def said(self):
        return read(f"{self.folder}/out").decode(errors="replace")

    def said_lately(self):
        """By the command that was started last, and by those that ran beside it."""
        return read(f"{self.folder}/out")[self.before:].decode(errors="replace")

    def session(self):
        for path in glob.glob(f"{self.folder}/state/apphost/*/session.json"):
            try:
                return json.loads(read(path))
            except ValueError:
                pass
        return {}

    def view(self):
        out = subprocess.run([APPHOST, "ps", "-o", "json"], cwd=f"{self.folder}/work", env=self.environment,
                             capture_output=True, timeout=HANG, check=False).stdout
        try:
            return json.loads(out)["resources"]
        except (ValueError, KeyError):
            return []

    # ---- is it true, is it gone ----

    def is_truly_ready(self):
        """Whoever is said to be ready is asked."""
        try:
            out = subprocess.run([APPHOST, "redis", "cache", "--", "PING"], cwd=f"{self.folder}/work",
                                 env=self.environment, capture_output=True, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            return False
        return out.returncode == 0 and b"PONG" in out.stdout

    def processes(self):
        pids, mark = [], f"XDG_STATE_HOME={self.folder}/".encode()
        ours = {str(self.session().get(who)) for who in ("supervisor", "guard")}
        program = os.path.realpath(APPHOST)
        for path in glob.glob("/proc/[0-9]*"):
            pid = os.path.basename(path)
            environment = read(f"{path}/environ")
            try:
                runs_us = os.readlink(f"{path}/exe") == program
            except OSError:
                runs_us = False
            is_ours = mark in environment and (runs_us or b"APPHOST_SESSION=" in environment)
            if (is_ours or (runs_us and pid in ours)) and is_alive(pid):
                pids.append(pid)
        return pids

    def objects(self):
        label = "filters=%7B%22label%22%3A%5B%22io.apphost.project%3D" + self.name + "%22%5D%7D"
        found = [("containers", c["Id"]) for c in engine("GET", f"/containers/json?all=1&{label}") or []]
        found += [("networks", n["Id"]) for n in engine("GET", f"/networks?{label}") or []]
        found += [("volumes", v["Name"]) for v in (engine("GET", f"/volumes?{label}") or {}).get("Volumes") or []]
        return found

    def leftovers(self):
        sockets = [p for p in glob.glob(f"{self.folder}/run/apphost/*") if not p.endswith("~")]
        return self.objects() + [("process", p) for p in self.processes()] + [("socket", s) for s in sockets]

    def wait_until_empty(self, seconds=60):
        end = time.monotonic() + seconds
        while left := self.leftovers():
            if time.monotonic() > end:
                return left
            time.sleep(0.05)
        return []

    def close(self):
        for pid in self.processes():
            os.kill(int(pid), signal.SIGKILL)
        for kind, name in self.objects():
            engine("DELETE", f"/{kind}/{name}?force=1&v=1")
        if self.proxy:
            self.proxy.kill()
            self.proxy.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
