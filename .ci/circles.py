"""Prints the circles of imports in `src`, and fails if two folders, or more than three files, form one.

An import is a path that begins with `crate`, `super` or a module in scope. It leads to the file that
defines the name: re-exports are followed, and no imports themselves. Tests do not count.
"""

import re
import subprocess
import sys
from pathlib import Path

MOST_FILES = 3
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', re.S)
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
PATH = re.compile(r"\b(?:crate|super|self|[a-z]\w*)(?:::\w+)+")
DEFINITION = re.compile(r"\b(?:struct|enum|fn|const|static|type|trait|union|macro_rules!)\s+(\w+)")


def without_tests(text):
    """The text without inline modules that only tests have."""
    while found := re.search(r"#\[cfg\((?:test|all\(test)[^\]]*\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{", text):
        depth, at = 1, found.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        text = text[: found.start()] + text[at:]
    return text


def leaves(tree, prefix=()):
    """The full paths of a `use` tree, each with the name that it gets."""
    tree = tree.strip()
    if "{" not in tree:
        path, _, name = tree.partition(" as ")
        parts = prefix + tuple(part for part in path.strip().split("::") if part)
        if parts and parts[-1] == "self":
            parts = parts[:-1]
        yield parts, name.strip() or (parts[-1] if parts else "")
        return
    head, inner = tree.split("{", 1)
    prefix += tuple(part for part in head.strip().split("::") if part)
    depth, item = 0, ""
    for char in inner.rsplit("}", 1)[0] + ",":
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            if item.strip():
                yield from leaves(item, prefix)
            item = ""
        else:
            item += char


class Crate:
    def __init__(self):
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/*.rs"]
        names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        paths = [Path(name) for name in names.split() if not re.search(r"(?:^|[/_])tests?(?:/|\.rs)", name)]
        self.files = {self.module(path): path for path in paths}
        self.texts = {path: without_tests(NOISE.sub("", path.read_text())) for path in paths}
        self.reexports = {}
        for module, path in self.files.items():
            for use in USE.finditer(self.texts[path]):
                for target, name in leaves(use["tree"]):
                    self.reexports[module, name] = self.absolute(module, target), bool(use["public"])

    @staticmethod
    def module(path):
        parts = path.with_suffix("").parts[1:]
        return parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts

    def absolute(self, module, path):
        """The path from the root of the crate; `None` if it leads out of it."""
        if not path:
            return None
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return module + path[1:]
        if path[0] == "super":
            while path and path[0] == "super":
                module, path = module[:-1], path[1:]
            return module + path
        return module + path if module + path[:1] in self.files else None

    def file(self, path, seen=()):
        """The file that defines what a path names."""
        length = len(path)
        while length and path[:length] not in self.files:
            length -= 1
        module, rest = path[:length], path[length:]
        if rest and (known := self.reexports.get((module, rest[0]))) and known[0] and path not in seen:
            return self.file(known[0] + rest[1:], (*seen, path))
        return self.files.get(module)

    def imports(self, module):
        path = self.files[module]
        text = self.texts[path]
        targets = [
            self.absolute(module, target)
            for use in USE.finditer(text)
            if not use["public"]
            for target, _ in leaves(use["tree"])
        ]
        targets += [self.absolute(module, tuple(found[0].split("::"))) for found in PATH.finditer(USE.sub("", text))]
        files = {self.file(target) for target in targets if target}
        return files - {path, None, Path("src/lib.rs"), Path("src/main.rs")}


def circles(graph):
    """The strongly connected components of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(graph[node]):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            at = stack.index(node)
            component = stack[at:]
            del stack[at:]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def main():
    sys.setrecursionlimit(10_000)
    crate = Crate()
    files = {path: crate.imports(module) for module, path in crate.files.items()}
    folder = lambda path: path.parts[1].removesuffix(".rs")
    folders = {}
    for path, imported in files.items():
        if path.name not in ("lib.rs", "main.rs"):
            folders.setdefault(folder(path), set()).update(folder(other) for other in imported)
    folders = {name: imported - {name} for name, imported in folders.items()}
    of_folders, of_files = circles(folders), circles(files)
    print(f"{len(files)} files in {len(folders)} folders: {len(of_folders)} circles of folders, {len(of_files)} of files")
    for circle in of_folders:
        print("folders:", ", ".join(circle))
    for circle in of_files:
        print(f"{len(circle)} files:", ", ".join(map(str, circle)))
        if "--verbose" in sys.argv:
            for path in circle:
                print(f"    {path} -> {', '.join(sorted(str(other) for other in files[path] & set(circle)))}")
    if of_folders or any(len(circle) > MOST_FILES for circle in of_files):
        return f"at most {MOST_FILES} files may import each other in a circle, and no folders; --verbose shows the imports"
    return 0


if __name__ == "__main__":
    sys.exit(main())
