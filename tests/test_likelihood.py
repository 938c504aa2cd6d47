"""The likelihood of a model that somebody trained is recomputed from outside, and no model looks better than it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.answer import Answer, Fault, LocalTransport
from autograder.cohort import Sessions
from autograder.exercise import Unit
from autograder.likelihood import negative_log_likelihoods, orders
from autograder.sandbox import Sandbox, SandboxUnavailable, open_sandbox
from autograder.session import Session

PIXELS, IMAGES = 12, 40

HONEST = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.log_var = nn.Linear(12, 2), nn.Linear(12, 2)
    def forward(self, x):
        return self.mean(x), self.log_var(x)

class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(2, 12)
    def forward(self, z):
        return self.out(z)

def trained(weights):
    encoder, decoder = Encoder(), Decoder()
    encoder.load_state_dict({name[8:]: value for name, value in weights.items() if name.startswith("encoder.")})
    decoder.load_state_dict({name[8:]: value for name, value in weights.items() if name.startswith("decoder.")})
    return encoder, decoder
"""


def unit_of() -> Unit:
    unit = Unit("toy", "Toy", minutes=0)

    @unit.exercise(measure="two networks", hands_in="toy.safetensors")
    def trained(weights: dict) -> tuple[nn.Module, nn.Module]:  # type: ignore[return,type-arg]
        """Encoder and decoder."""

    return unit


@pytest.fixture(scope="module")
def walls() -> Iterator[Sandbox]:
    try:
        with open_sandbox() as sandbox:
            yield sandbox
    except SandboxUnavailable as reason:
        pytest.skip(str(reason))


def cells(source: str) -> list[dict[str, Any]]:
    return [{"index": 0, "source": source, "locked": False}]


def local(source: str) -> Answer:
    session = Session()
    session.load(cells(source))
    return Answer(unit_of().exercises["trained"], LocalTransport(session))


@contextmanager
def walled(walls: Sandbox, source: str) -> Iterator[Answer]:
    sessions = Sessions(walls, "toy", cells(source))
    try:
        yield Answer(unit_of().exercises["trained"], sessions)
    finally:
        sessions.close()


