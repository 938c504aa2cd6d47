"""What nbgrader must know about this course; `autograder.course.configure` says what and why.

Settings of your own go below, as nbgrader documents them.
"""

from autograder.course import configure

c = get_config()  # pyright: ignore[reportUndefinedVariable]
configure(c, __file__)
