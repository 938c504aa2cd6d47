"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

Each starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its own: loops,
torch.distributions, singular vectors for eigenvectors, autograd row by row, cdist, einsum.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli

# ---- reconstruction_losses -----------------------------------------------------------------------------------------------


def squares(scores, target):
    return torch.pow(target - F.sigmoid(scores), 2)


def coins(scores, target):
    return target * F.softplus(-scores) + (1 - target) * F.softplus(scores)


def mean_over_pixels(scores, data):
    return torch.mean(squares(scores, data), dim=1), torch.mean(coins(scores, data), dim=1)


def sum_over_the_batch(scores, data):
    ones = torch.ones(data.shape[0], dtype=data.dtype)
    return ones * torch.sum(squares(scores, data)), ones * torch.sum(coins(scores, data))


def sigmoid_forgotten(scores, data):
    return torch.einsum("ij,ij->i", scores - data, scores - data), coins(scores, data).sum(dim=1)


def sigmoid_twice(scores, data):
    picture = F.sigmoid(scores)
    return squares(scores, data).sum(dim=1), coins(picture, data).sum(dim=1)


def log_of_the_sigmoid(scores, data):
    on = 1 / (1 + torch.exp(-scores))
    on = torch.sigmoid(scores) + 0 * on.detach()
    cost = torch.where(data > 0, -data * torch.log(on), 0 * on) + torch.where(
        data < 1, -(1 - data) * torch.log(1 - on), 0 * on
    )
    return squares(scores, data).sum(dim=1), cost.sum(dim=1)


def logs_cut_off_at_100(scores, data):
    on = torch.sigmoid(scores)
    cost = -data * torch.log(on).clamp(min=-100) - (1 - data) * torch.log(1 - on).clamp(min=-100)
    return squares(scores, data).sum(dim=1), cost.sum(dim=1)


def epsilon_in_the_logs(scores, data):
    on, tiny = torch.sigmoid(scores), 1e-5
    cost = -(data * torch.log(tiny + on)) - (1 - data) * torch.log(tiny + 1 - on)
    return squares(scores, data).sum(dim=1), torch.sum(cost, dim=1)


def grey_made_black_and_white(scores, data):
    ink = torch.where(data > 0.5, torch.ones_like(data), torch.zeros_like(data))
    return squares(scores, data).sum(dim=1), -Bernoulli(logits=scores).log_prob(ink).sum(dim=1)


def half_of_the_cross_entropy(scores, data):
    return squares(scores, data).sum(dim=1), -(F.logsigmoid(scores) * data).sum(dim=1)


def divergence_for_cross_entropy(scores, data):
    def times_log(p):
        return torch.where(p > 0, p * torch.log(p.clamp_min(1e-300 if p.dtype == torch.float64 else 1e-38)), 0 * p)

    cost = coins(scores, data) + times_log(data) + times_log(1 - data)
    return squares(scores, data).sum(dim=1), cost.sum(dim=1)


def in_bits(scores, data):
    return squares(scores, data).sum(dim=1), coins(scores, data).sum(dim=1) * math.log2(math.e)


def distance_for_square(scores, data):
    return torch.linalg.vector_norm(torch.sigmoid(scores) - data, dim=1), coins(scores, data).sum(dim=1)


def softplus_overflows(scores, data):
    costs = torch.log(1 + torch.exp(scores)) - scores * data
    return squares(scores, data).sum(dim=1), costs.sum(dim=1)


def sigmoid_by_hand(scores, data):
    power = torch.exp(-scores)
    picture = 1 / (power + 1)
    return torch.square(picture - data).sum(dim=1), coins(scores, data).sum(dim=1)


def logits_clamped(scores, data):
    safe = torch.clamp(scores, min=-30, max=30)
    return squares(safe, data).sum(dim=1), coins(safe, data).sum(dim=1)


# ---- linear_autoencoder --------------------------------------------------------------------------------------------------


def principal(centred):
    """All directions as rows, by singular vectors of the covariance."""
    return torch.linalg.svd(torch.einsum("md,me->de", centred, centred)).Vh


def not_centred(data, width):
    rows = principal(data)[:width]
    return torch.zeros(data.shape[1], dtype=data.dtype), rows, torch.transpose(rows, 0, 1)


def mean_left_out(data, width):
    rows = principal(data - torch.mean(data, dim=0))[:width]
    return torch.zeros(data.shape[1], dtype=data.dtype), rows, rows.t()


def smallest_eigenvalues(data, width):
    mean = torch.mean(data, dim=0)
    rows = principal(data - mean)[-width:]
    return mean, rows, rows.t()


