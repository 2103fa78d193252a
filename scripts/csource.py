"""The least that has to be known of C to count in it: what is text, what a function, what a statement.

Used by scripts/figures and scripts/check-line. Relies on the formatting that `make style` checks (a function's braces
stand in column one, a block's brace follows a blank, a compound literal's does not): this is no parser.
"""
import os
import re


def rooms():
    """The rooms of src/, from below to above, as scripts/layers.txt lists them; only those that are built."""
    names = re.findall(r"^([a-z_]+)\*?:", read("scripts/layers.txt"), re.M)
    return [name for name in names if os.path.isdir("src/" + name)]


def files(folder, endings=(".c", ".h")):
    found = []
    for base, folders, names in os.walk(folder):
        folders.sort()
        found += [os.path.join(base, name) for name in sorted(names) if name.endswith(endings)]
    return found


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """The same text with blanks for comments, strings and characters: lines and columns stay where they are."""
    return LITERAL.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


class Function:
    def __init__(self, path, line, name, body):
        self.path, self.line, self.name, self.body = path, line, name, body

    def __len__(self):
        return len(self.body)

    def is_solid(self):
        """More than 15 lines, and no blank one between them. A switch counts as one line: its labels divide it."""
        count, until = 0, None
        for line in self.body:
            if not line.strip():
                return False
            if until is None:
                count += 1
                match = re.match(r"( +)switch \(", line)
                until = match.group(1) + "}" if match else None
            elif line.startswith(until):
                until = None
        return count > 15


def functions(path, text):
    """Those that the file defines, with the lines between their braces."""
    lines = text.split("\n")
    found, start, name = [], None, None
    for number, line in enumerate(lines):
        if line.startswith("{") and start is None:
            start = number
            above = number - 1
            while above >= 0 and lines[above].startswith((" ", "\t")):
                above -= 1
            match = re.search(r"(\w+)\(", lines[above]) if above >= 0 else None
            name = match.group(1) if match else None
        elif line.startswith("}") and start is not None:
            if name:
                found.append(Function(path, start + 1, name, lines[start + 1:number]))
            start = None
    return found


def is_block(text, at):
    """Does the brace at this place open a block (and not an initializer)?"""
    before = text[max(0, at - 80):at]
    if not before.strip() or before.endswith("\n"):
        return True
    if before.rstrip(" ").endswith("\\\n"): # a macro's block on a line of its own
        return True
    return bool(re.search(r"(\)|\belse|\bdo|\b(struct|union|enum)( \w+)?) $", before))


def statements(blanked):
    """Pairs (line, text): what ends with a semicolon or a block's brace outside of parentheses, or is one directive."""
    line, start, parts, depth, braces = 1, 1, [], 0, []
    at, size = 0, len(blanked)
    while at < size:
        c = blanked[at]
        if c == "#" and not "".join(parts).strip():
            end = at
            while True:
                end = blanked.find("\n", end)
                if end < 0:
                    end = size
                if end == size or blanked[end - 1] != "\\":
                    break
                end += 1
            yield line, blanked[at:end]
            line += blanked.count("\n", at, end)
            at, parts = end, []
            continue
        closes = False
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "{":
            block = depth == 0 and is_block(blanked, at)
            braces.append(block)
            depth += not block
            closes = block
        elif c == "}" and braces:
            block = braces.pop()
            depth -= not block
            closes = block
        elif c == ";" and depth == 0:
            closes = True
        if c == "\n":
            line += 1
        if not parts and c.isspace():
            at += 1
            continue
        if not parts:
            start = line
        parts.append(c)
        if closes:
            yield start, "".join(parts)
            parts = []
        at += 1


TAG = re.compile(r"^[ \t]*(?:typedef +|static +|const +)*struct +(\w+) *(?:\n?\{|\{)", re.M)


def tags(blanked):
    """Pairs (line, tag) of the structures that are defined here."""
    for match in TAG.finditer(blanked):
        yield blanked.count("\n", 0, match.start(1)) + 1, match.group(1)
