"""Points, written into the gradebook.

Nothing needs to be solved where the points themselves can be written. The gradebook is a database in a file: the attack gives
itself full marks, gives another student none, and leaves a trigger behind that changes every grade to come. If it may not change
the file it puts another one in its place.
"""
# seen: the gradebook stays
# layer: walls

# %% attack
import os
import sqlite3

CHANGES = (
    "UPDATE grade SET auto_score = 0, manual_score = 0",
    "UPDATE student SET first_name = 'nobody'",
    "CREATE TRIGGER IF NOT EXISTS generous AFTER UPDATE ON grade BEGIN UPDATE grade SET extra_credit = 100; END",
)


def mischief():
    path = f"{place['course']}/gradebook.db"
    try:
        book = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=1)
        for change in CHANGES:
            book.execute(change)
        book.commit()
        escaped("the gradebook has been changed")
    except sqlite3.Error as problem:
        print("the gradebook stays as it is:", problem)
    other = "/tmp/gradebook.db"
    try:
        sqlite3.connect(other).execute("CREATE TABLE IF NOT EXISTS grade (auto_score)")
        if not os.path.exists(path):
            os.rename(other, path)
            escaped("another gradebook is in its place")
    except (OSError, sqlite3.Error) as problem:
        print("the gradebook stays where it is:", problem)