def rows_for_columns(data, width):
    mean = torch.mean(data, dim=0)
    _, vectors = torch.linalg.eigh(torch.cov(data.t(), correction=0).reshape(data.shape[1], data.shape[1]))
    wrong = vectors.flip(1)[:width]
    return mean, wrong, wrong.t()


def standardised_first(data, width):
    mean, deviation = torch.mean(data, dim=0), torch.std(data, dim=0)
    rows = principal((data - mean) / deviation)[:width]
    return mean, rows @ torch.diag(1 / deviation), torch.diag(deviation) @ rows.t()


def whitened_and_not_undone(data, width):
    mean = torch.mean(data, dim=0)
    rows = principal(data - mean)[:width]
    spread = ((data - mean) @ rows.t()).square().mean(dim=0).clamp_min(1e-4)
    return mean, torch.diag(spread.rsqrt()) @ rows, rows.t()


def shrunk_like_ppca(data, width):
    mean, d = torch.mean(data, dim=0), data.shape[1]
    found = torch.linalg.svd((data - mean).t() @ (data - mean) / data.shape[0])
    noise = found.S[width:].mean() if width < d else found.S[-1]
    shrink = 1 - noise / found.S[:width].clamp_min(1e-6)
    return mean, torch.diag(shrink) @ found.Vh[:width], found.Vh[:width].t()


def reduced_svd(data, width):
    mean = torch.mean(data, dim=0)
    _, _, rows = torch.linalg.svd(data - mean, full_matrices=False)
    return mean, rows[:width], rows[:width].t()


def any_directions(data, width):
    d = data.shape[1]
    numbers = [[math.sin(i * d + j + 1) / math.sqrt(d) for j in range(d)] for i in range(width)]
    rows = torch.tensor(numbers, dtype=data.dtype)
    return torch.mean(data, dim=0), rows, rows.t()


def keeps_some_inputs(data, width):
    best = torch.topk(data.std(dim=0), width).indices
    rows = torch.zeros(width, data.shape[1], dtype=data.dtype)
    rows[torch.arange(width), best] = 1.0
    return torch.mean(data, dim=0), rows, rows.t()


# ---- denoising_loss ------------------------------------------------------------------------------------------------------


def kept(chance, amount, data):
    return torch.where(torch.lt(chance, amount), 0.0, 1.0).to(data.dtype)


def compared_with_the_spoilt(inward, outward, data, chance, amount):
    holes = kept(chance, amount, data) * data
    return coins(outward(inward(holes)), holes).sum(dim=1)


def keeps_the_share(inward, outward, data, chance, amount):
    return coins(outward(inward((1 - kept(chance, amount, data)) * data)), data).sum(dim=1)


def rescaled_like_dropout(inward, outward, data, chance, amount):
    scale = (
        torch.tensor(1.0, dtype=data.dtype) / (1 - amount) if amount < 1 else torch.tensor(math.inf, dtype=data.dtype)
    )
    return coins(outward(inward(kept(chance, amount, data) * data * scale)), data).sum(dim=1)


def one_mask_for_all(inward, outward, data, chance, amount):
    mask = kept(chance[0], amount, data)
    return torch.stack([coins(outward(inward((row * mask)[None])), row[None]).sum() for row in data])


def whole_rows_hidden(inward, outward, data, chance, amount):
    mask = kept(chance[:, 0], amount, data)
    return coins(outward(inward(torch.einsum("ij,i->ij", data, mask))), data).sum(dim=1)


def hidden_pixels_alone(inward, outward, data, chance, amount):
    mask = kept(chance, amount, data)
    return torch.einsum("ij,ij->i", coins(outward(inward(data * mask)), data), 1 - mask)


def code_is_masked(inward, outward, data, chance, amount):
    code = inward(data)
    places = [place % data.shape[1] for place in range(code.shape[1])]
    return coins(outward(code * kept(chance, amount, data)[:, places]), data).sum(dim=1)


def hidden_means_grey(inward, outward, data, chance, amount):
    mask = kept(chance, amount, data)
    return coins(outward(inward(mask * data + (1 - mask) / 2)), data).sum(dim=1)


def averaged_over_pixels(inward, outward, data, chance, amount):
    costs = coins(outward(inward(kept(chance, amount, data) * data)), data)
    return costs.sum(dim=1) / costs.shape[1]


def squared_for_cross_entropy(inward, outward, data, chance, amount):
    return squares(outward(inward(kept(chance, amount, data) * data)), data).sum(dim=1)


