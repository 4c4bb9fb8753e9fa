"""Cases: each reader by each form of its place, and from each place in a project from which code can read."""

from __future__ import annotations

import functools
import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.truth.readers import KINDS, READERS, Reader


class Case(NamedTuple):
    """An asset `name`, the code that it needs, and what is edited so that its value changes."""

    name: str
    code: str
    files: tuple[tuple[str, str], ...]  # path and kind
    edit: Callable[[Path], object]
    links: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()  # assets of this case besides the first
    helper: str = ""
    folders: tuple[str, ...] = ()


def _rewrite_in(name: str, kind: str, root: Path) -> None:
    rewrite(root / name, kind)


def _asset(name: str, value: str) -> str:
    return f"@asset\ndef {name}():\n    return {value}\n"


def rewrite(path: Path, kind: str) -> None:
    """Write the other content of the same size, with the same time of change."""
    status = path.stat()
    KINDS[kind].write(path, 2)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


FORMS: dict[str, tuple[str, str]] = {  # what a reader must take; the expression over folder `{d}` and file name `{f}`
    "relative": ("text", "'{d}/{f}'"),
    "absolute": ("text", "HERE + '/{d}/{f}'"),
    "dotted": ("text", "'./{d}/../{d}/{f}'"),
    "linked": ("text", "'{d}_link/{f}'"),
    "chdir": ("text", "(os.chdir('{d}'), '{f}')[1]"),
    "path": ("path", "Path('{d}/{f}')"),
    "bytes": ("bytes", "b'{d}/{f}'"),
    "fd": ("fd", "os.open('{d}/{f}', os.O_RDONLY)"),
    "dir_fd": ("fd", "os.open('{f}', os.O_RDONLY, dir_fd=os.open('{d}', os.O_RDONLY))"),
    "uri": ("uri", "'file://' + HERE + '/{d}/{f}'"),
    "folder": ("folder", "'{d}'"),
    "added": ("folder", "'{d}'"),
    "glob": ("glob", "'{d}/*'"),
    "matched": ("glob", "'{d}/*'"),
    "list": ("list", "['{d}/{f}']"),
}


def by_form() -> Iterator[Case]:
    """Each reader in the body of an asset, by each form of place that it takes."""
    for label, reader in READERS.items():
        for form, (needs, expression) in FORMS.items():
            if label in ("fs.of_dataset", "fs.of_table") and needs not in reader.forms.split():
                continue
            if needs == "text" or needs in reader.forms.split():
                yield _case(label, reader, form, expression)


def _case(label: str, reader: Reader, form: str, expression: str) -> Case:
    name = _identifier(f"{label}_{form}")
    kind, folder = KINDS[reader.kind], name + "_d"
    file = f"f{kind.ending}"
    place = expression.format(d=folder, f=file)
    target = f"{folder}/{file}"
    edit: Callable[[Path], object] = lambda root: rewrite(root / target, reader.kind)  # noqa: E731
    if form in ("added", "matched"):
        edit = lambda root: kind.write(root / folder / f"g{kind.ending}", 2)  # noqa: E731
    links = ((f"{folder}_link", folder),) if form == "linked" else ()
    code = _asset(name, reader.read.format(p=place))
    return Case(name, code, ((target, reader.kind),), edit, links)


