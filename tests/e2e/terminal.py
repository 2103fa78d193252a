#!/usr/bin/python3
"""Runs a command on a terminal of its own and plays a dialogue with it.

Usage: terminal.py STEP… -- COMMAND…
  expect TEXT      waits until the text appears in what came after the last one
  send TEXT        types it
  size ROWS COLS   changes the terminal's size (24 80 at first); as the first step: before the command starts
  signal NUMBER    to the command
  until COMMAND    waits until this shell command, run beside it, succeeds
  hangup           closes the terminal
Backslash escapes of texts are understood. The command then has to end by itself. All output goes to stdout; the last
line is "code N, settings kept", "code N, settings lost" or, after a hangup, "code N, hung up".
"""
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time

LIMIT_S = 60


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def fail(why, seen):
    sys.exit('terminal.py: %s; seen: %r' % (why, seen[-400:]))


def unescape(text):
    return text.encode().decode('unicode_escape').encode('latin-1')


class Terminal:
    def __init__(self, command, rows, columns):
        self.fd, self.slave = pty.openpty()  # the slave stays open: its settings are read afterwards
        set_size(self.fd, rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b''
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(self.slave, number)
            os.closerange(3, 64)
            os.execvp(command[0], command)

    def hang_up(self):
        os.close(self.slave)
        os.close(self.fd)
        self.fd = -1

    def read(self, wait_s):
        if self.fd < 0:
            time.sleep(wait_s)
            return False
        if not select.select([self.fd], [], [], wait_s)[0]:
            return False
        piece = os.read(self.fd, 65536)
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        self.seen += piece
        return True

    def expect(self, text):
        end = time.monotonic() + LIMIT_S
        while text not in self.seen:
            if time.monotonic() > end:
                fail('%r did not come' % text, self.seen)
            self.read(0.1)
        self.seen = self.seen.split(text, 1)[1]

    def until(self, command):
        end = time.monotonic() + LIMIT_S
        while subprocess.call(['sh', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
            if time.monotonic() > end:
                fail('%r does not come true' % command, self.seen)
            self.read(0.1)

    def wait(self):
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0):
                    pass
                return os.waitstatus_to_exitcode(status)
            self.read(0.05)
        os.kill(self.pid, signal.SIGKILL)
        fail('the command does not end', self.seen)


def main(words):
    split = words.index('--')
    steps, rows, columns = words[:split], 24, 80
    if steps[:1] == ['size']:
        rows, columns, steps = int(steps[1]), int(steps[2]), steps[3:]
    terminal = Terminal(words[split + 1:], rows, columns)
    while steps:
        verb = steps.pop(0)
        if verb == 'expect':
            terminal.expect(unescape(steps.pop(0)))
        elif verb == 'send':
            os.write(terminal.fd, unescape(steps.pop(0)))
        elif verb == 'size':
            set_size(terminal.fd, int(steps.pop(0)), int(steps.pop(0)))
        elif verb == 'until':
            terminal.until(steps.pop(0))
        elif verb == 'hangup':
            terminal.hang_up()
        else:
            os.kill(terminal.pid, int(steps.pop(0)))
    code = terminal.wait()
    if terminal.fd < 0:
        print('\ncode %d, hung up' % code)
        return
    kept = termios.tcgetattr(terminal.slave) == terminal.before
    print('\ncode %d, settings %s' % (code, 'kept' if kept else 'lost'))


main(sys.argv[1:])
