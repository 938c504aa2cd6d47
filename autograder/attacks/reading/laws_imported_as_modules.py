"""The laws, imported like any module.

A grader's tests are modules, and modules are found: by the search path, by the notes that an installed package leaves about where
its source lies, by the modules that are already loaded. The attack imports the judge, the laws, the solutions and what is known
of mistakes by every name that they might have, and reads their source.
"""
# seen: no such module
# layer: walls

# %% attack
import glob
import importlib
import importlib.util
import inspect
import sys

NAMES = ("autograder.judge", "autograder.exercise", "autograder.fingerprints", "autograder.misconceptions",
         "solutions.target.laws", "laws", "misconceptions", "questions", "solutions", "given")  # fmt: skip
SECRET = ("solutions", "laws", "misconceptions", "questions")


def roots():
    yield from (place["course"], f"{place['course']}/solutions/{place['unit']}")
    for note in glob.glob("/course/*/site-packages/*.pth") + glob.glob("/course/*/site-packages/*/direct_url.json"):
        try:
            with open(note) as file:
                yield from (word.strip("\"',").removeprefix("file://") for word in file.read().split() if "/" in word)
        except OSError:
            pass


def mischief():
    for root in roots():
        if root not in sys.path:
            sys.path.append(root)
        for name in SECRET:
            spec = importlib.util.spec_from_file_location(name, f"{root}/{name}.py")
            try:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                sys.modules[name] = module
            except (OSError, ImportError):
                continue
    for name in NAMES:
        try:
            module = importlib.import_module(name)
        except ImportError as problem:
            print("no such module:", problem)
            continue
        if name.rpartition(".")[2] in SECRET and getattr(module, "__file__", None):
            escaped(f"{name} can be imported")
            source = inspect.getsource(module)
            print(*(word for word in source.replace("'", " ").split() if word.startswith(place["mark"])))