# Where the code that reads stands: code before the asset, the asset's value, code of a helper module.
# `{e}` is what reads `q`, `{n}` the case's name, `{p}` the place.
PLACES: dict[str, tuple[str, str, str]] = {
    "helper": ("", "helper.{n}({p})", "def {n}(q):\n    return {e}\n"),
    "thread": ("def {n}_f(q):\n    return {e}\n", "in_thread({n}_f, {p})", ""),
    "pool": (
        "def {n}_f(q):\n    return {e}\n",
        "closing(__import__('concurrent.futures').futures.ThreadPoolExecutor(2), lambda t: t.submit({n}_f, {p}).result())",
        "",
    ),
    "generator": ("def {n}_f(q):\n    yield {e}\n", "''.join({n}_f({p}))", ""),
    "coroutine": ("async def {n}_f(q):\n    return {e}\n", "__import__('asyncio').run({n}_f({p}))", ""),
    "fork": ("def {n}_f(q):\n    return {e}\n", "in_fork({n}_f, {p})", ""),
    "child": (
        "def {n}_f(q):\n    return {e}\n",
        "closing(multiprocessing.get_context('fork').Pool(1), lambda c: c.apply({n}_f, ({p},)))",
        "",
    ),
    "partial": ("def {n}_f(q):\n    return {e}\n{n}_p = functools.partial({n}_f, {p})\n", "{n}_p()", ""),
    "cached": ("@functools.lru_cache\ndef {n}_f(q):\n    return {e}\n", "{n}_f({p})", ""),
    "memo": (
        "{n}_m = {{}}\ndef {n}_f(q):\n    if q not in {n}_m:\n        {n}_m[q] = {e}\n    return {n}_m[q]\n",
        "{n}_f({p})",
        "",
    ),
    "bound": (
        (
            "class {n}_c:\n    def __init__(self, q):\n        self.q = q\n    def read(self):\n        q = self.q\n"
            "        return {e}\n{n}_b = {n}_c({p}).read\n"
        ),
        "{n}_b()",
        "",
    ),
    "closure": ("def {n}_f(q):\n    def inner():\n        return {e}\n    return inner\n", "{n}_f({p})()", ""),
    "late_import": ("", "getattr(__import__('helper'), '{n}')({p})", "def {n}(q):\n    return {e}\n"),
    "at_import": ("q = {p}\n{n}_v = {e}\n", "{n}_v", ""),
    "default": ("q = {p}\ndef {n}_f(v={e}):\n    return v\n", "{n}_f()", ""),
}
_TWICE = ("cached", "memo", "late_import", "helper", "linecache")


def by_place() -> Iterator[Case]:
    """Each reader from each place in the code, with a relative path."""
    for label, reader in READERS.items():
        if reader.forms == "folder" or reader.forms.startswith("list folder"):
            continue
        for place, (before, value, helper) in PLACES.items():
            name = _identifier(f"{label}_{place}")
            kind, folder = KINDS[reader.kind], name + "_d"
            path = f"{folder}/f{kind.ending}"
            texts = {"e": reader.read.format(p="q"), "n": name, "p": repr(path)}
            code = before.format(**texts) + _asset(name, value.format(**texts))
            more: tuple[str, ...] = ()
            if place in _TWICE or label in _TWICE:
                more = (name + "_again",)
                code += _asset(more[0], value.format(**texts))
            yield Case(
                name,
                code,
                ((path, reader.kind),),
                functools.partial(_rewrite_in, path, reader.kind),
                more=more,
                helper=helper.format(**texts),
            )
        name = _identifier(f"{label}_check")
        path = f"{name}_d/f{KINDS[reader.kind].ending}"
        text = reader.read.format(p=repr(path))
        yield Case(
            name,
            _asset(name, "1") + f"@check(asset={name})\ndef {name}_k({name}):\n    return bool({text})\n",
            ((path, reader.kind),),
            functools.partial(_rewrite_in, path, reader.kind),
        )