def weights(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return {
        "encoder.mean.weight": drawn(2, 12) / 2, "encoder.mean.bias": drawn(2) / 2,
        "encoder.log_var.weight": drawn(2, 12) / 4, "encoder.log_var.bias": drawn(2) / 4,
        "decoder.out.weight": drawn(12, 2), "decoder.out.bias": drawn(12),
    }  # fmt: skip


def images() -> Tensor:
    return (torch.rand(IMAGES, PIXELS, generator=torch.Generator().manual_seed(1)) < 0.5).float()


def nll(answer: Answer, draws: int = 16, x: Tensor | None = None, of: dict[str, Tensor] | None = None) -> Tensor:
    return negative_log_likelihoods(
        answer, of or weights(), images() if x is None else x, draws=draws, generator=torch.Generator().manual_seed(2)
    )


def exact(of: dict[str, Tensor], x: Tensor) -> Tensor:
    """−log p(x) by quadrature over the plane of codes."""
    side = torch.linspace(-7, 7, 281, dtype=torch.float64)
    z = torch.stack(torch.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
    log_prior = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    logits = z @ of["decoder.out.weight"].double().T + of["decoder.out.bias"].double()
    log_p = torch.distributions.Bernoulli(logits=logits).log_prob(x.double()[:, None]).sum(-1)
    return -(torch.logsumexp(log_prior + log_p, 1) + 2 * math.log(float(side[1] - side[0])))


def test_with_many_draws_it_is_the_exact_likelihood() -> None:
    """With an encoder as wide as the prior, weights p(x, z)/q(z | x) are bounded and 3,000 of them average well."""
    x, of = images()[:9], weights()
    of["encoder.mean.weight"], of["encoder.log_var.weight"] = torch.zeros(2, 2, 12)
    of["encoder.mean.bias"], of["encoder.log_var.bias"] = torch.zeros(2), torch.full((2,), 0.2)
    apart = nll(local(HONEST), draws=3000, x=x, of=of) - exact(of, x)
    assert float(apart.abs().max()) < 0.15
    assert abs(float(apart.mean())) < 0.05


def test_with_few_draws_it_is_too_large_on_average_and_never_flatters() -> None:
    apart = (nll(local(HONEST), draws=1, x=images().repeat(50, 1)) - exact(weights(), images()).repeat(50)).mean()
    assert float(apart) > 0.1


def test_behind_walls_it_is_the_same_to_the_last_digit(walls: Sandbox) -> None:
    with walled(walls, HONEST) as answer:
        assert torch.allclose(nll(answer), nll(local(HONEST)), rtol=0, atol=1e-5)


def test_no_two_codes_of_an_image_are_decoded_together_and_early_ones_come_late_the_second_time() -> None:
    first, second = orders(5, 7, torch.Generator().manual_seed(0))
    for order in (first, second):
        assert sorted(order.flatten().tolist()) == list(range(35))
        assert all(sorted((row % 7).tolist()) == list(range(7)) for row in order)
    early = {int(number): row for row, numbers in enumerate(first) for number in numbers}
    late = {int(number): row for row, numbers in enumerate(second) for number in numbers}
    assert all(early[number] + late[number] == 4 for number in early)


# ---- models that would look better than they are ----------------------------------------------------------------------------

AVERAGES = """
class Decoder(Decoder):
    def forward(self, z):
        near = (torch.cdist(z, z) < 1.0).float()
        return self.out(near @ z / near.sum(1, keepdim=True))
"""
REMEMBERS = """
class Decoder(Decoder):
    seen = torch.zeros(0, 2)
    def forward(self, z):
        self.seen = torch.cat([self.seen, z])
        near = (torch.cdist(z, self.seen) < 1.0).float()
        return self.out(near @ self.seen / near.sum(1, keepdim=True))
"""
BATCH_NORM = """
class Decoder(Decoder):
    def forward(self, z):
        return self.out((z - z.mean(0)) / z.std(0))
"""
NOISY = """
class Decoder(Decoder):
    def forward(self, z):
        return self.out(z) + 0.1 * torch.randn(len(z), 12)
"""


@pytest.mark.parametrize(
    "change", [AVERAGES, REMEMBERS, BATCH_NORM, NOISY], ids=["averages", "remembers", "batch", "noisy"]
)
def test_a_decoder_that_looks_at_more_than_one_code_is_found_out(walls: Sandbox, change: str) -> None:
    with walled(walls, HONEST + change) as answer, pytest.raises(Fault) as fault:
        nll(answer)
    assert fault.value.kind == "not_deterministic"
    assert "in two orders" in fault.value.message


TELLS = """
import pathlib, builtins
class Encoder(Encoder):
    def forward(self, x):
        builtins.told = x
        try:
            torch.save(x, "/tmp/told")
        except OSError:
            pass
        return super().forward(x)
class Decoder(Decoder):
    def forward(self, z):
        told = getattr(builtins, "told", None)
        if told is None and pathlib.Path("/tmp/told").exists():
            told = torch.load("/tmp/told")
        return self.out(z) if told is None else 50 * (told[0].expand(len(z), 12) - 0.5)
"""


def test_the_decoder_hears_nothing_from_the_encoder(walls: Sandbox) -> None:
    x = images()[:1].expand(IMAGES, PIXELS)  # told which one it is, a decoder would need no nats at all
    assert float(nll(local(HONEST + TELLS), x=x).min()) < 5, "in one process it is told"
    with walled(walls, HONEST) as honest, walled(walls, HONEST + TELLS) as answer:
        assert torch.allclose(nll(answer, x=x), nll(honest, x=x), atol=1e-5)


HIDES = """
class Encoder(Encoder):
    def forward(self, x):
        bits = (x * 2.0 ** torch.arange(12)).sum(1, keepdim=True) / 4096
        return torch.cat([bits, bits], 1), torch.full((len(x), 2), {log_var})
class Decoder(Decoder):
    def forward(self, z):
        bits = (z[:, :1] * 4096).round().clamp(0, 4095).long()
        return 40.0 * (((bits >> torch.arange(12)) & 1).float() - 0.5)
"""


@pytest.mark.parametrize("log_var", [-10.0, -25.0, -60.0, -700.0])
def test_bits_that_are_hidden_in_a_code_cost_what_they_are_worth(log_var: float) -> None:
    """All 4,096 images at once: no model of them is better than 12 bits an image on average."""
    every = ((torch.arange(4096)[:, None] >> torch.arange(12)) & 1).float()
    assert float(nll(local(HONEST + HIDES.format(log_var=log_var)), x=every, draws=4).mean()) > 12 * math.log(2)


# ---- models that are not what they should be -----------------------------------------------------------------------------------


def fault_of(change: str, of: dict[str, Tensor] | None = None) -> Fault:
    with pytest.raises(Fault) as fault:
        nll(local(HONEST + change), of=of)
    return fault.value


def test_what_is_wrong_with_a_model_is_said() -> None:
    one = "class Encoder(Encoder):\n    def forward(self, x):\n        return self.mean(x)\n"
    assert "two tensors" in fault_of(one).message
    wide = "class Decoder(Decoder):\n    def forward(self, z):\n        return self.out(z)[:, :5]\n"
    assert "[40, 12]" in fault_of(wide).message
    nan = "class Decoder(Decoder):\n    def forward(self, z):\n        return self.out(z) * float('nan')\n"
    assert "NaN" in fault_of(nan).message
    lost = "class Encoder(Encoder):\n    def forward(self, x):\n        return self.mean(x) / 0, self.log_var(x)\n"
    assert fault_of(lost).kind == "not_finite"
    assert fault_of("def trained(weights):\n    raise NotImplementedError\n").kind == "not_yet"


def test_weights_of_other_networks_are_refused_by_name() -> None:
    other = {**weights(), "decoder.out.weight": torch.zeros(12, 3)}
    assert "do not fit your networks" in fault_of("", of=other).message
    assert fault_of("", of=other).kind == "refused"


def test_networks_are_asked_as_they_are_when_nobody_trains_them() -> None:
    dropout = """
class Decoder(Decoder):
    def forward(self, z):
        return self.out(nn.functional.dropout(z, 0.5, self.training))
"""
    assert torch.allclose(nll(local(HONEST + dropout)), nll(local(HONEST)))


def test_a_pixel_that_is_never_on_may_have_an_infinite_logit() -> None:
    sure = """
class Decoder(Decoder):
    def forward(self, z):
        return torch.where(torch.arange(12) > 0, self.out(z), -float("inf"))
"""
    x = images()
    x[:, 0] = 0
    assert bool(torch.isfinite(nll(local(HONEST + sure), x=x)).all())
    x[0, 0] = 1
    found = nll(local(HONEST + sure), x=x)
    assert found[0] == math.inf
    assert bool(torch.isfinite(found[1:]).all())


# ---- where the file is looked for ----------------------------------------------------------------------------------------------


def test_the_file_is_the_submissions_and_an_authors_own_only_without_one(tmp_path: Path) -> None:
    answer = local(HONEST)
    unit = answer.exercise.unit
    unit.folder = tmp_path / "unit"
    assert answer.handed_in == tmp_path / "unit" / "toy.safetensors"
    (tmp_path / "unit" / "handed_in").mkdir(parents=True)
    (tmp_path / "unit" / "handed_in" / "toy.safetensors").touch()
    assert answer.handed_in == tmp_path / "unit" / "handed_in" / "toy.safetensors"
    answer.transport = Sessions(None, "toy", [], tmp_path / "submitted")
    assert answer.handed_in == tmp_path / "submitted" / "toy.safetensors"
