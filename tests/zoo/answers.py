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
    "second_moment": "def second_moment(mu, log_var):\n    return mu**2 + log_var.exp()\n",
    "sample_normal": """def sample_normal(mean, std, count):
    return mean + std * torch.randn(count, dtype=std.dtype)
""",
    "sample_gaussian": """def sample_gaussian(mu, log_var):
    return mu + (log_var / 2).exp() * torch.randn_like(mu)
""",
    "sample_category": """def sample_category(probabilities, count):
    return torch.multinomial(probabilities, count, replacement=True)
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
    "second_moment": "def second_moment(mu, log_var):\n    return mu**2 + log_var.exp() ** 2\n",
    "sample_normal": """def sample_normal(mean, std, count):
    return mean + std * (torch.rand(count, dtype=std.dtype) - 0.5)
""",
    "sample_gaussian": """def sample_gaussian(mu, log_var):
    return mu + log_var.exp() * torch.randn_like(mu)
""",
    "sample_category": """def sample_category(probabilities, count):
    return torch.multinomial(probabilities.flip(0), count, replacement=True)
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

WRONG_SAMPLERS = {
    # what is wrong: (the exercise, the laws that find it and no others, the answer)
    "uniform noise of the right variance": ("sample_normal", {"has_the_normal_shape"}, """def sample_normal(mean, std, count):
    return mean + std * (torch.rand(count, dtype=std.dtype) - 0.5) * 12**0.5
"""),
    "Student's t of the right variance": ("sample_normal", {"has_the_normal_shape"}, """def sample_normal(mean, std, count):
    return mean + std * torch.distributions.StudentT(3.0).sample((count,)).double() / 3**0.5
"""),
    "std read as the variance": ("sample_normal", {"has_its_mean_and_variance", "has_the_normal_shape"},
        """def sample_normal(mean, std, count):
    return mean + std.sqrt() * torch.randn(count, dtype=std.dtype)
"""),
    "the same draws at each call": ("sample_normal", {"every_draw_is_new"}, """def sample_normal(mean, std, count):
    torch.manual_seed(0)
    return mean + std * torch.randn(count, dtype=std.dtype)
"""),
    "a generator made anew at each call": ("sample_normal", {"every_draw_is_new"}, """def sample_normal(mean, std, count):
    generator = torch.Generator().manual_seed(42)
    return mean + std * torch.randn(count, dtype=std.dtype, generator=generator)
"""),
    "a table of noise, read again and again": ("sample_normal", {"every_draw_is_new"}, """def sample_normal(mean, std, count):
    table = torch.randn(3000, dtype=std.dtype)
    return mean + std * table.repeat(count // 3000 + 1)[:count]
"""),
    "fewer draws than asked": ("sample_normal", {"has_its_mean_and_variance", "has_the_normal_shape", "every_draw_is_new"},
        """def sample_normal(mean, std, count):
    return mean + std * torch.randn(100, dtype=std.dtype)
"""),
    "NaN among the draws": ("sample_normal", {"has_its_mean_and_variance", "has_the_normal_shape", "every_draw_is_new"},
        """def sample_normal(mean, std, count):
    return mean + std * torch.randn(count, dtype=std.dtype).where(torch.arange(count) > 0, torch.nan)
"""),
    "one ε for all rows": (
        "sample_gaussian",
        {"has_means_and_variances", "noise_is_normal", "every_row_has_its_noise", "every_dimension_has_its_noise",
         "every_call_has_its_noise"},
        """def sample_gaussian(mu, log_var):
    return mu + (log_var / 2).exp() * torch.randn(mu.shape[1], dtype=mu.dtype)
"""),
    "one ε for all dimensions": (
        "sample_gaussian", {"every_dimension_has_its_noise"}, """def sample_gaussian(mu, log_var):
    return mu + (log_var / 2).exp() * torch.randn(mu.shape[0], 1, dtype=mu.dtype)
"""),
    "uniform noise": ("sample_gaussian", {"has_means_and_variances", "noise_is_normal"}, """def sample_gaussian(mu, log_var):
    return mu + (log_var / 2).exp() * torch.rand_like(mu)
"""),
    "the same noise at each call": ("sample_gaussian", {"every_call_has_its_noise"}, """def sample_gaussian(mu, log_var):
    torch.manual_seed(1)
    return mu + (log_var / 2).exp() * torch.randn_like(mu)
"""),
    "the most probable category": ("sample_category", {"has_its_frequencies"}, """def sample_category(probabilities, count):
    return probabilities.argmax().expand(count)
"""),
    "all categories alike": ("sample_category", {"has_its_frequencies"}, """def sample_category(probabilities, count):
    return torch.randint(len(probabilities), (count,))
"""),
    "categories counted from one": ("sample_category", {"has_its_frequencies", "every_category_is_drawn_anew"},
        """def sample_category(probabilities, count):
    return torch.multinomial(probabilities, count, replacement=True) + 1
"""),
    "the same categories at each call": ("sample_category", {"every_category_is_drawn_anew"},
        """def sample_category(probabilities, count):
    torch.manual_seed(0)
    return torch.multinomial(probabilities, count, replacement=True)
"""),
}  # fmt: skip

IMPORTS = "import sympy\nimport torch\n"


def cells(answers: dict[str, str]) -> list[dict]:
    """A submission that holds these answers."""
    sources = [IMPORTS, *answers.values()]
    return [{"index": index, "source": source, "locked": False} for index, source in enumerate(sources)]


def wrong_sampler(name: str) -> dict[str, str]:
    """The submission of one wrong sampler alone."""
    exercise, _, source = WRONG_SAMPLERS[name]
    return {exercise: source}
