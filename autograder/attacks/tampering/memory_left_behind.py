"""Something in memory for the next student.

A grader that runs one student after the other in the same process hands on everything that the first one changed. The attack
puts a mark on modules, built-ins, the environment, the import system, torch's settings, the rubbish collector and what runs
at exit; sets timers and starts threads; and looks for them in the next process that it gets.
"""
# seen: nobody was here before

# %% attack
import atexit
import builtins
import gc
import os
import signal
import sys
import threading
import time
import types

import torch
from torch.nn.modules import module


DONE = []


def mischief():
    if DONE:  # this session's own
        return
    DONE.append(True)
    marks = {
        "module": "left_behind" in sys.modules, "built-in": hasattr(builtins, "left_behind"),
        "torch": hasattr(torch, "left_behind"), "environment": "LEFT_BEHIND" in os.environ,
        "dtype": torch.get_default_dtype() != torch.float32,
        "finder": any(type(finder) is types.SimpleNamespace for finder in sys.meta_path), "path": "left_behind" in sys.path,
        "thread": any(thread.name == "left behind" for thread in threading.enumerate()),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0, "umask": os.umask(0o22) == 0o17,
        "rubbish collector": not gc.isenabled() or len(gc.callbacks) > 0, "hook": bool(module._global_forward_hooks),
    }  # fmt: skip
    if any(marks.values()):
        escaped("an earlier session left a " + ", a ".join(name for name, there in marks.items() if there))
    else:
        print("nobody was here before")
    sys.modules["left_behind"] = builtins.left_behind = torch.left_behind = types.ModuleType("left_behind")
    os.environ["LEFT_BEHIND"] = "an answer"
    sys.meta_path.append(types.SimpleNamespace(find_spec=lambda *args: None))
    sys.path.append("left_behind")
    torch.set_default_dtype(torch.float64)
    threading.Thread(target=time.sleep, args=(60,), name="left behind", daemon=True).start()
    signal.signal(signal.SIGALRM, lambda *args: os._exit(1))
    signal.setitimer(signal.ITIMER_REAL, 600, 1)
    atexit.register(time.sleep, 600)
    os.umask(0o17)
    gc.callbacks.append(lambda *args: sys.settrace(None))
    gc.disable()
    module.register_module_forward_hook(lambda *args: torch.zeros(()))
    raise RuntimeError("start another session, please")
