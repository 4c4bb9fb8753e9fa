"""Cases of code identity: how names lead through modules."""

from __future__ import annotations

from tests.lineage.code_case import ASSET, keep, rebuild

NAMES = [
    rebuild(
        "a re-exported helper",
        "from pkg import f\n"
        + ASSET
        + "def model(x):\n    return f(x)\n--- pkg/__init__.py\nfrom .impl import f\n--- pkg/impl.py\ndef f(x):\n    return x + 1\n",
        "+ 1",
        "+ 2",
    ),
    rebuild(
        "a chain of submodules",
        "import pkg.sub.deep\n"
        + ASSET
        + "def model(x):\n    return pkg.sub.deep.f(x)\n--- pkg/__init__.py\n--- pkg/sub/__init__.py\n--- pkg/sub/deep.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "another name of a submodule",
        "import pkg.deep\n"
        + ASSET
        + "def model(x):\n    return pkg.deep.f(x)\n--- pkg/__init__.py\n--- pkg/deep.py\ndef f(x):\n    return 0\nK = 1\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "a relative import inside a function",
        "from pkg.impl import run\n"
        + ASSET
        + "def model(x):\n    return run(x)\n--- pkg/__init__.py\n--- pkg/impl.py\ndef run(x):\n    from .other import f\n    return f(x)\n--- pkg/other.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "an import inside a function, not loaded before",
        ASSET + "def model(x):\n    import late\n    return late.f(x)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "another name of a module imported inside",
        ASSET + "def model(x):\n    import late\n    return late.f(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "a nested function reads a local import",
        ASSET
        + "def model(x):\n    from late import f\n    return [f(v) for v in x]\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "import_module with a constant",
        "import importlib\n"
        + ASSET
        + "def model(x):\n    return importlib.import_module('late').f(x)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "another name beside import_module with a constant",
        "import importlib\n"
        + ASSET
        + "def model(x):\n    return importlib.import_module('late').f(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "__import__ kept in a variable",
        ASSET + "def model(x):\n    m = __import__('late')\n    return m.f(x)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a module name held in a constant",
        "from importlib import import_module as im\nNAME = 'late'\n"
        + ASSET
        + "def model(x):\n    return im(NAME).f(x)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a module passed as a value",
        "import late\n" + ASSET + "def model(x):\n    return x(late)\n--- late.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "getattr with a constant leaves the rest of the module out",
        "import late\n"
        + ASSET
        + "def model(x):\n    return getattr(late, 'f')(x)\n--- late.py\nK = 1\ndef f(x):\n    return 0\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "getattr shadowed by a first-party function",
        "import late\ndef getattr(m, n):\n    return m.K\n"
        + ASSET
        + "def model(x):\n    return getattr(late, 'f')\n--- late.py\nK = 1\ndef f(x):\n    return 0\n",
        "K = 1",
        "K = 2",
    ),
    rebuild(
        "globals() with a constant",
        "def f(x):\n    return 1\n" + ASSET + "def model(x):\n    return globals()['f'](x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a lazily imported attribute of a package",
        "import pkg\n"
        + ASSET
        + "def model(x):\n    return pkg.f(x)\n--- pkg/__init__.py\ndef __getattr__(name):\n    import pkg.impl\n    return getattr(pkg.impl, name)\n--- pkg/impl.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a conditional import",
        "try:\n    from fast import f\nexcept ImportError:\n    from slow import f\n"
        + ASSET
        + "def model(x):\n    return f(x)\n--- slow.py\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "a name imported for type checking",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from late import A\n"
        + ASSET
        + "def model(x: 'A'):\n    return 1\n--- late.py\nclass A:\n    k = 1\n",
        "k = 1",
        "k = 2",
    ),
    rebuild(
        "another stdlib function under the same name",
        "from math import sin as f\n" + ASSET + "def model(x):\n    return f(x)\n",
        "sin",
        "cos",
    ),
    rebuild(
        "another stdlib module under the same name",
        "import math as m\n" + ASSET + "def model(x):\n    return m.sqrt(x)\n",
        "math as m",
        "cmath as m",
    ),
    rebuild(
        "a builtin replaced by a first-party function",
        "import builtins\ndef mine(v):\n    return 1\nbuiltins.assetctl_test_len = mine\n"
        + ASSET
        + "def model(x):\n    return assetctl_test_len(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a standard function patched at import",
        "import json\ndef mine(v):\n    return 1\njson.mine = mine\n"
        + ASSET
        + "def model(x):\n    return json.mine(x)\n",
        "return 1",
        "return 2",
    ),
    rebuild(
        "a name defined only later",
        ASSET + "def model(x):\n    return f(x)\ndef f(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    keep(
        "a helper moved within its file",
        ASSET + "def model(x):\n    return f(x)\nA = 1\ndef f(x):\n    return 1\n",
        "A = 1",
        "A = 1\n\n\nB = 2",
    ),
    rebuild(
        "an asset called as a helper",
        "from assetctl import asset\n@asset\ndef base(x):\n    return 1\n@asset\ndef model(x):\n    return base.fn(x)\n",
        "return 1",
        "return 2",
    ),
    keep(
        "metadata of an asset called as a helper",
        "from assetctl import asset\n@asset(group='a')\ndef base(x):\n    return 1\n@asset\ndef model(x):\n    return base(x)\n",
        "'a'",
        "'b'",
    ),
    keep(
        "metadata through a partial of the decorator",
        "import functools, assetctl\nmine = functools.partial(assetctl.asset, group='a')\n@mine()\ndef model(x):\n    return 1\n",
        "'a'",
        "'b'",
    ),
]
