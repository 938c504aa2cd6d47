"""A right and a wrong answer of every kind, as the cells a student would write."""

RIGHT = {
    "squared_norm": "def squared_norm(x):\n    return (x * x).sum(-1)\n",
    "maximum": "def maximum(x):\n    return x.max(), x.argmax()\n",
    "RunningMean": """class RunningMean:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def update(self, x):
        self.total, self.count = self.total + x.sum(), self.count + len(x)

    def mean(self):
        return self.total / self.count
""",
    "reconstruction": """def reconstruction(x, z, decoder):
    return torch.distributions.Normal(decoder(z), 1.0).log_prob(x).sum(-1)
""",
    "prior": """def prior(loc, scale):
    return torch.distributions.Independent(torch.distributions.Normal(loc, scale), 1)
""",
    "reparameterise": "def reparameterise(mu, log_var, eps):\n    return mu + (log_var / 2).exp() * eps\n",
    "sample_normal": """def sample_normal(mean, std, count):
    return mean + std * torch.randn(count, dtype=std.dtype)
""",
    "train_step": """def train_step(model, optimiser, x, y):
    loss = ((model(x) - y) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss
""",
    "log_sum": """def log_sum():
    x = sympy.Symbol("x", positive=True)
    return sympy.diff(sympy.log(1 + x) ** 2, x)
""",
    "log_det": "def log_det(cov):\n    return torch.linalg.cholesky(cov).diagonal(dim1=-2, dim2=-1).log().sum(-1) * 2\n",
}

WRONG = {
    "squared_norm": "def squared_norm(x):\n    return (x * x).mean(-1)\n",
    "maximum": "def maximum(x):\n    return x.max(), x.argmin()\n",
    "RunningMean": """class RunningMean:
    seen = []

    def update(self, x):
        self.seen.append(x)

    def mean(self):
        return torch.cat(self.seen).mean()
""",
    "reconstruction": """def reconstruction(x, z, decoder):
    return torch.distributions.Normal(decoder(z), 1.0).log_prob(x).mean(-1)
""",
    "prior": "def prior(loc, scale):\n    return torch.distributions.Normal(loc, scale)\n",
    "reparameterise": "def reparameterise(mu, log_var, eps):\n    return mu + (log_var / 2).exp().detach() * eps\n",
    "sample_normal": """def sample_normal(mean, std, count):
    return mean + std * (torch.rand(count, dtype=std.dtype) - 0.5)
""",
    "train_step": """def train_step(model, optimiser, x, y):
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimiser.step()
    return loss
""",
    "log_sum": """def log_sum():
    x = sympy.Symbol("x", positive=True)
    return 2 * sympy.log(1 + x)
""",
    "log_det": "def log_det(cov):\n    return cov.diagonal(dim1=-2, dim2=-1).log().sum(-1)\n",
}

IMPORTS = "import sympy\nimport torch\n"


def cells(answers: dict[str, str]) -> list[dict]:
    """A submission that holds these answers."""
    sources = [IMPORTS, *answers.values()]
    return [{"index": index, "source": source, "locked": False} for index, source in enumerate(sources)]
