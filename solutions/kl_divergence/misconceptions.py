"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import torch
from torch.distributions import Categorical, Independent, MultivariateNormal, Normal, kl_divergence

from autograder.misconceptions import equivalent, misconception, variation

# ---- kl_discrete: right --------------------------------------------------------------------------------------------------


@variation("kl_discrete", "xlogy, which knows that 0·log 0 = 0")
def with_xlogy(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


@variation("kl_discrete", "torch.distributions")
def with_categorical(p, q):
    return kl_divergence(Categorical(probs=p), Categorical(probs=q))


@variation("kl_discrete", "a loop over rows and outcomes in plain Python")
def loop_over_outcomes(p, q):
    result = []
    for p_row, q_row in zip(p.tolist(), q.tolist(), strict=True):
        total = 0.0
        for a, b in zip(p_row, q_row, strict=True):
            if a > 0 and b > 0:
                total += a * math.log(a / b)
            elif a > 0:
                total = math.inf
        result.append(total)
    return torch.tensor(result, dtype=p.dtype)


@variation("kl_discrete", "the log-ratio, with NaN from 0/0 taken out of the sum")
def with_nansum(p, q):
    return (p * (p.log() - q.log())).nansum(-1)


# ---- kl_discrete: wrong --------------------------------------------------------------------------------------------------


@misconception(
    "kl_discrete",
    belief="KL[p‖q] averages the log-ratio over q",
    story=(
        "The roles are exchanged: the log-ratio is weighted by the second argument, so KL[q‖p] comes back. "
        "KL[p‖q] asks what it costs, on data from p, to believe q: the average is over p."
    ),
    caught_by=("agrees_with_enumeration", "right_where_probabilities_are_zero", "what_x_teaches_about_z"),
    read_on="The Kullback–Leibler divergence",
)
def arguments_swapped(p, q):
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(-1)


@misconception(
    "kl_discrete",
    belief="the divergence is a mean over outcomes",
    story=(
        "The terms are averaged over the k outcomes instead of added. The weights pᵢ already make it an average; "
        "dividing by k once more makes it depend on how many outcomes there are."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "zero_only_when_equal",
        "order_matters",
        "adds_up_over_independent_parts",
        "what_x_teaches_about_z",
    ),
)
def mean_over_outcomes(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).mean(-1)


@misconception(
    "kl_discrete",
    belief="information is counted in bits",
    story=(
        "The logarithm is to base 2, so the number is in bits. Everything in this course is in nats: bits are "
        "nats divided by log 2."
    ),
    caught_by=("agrees_with_enumeration", "right_where_probabilities_are_zero", "what_x_teaches_about_z"),
    read_on="Conventions, for all exercises",
)
def in_bits(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1) / math.log(2)


@misconception(
    "kl_discrete",
    belief="a small epsilon makes logarithms safe",
    story=(
        "Adding 1e-8 inside the logarithms avoids NaN, and also changes every value and turns +∞ into about 18. "
        "Zeros have a definite meaning here: p = 0 adds nothing, q = 0 < p is infinitely bad."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "adds_up_over_independent_parts",
        "what_x_teaches_about_z",
    ),
    may_break=("never_negative",),
)
def epsilon_in_the_logs(p, q):
    return (p * ((p + 1e-8).log() - (q + 1e-8).log())).sum(-1)


@misconception(
    "kl_discrete",
    belief="outcomes that either side excludes can be left out",
    story=(
        "Every outcome with a zero is masked, also those with q = 0 < p. Those are what makes KL[p‖q] infinite: q "
        "declares impossible what p produces."
    ),
    caught_by=("right_where_probabilities_are_zero", "zero_only_when_equal"),
)
def missing_support_dropped(p, q):
    both = (p > 0) & (q > 0)
    ratio = torch.where(both, p, torch.ones_like(p)) / torch.where(both, q, torch.ones_like(q))
    return (torch.where(both, p, torch.zeros_like(p)) * ratio.log()).sum(-1)


@misconception(
    "kl_discrete",
    belief="the formula takes care of zeros by itself",
    story=(
        "0·log 0 is computed as 0·(−∞), which is NaN. The convention 0·log 0 = 0 (the limit of x log x) must be "
        "written down."
    ),
    caught_by=("right_where_probabilities_are_zero", "zero_only_when_equal"),
)
def zeros_become_nan(p, q):
    return (p * (p / q).log()).sum(-1)


@misconception(
    "kl_discrete",
    belief="KL is a distance, so it must be symmetric",
    story=(
        "The average of KL[p‖q] and KL[q‖p] is returned, which is Jeffreys' symmetric quantity. KL itself is not "
        "symmetric, and which way round it stands decides what a fitted q does."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "order_matters",
        "what_x_teaches_about_z",
    ),
    read_on="8 · One Gaussian for two: the reverse fit",
)
def a_symmetric_distance(p, q):
    there = (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)
    back = (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(-1)
    return (there + back) / 2


@misconception(
    "kl_discrete",
    belief="the cross-entropy is the divergence",
    story=(
        "Σ p log p is left out, so the cross-entropy H(p, q) comes back. It differs by the entropy of p and is "
        "not zero for q = p."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "zero_only_when_equal",
        "what_x_teaches_about_z",
    ),
    read_on="2 · Maximum likelihood is a divergence",
)
def only_the_cross_entropy(p, q):
    return -torch.xlogy(p, q).sum(-1)


@misconception(
    "kl_discrete",
    belief="the logarithms are divided, not their arguments",
    story=(
        "log p / log q is taken for log(p/q), an error that also stands in printed lecture notes. A log of a "
        "ratio is a difference of logs."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "never_negative",
        "zero_only_when_equal",
        "adds_up_over_independent_parts",
        "what_x_teaches_about_z",
    ),
    read_on="2 · Maximum likelihood is a divergence",
)
def ratio_of_logs(p, q):
    return (p * (p.log() / q.log()).log()).sum(-1)


@misconception(
    "kl_discrete",
    belief="a loss is one number for the whole batch",
    story=(
        "The rows are averaged, so every row gets the batch's mean. One number a row is asked: the mean over the "
        "batch is the caller's business."
    ),
    caught_by=("agrees_with_enumeration", "right_where_probabilities_are_zero", "what_x_teaches_about_z"),
    read_on="Conventions, for all exercises",
)
def mean_over_the_batch(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1).mean().expand(len(p))


@misconception(
    "kl_discrete",
    belief="the log-ratio has q on top",
    story=(
        "Σ pᵢ log(qᵢ/pᵢ) comes back, which is −KL[p‖q] and never positive. The distribution that is averaged over also "
        "stands on top of the ratio: to its own outcomes p gives more, on average, than q does."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "never_negative",
        "zero_only_when_equal",
        "what_x_teaches_about_z",
    ),
    read_on="The Kullback–Leibler divergence",
)
def ratio_upside_down(p, q):
    return (torch.xlogy(p, q) - torch.xlogy(p, p)).sum(-1)


# ---- kl_discrete: two slips at once --------------------------------------------------------------------------------------


@misconception(
    "kl_discrete",
    belief="KL[p‖q] averages the log-ratio over q, and information is counted in bits",
    story=(
        "Two slips at once: the roles are exchanged, so KL[q‖p] is computed, and the logarithm is to base 2. Average "
        "over p, the first argument, and take natural logarithms."
    ),
    caught_by=("agrees_with_enumeration", "right_where_probabilities_are_zero", "what_x_teaches_about_z"),
    read_on="The Kullback–Leibler divergence",
)
def swapped_in_bits(p, q):
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(-1) / math.log(2)


@misconception(
    "kl_discrete",
    belief="KL[p‖q] averages the log-ratio over q, and the divergence is a mean over outcomes",
    story=(
        "Two slips at once: the log-ratio is weighted by q, and the k terms are averaged instead of added. "
        "torch.nn.functional.kl_div invites both: it wants the log of q, the second argument, first, and averages unless "
        "it is told otherwise."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "zero_only_when_equal",
        "order_matters",
        "adds_up_over_independent_parts",
        "what_x_teaches_about_z",
    ),
    read_on="The Kullback–Leibler divergence",
)
def swapped_and_averaged(p, q):
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).mean(-1)


@misconception(
    "kl_discrete",
    belief="KL[p‖q] averages the log-ratio over q, and the formula takes care of zeros by itself",
    story=(
        "Two slips at once: the log-ratio is weighted by q, and 0·log 0 is computed as 0·(−∞), which is NaN. The "
        "average is over p, the first argument, and an outcome with p = 0 adds nothing."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "zero_only_when_equal",
        "what_x_teaches_about_z",
    ),
)
def swapped_with_nan(p, q):
    return (q * (q / p).log()).sum(-1)


@misconception(
    "kl_discrete",
    belief="information is counted in bits, and the formula takes care of zeros by itself",
    story=(
        "Two slips at once: the logarithm is to base 2, and 0·log 0 is computed as 0·(−∞), which is NaN. Everything in "
        "this course is in nats, and an outcome with p = 0 adds nothing."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "right_where_probabilities_are_zero",
        "zero_only_when_equal",
        "what_x_teaches_about_z",
    ),
)
def bits_with_nan(p, q):
    return (p * (p / q).log2()).sum(-1)


# ---- entropy_and_cross_entropy: right ------------------------------------------------------------------------------------


@variation("entropy_and_cross_entropy", "torch.special.entr and xlogy")
def with_entr(p, q):
    return torch.special.entr(p).sum(-1), -torch.xlogy(p, q).sum(-1)


@variation("entropy_and_cross_entropy", "a loop in plain Python, the cross-entropy as entropy plus KL")
def loop_with_kl(p, q):
    entropies, cross_entropies = [], []
    for p_row, q_row in zip(p.tolist(), q.tolist(), strict=True):
        entropy, kl = 0.0, 0.0
        for a, b in zip(p_row, q_row, strict=True):
            if a > 0:
                entropy -= a * math.log(a)
                kl += a * (math.log(a) - math.log(b)) if b > 0 else math.inf
        entropies.append(entropy)
        cross_entropies.append(entropy + kl)
    return p.new_tensor(entropies), p.new_tensor(cross_entropies)


@variation("entropy_and_cross_entropy", "torch.where before the logarithm, in float64, as a list")
def with_where(p, q):
    p64, q64 = p.double(), q.double()
    log_p = torch.where(p64 > 0, p64, 1.0).log()
    log_q = torch.where(p64 > 0, q64, 1.0).log()
    return [-(p64 * log_p).sum(-1), -(p64 * log_q).sum(-1)]


# ---- entropy_and_cross_entropy: wrong ------------------------------------------------------------------------------------


@misconception(
    "entropy_and_cross_entropy",
    belief="both averages are taken over q",
    story=(
        "The cross-entropy is computed as −Σ qᵢ log pᵢ, which is H(q, p). The data come from p, so p weights the "
        "code lengths −log q."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def cross_entropy_swapped(p, q):
    return torch.special.entr(p).sum(-1), -torch.xlogy(q, p).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="the cross-entropy is the divergence",
    story=(
        "KL[p‖q] is returned in place of H(p, q). KL is what is left of the cross-entropy after the entropy of p "
        "is taken off."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def kl_for_cross_entropy(p, q):
    return torch.special.entr(p).sum(-1), (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="entropy is the sum of p log p",
    story=(
        "The minus sign is missing, so both come out negative. Probabilities are below one, their logs below "
        "zero: an average surprise is the negative of the average log."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def sign_forgotten(p, q):
    return torch.xlogy(p, p).sum(-1), torch.xlogy(p, q).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="entropy is counted in bits",
    story=(
        "The logarithms are to base 2. Everything in this course is in nats, natural logarithms: a fair coin has "
        "log 2 ≈ 0.693."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
    read_on="Conventions, for all exercises",
)
def entropies_in_bits(p, q):
    return torch.special.entr(p).sum(-1) / math.log(2), -torch.xlogy(p, q).sum(-1) / math.log(2)


@misconception(
    "entropy_and_cross_entropy",
    belief="an impossible outcome costs nothing",
    story=(
        "Outcomes with q = 0 are masked along with those with p = 0. But if p produces what q calls impossible, "
        "its code length −log q is infinite, and so is the cross-entropy."
    ),
    caught_by=("entropies_where_probabilities_are_zero",),
    read_on="1 · Finite sets",
)
def infinite_surprise_masked(p, q):
    both = (p > 0) & (q > 0)
    return torch.special.entr(p).sum(-1), -torch.xlogy(torch.where(both, p, 0.0), torch.where(both, q, 1.0)).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="the formula takes care of zeros by itself",
    story="0·log 0 is computed as 0·(−∞) = NaN. By convention, and as the limit of x log x, it is 0.",
    caught_by=("entropies_where_probabilities_are_zero", "between_nothing_and_a_fair_die"),
    read_on="1 · Finite sets",
)
def zero_entropies_become_nan(p, q):
    return -(p * p.log()).sum(-1), -(p * q.log()).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="logarithms are clamped to be safe",
    story=(
        "Probabilities are kept above 1e-4 before the logarithm. Rare outcomes then look less surprising than "
        "they are, and impossible ones merely unlikely."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
    read_on="1 · Finite sets",
)
def clamped_probabilities(p, q):
    return -(p * p.clamp_min(1e-4).log()).sum(-1), -(p * q.clamp_min(1e-4).log()).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="the cross-entropy comes first",
    story=(
        "Both numbers are right and stand in the wrong order. H(p) is asked first, then H(p, q): of the two, the "
        "cross-entropy is never the smaller."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def in_the_other_order(p, q):
    return -torch.xlogy(p, q).sum(-1), torch.special.entr(p).sum(-1)


@misconception(
    "entropy_and_cross_entropy",
    belief="an average over outcomes is a mean over k",
    story=(
        "The terms are averaged over the k outcomes instead of added. The weights pᵢ already make the sum an average: "
        "a fair die has entropy log k, not (log k)/k."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def entropies_averaged(p, q):
    return torch.special.entr(p).mean(-1), -torch.xlogy(p, q).mean(-1)


# ---- entropy_and_cross_entropy: two slips at once ------------------------------------------------------------------------


@misconception(
    "entropy_and_cross_entropy",
    belief="entropy is the sum of p log p, counted in bits",
    story=(
        "Two slips at once: the minus sign is missing, and the logarithms are to base 2. A surprise is −log p, in nats: "
        "a fair coin has log 2 ≈ 0.693, neither −1 nor 1."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
)
def sign_forgotten_in_bits(p, q):
    return torch.xlogy(p, p).sum(-1) / math.log(2), torch.xlogy(p, q).sum(-1) / math.log(2)


@misconception(
    "entropy_and_cross_entropy",
    belief="entropy is the sum of p log p, and the formula takes care of zeros by itself",
    story=(
        "Two slips at once: the minus sign is missing, and 0·log 0 is computed as 0·(−∞), which is NaN. A surprise is "
        "−log p, and what never happens adds nothing to the average."
    ),
    caught_by=(
        "agree_with_enumeration",
        "entropies_where_probabilities_are_zero",
        "between_nothing_and_a_fair_die",
        "cross_entropy_is_entropy_plus_kl",
        "maximum_likelihood_is_kl_from_the_data",
    ),
    read_on="1 · Finite sets",
)
def sign_forgotten_with_nan(p, q):
    return (p * p.log()).sum(-1), (p * q.log()).sum(-1)


# ---- jensen_gap: right ---------------------------------------------------------------------------------------------------


@variation("jensen_gap", "the log of the mean by log-sum-exp")
def with_logsumexp(weights, values):
    logs = values.log()
    return torch.logsumexp(weights.log() + logs, -1) - (weights * logs).sum(-1)


@variation("jensen_gap", "a loop over rows and values in plain Python")
def loop_over_values(weights, values):
    gaps = []
    for w_row, v_row in zip(weights.tolist(), values.tolist(), strict=True):
        mean = sum(w * v for w, v in zip(w_row, v_row, strict=True))
        mean_log = sum(w * math.log(v) for w, v in zip(w_row, v_row, strict=True))
        gaps.append(math.log(mean) - mean_log)
    return weights.new_tensor(gaps)


@variation("jensen_gap", "relative to the mean: −Σ w log(v/mean)")
def relative_to_the_mean(weights, values):
    mean = torch.einsum("nk,nk->n", weights, values)
    return -(weights * (values / mean[:, None]).log()).sum(-1) + (weights.sum(-1) - 1) * mean.log()


# ---- jensen_gap: wrong ---------------------------------------------------------------------------------------------------


@misconception(
    "jensen_gap",
    belief="Jensen's inequality has the mean of the logs on top",
    story=(
        "The difference is taken the wrong way round and comes out negative. The logarithm is concave: the log of "
        "a mean is at least the mean of the logs."
    ),
    caught_by=(
        "is_log_of_mean_minus_mean_of_log",
        "gap_is_never_negative",
        "gap_closes_only_for_a_constant",
        "gap_of_a_ratio_is_kl",
    ),
)
def jensen_the_wrong_way_round(weights, values):
    return (weights * values.log()).sum(-1) - (weights * values).sum(-1).log()


@misconception(
    "jensen_gap",
    belief="a mean is a mean: weights are a detail",
    story=(
        "Plain averages over the k values are taken and the weights ignored. An expectation weights every value "
        "by its probability."
    ),
    caught_by=("is_log_of_mean_minus_mean_of_log", "gap_ignores_what_has_no_weight", "gap_of_a_ratio_is_kl"),
    may_break=("gap_closes_only_for_a_constant",),
)
def weights_ignored(weights, values):
    return values.mean(-1).log() - values.log().mean(-1) + 0 * weights.sum(-1)


@misconception(
    "jensen_gap",
    belief="the weights go inside the logarithm",
    story=(
        "Σ log(wᵢvᵢ) is subtracted where Σ wᵢ log vᵢ belongs. Weights multiply what is averaged; inside the "
        "logarithm they would be part of the value, and a weight of zero would make it −∞."
    ),
    caught_by=(
        "is_log_of_mean_minus_mean_of_log",
        "gap_is_never_negative",
        "gap_closes_only_for_a_constant",
        "gap_has_no_units",
        "gap_ignores_what_has_no_weight",
        "gap_of_a_ratio_is_kl",
    ),
)
def weights_inside_the_log(weights, values):
    return (weights * values).sum(-1).log() - (weights * values).log().sum(-1)


@misconception(
    "jensen_gap",
    belief="the gap is E[v] against exp E[log v]",
    story=(
        "The outer logarithm is missing: the difference of two means is returned, and it grows with the units of "
        "v. The gap compares logarithms, and no factor common to all values can change it."
    ),
    caught_by=(
        "is_log_of_mean_minus_mean_of_log",
        "gap_closes_only_for_a_constant",
        "gap_has_no_units",
        "gap_of_a_ratio_is_kl",
    ),
    may_break=("gap_is_never_negative", "gap_ignores_what_has_no_weight"),
)
def means_without_the_log(weights, values):
    return (weights * values).sum(-1) - (weights * values.log()).sum(-1).exp()


@misconception(
    "jensen_gap",
    belief="information is counted in bits",
    story=(
        "The logarithms are to base 2, which makes the gap 1.44 times as large. Everything in this course is in nats: "
        "take natural logarithms."
    ),
    caught_by=("is_log_of_mean_minus_mean_of_log", "gap_of_a_ratio_is_kl"),
    read_on="Conventions, for all exercises",
)
def gap_in_bits(weights, values):
    return (weights * values).sum(-1).log2() - (weights * values.log2()).sum(-1)


@misconception(
    "jensen_gap",
    belief="a small epsilon makes logarithms safe",
    story=(
        "1e-8 is added to the weights before their logarithm is taken. Then a value without weight counts after all, "
        "and a large one decides the mean: log 0 = −∞ was right, log-sum-exp makes exactly nothing of it."
    ),
    caught_by=(
        "is_log_of_mean_minus_mean_of_log",
        "gap_closes_only_for_a_constant",
        "gap_ignores_what_has_no_weight",
        "gap_of_a_ratio_is_kl",
    ),
)
def epsilon_in_the_weights(weights, values):
    return torch.logsumexp((weights + 1e-8).log() + values.log(), -1) - (weights * values.log()).sum(-1)


# ---- jensen_gap: two slips at once ---------------------------------------------------------------------------------------


@misconception(
    "jensen_gap",
    belief="weights are a detail, and the mean of the logs is on top",
    story=(
        "Two slips at once: plain averages over the k values are taken, and their difference the wrong way round. An "
        "expectation weights every value by its probability, and the log of a mean is the larger of the two."
    ),
    caught_by=(
        "is_log_of_mean_minus_mean_of_log",
        "gap_is_never_negative",
        "gap_closes_only_for_a_constant",
        "gap_ignores_what_has_no_weight",
        "gap_of_a_ratio_is_kl",
    ),
)
def unweighted_the_wrong_way_round(weights, values):
    return values.log().mean(-1) - values.mean(-1).log() + 0 * weights.sum(-1)


# ---- kl_is_never_negative: right -----------------------------------------------------------------------------------------


@variation("kl_is_never_negative", "log t ≤ t − 1 in the place of Jensen")
def by_the_tangent():
    return """
        KL(p(x), q(x))
        =  -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -E(p(x), q(x)/p(x) - 1)               # log t <= t - 1
        =  -E(p(x), q(x)/p(x)) + 1               # linearity
        =  -sum(x, q(x), p(x) > 0) + 1           # expectation
        >= -sum(x, q(x)) + 1                     # part of a sum
        =  -1 + 1                                # normalisation
        =  0                                     # arithmetic
    """


@variation("kl_is_never_negative", "sums in the place of averages")
def with_sums():
    return """
        KL(p(x), q(x))
        =  E(p(x), log(p(x)/q(x)))                       # definition of KL
        =  sum(x, p(x)*log(p(x)/q(x)), p(x) > 0)         # expectation
        =  -sum(x, p(x)*log(q(x)/p(x)), p(x) > 0)        # arithmetic
        >= -log(sum(x, p(x)*(q(x)/p(x)), p(x) > 0))      # Jensen
        =  -log(sum(x, q(x), p(x) > 0))                  # arithmetic
        >= -log(sum(x, q(x)))                            # part of a sum
        =  -log(1)                                       # normalisation
        =  0                                             # arithmetic
    """


@variation("kl_is_never_negative", "from zero upwards")
def from_below():
    return """
        0
        =  -log(1)                                   # arithmetic
        =  -log(sum(x, q(x)))                        # normalisation
        <= -log(sum(x, q(x), p(x) > 0))              # part of a sum
        =  -log(E(p(x), q(x)/p(x)))                  # expectation
        <= E(p(x), -log(q(x)/p(x)))                  # Jensen
        =  KL(p(x), q(x))                            # definition of KL
    """


# ---- kl_is_never_negative: wrong -----------------------------------------------------------------------------------------


@misconception(
    "kl_is_never_negative",
    belief="Σ q = 1, over whichever outcomes the sum runs",
    story="The average is over outcomes that p makes possible, so the sum of q runs over those alone: it is at most 1. Where q "
    "puts mass on what p rules out, the line with = is false.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def support_forgotten():
    return """
        KL(p(x), q(x))
        =  -E(p(x), log(q(x)/p(x)))          # definition of KL
        >= -log(E(p(x), q(x)/p(x)))          # Jensen
        =  -log(sum(x, q(x)))                # expectation
        =  -log(1)                           # normalisation
        =  0                                 # arithmetic
    """


@misconception(
    "kl_is_never_negative",
    belief="Jensen: the average of the logs is the larger one",
    story="The logarithm bends downwards, so the logarithm of an average is at least the average of the logarithms. Here it "
    "stands the other way round.",
    caught_by=("every_line_is_true",),
)
def jensen_upside_down():
    return """
        KL(p(x), q(x))
        =  -E(p(x), log(q(x)/p(x)))          # definition of KL
        <= -log(E(p(x), q(x)/p(x)))          # Jensen
        =  -log(sum(x, q(x), p(x) > 0))      # expectation
        >= -log(sum(x, q(x)))                # part of a sum
        =  -log(1)                           # normalisation
        =  0                                 # arithmetic
    """


@misconception(
    "kl_is_never_negative",
    belief="that a divergence is never negative may be used",
    story="The conclusion itself stands as the reason for it. A proof uses only what is already known.",
    caught_by=("every_line_follows",),
)
def by_itself():
    return """
        KL(p(x), q(x))
        >= 0         # KL is never negative
    """


@misconception(
    "kl_is_never_negative",
    belief="the average is over the second argument",
    story="KL[p‖q] averages over p, its first argument. The first step averages over q, which is another number.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def averaged_over_q():
    return """
        KL(p(x), q(x))
        =  -E(q(x), log(q(x)/p(x)))          # definition of KL
        >= -log(E(q(x), q(x)/p(x)))          # Jensen
        =  0                                 # normalisation
    """


@misconception(
    "kl_is_never_negative",
    belief="a minus sign can be left out",
    story="KL[p‖q] is the average of log p/q. With q/p inside there must be a minus sign in front, or the line says −KL.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def sign_lost():
    return """
        KL(p(x), q(x))
        =  E(p(x), log(q(x)/p(x)))           # definition of KL
        <= log(E(p(x), q(x)/p(x)))           # Jensen
        =  log(sum(x, q(x), p(x) > 0))       # expectation
        <= log(sum(x, q(x)))                 # part of a sum
        =  0                                 # normalisation
    """


@misconception(
    "kl_is_never_negative",
    belief="Jensen gives zero at once",
    story="What comes after Jensen is the logarithm of a sum. Why that is at most zero is the heart of the matter, and unsaid.",
    caught_by=("every_line_follows",),
)
def in_one_leap():
    return """
        KL(p(x), q(x))
        =  -E(p(x), log(q(x)/p(x)))          # definition of KL
        >= 0                                 # Jensen
    """


# ---- find_the_flaw_in_jensen ---------------------------------------------------------------------------------------------


@variation("find_the_flaw_in_jensen", "the rule by another of its names")
def mended_by_the_support():
    return 6, "<=   log(sum(x, q(x)))   # by support."


@variation("find_the_flaw_in_jensen", "minus the logarithm of the reciprocal")
def mended_upside_down():
    return 6, "<= -log(1/sum(x, q(x)))   # part of a sum"


@misconception(
    "find_the_flaw_in_jensen",
    belief="Jensen's inequality has the wrong direction",
    story="The fourth line is right: the average of the logarithms is at most the logarithm of the average.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_jensen():
    return 4, ">= log(E(p(x), q(x)/p(x)))   # Jensen"


@misconception(
    "find_the_flaw_in_jensen",
    belief="Σ q < 1, also over all outcomes",
    story="Line 7 is right: over all outcomes q does sum to 1. What is smaller is the sum over those that p makes possible.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_normalisation():
    return 7, "<= log(1)   # normalisation"


@misconception(
    "find_the_flaw_in_jensen",
    belief="an average over p is a sum over all outcomes",
    story="Line 5 is right: where p is zero nothing is averaged, and q/p has no value. The condition must stay.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_condition():
    return 5, "= log(sum(x, q(x)))   # expectation"


@misconception(
    "find_the_flaw_in_jensen",
    belief="only the name of the rule is missing",
    story="The line still says =. A part of a sum may be smaller than the whole, so the relation changes with the rule.",
    caught_by=("mended_it_is_a_derivation",),
)
def still_an_equality():
    return 6, "= log(sum(x, q(x)))   # part of a sum"


@misconception(
    "find_the_flaw_in_jensen",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line, the one without a relation, has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def counts_from_zero():
    return 5, "<= log(sum(x, q(x)))   # part of a sum"


# ---- kl_gaussian: right --------------------------------------------------------------------------------------------------


@variation("kl_gaussian", "torch.distributions")
def with_normals(mu_q, log_var_q, mu_p, log_var_p):
    q = Independent(Normal(mu_q, (0.5 * log_var_q).exp()), 1)
    p = Independent(Normal(mu_p, (0.5 * log_var_p).exp()), 1)
    return kl_divergence(q, p)


@variation("kl_gaussian", "a loop over dimensions")
def loop_over_dimensions(mu_q, log_var_q, mu_p, log_var_p):
    total = torch.zeros_like(mu_q[:, 0])
    for m, a, n, b in zip(mu_q.T, log_var_q.T, mu_p.T, log_var_p.T, strict=True):
        total = total + 0.5 * (b - a - 1 + (a - b).exp() + (m - n) ** 2 / b.exp())
    return total


@variation("kl_gaussian", "standard deviations instead of log-variances, in float64")
def by_standard_deviations(mu_q, log_var_q, mu_p, log_var_p):
    mu_q, mu_p = mu_q.double(), mu_p.double()
    sigma_q, sigma_p = (log_var_q.double() / 2).exp(), (log_var_p.double() / 2).exp()
    per_dimension = (sigma_p / sigma_q).log() + (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2) - 0.5
    return per_dimension.sum(dim=1)


@variation("kl_gaussian", "expm1, which is stable for nearly equal variances")
def with_expm1(mu_q, log_var_q, mu_p, log_var_p):
    difference = log_var_q - log_var_p
    squared = torch.square((mu_q - mu_p) * torch.exp(-log_var_p / 2))
    return 0.5 * torch.sum(torch.expm1(difference) - difference + squared, -1)


@variation("kl_gaussian", "the square of the distance multiplied out")
def distance_multiplied_out(mu_q, log_var_q, mu_p, log_var_p):
    squared = mu_q**2 - 2 * mu_q * mu_p + mu_p**2
    return 0.5 * (log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + squared / log_var_p.exp()).sum(-1)


@variation("kl_gaussian", "one logarithm, of the product of all variances")
def product_of_variances(mu_q, log_var_q, mu_p, log_var_p):
    var_q, var_p = log_var_q.exp(), log_var_p.exp()
    traces = (var_q / var_p + (mu_q - mu_p).square() / var_p).sum(-1)
    return (torch.log(var_p.prod(-1) / var_q.prod(-1)) + traces - mu_q.shape[-1]) / 2


# ---- kl_gaussian: wrong --------------------------------------------------------------------------------------------------


@misconception(
    "kl_gaussian",
    belief="the ½ belongs to the first term",
    story=(
        "Only the log-ratio is halved, as in some printed notes. Every term carries the ½ of the exponent −½(z − "
        "μ)²/σ²."
    ),
    caught_by=(
        "agrees_with_torch",
        "never_negative_for_gaussians",
        "zero_only_for_equal_gaussians",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def half_on_the_first_term(mu_q, log_var_q, mu_p, log_var_p):
    first = 0.5 * (log_var_p - log_var_q)
    return (first + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 * (-log_var_p).exp() - 1).sum(-1)


@misconception(
    "kl_gaussian",
    belief="log_var is log σ",
    story=(
        "The log-variance is taken for the log of the standard deviation, so every variance is squared once more. "
        "log σ² = 2 log σ: exponentiate log_var to get a variance."
    ),
    caught_by=(
        "agrees_with_torch",
        "zero_only_for_equal_gaussians",
        "does_not_depend_on_units",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
        "autograd_agrees_with_differences",
    ),
    may_break=("adds_up_over_dimensions",),
)
def log_variance_as_log_sigma(mu_q, log_var_q, mu_p, log_var_p):
    var_q, var_p = log_var_q.exp() ** 2, log_var_p.exp() ** 2
    return 0.5 * (var_p.log() - var_q.log() - 1 + (var_q + (mu_q - mu_p) ** 2) / var_p).sum(-1)


@misconception(
    "kl_gaussian",
    belief="σ is what the formula calls σ²",
    story=(
        "exp(½ log σ²) is a standard deviation, and it is put where the formula has a variance. Square it, or do "
        "not halve."
    ),
    caught_by=(
        "agrees_with_torch",
        "zero_only_for_equal_gaussians",
        "order_matters_for_gaussians",
        "does_not_depend_on_units",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def sigma_for_variance(mu_q, log_var_q, mu_p, log_var_p):
    sigma_q, sigma_p = (0.5 * log_var_q).exp(), (0.5 * log_var_p).exp()
    return 0.5 * (sigma_p.log() - sigma_q.log() - 1 + (sigma_q + (mu_q - mu_p) ** 2) / sigma_p).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the order of the arguments does not matter",
    story=(
        "KL[p‖q] comes back instead of KL[q‖p]. The mean's distance must be measured in the widths of p, the "
        "second argument."
    ),
    caught_by=("agrees_with_torch", "right_at_the_limits", "agrees_with_monte_carlo", "gradient_stays_right_far_out"),
)
def gaussians_swapped(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_q - log_var_p - 1 + (log_var_p - log_var_q).exp() + (mu_p - mu_q) ** 2 / log_var_q.exp()).sum(
        -1
    )


@misconception(
    "kl_gaussian",
    belief="the dimensions are averaged",
    story=(
        "A mean over the d dimensions replaces the sum, which is d times too small. In an ELBO that makes the KL "
        "term lose a factor d against the reconstruction."
    ),
    caught_by=(
        "agrees_with_torch",
        "zero_only_for_equal_gaussians",
        "adds_up_over_dimensions",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
        "right_at_the_limits",
    ),
)
def mean_over_dimensions(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (
        log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()
    ).mean(-1)


@misconception(
    "kl_gaussian",
    belief="constants can be dropped from a loss",
    story=(
        "The −1 of every dimension is left out. It does not change gradients, but the value is no divergence any "
        "more: it is d/2 for q = p."
    ),
    caught_by=("agrees_with_torch", "zero_only_for_equal_gaussians", "right_at_the_limits", "agrees_with_monte_carlo"),
)
def minus_d_dropped(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var_q + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()).sum(-1)


@misconception(
    "kl_gaussian",
    belief="p is always the standard normal",
    story=(
        "The formula known from the VAE is used, in which p = N(0, 1), and the given p is ignored. Here p has a "
        "mean and a variance of its own."
    ),
    caught_by=(
        "agrees_with_torch",
        "autograd_agrees_with_differences",
        "zero_only_for_equal_gaussians",
        "does_not_depend_on_units",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def prior_taken_as_standard(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_q.exp() + mu_q**2 - 1 - log_var_q).sum(-1)


@misconception(
    "kl_gaussian",
    belief="a little noise in the variance makes it stable",
    story=(
        "1e-6 is added to both variances. That changes the value for small variances, and where σ² is tiny KL "
        "stops growing although it should not."
    ),
    caught_by=("agrees_with_torch", "does_not_depend_on_units", "right_at_the_limits", "gradient_stays_right_far_out"),
)
def epsilon_in_the_variance(mu_q, log_var_q, mu_p, log_var_p):
    var_q, var_p = log_var_q.exp() + 1e-6, log_var_p.exp() + 1e-6
    return 0.5 * (var_p.log() - var_q.log() - 1 + (var_q + (mu_q - mu_p) ** 2) / var_p).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the standard deviations are numbers, not functions of the parameters",
    story=(
        "The variances are detached, so the value is right and the gradient with respect to the log-variances is "
        "missing. A network trained on it never learns its own uncertainty."
    ),
    caught_by=("autograd_agrees_with_differences", "gradient_stays_right_far_out"),
)
def variance_detached(mu_q, log_var_q, mu_p, log_var_p):
    log_var_q, log_var_p = log_var_q.detach(), log_var_p.detach()
    return 0.5 * (log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()).sum(
        -1
    )


@misconception(
    "kl_gaussian",
    belief="KL is a distance, so it must be symmetric",
    story=(
        "The average of KL[q‖p] and KL[p‖q] is returned, Jeffreys' symmetric quantity. KL is not symmetric, and "
        "the order decides whether q covers p or hides in one of its modes."
    ),
    caught_by=(
        "agrees_with_torch",
        "order_matters_for_gaussians",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
    read_on="8 · One Gaussian for two: the reverse fit",
)
def a_symmetric_gaussian_distance(mu_q, log_var_q, mu_p, log_var_p):
    gap = (mu_q - mu_p) ** 2 * ((-log_var_q).exp() + (-log_var_p).exp())
    return 0.25 * ((log_var_q - log_var_p).exp() + (log_var_p - log_var_q).exp() - 2 + gap).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the log-ratio has σ_q on top",
    story=(
        "The sign of the log-determinant is wrong: log σ_q² − log σ_p² instead of log σ_p² − log σ_q². A narrower "
        "q must cost more, not less."
    ),
    caught_by=(
        "agrees_with_torch",
        "never_negative_for_gaussians",
        "zero_only_for_equal_gaussians",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def log_ratio_upside_down(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_q - log_var_p - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()).sum(
        -1
    )


@misconception(
    "kl_gaussian",
    belief="the formula has no ½",
    story=(
        "Everything comes out twice too large. The ½ stands before the whole sum: it comes from the exponent "
        "−½(z − μ)²/σ², and from log σ = ½ log σ²."
    ),
    caught_by=("agrees_with_torch", "right_at_the_limits", "agrees_with_monte_carlo", "gradient_stays_right_far_out"),
)
def half_forgotten(mu_q, log_var_q, mu_p, log_var_p):
    return (log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the distance of the means is squared, not measured in widths",
    story=(
        "(μ_q − μ_p)² is added as it is. A distance means nothing before it is measured against the width of p: divide "
        "it by σ_p²."
    ),
    caught_by=(
        "agrees_with_torch",
        "zero_only_for_equal_gaussians",
        "does_not_depend_on_units",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def distance_not_scaled(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2).sum(-1)


@misconception(
    "kl_gaussian",
    belief="log-variances are clamped to be safe",
    story=(
        "Log-variances are kept between −10 and 10. Beyond that KL no longer follows its arguments, and their gradient "
        "is zero: a network that has got there never comes back."
    ),
    caught_by=("agrees_with_torch", "does_not_depend_on_units", "right_at_the_limits", "gradient_stays_right_far_out"),
)
def log_variances_clamped(mu_q, log_var_q, mu_p, log_var_p):
    log_var_q, log_var_p = log_var_q.clamp(-10, 10), log_var_p.clamp(-10, 10)
    return 0.5 * (log_var_p - log_var_q - 1 + (log_var_q - log_var_p).exp() + (mu_q - mu_p) ** 2 / log_var_p.exp()).sum(
        -1
    )


# ---- kl_gaussian: two slips at once --------------------------------------------------------------------------------------


@misconception(
    "kl_gaussian",
    belief="the order of the arguments does not matter, and the ½ belongs to the first term",
    story=(
        "Two slips at once: KL[p‖q] is computed in place of KL[q‖p], and only its log-ratio is halved. Measure in the "
        "widths of p, the second argument, and put one ½ before the whole sum."
    ),
    caught_by=(
        "agrees_with_torch",
        "never_negative_for_gaussians",
        "zero_only_for_equal_gaussians",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def swapped_with_half_on_the_first_term(mu_q, log_var_q, mu_p, log_var_p):
    first = 0.5 * (log_var_q - log_var_p)
    return (first + (log_var_p - log_var_q).exp() + (mu_q - mu_p) ** 2 * (-log_var_q).exp() - 1).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the order of the arguments does not matter, and the formula has no ½",
    story=(
        "Two slips at once: twice KL[p‖q] comes back instead of KL[q‖p]. Measure in the widths of p, the second "
        "argument, and put a ½ before the whole sum."
    ),
    caught_by=("agrees_with_torch", "right_at_the_limits", "agrees_with_monte_carlo", "gradient_stays_right_far_out"),
)
def swapped_without_half(mu_q, log_var_q, mu_p, log_var_p):
    return (log_var_q - log_var_p - 1 + (log_var_p - log_var_q).exp() + (mu_q - mu_p) ** 2 / log_var_q.exp()).sum(-1)


@misconception(
    "kl_gaussian",
    belief="log_var is log σ, and the formula has no ½",
    story=(
        "Two slips at once: the log-variance is taken for the log of the standard deviation, and the ½ before the sum "
        "is missing. exp(log_var) already is the variance, and every term is halved."
    ),
    caught_by=(
        "agrees_with_torch",
        "autograd_agrees_with_differences",
        "zero_only_for_equal_gaussians",
        "does_not_depend_on_units",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
    may_break=("adds_up_over_dimensions",),
)
def log_sigma_without_half(mu_q, log_var_q, mu_p, log_var_p):
    var_q, var_p = log_var_q.exp() ** 2, log_var_p.exp() ** 2
    return (var_p.log() - var_q.log() - 1 + (var_q + (mu_q - mu_p) ** 2) / var_p).sum(-1)


@misconception(
    "kl_gaussian",
    belief="the order of the arguments does not matter, and the dimensions are averaged",
    story=(
        "Two slips at once: KL[p‖q] is computed in place of KL[q‖p], and averaged over the d dimensions. Measure in the "
        "widths of p, the second argument, and add the dimensions up."
    ),
    caught_by=(
        "agrees_with_torch",
        "zero_only_for_equal_gaussians",
        "adds_up_over_dimensions",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def swapped_mean_over_dimensions(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (
        log_var_q - log_var_p - 1 + (log_var_p - log_var_q).exp() + (mu_q - mu_p) ** 2 / log_var_q.exp()
    ).mean(-1)


@misconception(
    "kl_gaussian",
    belief="p is always the standard normal, and the dimensions are averaged",
    story=(
        "Two slips at once: the VAE's formula for p = N(0, 1) is used although p is given, and its terms are averaged, "
        "as much VAE code does. Use μ_p and σ_p², and add the dimensions up."
    ),
    caught_by=(
        "agrees_with_torch",
        "autograd_agrees_with_differences",
        "zero_only_for_equal_gaussians",
        "does_not_depend_on_units",
        "adds_up_over_dimensions",
        "right_at_the_limits",
        "agrees_with_monte_carlo",
        "gradient_stays_right_far_out",
    ),
)
def standard_prior_averaged(mu_q, log_var_q, mu_p, log_var_p):
    return 0.5 * (log_var_q.exp() + mu_q**2 - 1 - log_var_q).mean(-1)


# ---- kl_gaussian_from_its_integral ---------------------------------------------------------------------------------------


@variation("kl_gaussian_from_its_integral", "one average for each density")
def one_average_each():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                               # definition of KL
        = E(q(x), log(q(x))) - E(q(x), log(p(x)))                                               # linearity
        = E(q(x), log(N(x, m, sigma2))) - E(q(x), log(N(x, mu, tau2)))                          # the model
        = E(q(x), -log(2*pi*sigma2)/2 - (x - m)**2/(2*sigma2))
          - E(q(x), -log(2*pi*tau2)/2 - (x - mu)**2/(2*tau2))                                   # density of a normal
        = -log(2*pi*sigma2)/2 - 1/2 + log(2*pi*tau2)/2 + (sigma2 + (m - mu)**2)/(2*tau2)        # moments
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                                # arithmetic
    """


@variation("kl_gaussian_from_its_integral", "from the closed form to the divergence")
def from_the_closed_form():
    return """
        (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2
        = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))    # moments
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                  # density of a normal
        = E(q(x), log(q(x)/p(x)))                                                       # the model
        = KL(q(x), p(x))                                                                # definition of KL
    """


@variation("kl_gaussian_from_its_integral", "by way of the integral")
def by_the_integral():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                                           # definition of KL
        = integral(x, q(x)*log(q(x)/p(x)))                                                                  # expectation
        = integral(x, N(x, m, sigma2)*log(N(x, m, sigma2)/N(x, mu, tau2)))                                  # the model
        = integral(x, N(x, m, sigma2)*(log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)    # density of a normal
        = integral(x, q(x)*(log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)                     # the model
        = E(q(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)                              # expectation
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                                            # moments
    """


@misconception(
    "kl_gaussian_from_its_integral",
    belief="the ½ belongs to the logarithm alone",
    story="The ½ stands before the logarithm of the variances only. In the exponent of a normal density the square has one, too.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def half_of_the_logarithm_only():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                          # definition of KL
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                     # the model
        = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/sigma2 + (x - mu)**2/tau2)               # density of a normal
        = log(tau2/sigma2)/2 - 1 + (sigma2 + (m - mu)**2)/tau2                             # moments
    """


@misconception(
    "kl_gaussian_from_its_integral",
    belief="a normal density has the variance itself in front, not its root",
    story="The logarithm of the variances stands without its ½. The factor before the exponential is one over √(2πσ²), a root.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def root_in_front_forgotten():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                          # definition of KL
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                     # the model
        = E(q(x), log(tau2/sigma2) - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))         # density of a normal
        = log(tau2/sigma2) - 1/2 + (sigma2 + (m - mu)**2)/(2*tau2)                         # moments
    """


@misconception(
    "kl_gaussian_from_its_integral",
    belief="to average a square, put the mean in",
    story="The average of (x − μ)² is taken to be (m − μ)². The variance of x is missing: E[(x − μ)²] = σ² + (m − μ)².",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def variance_left_out():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                          # definition of KL
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                     # the model
        = E(q(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)             # density of a normal
        = (log(tau2/sigma2) - 1 + (m - mu)**2/tau2)/2                                      # moments
    """


@misconception(
    "kl_gaussian_from_its_integral",
    belief="the average is over the second argument",
    story="KL[q‖p] averages over q, its first argument. Here the average is over p, which gives another number.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def averaged_over_p():
    return """
        KL(q(x), p(x))
        = E(p(x), log(q(x)/p(x)))                                                          # definition of KL
        = E(p(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                     # the model
        = E(p(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)             # density of a normal
        = (log(tau2/sigma2) + 1 - (tau2 + (m - mu)**2)/sigma2)/2                           # moments
    """


@misconception(
    "kl_gaussian_from_its_integral",
    belief="what is well known needs no steps",
    story="The closed form stands in the second line. A derivation shows how one gets there, one rule at a time.",
    caught_by=("every_line_follows",),
)
def closed_form_at_once():
    return """
        KL(q(x), p(x))
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                           # definition of KL
    """


# ---- find_the_flaw_in_a_gaussian -----------------------------------------------------------------------------------------


@variation("find_the_flaw_in_a_gaussian", "each term with its own ½")
def mended_term_by_term():
    return 6, "= log(tau2/sigma2)/2 - 1/2 + sigma2/(2*tau2) + (m - mu)**2/(2*tau2)   # moments of a normal"


@variation("find_the_flaw_in_a_gaussian", "over one denominator")
def mended_over_one_denominator():
    return 6, "= (log(tau2) - log(sigma2))/2 + (sigma2 - tau2 + (mu - m)**2)/(2*tau2)   # gaussian moments"


@misconception(
    "find_the_flaw_in_a_gaussian",
    belief="the exponent of a normal density has no ½",
    story="Line 4 is right, each square has its ½ there. The ½ gets lost later, when the squares are averaged.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_density():
    return 4, "= E(q(x), log(tau2/sigma2)/2 - (x - m)**2/sigma2 + (x - mu)**2/tau2)   # density of a normal"


@misconception(
    "find_the_flaw_in_a_gaussian",
    belief="the constant is −1 in any case",
    story="The ½ is back on the fraction and still missing on the constant. It comes from −(x − m)²/2σ², whose average is −½.",
    caught_by=("mended_it_is_a_derivation",),
)
def constant_without_half():
    return 6, "= log(tau2/sigma2)/2 - 1 + (sigma2 + (m - mu)**2)/(2*tau2)   # moments"


@misconception(
    "find_the_flaw_in_a_gaussian",
    belief="a shift of the mean does not change the average of a square",
    story="Each term has its ½ now, and the squared distance of the means has gone. E[(x − μ)²] is σ² + (m − μ)².",
    caught_by=("mended_it_is_a_derivation",),
)
def distance_left_out():
    return 6, "= (log(tau2/sigma2) - 1 + sigma2/tau2)/2   # moments"


@misconception(
    "find_the_flaw_in_a_gaussian",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line, KL(q(x), p(x)), has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def one_line_too_early():
    return 5, "= (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2   # moments"


# ---- kl_gaussian_full: right ---------------------------------------------------------------------------------------------


@variation("kl_gaussian_full", "torch.distributions")
def with_multivariate_normals(mu_q, cov_q, mu_p, cov_p):
    return kl_divergence(MultivariateNormal(mu_q, cov_q), MultivariateNormal(mu_p, cov_p))


@variation("kl_gaussian_full", "general solvers and log-determinants instead of Cholesky factors")
def with_solve_and_logdet(mu_q, cov_q, mu_p, cov_p):
    gap = (mu_p - mu_q).unsqueeze(-1)
    solved = torch.linalg.solve(cov_p, torch.cat([cov_q, gap @ gap.mT], -1))
    d = mu_q.shape[-1]
    traces = solved[..., :d].diagonal(dim1=-2, dim2=-1).sum(-1) + solved[..., d:].diagonal(dim1=-2, dim2=-1).sum(-1)
    return 0.5 * (torch.logdet(cov_p) - torch.logdet(cov_q) - d + traces)


@variation("kl_gaussian_full", "explicit inverses, in float64")
def with_inverses(mu_q, cov_q, mu_p, cov_p):
    mu_q, cov_q, mu_p, cov_p = mu_q.double(), cov_q.double(), mu_p.double(), cov_p.double()
    precision, gap = torch.linalg.inv(cov_p), mu_q - mu_p
    trace = torch.einsum("nij,nji->n", precision, cov_q)
    quadratic = torch.einsum("ni,nij,nj->n", gap, precision, gap)
    log_ratio = torch.linalg.slogdet(cov_p)[1] - torch.linalg.slogdet(cov_q)[1]
    return 0.5 * (log_ratio - mu_q.shape[1] + trace + quadratic)


@variation("kl_gaussian_full", "forward substitution by hand, in a loop over dimensions")
def forward_substitution(mu_q, cov_q, mu_p, cov_p):
    lower_q, lower_p = torch.linalg.cholesky(cov_q), torch.linalg.cholesky(cov_p)
    right = torch.cat([lower_q, (mu_q - mu_p).unsqueeze(-1)], 2)
    solved = []
    for i in range(mu_q.shape[-1]):
        rest = right[:, i]
        for j, row in enumerate(solved):
            rest = rest - lower_p[:, i, j, None] * row
        solved.append(rest / lower_p[:, i, i, None])
    squares = torch.stack(solved, 1).square().sum((1, 2))
    logs = sum(lower_p[:, i, i].log() - lower_q[:, i, i].log() for i in range(mu_q.shape[-1]))
    return logs + 0.5 * (squares - mu_q.shape[-1])


# ---- kl_gaussian_full: wrong ---------------------------------------------------------------------------------------------


def cholesky_terms(mu_q, cov_q, mu_p, cov_p):
    """log det Σ_q, log det Σ_p, tr(Σ_p⁻¹Σ_q), ΔᵀΣ_p⁻¹Δ and d: what most of the wrong answers below put together wrongly."""
    lower_q, lower_p = torch.linalg.cholesky(cov_q), torch.linalg.cholesky(cov_p)
    log_det_q = 2 * lower_q.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    log_det_p = 2 * lower_p.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    trace = torch.linalg.solve_triangular(lower_p, lower_q, upper=False).square().sum((-2, -1))
    gap = torch.linalg.solve_triangular(lower_p, (mu_q - mu_p).unsqueeze(-1), upper=False).square().sum((-2, -1))
    return log_det_q, log_det_p, trace, gap, mu_q.shape[-1]


@misconception(
    "kl_gaussian_full",
    belief="the determinants are what is subtracted",
    story=(
        "det Σ_p − det Σ_q stands where the logarithms of the determinants belong. Densities multiply, so their "
        "logs add, and it is the log-determinant that appears."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_never_negative",
        "full_is_zero_only_when_equal",
        "full_does_not_depend_on_coordinates",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def determinants_without_log(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p.exp() - log_det_q.exp() - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="the logarithm of a determinant is taken of the determinant",
    story=(
        "det Σ is computed first, and then its logarithm. In many dimensions, or for small variances, the determinant is 0 to "
        "a computer and its logarithm −∞. Add up the logarithms of the diagonal of the Cholesky factor instead."
    ),
    caught_by=("right_in_many_dimensions",),
    read_on="5 · When dimensions are tied together",
)
def logarithm_of_a_determinant(mu_q, cov_q, mu_p, cov_p):
    _, _, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (torch.log(torch.det(cov_p) / torch.det(cov_q)) - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="the log-determinant is the sum of the logs of L's diagonal",
    story="The factor 2 is missing: Σ = LLᵀ has the determinant of L squared. So log det Σ = 2 Σ log Lᵢᵢ.",
    caught_by=(
        "full_agrees_with_torch",
        "full_is_never_negative",
        "full_is_zero_only_when_equal",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def log_det_of_the_factor(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p / 2 - log_det_q / 2 - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="constants can be dropped from a loss",
    story="The −d is left out. The value is then d/2 for q = p, and no divergence any more.",
    caught_by=(
        "full_agrees_with_torch",
        "full_is_zero_only_when_equal",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def dimension_dropped(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, _ = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p - log_det_q + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="a divergence is reported per dimension",
    story=(
        "The result is divided by d, so that problems of different size can be compared. KL adds up over "
        "independent parts; a mean over dimensions does not."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_zero_only_when_equal",
        "order_matters_for_full_gaussians",
        "full_adds_up_over_independent_blocks",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def divided_by_dimension(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p - log_det_q - d + trace + gap) / d


@misconception(
    "kl_gaussian_full",
    belief="the order of the arguments does not matter",
    story=(
        "KL[p‖q] comes back instead of KL[q‖p]. It is the inverse of the second argument's covariance that "
        "measures everything."
    ),
    caught_by=("full_agrees_with_torch", "full_agrees_with_diagonal", "right_in_many_dimensions"),
)
def full_gaussians_swapped(mu_q, cov_q, mu_p, cov_p):
    log_det_p, log_det_q, trace, gap, d = cholesky_terms(mu_p, cov_p, mu_q, cov_q)
    return 0.5 * (log_det_q - log_det_p - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="only the variances matter",
    story=(
        "The diagonals of the covariances are taken and the rest is ignored. Correlations change volumes and "
        "directions: two Gaussians with equal variances can be far apart."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_zero_only_when_equal",
        "order_matters_for_full_gaussians",
        "full_does_not_depend_on_coordinates",
        "right_in_many_dimensions",
    ),
)
def correlations_ignored(mu_q, cov_q, mu_p, cov_p):
    var_q, var_p = cov_q.diagonal(dim1=-2, dim2=-1), cov_p.diagonal(dim1=-2, dim2=-1)
    return 0.5 * (var_p.log() - var_q.log() - 1 + (var_q + (mu_q - mu_p) ** 2) / var_p).sum(-1)


@misconception(
    "kl_gaussian_full",
    belief="the Cholesky factor can stand for the covariance",
    story=(
        "tr(L_p⁻¹L_q) is computed in place of tr(Σ_p⁻¹Σ_q). With Σ = LLᵀ the trace is the sum of the squares of "
        "L_p⁻¹L_q."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_never_negative",
        "full_is_zero_only_when_equal",
        "order_matters_for_full_gaussians",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def factor_for_covariance(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, _, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    lower_q, lower_p = torch.linalg.cholesky(cov_q), torch.linalg.cholesky(cov_p)
    trace = torch.linalg.solve_triangular(lower_p, lower_q, upper=False).diagonal(dim1=-2, dim2=-1).sum(-1)
    return 0.5 * (log_det_p - log_det_q - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="the distance of the means is squared, not whitened",
    story=(
        "‖μ_q − μ_p‖² is added as it is. A distance means nothing before it is measured against the widths of p: "
        "it is (μ_q − μ_p)ᵀΣ_p⁻¹(μ_q − μ_p)."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_zero_only_when_equal",
        "full_does_not_depend_on_coordinates",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def distance_not_whitened(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, _, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p - log_det_q - d + trace + (mu_q - mu_p).square().sum(-1))


@misconception(
    "kl_gaussian_full",
    belief="a factorisation is a numerical detail that needs no gradient",
    story=(
        "The Cholesky factors are computed without gradients, so the covariances get none. The value is right, "
        "and nothing that depends on it can learn a covariance."
    ),
    caught_by=("full_autograd_agrees_with_differences", "right_in_many_dimensions"),
)
def factors_without_gradient(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q.detach(), mu_p, cov_p.detach())
    return 0.5 * (log_det_p - log_det_q - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="KL is a distance, so it must be symmetric",
    story=(
        "The average of both directions is returned. KL is not symmetric, and the direction decides what a fitted "
        "q does."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "order_matters_for_full_gaussians",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def a_symmetric_full_distance(mu_q, cov_q, mu_p, cov_p):
    _, _, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    _, _, trace_back, gap_back, _ = cholesky_terms(mu_p, cov_p, mu_q, cov_q)
    return 0.25 * (trace + trace_back + gap + gap_back - 2 * d)


@misconception(
    "kl_gaussian_full",
    belief="the log-ratio has Σ_q on top",
    story=(
        "log det Σ_q − log det Σ_p stands where its negative belongs. A q that is more concentrated than p must "
        "cost more, not less."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_never_negative",
        "full_is_zero_only_when_equal",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def log_dets_upside_down(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_q - log_det_p - d + trace + gap)


@misconception(
    "kl_gaussian_full",
    belief="the formula has no ½",
    story=(
        "Everything comes out twice too large. The ½ stands before the whole bracket: it comes from the exponent of "
        "the density, and from the root of the determinant."
    ),
    caught_by=("full_agrees_with_torch", "full_agrees_with_diagonal", "right_in_many_dimensions"),
    read_on="4 · Gaussian against Gaussian",
)
def full_without_half(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return log_det_p - log_det_q - d + trace + gap


@misconception(
    "kl_gaussian_full",
    belief="the ½ belongs to the first term",
    story=(
        "Only the log-determinants are halved, as in some printed notes. Every term carries the ½: the trace and the "
        "distance come from the exponent −½(z − μ)ᵀΣ⁻¹(z − μ)."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_never_negative",
        "full_is_zero_only_when_equal",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
    read_on="4 · Gaussian against Gaussian",
)
def full_half_on_the_first_term(mu_q, cov_q, mu_p, cov_p):
    log_det_q, log_det_p, trace, gap, d = cholesky_terms(mu_q, cov_q, mu_p, cov_p)
    return 0.5 * (log_det_p - log_det_q) - d + trace + gap


# ---- kl_gaussian_full: two slips at once ---------------------------------------------------------------------------------


@misconception(
    "kl_gaussian_full",
    belief="the order of the arguments does not matter, and the formula has no ½",
    story=(
        "Two slips at once: twice KL[p‖q] comes back instead of KL[q‖p]. It is the inverse of the second argument's "
        "covariance that measures everything, and a ½ stands before the whole bracket."
    ),
    caught_by=("full_agrees_with_torch", "full_agrees_with_diagonal", "right_in_many_dimensions"),
)
def full_swapped_without_half(mu_q, cov_q, mu_p, cov_p):
    log_det_p, log_det_q, trace, gap, d = cholesky_terms(mu_p, cov_p, mu_q, cov_q)
    return log_det_q - log_det_p - d + trace + gap


@misconception(
    "kl_gaussian_full",
    belief="the order of the arguments does not matter, and constants can be dropped from a loss",
    story=(
        "Two slips at once: KL[p‖q] is computed in place of KL[q‖p], and its −d is left out. It is the inverse of the "
        "second argument's covariance that measures everything, and without −d the value is d/2 for q = p."
    ),
    caught_by=(
        "full_agrees_with_torch",
        "full_is_zero_only_when_equal",
        "full_agrees_with_diagonal",
        "right_in_many_dimensions",
    ),
)
def full_swapped_without_dimension(mu_q, cov_q, mu_p, cov_p):
    log_det_p, log_det_q, trace, gap, _ = cholesky_terms(mu_p, cov_p, mu_q, cov_q)
    return 0.5 * (log_det_q - log_det_p + trace + gap)


# ---- kl_monte_carlo: right -----------------------------------------------------------------------------------------------


@variation("kl_monte_carlo", "torch.distributions")
def with_log_prob(z, mu_q, log_var_q, mu_p, log_var_p):
    q = Independent(Normal(mu_q[:, None], (log_var_q[:, None] / 2).exp()), 1)
    p = Independent(Normal(mu_p[:, None], (log_var_p[:, None] / 2).exp()), 1)
    log_ratio = q.log_prob(z) - p.log_prob(z)
    return log_ratio.mean(1), log_ratio.std(1) / math.sqrt(z.shape[1])


@variation("kl_monte_carlo", "a loop over rows; the constants that cancel are left out")
def loop_over_estimates(z, mu_q, log_var_q, mu_p, log_var_p):
    samples = z.shape[1]
    r = torch.zeros_like(z[..., 0])
    for i in range(z.shape[2]):
        log_q = -0.5 * (log_var_q[:, i, None] + (z[..., i] - mu_q[:, i, None]) ** 2 / log_var_q[:, i, None].exp())
        log_p = -0.5 * (log_var_p[:, i, None] + (z[..., i] - mu_p[:, i, None]) ** 2 / log_var_p[:, i, None].exp())
        r = r + log_q - log_p
    estimate = r.mean(1)
    return estimate, (((r - estimate[:, None]) ** 2).sum(1) / (samples - 1) / samples).sqrt()


@variation("kl_monte_carlo", "the variance as the mean of squares less the square of the mean")
def mean_of_squares(z, mu_q, log_var_q, mu_p, log_var_p):
    parts = []
    for mu, log_var in ((mu_q, log_var_q), (mu_p, log_var_p)):
        parts.append(((z - mu.unsqueeze(1)) ** 2 / log_var.exp().unsqueeze(1) + log_var.unsqueeze(1)).sum(-1))
    r = (parts[1] - parts[0]) / 2
    variance = ((r * r).mean(-1) - r.mean(-1) ** 2).clamp_min(0)
    return r.mean(-1), (variance / (z.shape[1] - 1)) ** 0.5


# ---- kl_monte_carlo: wrong -----------------------------------------------------------------------------------------------


def ratios(z, mu_q, log_var_q, mu_p, log_var_p):
    """log q(z) − log p(z) of every sample: what most of the wrong answers below average wrongly."""
    log_q = Normal(mu_q[:, None], (log_var_q[:, None] / 2).exp()).log_prob(z).sum(-1)
    log_p = Normal(mu_p[:, None], (log_var_p[:, None] / 2).exp()).log_prob(z).sum(-1)
    return log_q - log_p


@misconception(
    "kl_monte_carlo",
    belief="KL is never negative, so an estimate of it cannot be either",
    story=(
        "Negative estimates are clamped to zero. That makes the estimator biased upwards where KL is small: in "
        "one experiment 0.005 became 0.042."
    ),
    caught_by=("is_the_mean_of_log_ratios", "may_be_negative"),
)
def clamped_at_zero(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1).clamp_min(0), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the standard error is the standard deviation",
    story=(
        "The spread of single draws is reported, not divided by √s. The error of a mean shrinks with the number "
        "of draws; the spread of the draws does not."
    ),
    caught_by=("standard_error_is_honest", "more_samples_shrink_the_error"),
)
def error_not_divided(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1)


@misconception(
    "kl_monte_carlo",
    belief="the variance is the mean of the squared deviations",
    story=(
        "The squared deviations are divided by s, although they are taken from the samples' own mean. That makes "
        "the error too small: by 29 % for two samples."
    ),
    caught_by=("standard_error_is_honest", "more_samples_shrink_the_error"),
)
def error_with_s(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1, correction=0) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the error of a mean is the standard deviation over s",
    story=(
        "The standard deviation is divided by s where √s belongs. Variances of independent draws add, so it is "
        "the variance of the mean that is divided by s."
    ),
    caught_by=("standard_error_is_honest", "more_samples_shrink_the_error"),
)
def error_over_s(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1) / z.shape[1]


@misconception(
    "kl_monte_carlo",
    belief="the log can be taken after the mean",
    story=(
        "log of the mean of q(z)/p(z) is returned. The log of a mean is not the mean of the logs: by Jensen it is "
        "larger, and what it estimates is another divergence."
    ),
    caught_by=("is_the_mean_of_log_ratios", "may_be_negative", "is_right_on_average"),
    read_on="3 · The log of an average, the average of the logs",
)
def log_of_the_mean_ratio(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return torch.logsumexp(r, 1) - math.log(z.shape[1]), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the ratio is the likelihood ratio, p over q",
    story=(
        "log p(z) − log q(z) is averaged, which estimates −KL[q‖p]. Samples come from q, and on them q is the "
        "likelier of the two."
    ),
    caught_by=("is_the_mean_of_log_ratios", "may_be_negative", "is_right_on_average"),
)
def log_p_minus_log_q(z, mu_q, log_var_q, mu_p, log_var_p):
    r = -ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="samples and dimensions are averaged alike",
    story=(
        "Log-densities are averaged over dimensions as well as over samples. The log-density of independent "
        "dimensions is their sum; the mean is d times too small."
    ),
    caught_by=("is_the_mean_of_log_ratios", "standard_error_is_honest", "is_right_on_average"),
)
def dimensions_averaged(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p) / z.shape[2]
    return r.mean(1), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the normalising constants cancel",
    story=(
        "The exponents are subtracted and the log-variances left out. Only what both densities share cancels, the "
        "2π; ½ log σ² differs between q and p."
    ),
    caught_by=("is_the_mean_of_log_ratios", "is_right_on_average"),
    read_on="4 · Gaussian against Gaussian",
)
def normalisers_forgotten(z, mu_q, log_var_q, mu_p, log_var_p):
    square_q = (z - mu_q[:, None]) ** 2 / log_var_q[:, None].exp()
    square_p = (z - mu_p[:, None]) ** 2 / log_var_p[:, None].exp()
    r = 0.5 * (square_p - square_q).sum(-1)
    return r.mean(1), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the scale of a normal distribution is its variance",
    story=(
        "exp(log σ²) is a variance, and it is handed over where a density wants a standard deviation. Halve the "
        "log-variance before the exponential: σ = exp(½ log σ²)."
    ),
    caught_by=(
        "is_the_mean_of_log_ratios",
        "standard_error_is_honest",
        "is_right_on_average",
        "more_samples_shrink_the_error",
    ),
    read_on="4 · Gaussian against Gaussian",
)
def variance_as_scale(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, 2 * log_var_q, mu_p, 2 * log_var_p)
    return r.mean(1), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="an average over q weights every term by q",
    story=(
        "Each log-ratio is multiplied by q(z) before the mean is taken. The samples were drawn from q, so that likely "
        "values come up more often: weighting them by q counts that twice."
    ),
    caught_by=("is_the_mean_of_log_ratios", "standard_error_is_honest", "may_be_negative", "is_right_on_average"),
)
def weighted_by_q_again(z, mu_q, log_var_q, mu_p, log_var_p):
    q = Normal(mu_q[:, None], (log_var_q[:, None] / 2).exp()).log_prob(z).sum(-1).exp()
    r = q * ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1) / math.sqrt(z.shape[1])


@misconception(
    "kl_monte_carlo",
    belief="the standard error is the variance of the mean",
    story=(
        "The variance of the mean, var/s, is returned without its root. It is in nats squared: an error bar has the "
        "unit of what it belongs to."
    ),
    caught_by=("standard_error_is_honest", "more_samples_shrink_the_error"),
)
def root_forgotten(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.var(1) / z.shape[1]


# ---- kl_monte_carlo: two slips at once -----------------------------------------------------------------------------------


@misconception(
    "kl_monte_carlo",
    belief="the ratio is p over q, and the standard error is the standard deviation",
    story=(
        "Two slips at once: log p(z) − log q(z) is averaged, which estimates −KL[q‖p], and the spread of single draws "
        "is reported. What is averaged over stands on top, and the error of a mean is the spread over √s."
    ),
    caught_by=(
        "is_the_mean_of_log_ratios",
        "standard_error_is_honest",
        "may_be_negative",
        "is_right_on_average",
        "more_samples_shrink_the_error",
    ),
)
def reversed_with_undivided_error(z, mu_q, log_var_q, mu_p, log_var_p):
    r = -ratios(z, mu_q, log_var_q, mu_p, log_var_p)
    return r.mean(1), r.std(1)


@misconception(
    "kl_monte_carlo",
    belief="the scale of a normal distribution is its variance, and the standard error is the standard deviation",
    story=(
        "Two slips at once: exp(log σ²) is handed over where a density wants a standard deviation, and the spread of "
        "single draws is reported. Take σ = exp(½ log σ²), and divide the spread by √s."
    ),
    caught_by=(
        "is_the_mean_of_log_ratios",
        "standard_error_is_honest",
        "is_right_on_average",
        "more_samples_shrink_the_error",
    ),
    read_on="4 · Gaussian against Gaussian",
)
def variance_as_scale_with_undivided_error(z, mu_q, log_var_q, mu_p, log_var_p):
    r = ratios(z, mu_q, 2 * log_var_q, mu_p, 2 * log_var_p)
    return r.mean(1), r.std(1)


# ---- fit_forward: right --------------------------------------------------------------------------------------------------


@variation("fit_forward", "E[x²] − E[x]²")
def second_moment_minus_squared_mean(weights, means, stds):
    mean = (weights * means).sum(-1)
    return mean, ((weights * (stds**2 + means**2)).sum(-1) - mean**2).sqrt()


@variation("fit_forward", "the mixture's own moments, from torch.distributions")
def with_mixture_same_family(weights, means, stds):
    from torch.distributions import MixtureSameFamily

    mixture = MixtureSameFamily(Categorical(probs=weights), Normal(means, stds))
    return mixture.mean, mixture.stddev


@variation("fit_forward", "a loop over rows in plain Python")
def loop_over_mixtures(weights, means, stds):
    fitted_means, fitted_stds = [], []
    for w, m, s in zip(weights.tolist(), means.tolist(), stds.tolist(), strict=True):
        mean = w[0] * m[0] + w[1] * m[1]
        variance = sum(w[k] * (s[k] ** 2 + (m[k] - mean) ** 2) for k in range(2))
        fitted_means.append(mean)
        fitted_stds.append(math.sqrt(variance))
    return torch.tensor(fitted_means, dtype=means.dtype), torch.tensor(fitted_stds, dtype=means.dtype)


@variation("fit_forward", "the second weight as 1 − w, the standard deviation as a hypotenuse")
def one_weight(weights, means, stds):
    w = weights[:, 0]
    mean = torch.lerp(means[:, 1], means[:, 0], w)
    within = (w * stds[:, 0] ** 2 + (1 - w) * stds[:, 1] ** 2).sqrt()
    between = (w * (1 - w)).clamp_min(0).sqrt() * (means[:, 0] - means[:, 1])
    return mean, torch.hypot(within, between)


# ---- fit_forward: wrong --------------------------------------------------------------------------------------------------


@misconception(
    "fit_forward",
    belief="the width of a mixture is the average width of its parts",
    story=(
        "Standard deviations are averaged with the weights. Widths do not average, variances do, and the distance "
        "between the means adds to them."
    ),
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better", "at_least_as_wide_as_its_parts"),
)
def average_of_stds(weights, means, stds):
    return (weights * means).sum(-1), (weights * stds).sum(-1)


@misconception(
    "fit_forward",
    belief="the variance of a mixture is the average variance of its parts",
    story=(
        "The variance within the components is averaged, and that between their means forgotten. The law of total "
        "variance has both: two needles far apart make a wide mixture."
    ),
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better"),
)
def between_forgotten(weights, means, stds):
    return (weights * means).sum(-1), (weights * stds**2).sum(-1).sqrt()


@misconception(
    "fit_forward",
    belief="the best Gaussian sits on the main mode",
    story=(
        "The heavier component is returned. That is what minimising KL[q‖mixture] tends to; KL[mixture‖q] is "
        "infinite or huge where q misses what the mixture has, so q must cover both modes."
    ),
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better", "at_least_as_wide_as_its_parts"),
    read_on="8 · One Gaussian for two: the reverse fit",
)
def heavier_component(weights, means, stds):
    heavier = weights.argmax(-1, keepdim=True)
    return means.gather(-1, heavier)[:, 0], stds.gather(-1, heavier)[:, 0]


@misconception(
    "fit_forward",
    belief="the width asked for is a variance",
    story=(
        "The variance is returned where the standard deviation is asked. Its unit is the square of x's: take the root."
    ),
    caught_by=(
        "has_the_moments_of_the_mixture",
        "no_neighbour_is_better",
        "at_least_as_wide_as_its_parts",
        "moves_with_the_units",
    ),
)
def variance_for_std(weights, means, stds):
    mean = (weights * means).sum(-1)
    return mean, (weights * (stds**2 + (means - mean[:, None]) ** 2)).sum(-1)


@misconception(
    "fit_forward",
    belief="both components count the same",
    story="Plain averages are taken and the weights ignored. A component that hardly ever occurs must hardly count.",
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better", "at_least_as_wide_as_its_parts"),
)
def components_not_weighted(weights, means, stds):
    mean = means.mean(-1)
    return mean, (stds**2 + (means - mean[:, None]) ** 2).mean(-1).sqrt() + 0 * weights.sum(-1)


@misconception(
    "fit_forward",
    belief="a mixture is a weighted sum of random variables",
    story=(
        "The variance Σ wₖ²σₖ² is that of the sum w₁x₁ + w₂x₂ of two draws. A mixture draws from one component or "
        "the other: its density is the weighted sum, not its samples."
    ),
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better", "at_least_as_wide_as_its_parts"),
)
def sum_of_random_variables(weights, means, stds):
    return (weights * means).sum(-1), (weights**2 * stds**2).sum(-1).sqrt()


@misconception(
    "fit_forward",
    belief="what is given are variances",
    story=(
        "The components' standard deviations are averaged as if they were variances. Square them first: variances "
        "average, and only they can be added to a squared distance."
    ),
    caught_by=(
        "has_the_moments_of_the_mixture",
        "no_neighbour_is_better",
        "at_least_as_wide_as_its_parts",
        "moves_with_the_units",
    ),
)
def stds_read_as_variances(weights, means, stds):
    mean = (weights * means).sum(-1)
    return mean, (weights * (stds + (means - mean[:, None]) ** 2)).sum(-1).sqrt()


# ---- fit_forward: two slips at once --------------------------------------------------------------------------------------


@misconception(
    "fit_forward",
    belief="the variance of a mixture is the average variance of its parts, and it is the width asked for",
    story=(
        "Two slips at once: the variance between the components' means is forgotten, and the root is not taken. Add "
        "both parts of the variance, then return its root, which has the unit of x."
    ),
    caught_by=(
        "has_the_moments_of_the_mixture",
        "no_neighbour_is_better",
        "at_least_as_wide_as_its_parts",
        "moves_with_the_units",
    ),
)
def average_variance_for_std(weights, means, stds):
    return (weights * means).sum(-1), (weights * stds**2).sum(-1)


@misconception(
    "fit_forward",
    belief="both components count the same, and widths are averaged",
    story=(
        "Two slips at once: plain averages ignore the weights, and standard deviations are averaged like means. A rare "
        "component hardly counts, and it is variances that average; the distance between the means adds to them."
    ),
    caught_by=("has_the_moments_of_the_mixture", "no_neighbour_is_better", "at_least_as_wide_as_its_parts"),
)
def plain_averages(weights, means, stds):
    return means.mean(-1) + 0 * weights.sum(-1), stds.mean(-1)


# ---- fit_reverse: right --------------------------------------------------------------------------------------------------


def reverse_objective(mean, std, weights, means, stds):
    """KL[q‖mixture] on a grid of 401 points over ±8 standard deviations of q, by the trapezoid rule."""
    z = torch.linspace(-8, 8, 401, dtype=mean.dtype)
    x = mean + std * z
    mass = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    log_q = -(z**2) / 2 - 0.5 * math.log(2 * math.pi) - std.log()
    log_parts = weights.log() - 0.5 * ((x[:, None] - means) / stds) ** 2 - stds.log() - 0.5 * math.log(2 * math.pi)
    return (mass * (log_q - torch.logsumexp(log_parts, -1))).sum()


def descended(mean, std, weights, means, stds):
    """Where LBFGS ends that starts at N(mean, std²)."""
    parameters = torch.stack([mean, std.log()]).requires_grad_()
    optimiser = torch.optim.LBFGS([parameters], max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = reverse_objective(parameters[0], parameters[1].exp(), weights, means, stds)
        loss.backward()
        return loss

    optimiser.step(closure)
    return parameters[0].detach(), parameters[1].exp().detach()


@variation("fit_reverse", "LBFGS from the heavier component")
def with_lbfgs(weights, means, stds):
    weights, means, stds = weights.double(), means.double(), stds.double()
    heavier = weights.argmax()
    return descended(means[heavier], stds[heavier], weights, means, stds)


@variation("fit_reverse", "30 natural-gradient steps from the heavier component, in the inputs' dtype")
def natural_gradient(weights, means, stds):
    heavier = weights.argmax()
    mean, log_std = means[heavier].clone().requires_grad_(), stds[heavier].log().requires_grad_()
    for _ in range(30):
        loss = reverse_objective(mean, log_std.exp(), weights, means, stds)
        slope_m, slope_s = torch.autograd.grad(loss, (mean, log_std))
        with torch.no_grad():
            mean -= 0.7 * log_std.exp() ** 2 * slope_m
            log_std -= 0.35 * slope_s
    return mean.item(), log_std.exp().item()


@variation("fit_reverse", "a grid search, refined eight times around its best point, in loops")
def grid_search(weights, means, stds):
    weights, means, stds = weights.double(), means.double(), stds.double()
    mean, log_std = means[weights.argmax()], stds[weights.argmax()].log()
    step = 0.5
    for _ in range(8):
        for _ in range(6):  # walk until the middle of the grid is the best
            moves = [(i * step, j * step) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            values = [
                float(reverse_objective(mean + a * log_std.exp(), (log_std + b).exp(), weights, means, stds))
                for a, b in moves
            ]
            a, b = moves[values.index(min(values))]
            mean, log_std = mean + a * log_std.exp(), log_std + b
            if a == b == 0:
                break
        step /= 2
    return mean, log_std.exp()


# ---- fit_reverse: wrong --------------------------------------------------------------------------------------------------


@misconception(
    "fit_reverse",
    belief="both directions of KL have the same minimum",
    story=(
        "The mixture's mean and variance are returned, the minimum of KL[mixture‖q]. KL[q‖mixture] punishes q for "
        "being where the mixture is not, so q avoids the gap between distant modes."
    ),
    caught_by=("is_a_local_minimum", "takes_one_of_two_distant_modes"),
    may_break=("is_a_local_minimum_on_new_mixtures",),
    read_on="7 · One Gaussian for two: the forward fit",
)
def moment_matching(weights, means, stds):
    mean = (weights * means).sum()
    return mean, (weights * (stds**2 + (means - mean) ** 2)).sum().sqrt()


@misconception(
    "fit_reverse",
    belief="mode seeking means copying a component",
    story=(
        "The heavier component is returned as it is. That is right only for distant components; where they "
        "overlap, the minimum lies between them and is wider than either."
    ),
    caught_by=("is_a_local_minimum", "sits_between_overlapping_modes"),
    may_break=("is_a_local_minimum_on_new_mixtures",),
)
def copies_the_heavier_component(weights, means, stds):
    heavier = weights.argmax()
    return means[heavier], stds[heavier]


@misconception(
    "fit_reverse",
    belief="the best Gaussian is the one that fits the peak",
    story=(
        "The mixture's highest point gives the mean and its curvature there the width: Laplace's approximation. "
        "It looks at the peak alone, where KL[q‖mixture] averages over all of q."
    ),
    caught_by=("is_a_local_minimum",),
    may_break=("is_a_local_minimum_on_new_mixtures",),
)
def laplace_approximation(weights, means, stds):
    x = torch.linspace(float(means.min()) - 3, float(means.max()) + 3, 20001, dtype=torch.float64)
    log_parts = weights.log() + Normal(means.double(), stds.double()).log_prob(x[:, None])
    log_p = torch.logsumexp(log_parts, -1)
    peak = log_p[1:-1].argmax() + 1
    curvature = (log_p[peak + 1] - 2 * log_p[peak] + log_p[peak - 1]) / (x[1] - x[0]) ** 2
    return x[peak], (-curvature).rsqrt()


@misconception(
    "fit_reverse",
    belief="a few steps of gradient descent are enough",
    story=(
        "Ten small steps are taken from the middle, and q is still on its way. Look at the loss, or at the "
        "gradient, before stopping."
    ),
    caught_by=("is_a_local_minimum", "is_a_local_minimum_on_new_mixtures", "takes_one_of_two_distant_modes"),
)
def stops_too_early(weights, means, stds):
    parameters = torch.stack([means.mean() + 0.5, means.new_zeros(())]).requires_grad_()
    optimiser = torch.optim.SGD([parameters], lr=0.01)
    for _ in range(10):
        optimiser.zero_grad()
        reverse_objective(parameters[0], parameters[1].exp(), weights, means, stds).backward()
        optimiser.step()
    return parameters[0].item(), parameters[1].exp().item()


@misconception(
    "fit_reverse",
    belief="gradient descent finds the minimum wherever it starts",
    story=(
        "The descent starts from the mixture's own mean and width. Between two distant modes it ends in a third "
        "minimum, which covers both, pays for the gap, and is worse than either mode alone."
    ),
    caught_by=("takes_one_of_two_distant_modes",),
)
def descends_from_the_middle(weights, means, stds):
    weights, means, stds = weights.double(), means.double(), stds.double()
    mean = (weights * means).sum()
    std = (weights * (stds**2 + (means - mean) ** 2)).sum().sqrt()
    return descended(mean, std, weights, means, stds)


@misconception(
    "fit_reverse",
    belief="the weights only scale the mixture",
    story=(
        "The components' densities are added without their weights. Where the components overlap that moves the "
        "minimum: the density at x is Σ wₖ N(x; μₖ, σₖ²)."
    ),
    caught_by=("is_a_local_minimum",),
    may_break=("is_a_local_minimum_on_new_mixtures",),
    read_on="7 · One Gaussian for two: the forward fit",
)
def log_weights_dropped(weights, means, stds):
    weights, means, stds = weights.double(), means.double(), stds.double()
    heavier = weights.argmax()
    return descended(means[heavier], stds[heavier], torch.ones_like(weights), means, stds)


@misconception(
    "fit_reverse",
    belief="the log of a mixture is the mixture of the logs",
    story=(
        "Σ wₖ log N(x; μₖ, σₖ²) is averaged in place of log Σ wₖ N(x; μₖ, σₖ²). The first is the logarithm of a single "
        "Gaussian that lies between the modes, just where the mixture has next to nothing."
    ),
    caught_by=("is_a_local_minimum", "takes_one_of_two_distant_modes"),
    may_break=("is_a_local_minimum_on_new_mixtures",),
    read_on="3 · The log of an average, the average of the logs",
)
def mean_of_the_logs(weights, means, stds):
    precision = (weights / stds**2).sum()
    return (weights * means / stds**2).sum() / precision, precision.rsqrt()


# ---- mutants of the solutions that are as right as they are ----------------------------------------------------------------

SAME_AXIS = "the tensor has two axes, so that axis −1 is axis 1"

EQUIVALENT = [
    equivalent(
        "kl_discrete",
        was="return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)",
        becomes="return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "entropy_and_cross_entropy",
        was="return -torch.xlogy(p, p).sum(-1), -torch.xlogy(p, q).sum(-1)",
        becomes=(
            "return -torch.xlogy(p, p).sum(+1), -torch.xlogy(p, q).sum(-1)",
            "return -torch.xlogy(p, p).sum(-1), -torch.xlogy(p, q).sum(+1)",
        ),
        why=SAME_AXIS,
    ),
    equivalent(
        "jensen_gap",
        was="log_of_average = (weights.log() + log_values).logsumexp(-1)",
        becomes="log_of_average = (weights.log() + log_values).logsumexp(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "jensen_gap",
        was="average_of_logs = (weights * log_values).sum(-1)",
        becomes="average_of_logs = (weights * log_values).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "kl_gaussian",
        was="return 0.5 * (torch.expm1(log_ratio) - log_ratio + distance).sum(-1)",
        becomes="return 0.5 * (torch.expm1(log_ratio) - log_ratio + distance).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "kl_gaussian_full",
        was="return 0.5 * (trace + distance - mu_q.shape[-1]) + (log_diagonal_p - log_diagonal_q).sum(-1)",
        becomes=(
            "return 0.5 * (trace + distance - mu_q.shape[+1]) + (log_diagonal_p - log_diagonal_q).sum(-1)",
            "return 0.5 * (trace + distance - mu_q.shape[-1]) + (log_diagonal_p - log_diagonal_q).sum(+1)",
        ),
        why=SAME_AXIS,
    ),
    equivalent(
        "kl_monte_carlo",
        was="return log_ratio.mean(-1), log_ratio.std(-1, correction=1) / z.shape[1] ** 0.5",
        becomes=(
            "return log_ratio.mean(+1), log_ratio.std(-1, correction=1) / z.shape[1] ** 0.5",
            "return log_ratio.mean(-1), log_ratio.std(+1, correction=1) / z.shape[1] ** 0.5",
        ),
        why=SAME_AXIS,
    ),
    equivalent(
        "fit_forward",
        was="mean = (weights * means).sum(-1)",
        becomes="mean = (weights * means).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "fit_forward",
        was="within = (weights * stds**2).sum(-1)",
        becomes="within = (weights * stds**2).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "fit_forward",
        was="between = (weights * (means - mean.unsqueeze(-1)) ** 2).sum(-1)",
        becomes=(
            "between = (weights * (means - mean.unsqueeze(+1)) ** 2).sum(-1)",
            "between = (weights * (means - mean.unsqueeze(-1)) ** 2).sum(+1)",
        ),
        why=SAME_AXIS + "; of a vector, the new axis −1 is the new axis 1",
    ),
    equivalent(
        "fit_reverse",
        was="x = m[:, None] + log_s.exp()[:, None] * eps",
        becomes="x = m[:, None] - log_s.exp()[:, None] * eps",
        why="the grid and its weights are symmetric about zero",
    ),
    equivalent(
        "fit_reverse",
        was="return -log_s - (torch.logsumexp(log_parts, -1) * rule).sum(-1)",
        becomes="return -log_s - (torch.logsumexp(log_parts, -1) * rule).sum(+1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "fit_reverse",
        was="eps = torch.linspace(-8, 8, 501, dtype=torch.float64, device=means.device)",
        becomes=(
            "eps = torch.linspace(~8, 8, 501, dtype=torch.float64, device=means.device)",
            "eps = torch.linspace(- 7, 8, 501, dtype=torch.float64, device=means.device)",
            "eps = torch.linspace(-8, 9, 501, dtype=torch.float64, device=means.device)",
            "eps = torch.linspace(-8, 7, 501, dtype=torch.float64, device=means.device)",
            "eps = torch.linspace(-8, 8, 502, dtype=torch.float64, device=means.device)",
            "eps = torch.linspace(-8, 8, 500, dtype=torch.float64, device=means.device)",
        ),
        why="the normal density outside ±7 is below 1e-11, and its sum over any of these grids is exact to rounding",
    ),
    equivalent(
        "fit_reverse",
        was="rule = torch.softmax(-(eps**2) / 2, 0)",
        becomes="rule = torch.softmax(-(eps**2) / 2, -1)",
        why="the tensor has one axis, so that axis 0 is axis −1",
    ),
    equivalent(
        "fit_reverse",
        was='search = torch.optim.LBFGS([m, log_s], max_iter=60, line_search_fn="strong_wolfe")',
        becomes=(
            'search = torch.optim.LBFGS([m, log_s], max_iter= 61, line_search_fn="strong_wolfe")',
            'search = torch.optim.LBFGS([m, log_s], max_iter= 59, line_search_fn="strong_wolfe")',
        ),
        why="the search ends by itself long before",
    ),
]