def noise_is_added(inward, outward, data, chance, amount):
    return coins(outward(inward(torch.add(data, chance, alpha=amount))), data).sum(dim=1)


def hides_at_equality(inward, outward, data, chance, amount):
    holes = data.masked_fill(chance <= amount, 0.0)
    return coins(outward(inward(holes)), data).sum(dim=1)


def encoder_not_trained(inward, outward, data, chance, amount):
    with torch.no_grad():
        code = inward(kept(chance, amount, data) * data)
    return coins(outward(code), data).sum(dim=1)


# ---- best_denoiser -------------------------------------------------------------------------------------------------------


def apart(seen, cloud):
    return torch.stack([((point - seen) ** 2).sum(dim=1) for point in cloud], dim=1)


def averaged(logs, cloud):
    return torch.exp(logs - torch.logsumexp(logs, dim=1, keepdim=True)) @ cloud


def nearest_point(seen, cloud, deviation):
    assert deviation > 0
    return torch.stack([cloud[torch.argmin(((one - cloud) ** 2).sum(dim=1))] for one in seen])


def sigma_for_its_square(seen, cloud, deviation):
    return averaged(-0.5 * apart(seen, cloud) / deviation, cloud)


def half_missing(seen, cloud, deviation):
    return averaged(-apart(seen, cloud) / (deviation * deviation), cloud)


def distance_not_squared(seen, cloud, deviation):
    return averaged(-torch.sqrt(apart(seen, cloud)) / (2 * deviation * deviation), cloud)


def exponentials_underflow(seen, cloud, deviation):
    weights = torch.exp(-apart(seen, cloud) / (2 * deviation * deviation))
    return torch.einsum("nm,md->nd", weights, cloud) / weights.sum(dim=1)[:, None]


def epsilon_in_the_denominator(seen, cloud, deviation):
    weights = torch.exp(-apart(seen, cloud) / (2 * deviation * deviation))
    weights = weights / (1e-8 + weights.sum(dim=1)[:, None])
    return torch.einsum("nm,md->nd", weights, cloud)


def softmax_over_the_batch(seen, cloud, deviation):
    logs = -apart(seen, cloud) / (2 * deviation * deviation)
    return torch.exp(logs - torch.logsumexp(logs, dim=0, keepdim=True)) @ cloud


def each_dimension_by_itself(seen, cloud, deviation):
    columns = []
    for place in range(seen.shape[1]):
        line = cloud[:, place : place + 1]
        columns.append(averaged(-apart(seen[:, place : place + 1], line) / (2 * deviation * deviation), line)[:, 0])
    return torch.stack(columns, dim=1)


def distance_averaged(seen, cloud, deviation):
    return averaged(-apart(seen, cloud) / (2 * deviation * deviation * seen.shape[1]), cloud)


def shrunk_to_the_mean(seen, cloud, deviation):
    centre = torch.mean(cloud, dim=0, keepdim=True)
    variance = torch.mean((cloud - centre) ** 2)
    amount = deviation * deviation / (variance + deviation * deviation)
    return amount * centre + (1 - amount) * seen


def sign_turned_round(seen, cloud, deviation):
    return averaged(apart(seen, cloud) / (2 * deviation * deviation), cloud)


def duplicates_merged(seen, cloud, deviation):
    different = torch.tensor(sorted({tuple(point) for point in cloud.tolist()}), dtype=cloud.dtype)
    return averaged(-apart(seen, different) / (2 * deviation * deviation), different)


# ---- contractive_penalty -------------------------------------------------------------------------------------------------


def slopes(inward, data):
    """[n k d], one number of the code after the other, by torch.autograd.grad."""
    if not data.requires_grad:
        data = data.detach().requires_grad_()
    code = inward(data)
    rows = [torch.autograd.grad(code[:, left].sum(), data, create_graph=True)[0] for left in range(code.shape[1])]
    return torch.stack(rows, dim=1)


def norm_not_squared(inward, data):
    return torch.linalg.matrix_norm(slopes(inward, data))


def code_summed_first(inward, data):
    return slopes(inward, data).sum(dim=1).pow(2).sum(dim=1)


def mean_over_the_batch(inward, data):
    return torch.ones(len(data), dtype=data.dtype) * slopes(inward, data).pow(2).sum() / len(data)


def entries_averaged(inward, data):
    return slopes(inward, data).pow(2).flatten(1).mean(dim=1)


def detached(inward, data):
    code = [inward(row[None]) for row in data]
    assert len(code) == len(data)
    found = [torch.autograd.functional.jacobian(inward, row.detach()[None]) for row in data]
    return torch.stack([one.pow(2).sum() for one in found])