# What is asked of a folder `{d}` with the files a.txt and sub/b.txt: the value, and the edit.
_ADD, _DEEP, _MAKE, _GROW, _TIME, _GONE, _TURN, _VARIABLE = [
    "add",
    "deep",
    "make",
    "grow",
    "time",
    "gone",
    "turn",
    "variable",
]
LOOKS: dict[str, tuple[str, str]] = {
    "os.stat": ("os.stat('{d}/a.txt').st_size", _GROW),
    "os.stat_bytes": ("os.stat(b'{d}/a.txt').st_size", _GROW),
    "os.stat_index": ("os.stat('{d}/a.txt')[6]", _GROW),
    "os.stat_later": ("(lambda s: s.st_size)(os.stat('{d}/a.txt'))", _GROW),
    "os.stat_mtime": ("os.stat('{d}/a.txt').st_mtime_ns", _TIME),
    "os.stat_dir_fd": ("os.stat('a.txt', dir_fd=os.open('{d}', os.O_RDONLY)).st_size", _GROW),
    "os.stat_fd": ("os.stat(os.open('{d}/a.txt', os.O_RDONLY)).st_size", _GROW),
    "os.fstat": ("os.fstat(os.open('{d}/a.txt', os.O_RDONLY)).st_size", _GROW),
    "fstat_of_file": ("closing(open('{d}/a.txt'), lambda f: os.fstat(f.fileno()).st_size)", _GROW),
    "os.lstat": ("os.lstat('{d}/a.txt').st_size", _GROW),
    "named stat": ("os_stat('{d}/a.txt').st_size", _GROW),
    "named access": ("os_access('{d}/new', os.R_OK)", _MAKE),
    "named exists": ("is_there('{d}/new')", _MAKE),
    "named getsize": ("getsize('{d}/a.txt')", _GROW),
    "named listdir": ("sorted(ls('{d}'))", _ADD),
    "named scandir": ("sorted(e.name for e in sc('{d}'))", _ADD),
    "getsize": ("os.path.getsize('{d}/a.txt')", _GROW),
    "getmtime": ("os.path.getmtime('{d}/a.txt')", _TIME),
    "exists": ("os.path.exists('{d}/new')", _MAKE),
    "lexists": ("os.path.lexists('{d}/new')", _MAKE),
    "isfile": ("os.path.isfile('{d}/new')", _MAKE),
    "isdir": ("os.path.isdir('{d}/newfolder')", _MAKE),
    "islink": ("os.path.islink('{d}/newlink')", _MAKE),
    "access": ("os.access('{d}/new', os.R_OK)", _MAKE),
    "access_right": ("os.access('{d}/a.txt', os.X_OK)", "chmod"),
    "mode": ("os.stat('{d}/a.txt').st_mode", "chmod"),
    "is_executable": ("shutil.which('./{d}/a.txt') is None", "chmod"),
    "Path.exists": ("Path('{d}/new').exists()", _MAKE),
    "Path.is_file": ("Path('{d}/new').is_file()", _MAKE),
    "Path.is_dir": ("Path('{d}/newfolder').is_dir()", _MAKE),
    "Path.is_symlink": ("Path('{d}/newlink').is_symlink()", _MAKE),
    "Path.stat": ("Path('{d}/a.txt').stat().st_size", _GROW),
    "Path.lstat": ("Path('{d}/a.txt').lstat().st_size", _GROW),
    "absent_open": ("closing(open('{d}/new')) if os.path.exists('{d}/new') else ''", _MAKE),
    "tried": ("tried('{d}/new')", _MAKE),
    "tried_os": ("tried_os('{d}/new')", _MAKE),
    "tried_read_text": ("tried_path('{d}/new')", _MAKE),
    "listdir": ("sorted(os.listdir('{d}'))", _ADD),
    "listdir_bytes": ("sorted(map(str, os.listdir(b'{d}')))", _ADD),
    "listdir_here": ("(os.chdir('{d}'), sorted(os.listdir()))[1]", _ADD),
    "listdir_fd": ("sorted(os.listdir(os.open('{d}', os.O_RDONLY)))", _ADD),
    "scandir": ("sorted(e.name for e in os.scandir('{d}'))", _ADD),
    "scandir_fd": ("sorted(e.name for e in os.scandir(os.open('{d}', os.O_RDONLY)))", _ADD),
    "scandir_size": ("sorted(e.stat().st_size for e in os.scandir('{d}'))", _GROW),
    "named scandir_size": ("sorted(e.stat().st_size for e in sc('{d}'))", _GROW),
    "walk": ("sorted(map(str, os.walk('{d}')))", _DEEP),
    "fwalk": ("sorted(str(x[:3]) for x in os.fwalk('{d}'))", _DEEP),
    "glob": ("sorted(glob.glob('{d}/*.txt'))", _ADD),
    "glob_deep": ("sorted(glob.glob('{d}/**/*.txt', recursive=True))", _DEEP),
    "glob_root": ("sorted(glob.glob('**/*.txt', root_dir='{d}', recursive=True))", _DEEP),
    "glob_fd": ("sorted(glob.glob('*.txt', dir_fd=os.open('{d}', os.O_RDONLY)))", _ADD),
    "iglob": ("sorted(glob.iglob('{d}/*.txt'))", _ADD),
    "glob_no_magic": ("glob.glob('{d}/new')", _MAKE),
    "iterdir": ("sorted(p.name for p in Path('{d}').iterdir())", _ADD),
    "Path.glob": ("sorted(p.name for p in Path('{d}').glob('*.txt'))", _ADD),
    "Path.rglob": ("sorted(p.name for p in Path('{d}').rglob('*.txt'))", _DEEP),
    "sizes": ("sorted(p.stat().st_size for p in Path('{d}').iterdir())", _GROW),
    "files_only": ("sorted(p.name for p in Path('{d}').iterdir() if p.is_file())", _ADD),
    "load_files": ("len(sklearn.datasets.load_files('{d}').data)", _DEEP),
    "load_files_bytes": ("str(sklearn.datasets.load_files('{d}').data)", "deep_grow"),
    "resources": ("(importlib.resources.files('package') / '../{d}/a.txt').read_text()", _GROW),
    "resource_names": ("sorted(p.name for p in (importlib.resources.files('package') / '../{d}').iterdir())", _ADD),
    "readlink": ("os.readlink('{d}/link')", _TURN),
    "realpath": ("os.path.relpath(os.path.realpath('{d}/link'), HERE).split('/')[-1]", _TURN),
    "resolve": ("Path('{d}/link').resolve().name", _TURN),
    "Path.readlink": ("Path('{d}/link').readlink().name", _TURN),
    "through_turned": ("open('{d}/link').read()", _TURN),
    "through_new": ("closing(open('{d}/chain'))", _TURN),
    "samefile": ("os.path.samefile('{d}/link', '{d}/a.txt')", _TURN),
    "filecmp": ("__import__('filecmp').cmp('{d}/a.txt', '{d}/c.txt', shallow=False)", _GROW),
    "fs.info": ("pa.fs.LocalFileSystem().get_file_info('{d}/a.txt').size", _GROW),
    "fs.selector": ("len(pa.fs.LocalFileSystem().get_file_info(pa.fs.FileSelector('{d}', recursive=True)))", _DEEP),
    "duckdb.glob": ("duckdb.sql(\"select count(*) from glob('{d}/*')\").fetchall()[0][0]", _ADD),
    "fs.absent": ("pa.fs.LocalFileSystem().get_file_info('{d}/new').type.name", _MAKE),
    "find": ("subprocess.check_output(['find', '{d}', '-type', 'f'], text=True).count('txt')", _ADD),
    "shell_ls": ("said('ls {d}')", _ADD),
    "diskusage": ("sum(f.stat().st_size for f in Path('{d}').rglob('*') if f.is_file())", "deep_grow"),
    "environ_item": ("os.environ['AT_' + 'V']", _VARIABLE),
    "environ_literal": ("os.environ['AT_V']", _VARIABLE),
    "environ_get": ("os.environ.get('AT_' + 'V')", _VARIABLE),
    "getenv": ("os.getenv('AT_' + 'V')", _VARIABLE),
    "getenvb": ("str(os.getenvb(b'AT_' + b'V'))", _VARIABLE),
    "environb": ("str(os.environb[b'AT_' + b'V'])", _VARIABLE),
    "named environ": ("env['AT_' + 'V']", _VARIABLE),
    "named getenv": ("getenv('AT_' + 'V')", _VARIABLE),
    "environ_in": ("('AT_' + 'N') in os.environ", "set"),
    "environ_keys": ("sorted(k for k in os.environ.keys() if k[:3] == 'AT_')", "set"),
    "environ_items": ("sorted(v for k, v in os.environ.items() if k[:3] == 'AT_')", _VARIABLE),
    "environ_values": ("sorted(os.environ.values()).count('2')", _VARIABLE),
    "environ_dict": ("dict(os.environ)['AT_' + 'V']", _VARIABLE),
    "environ_copy": ("os.environ.copy()['AT_' + 'V']", _VARIABLE),
    "environ_or": ("(os.environ | {{}})['AT_' + 'V']", _VARIABLE),
    "environ_repr": ("str(os.environ).count(\"'AT_V': '1'\")", _VARIABLE),
    "environ_len": ("len(os.environ)", "set"),
    "environ_data": ("os.environ._data[b'AT_' + b'V'].decode()", _VARIABLE),
    "expandvars": ("os.path.expandvars('$AT_V')", _VARIABLE),
    "template": ("__import__('string').Template('$AT_V').substitute(os.environ)", _VARIABLE),
    "format_map": ("'{{AT_V}}'.format_map(os.environ)", _VARIABLE),
    "setdefault": ("os.environ.setdefault('AT_' + 'V', '0')", _VARIABLE),
    "environ_pop": ("os.environ.pop('AT_' + 'V')", _VARIABLE),
    "environ_eq": ("os.environ == {{**dict(os.environ), 'AT_V': '1'}}", _VARIABLE),
    "shell_variable": ("said('echo $AT_V')", _VARIABLE),
    "child_variable": (
        "subprocess.check_output([sys.executable, '-S', '-c', 'import os; print(os.environ[\"AT_V\"])'], text=True)",
        _VARIABLE,
    ),
    "proc_environ": ("closing(open('/proc/self/environ')).count('AT_V=1')", _VARIABLE),
}
LOOK_HELP = textwrap.dedent("""
    def tried(path):
        try:
            return closing(open(path))
        except FileNotFoundError:
            return ""


    def tried_os(path):
        try:
            return fd_bytes(os.open(path, os.O_RDONLY))
        except OSError:
            return ""


    def tried_path(path):
        try:
            return Path(path).read_text()
        except OSError:
            return ""
""")