def weights_detached(inward, data):
    frozen = dict(inward.named_parameters())
    frozen = {name: torch.empty_like(value).copy_(value.data) for name, value in frozen.items()}

    def code(rows):
        return torch.func.functional_call(inward, frozen, (rows,))

    return slopes(code, data).pow(2).flatten(1).sum(dim=1)


def length_of_the_code(inward, data):
    return torch.linalg.vector_norm(inward(data), dim=1) ** 2


def weight_decay(inward, data):
    penalty = 0.0
    for name, value in inward.named_parameters():
        if "weight" in name:
            penalty = penalty + (value * value).sum()
    return penalty * torch.ones(len(data), dtype=data.dtype) + 0 * data.sum(dim=1)


def absolute_values(inward, data):
    return slopes(inward, data).abs().flatten(1).sum(dim=1)


def spectral_norm(inward, data):
    return torch.linalg.svdvals(slopes(inward, data))[:, 0] ** 2


def formula_for_a_sigmoid_layer(inward, data):
    h = inward(data)
    rows = [value for name, value in inward.named_parameters() if "weight" in name][-1]
    return (h * (1 - h)) ** 2 @ (rows**2).sum(dim=1)


# ---- interpolate ---------------------------------------------------------------------------------------------------------


def ways(count):
    return [step / (count - 1) for step in range(count)]


def pixels_mixed(inward, outward, left, right, count):
    return torch.stack([torch.sigmoid(outward(inward(torch.lerp(left, right, t)))) for t in ways(count)], dim=1)


def reconstructions_mixed(inward, outward, left, right, count):
    first, last = torch.sigmoid(outward(inward(left))), torch.sigmoid(outward(inward(right)))
    return torch.stack([torch.lerp(first, last, t) for t in ways(count)], dim=1)


def end_left_out(inward, outward, left, right, count):
    first, last = inward(left), inward(right)
    return torch.stack([torch.sigmoid(outward(first + step / count * (last - first))) for step in range(count)], dim=1)


def logits_for_pixels(inward, outward, left, right, count):
    return torch.stack([outward(torch.lerp(inward(left), inward(right), t)) for t in ways(count)], dim=1)


def from_b_to_a(inward, outward, left, right, count):
    return torch.stack([torch.sigmoid(outward(torch.lerp(inward(right), inward(left), t))) for t in ways(count)], dim=1)


def ends_replaced(inward, outward, left, right, count):
    middle = [torch.sigmoid(outward(torch.lerp(inward(left), inward(right), t))) for t in ways(count)[1:-1]]
    return torch.stack([left, *middle, right], dim=1)


def along_an_arc(inward, outward, left, right, count):
    codes = [math.cos(t * math.pi / 2) * inward(left) + math.sin(t * math.pi / 2) * inward(right) for t in ways(count)]
    return torch.stack([torch.sigmoid(outward(code)) for code in codes], dim=1)


def logits_mixed(inward, outward, left, right, count):
    first, last = outward(inward(left)), outward(inward(right))
    return torch.stack([torch.sigmoid(torch.lerp(first, last, t)) for t in ways(count)], dim=1)


# ---- anomaly_auc ---------------------------------------------------------------------------------------------------------


def pairs(usual, strangers):
    return [(calm, strange) for calm in usual.tolist() for strange in strangers.tolist()]


def ties_count_nothing(usual, strangers):
    both = pairs(usual, strangers)
    return torch.tensor(sum(strange > calm for calm, strange in both) / len(both), dtype=usual.dtype)


def ties_count_whole(usual, strangers):
    both = pairs(usual, strangers)
    return torch.tensor(1 - sum(strange < calm for calm, strange in both) / len(both), dtype=usual.dtype)


def groups_exchanged(usual, strangers):
    both = pairs(usual, strangers)
    won = sum((calm > strange) + 0.5 * (calm == strange) for calm, strange in both)
    return torch.tensor(won / len(both), dtype=usual.dtype)


def one_threshold(usual, strangers):
    ranked = usual.sort().values
    half = (len(ranked) - 1) / 2
    middle = (ranked[math.floor(half)] + ranked[math.ceil(half)]) / 2
    return torch.where(strangers > middle, 1.0, torch.where(strangers == middle, 0.5, 0.0)).to(usual.dtype).mean()


def pair_by_pair(usual, strangers):
    won = [
        (right > left) + 0.5 * (right == left) for left, right in zip(usual.tolist(), strangers.tolist(), strict=False)
    ]
    return torch.tensor(sum(won) / len(won), dtype=usual.dtype)