def edit_of(what: str, folder: str) -> Callable[[Path], object]:
    """Return the edit that changes what was asked of a folder."""

    def edit(root: Path) -> None:
        d = root / folder
        match what:
            case "add":
                (d / "z.txt").write_text("z")
            case "deep":
                (d / "sub/z.txt").write_text("z")
            case "make":
                (d / "new").write_text("made")
                (d / "newfolder").mkdir()
                (d / "newlink").symlink_to("a.txt")
            case "grow":
                (d / "a.txt").write_text("longer than before")
            case "deep_grow":
                (d / "sub/b.txt").write_text("longer than before")
            case "time":
                os.utime(d / "a.txt", (1, 1))
            case "chmod":
                (d / "a.txt").chmod(0o777)
            case "turn":
                (d / "link").unlink()
                (d / "link").symlink_to("c.txt")
            case "variable":
                os.environ["AT_V"] = "2"
            case "set":
                os.environ["AT_N"] = "1"
            case _:
                raise AssertionError(what)

    return edit


LOOK_PLACES: dict[str, tuple[str, str, str]] = {
    "direct": ("", "{e}", ""),
    "helper": ("", "helper.{n}()", "def {n}():\n    return {e}\n"),
    "thread": ("def {n}_f():\n    return {e}\n", "in_thread({n}_f)", ""),
    "generator": ("def {n}_f():\n    yield {e}\n", "next({n}_f())", ""),
    "fork": ("def {n}_f():\n    return {e}\n", "in_fork({n}_f)", ""),
    "cached": ("@functools.lru_cache\ndef {n}_f():\n    return {e}\n", "{n}_f()", ""),
    "at_import": ("{n}_v = {e}\n", "{n}_v", ""),
    "lambda": ("{n}_f = lambda: {e}\n", "{n}_f()", ""),
}


def by_look() -> Iterator[Case]:
    """Each way to ask about files, folders and variables, from each place in the code."""
    for label, (value, what) in LOOKS.items():
        for place, (before, taken, helper) in LOOK_PLACES.items():
            if place == "at_import" and "chdir" in value:
                continue
            name = _identifier(f"{label}_{place}")
            folder = f"{name}_d"
            texts = {"e": value.format(d=folder), "n": name}
            again = (name + "_again",) if place == "cached" else ()
            code = before.format(**texts) + "".join(_asset(n, taken.format(**texts)) for n in (name, *again))
            yield Case(
                name,
                code,
                ((f"{folder}/a.txt", "text"), (f"{folder}/c.txt", "shell"), (f"{folder}/sub/b.txt", "text")),
                edit_of(what, folder),
                links=((f"{folder}/link", "a.txt"), (f"{folder}/chain", "link")),
                more=again,
                helper=helper.format(**texts),
            )


def _identifier(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text.replace("+", "_plus")).lower()
