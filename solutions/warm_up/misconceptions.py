"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import torch
from torch.distributions import Categorical, Independent, Normal

from autograder.misconceptions import equivalent, misconception, variation

# ---- enumerate_model: right ----------------------------------------------------------------------------------------------


@variation("enumerate_model", "a loop over every pair (x, z) in plain Python")
def loop_over_pairs(prior, likelihood, f):
    p, table, values = prior.tolist(), likelihood.tolist(), f.tolist()
    marginal, posterior, expectation = [], [], []
    for x in range(len(table[0])):
        joint = [p[z] * table[z][x] for z in range(len(p))]
        total = sum(joint)
        marginal.append(total)
        posterior.append([value / total for value in joint])
        expectation.append(sum(v * value / total for v, value in zip(values, joint, strict=True)))
    return prior.new_tensor(marginal), prior.new_tensor(posterior), prior.new_tensor(expectation)


@variation("enumerate_model", "torch.distributions, in logarithms")
def in_logarithms(prior, likelihood, f):
    log_joint = prior.log() + likelihood.mT.log()
    posterior = Categorical(logits=log_joint).probs
    return log_joint.logsumexp(-1).exp(), posterior, posterior @ f


@variation("enumerate_model", "matrix products, the expectation from the joint table")
def with_matrix_products(prior, likelihood, f):
    marginal = prior @ likelihood
    return marginal, (likelihood * prior[:, None] / marginal).T, (prior * f) @ likelihood / marginal


# ---- enumerate_model: wrong ----------------------------------------------------------------------------------------------

WRONG_POSTERIOR = (
    "factorises_the_other_way_round",
    "averages_under_the_posterior",
    "what_x_teaches_averages_out",
    "small_model_by_hand",
    "rare_teaches_as_much",
)
"""The laws that see a wrong p(z | x): all of them."""


@misconception(
    "enumerate_model",
    belief="the posterior is proportional to the likelihood",
    story=(
        "p(x | z) is normalised over z, and the prior is left out. What was probable beforehand stays more probable: "
        "p(z | x) is proportional to p(z) p(x | z)."
    ),
    caught_by=WRONG_POSTERIOR,
)
def prior_forgotten(prior, likelihood, f):
    weights = likelihood.T
    posterior = weights / weights.sum(-1, keepdim=True)
    return prior @ likelihood, posterior, posterior @ f


@misconception(
    "enumerate_model",
    belief="without further knowledge every z counts the same",
    story=(
        "Every z gets the weight 1/k, in p(x) too. The model does know more: its prior says how probable each z is before "
        "anything is seen."
    ),
    caught_by=WRONG_POSTERIOR,
)
def every_z_alike(prior, likelihood, f):
    flat = torch.full_like(prior, 1 / len(prior))
    joint = flat[:, None] * likelihood
    posterior = (joint / joint.sum(0)).T
    return joint.sum(0), posterior, posterior @ f


@misconception(
    "enumerate_model",
    belief="p(z | x) and p(x | z) are the same numbers",
    story=(
        "The table p(x | z) comes back, turned on its side. Its columns do not add up to one over z: a conditional "
        "probability is not the same in both directions, and Bayes' rule says how they differ."
    ),
    caught_by=WRONG_POSTERIOR,
)
def likelihood_for_posterior(prior, likelihood, f):
    return prior @ likelihood, likelihood.T.clone(), likelihood.T @ f


@misconception(
    "enumerate_model",
    belief="the joint is the posterior",
    story=(
        "p(x, z) is returned for p(z | x): the division by p(x) is missing. Within the rows where x has this value the "
        "probabilities of z must add up to one."
    ),
    caught_by=WRONG_POSTERIOR,
)
def joint_for_posterior(prior, likelihood, f):
    joint = (prior[:, None] * likelihood).T
    return joint.sum(-1), joint, joint @ f


@misconception(
    "enumerate_model",
    belief="probabilities are made by softmax",
    story=(
        "The joint probabilities go through a softmax, which takes their exponentials first. They are probabilities "
        "already, not logarithms: divide them by their sum."
    ),
    caught_by=WRONG_POSTERIOR,
)
def softmax_of_probabilities(prior, likelihood, f):
    joint = prior[:, None] * likelihood
    posterior = torch.softmax(joint, 0).T
    return joint.sum(0), posterior, posterior @ f


@misconception(
    "enumerate_model",
    belief="a small epsilon in the denominator does no harm",
    story=(
        "1e-8 is added to p(x) before dividing, so p(z | x) no longer adds up to one. Every x here has p(x) > 0: nothing "
        "needs protection, and rare x suffer most."
    ),
    caught_by=WRONG_POSTERIOR,
)
def epsilon_in_the_denominator(prior, likelihood, f):
    joint = prior[:, None] * likelihood
    posterior = (joint / (joint.sum(0) + 1e-8)).T
    return joint.sum(0), posterior, posterior @ f


@misconception(
    "enumerate_model",
    belief="what is divided by is kept away from zero",
    story=(
        "p(x) is clamped at 1e-6 before dividing. An x that is rarer than that gets numbers p(z | x) that do not add up to one, "
        "although it teaches as much as any other: p(x) > 0 is all that the division needs."
    ),
    caught_by=("averages_under_the_posterior", "rare_teaches_as_much"),
)
def evidence_clamped(prior, likelihood, f):
    joint = prior[:, None] * likelihood
    posterior = (joint / joint.sum(0).clamp_min(1e-6)).T
    return joint.sum(0), posterior, posterior @ f


@misconception(
    "enumerate_model",
    belief="the expectation of f does not depend on what was seen",
    story=(
        "f is averaged under the prior, so every x gets the same number. E[f(z) | x] is the average under what z may still "
        "be after x: the posterior."
    ),
    caught_by=("averages_under_the_posterior", "small_model_by_hand", "rare_teaches_as_much"),
)
def expectation_under_the_prior(prior, likelihood, f):
    joint = prior[:, None] * likelihood
    marginal = joint.sum(0)
    return marginal, (joint / marginal).T, (prior @ f).expand(len(marginal)).clone()


@misconception(
    "enumerate_model",
    belief="the expected value is that of the most probable z",
    story=(
        "f is taken at the z of highest posterior probability. An expectation listens to all values of z, each according to "
        "its probability; it need not even be one that f takes."
    ),
    caught_by=("averages_under_the_posterior", "small_model_by_hand", "rare_teaches_as_much"),
)
def value_at_the_most_probable(prior, likelihood, f):
    joint = prior[:, None] * likelihood
    marginal = joint.sum(0)
    posterior = (joint / marginal).T
    return marginal, posterior, f[posterior.argmax(-1)]


@misconception(
    "enumerate_model",
    belief="the expectation is the sum over the joint table",
    story=(
        "The sum of p(x, z) f(z) over z is returned, not divided by p(x). That is E[f(z)] restricted to the cases with this "
        "x, and gets small with p(x) whatever f is."
    ),
    caught_by=("averages_under_the_posterior", "small_model_by_hand", "rare_teaches_as_much"),
)
def expectation_not_normalised(prior, likelihood, f):
    joint = (prior[:, None] * likelihood).T
    marginal = joint.sum(-1)
    return marginal, joint / marginal[:, None], joint @ f


@misconception(
    "enumerate_model",
    belief="an expectation is a mean over the values of z",
    story=(
        "The products p(z | x) f(z) are averaged over the k values of z instead of added. The probabilities make the sum an "
        "average already; dividing by k once more shrinks it."
    ),
    caught_by=("averages_under_the_posterior", "small_model_by_hand", "rare_teaches_as_much"),
)
def mean_for_expectation(prior, likelihood, f):
    joint = (prior[:, None] * likelihood).T
    marginal = joint.sum(-1)
    posterior = joint / marginal[:, None]
    return marginal, posterior, (posterior * f).mean(-1)


# ---- posterior_by_bayes: right -------------------------------------------------------------------------------------------


@variation("posterior_by_bayes", "from the right-hand side to the left")
def from_prior_and_likelihood():
    return """
        log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))
        = log(p(x, z)) - log(sum(z, p(x, z)))                        # product rule
        = log(p(x, z)) - log(p(x))                                   # marginal
        = log(p(z | x))                                              # product rule
    """


@variation("posterior_by_bayes", "the evidence as a sum first, both product rules in one line")
def sum_before_the_product():
    return """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # conditional probability
        = log(p(x, z)/sum(z, p(x, z)))                               # sum rule
        = log(p(x | z)*p(z)/sum(z, p(z)*p(x | z)))                   # chain rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # log rules
    """


@variation("posterior_by_bayes", "multiplied and divided by p(x)")
def widened_by_the_evidence():
    return """
        log(p(z | x))
        = log(p(z | x)*p(x)) - log(p(x))                             # arithmetic
        = log(p(z)*p(x | z)) - log(p(x))                             # product rule
        = log(p(z)*p(x | z)) - log(sum(z, p(x, z)))                  # marginal
        = log(p(z)) + log(p(x | z)) - log(sum(z, p(x | z)*p(z)))     # product rule
    """


# ---- posterior_by_bayes: wrong -------------------------------------------------------------------------------------------

EVERY_LINE = ("every_line_is_true", "every_line_follows")


@misconception(
    "posterior_by_bayes",
    belief="the posterior is the likelihood times the prior",
    story=(
        "p(x) is left out. The likelihood times the prior is the joint p(x, z), which does not add up to one over z: divided by "
        "p(x) it is the posterior."
    ),
    caught_by=EVERY_LINE,
)
def evidence_left_out():
    return """
        log(p(z | x))
        = log(p(x | z)*p(z))                                         # product rule
        = log(p(x | z)) + log(p(z))                                  # arithmetic
    """


@misconception(
    "posterior_by_bayes",
    belief="adding up p(x | z) over z gives p(x)",
    story=(
        "A conditional stands where the joint belongs. The sum of p(x, z) over z is p(x); the sum of p(x | z) over z lets every "
        "z count the same, and may be larger than one."
    ),
    caught_by=EVERY_LINE,
)
def conditional_in_the_sum():
    return """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x, z)/sum(z, p(x | z)))                              # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)))          # product rule
    """


@misconception(
    "posterior_by_bayes",
    belief="what is divided by is what stands before the bar",
    story=(
        "p(x, z)/p(z) is p(x | z), the likelihood. One divides by what is given, which stands behind the bar: p(z | x) is "
        "p(x, z)/p(x)."
    ),
    caught_by=EVERY_LINE,
)
def divided_by_the_wrong_one():
    return """
        log(p(z | x))
        = log(p(x, z)/p(z))                                          # product rule
        = log(p(x, z)) - log(p(z))                                   # arithmetic
        = log(p(x | z)) + log(p(z)) - log(p(z))                      # product rule
    """


@misconception(
    "posterior_by_bayes",
    belief="the z of a sum is the z outside",
    story=(
        "p(z) is taken out of the sum over z. Inside, z runs through all its values, and p(z) with it: only what does not depend "
        "on z may come out."
    ),
    caught_by=EVERY_LINE,
)
def prior_taken_out_of_the_sum():
    return """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x, z)/sum(z, p(x, z)))                               # marginal
        = log(p(x, z)/(p(z)*sum(z, p(x | z))))                       # product rule
        = log(p(x | z)) - log(sum(z, p(x | z)))                      # product rule
    """


@misconception(
    "posterior_by_bayes",
    belief="the logarithm of a sum is the sum of the logarithms",
    story=(
        "The logarithm has moved into the sum. It turns products into sums; a sum inside a logarithm stays where it is, which is "
        "why log p(x) is hard to come by."
    ),
    caught_by=EVERY_LINE,
)
def logarithm_moved_into_the_sum():
    return """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x, z)) - log(sum(z, p(x, z)))                        # marginal
        = log(p(x, z)) - sum(z, log(p(x, z)))                        # arithmetic
        = log(p(x | z)) + log(p(z)) - sum(z, log(p(x | z)*p(z)))     # product rule
    """


@misconception(
    "posterior_by_bayes",
    belief="the logarithm of a quotient is a sum",
    story=(
        "log p(x) is added, where it is to be subtracted. p(x) stands below the line, and the logarithm of a quotient is a "
        "difference."
    ),
    caught_by=EVERY_LINE,
)
def evidence_added():
    return """
        log(p(z | x))
        = log(p(x | z)*p(z)/p(x))                                    # product rule
        = log(p(x | z)) + log(p(z)) + log(p(x))                      # arithmetic
        = log(p(x | z)) + log(p(z)) + log(sum(z, p(x, z)))           # marginal
    """


@misconception(
    "posterior_by_bayes",
    belief="a true line needs no steps",
    story=(
        "Every line is true, but one of them does not follow from the line before by the rule beside it. One rule a line: put "
        "another line in between, or name the rule that you used."
    ),
    caught_by=("every_line_follows",),
)
def bayes_at_once():
    return """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
    """


@misconception(
    "posterior_by_bayes",
    belief="p(x) is among what is known",
    story=(
        "Every line is true, and the last is not yet the end. A model says p(z) and p(x | z): what is left of p(x), or of the "
        "joint, must be written with these two."
    ),
    caught_by=("every_line_is_true",),
)
def evidence_taken_as_known():
    return """
        log(p(z | x))
        = log(p(x | z)*p(z)/p(x))                                    # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # arithmetic
    """


# ---- log_sum_and_mean_exp: right -----------------------------------------------------------------------------------------


@variation("log_sum_and_mean_exp", "torch.logsumexp")
def with_logsumexp(a):
    log_sum = torch.logsumexp(a, -1)
    return log_sum, log_sum - math.log(a.shape[-1])


@variation("log_sum_and_mean_exp", "a loop over rows, the mean's log computed by itself")
def loop_over_rows(a):
    sums, means = [], []
    for row in a:
        largest = float(row.detach().max())
        shift = largest if math.isfinite(largest) else 0.0
        shifted = torch.exp(row - shift)
        sums.append(shifted.sum().log() + shift)
        means.append(shifted.mean().log() + shift)
    return torch.stack(sums), torch.stack(means)


@variation(
    "log_sum_and_mean_exp", "log1p of all entries but the largest, with its slope going through the largest, too"
)
def with_log1p(a):
    ordered = a.sort(-1, descending=True).values
    largest = ordered[:, :1]
    finite = largest.isfinite()
    below = torch.where(finite, ordered[:, 1:] - torch.where(finite, largest, 0.0), -torch.inf)
    log_sum = largest[:, 0] + below.exp().sum(-1).log1p()
    return [log_sum, log_sum - math.log(a.shape[-1])]


# ---- log_sum_and_mean_exp: wrong -----------------------------------------------------------------------------------------


@misconception(
    "log_sum_and_mean_exp",
    belief="the formula can be typed in as it stands",
    story=(
        "exp overflows beyond 709 (beyond 88 in float32) and is zero below −745, so the logarithm gives ±∞. Take the "
        "largest entry out of the sum first: what is left has exponents up to 0."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def nothing_subtracted(a):
    return a.exp().sum(-1).log(), a.exp().mean(-1).log()


@misconception(
    "log_sum_and_mean_exp",
    belief="the log of a mean is the mean of the logs",
    story=(
        "The plain mean of a is returned for the log of the mean of exp a. The logarithm of an average is not the average "
        "of the logarithms: it is larger, by Jensen's inequality."
    ),
    caught_by=("agrees_with_adding_one_by_one", "right_far_out_and_at_infinity"),
)
def mean_of_the_logs(a):
    return torch.logsumexp(a, -1), a.mean(-1)


@misconception(
    "log_sum_and_mean_exp",
    belief="a sum and a mean differ by a constant that does not matter",
    story=(
        "The log of the sum is returned twice. A mean is the sum divided by k, so its logarithm is smaller by log k: in a "
        "bound on log p(x) that is the difference between right and wrong."
    ),
    caught_by=(
        "agrees_with_adding_one_by_one", "right_far_out_and_at_infinity", "between_the_largest_and_its_k_fold",
    ),
)  # fmt: skip
def log_k_forgotten(a):
    log_sum = torch.logsumexp(a, -1)
    return log_sum, log_sum.clone()


@misconception(
    "log_sum_and_mean_exp",
    belief="dividing by k outside the logarithm gives the mean",
    story=(
        "The log of the sum is divided by k. It is the sum that is divided, inside the logarithm, where division turns into "
        "the subtraction of log k."
    ),
    caught_by=(
        "agrees_with_adding_one_by_one", "right_far_out_and_at_infinity", "between_the_largest_and_its_k_fold",
    ),
)  # fmt: skip
def divided_outside_the_log(a):
    log_sum = torch.logsumexp(a, -1)
    return log_sum, log_sum / a.shape[-1]


@misconception(
    "log_sum_and_mean_exp",
    belief="clamping keeps exp safe",
    story=(
        "Entries are clamped to ±80 before exp, so everything beyond counts as 80. Nothing overflows, and the number that "
        "comes back is wrong; subtracting the largest entry costs nothing and changes nothing."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def entries_clamped(a):
    exponentials = a.clamp(-80.0, 80.0).exp()
    return exponentials.sum(-1).log(), exponentials.mean(-1).log()


@misconception(
    "log_sum_and_mean_exp",
    belief="a small epsilon makes logarithms safe",
    story=(
        "1e-8 is added to the sum before the logarithm, which puts a floor of −18.4 under every result. Sums far smaller than "
        "that are the daily bread of this course."
    ),
    caught_by=("agrees_with_adding_one_by_one", "right_far_out_and_at_infinity", "evidence_of_the_small_model"),
    may_break=("between_the_largest_and_its_k_fold",),
)
def epsilon_in_the_log(a):
    return (a.exp().sum(-1) + 1e-8).log(), (a.exp().mean(-1) + 1e-8).log()


@misconception(
    "log_sum_and_mean_exp",
    belief="one maximum does for the whole batch",
    story=(
        "The largest entry of all rows is subtracted from each of them. In a row that lies far below it every exponential is "
        "zero, and the logarithm −∞: each row needs a maximum of its own."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def maximum_of_the_batch(a):
    largest = a.max()
    log_sum = (a - largest).exp().sum(-1).log() + largest
    return log_sum, log_sum - math.log(a.shape[-1])


@misconception(
    "log_sum_and_mean_exp",
    belief="subtracting the mean is as good as subtracting the maximum",
    story=(
        "The mean of the row is taken out of the sum. That is allowed, and no protection: one entry far above the mean still "
        "overflows, and only the maximum makes every exponent at most 0."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def mean_subtracted(a):
    middle = a.mean(-1, keepdim=True)
    log_sum = (a - middle).exp().sum(-1).log() + middle.squeeze(-1)
    return log_sum, log_sum - math.log(a.shape[-1])


@misconception(
    "log_sum_and_mean_exp",
    belief="subtracting the maximum is safe for every row",
    story=(
        "In a row of −∞ alone, or with +∞ in it, the maximum is infinite, and ∞ − ∞ is NaN. Subtract the maximum only where "
        "it is finite."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def infinite_maximum_subtracted(a):
    largest = a.max(-1, keepdim=True).values
    log_sum = (a - largest).exp().sum(-1).log() + largest.squeeze(-1)
    return log_sum, log_sum - math.log(a.shape[-1])


@misconception(
    "log_sum_and_mean_exp",
    belief="what is computed with plain numbers is as good",
    story=(
        "The values are right and have no slope: they were detached from the graph on the way. A training loss made of them "
        "would not learn anything."
    ),
    caught_by=("agrees_with_adding_one_by_one", "right_far_out_and_at_infinity"),
)
def without_a_slope(a):
    log_sum = torch.logsumexp(a.detach(), -1)
    return log_sum, log_sum - math.log(a.shape[-1])


@misconception(
    "log_sum_and_mean_exp",
    belief="what has the right values has the right slopes",
    story=(
        "Entries are added two at a time with logaddexp. The values are right, but the slope of logaddexp(−∞, −∞) is NaN: "
        "what is infinite must be kept out of the graph."
    ),
    caught_by=("right_far_out_and_at_infinity",),
)
def two_at_a_time(a):
    log_sum = a[:, 0]
    for j in range(1, a.shape[-1]):
        log_sum = torch.logaddexp(log_sum, a[:, j])
    return log_sum, log_sum - math.log(a.shape[-1])


@misconception(
    "log_sum_and_mean_exp",
    belief="a loss is one number for the whole batch",
    story=(
        "The rows are averaged, so that every row gets the batch's mean. Rows have nothing to do with each other: one number "
        "a row is asked."
    ),
    caught_by=("agrees_with_adding_one_by_one", "right_far_out_and_at_infinity", "evidence_of_the_small_model"),
    may_break=("between_the_largest_and_its_k_fold",),
    read_on="Conventions, for all exercises",
)
def mean_over_the_batch(a):
    log_sum = torch.logsumexp(a, -1).mean().expand(len(a))
    return log_sum, log_sum - math.log(a.shape[-1])


# ---- log_density_of_all: right -------------------------------------------------------------------------------------------


@variation("log_density_of_all", "a loop over points and Gaussians with torch.distributions")
def loop_over_both(x, mu, log_var):
    rows = []
    for point in x:
        rows.append(
            torch.stack([Normal(m, (s / 2).exp()).log_prob(point).sum() for m, s in zip(mu, log_var, strict=True)])
        )
    return torch.stack(rows)


@variation("log_density_of_all", "torch.distributions, broadcast")
def with_independent(x, mu, log_var):
    return Independent(Normal(mu, (log_var / 2).exp()), 1).log_prob(x.unsqueeze(1))


@variation("log_density_of_all", "the square multiplied out, as matrix products")
def multiplied_out(x, mu, log_var):
    precision = (-log_var).exp()
    squares = x**2 @ precision.T - 2 * x @ (mu * precision).T + (mu**2 * precision).sum(-1)
    return -(squares + log_var.sum(-1) + x.shape[-1] * math.log(2 * math.pi)) / 2


# ---- log_density_of_all: wrong -------------------------------------------------------------------------------------------


def squared_distances(x, mu, log_var):
    """(xᵢ − μⱼ)²/σⱼ² for all i and j, dimension by dimension."""
    return (x[:, None] - mu) ** 2 * torch.exp(-log_var)


@misconception(
    "log_density_of_all",
    belief="constants do not matter",
    story=(
        "log 2π is left out. It does not move the maximum, but a density without it has the wrong area, and numbers of nats "
        "that are to be compared need every constant."
    ),
    caught_by=("agrees_with_one_at_a_time", "every_density_has_area_one"),
)
def two_pi_forgotten(x, mu, log_var):
    return -(squared_distances(x, mu, log_var) + log_var).sum(-1) / 2


@misconception(
    "log_density_of_all",
    belief="log 2π comes once for each density",
    story=(
        "½ log 2π is subtracted once, whatever d is. Every dimension has a normalising constant of its own, so there are d of "
        "them."
    ),
    caught_by=("agrees_with_one_at_a_time",),
)
def two_pi_once(x, mu, log_var):
    return -(squared_distances(x, mu, log_var) + log_var).sum(-1) / 2 - math.log(2 * math.pi) / 2


@misconception(
    "log_density_of_all",
    belief="log_var is the logarithm of σ",
    story=(
        "The log-variance is read as log σ, so that σ² = exp(2·log_var). It is log σ²: its exponential is the variance, and "
        "half of it is log σ."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density"),
)
def log_variance_as_log_sigma(x, mu, log_var):
    per_dimension = squared_distances(x, mu, 2 * log_var) / 2 + log_var + math.log(2 * math.pi) / 2
    return -per_dimension.sum(-1)


@misconception(
    "log_density_of_all",
    belief="the distance is divided by σ",
    story=(
        "The squared distance is divided by σ where it should be by σ². Distances are measured in units of σ, and then "
        "squared."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density", "every_density_has_area_one"),
)
def divided_by_sigma(x, mu, log_var):
    squares = (x[:, None] - mu) ** 2 / torch.exp(log_var / 2)
    return -(squares + log_var + math.log(2 * math.pi)).sum(-1) / 2


@misconception(
    "log_density_of_all",
    belief="the ½ belongs to the square alone",
    story=(
        "log σ² is subtracted in full, without its ½. The density is divided by σ, whose logarithm is half of log σ²."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density", "every_density_has_area_one"),
)
def half_on_the_square_only(x, mu, log_var):
    per_dimension = squared_distances(x, mu, log_var) / 2 + log_var + math.log(2 * math.pi) / 2
    return -per_dimension.sum(-1)


@misconception(
    "log_density_of_all",
    belief="dimensions are averaged",
    story=(
        "The d dimensions are averaged. They are independent, so their densities multiply and their log-densities add up; a "
        "mean makes the number too small by a factor d."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density"),
)
def mean_over_dimensions(x, mu, log_var):
    return -(squared_distances(x, mu, log_var) + log_var + math.log(2 * math.pi)).mean(-1) / 2


@misconception(
    "log_density_of_all",
    belief="reshape turns a table on its side",
    story=(
        "The table was made with the Gaussians in rows, and brought into the shape n × k by reshape. That keeps the numbers in "
        "their order and breaks the rows elsewhere; rows and columns are exchanged by .T or .mT."
    ),
    caught_by=("agrees_with_one_at_a_time",),
)
def reshaped_for_transposed(x, mu, log_var):
    squares = (x - mu[:, None]) ** 2 * torch.exp(-log_var[:, None])
    table = -(squares + log_var[:, None] + math.log(2 * math.pi)).sum(-1) / 2
    return table.reshape(len(x), len(mu))


@misconception(
    "log_density_of_all",
    belief="the density is asked, not its logarithm",
    story=(
        "The density itself comes back. In many dimensions it underflows to zero or overflows to infinity; its logarithm "
        "stays a number of moderate size."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density", "every_density_has_area_one"),
)
def density_without_log(x, mu, log_var):
    return (-(squared_distances(x, mu, log_var) + log_var + math.log(2 * math.pi)).sum(-1) / 2).exp()


@misconception(
    "log_density_of_all",
    belief="log-variances are clamped to be safe",
    story=(
        "Log-variances beyond ±20 are cut off. Beyond that the values are wrong and the slopes zero, so that training would "
        "never find its way back."
    ),
    caught_by=("agrees_with_one_at_a_time", "slopes_are_those_of_the_log_density"),
)
def log_variances_clamped(x, mu, log_var):
    safe = log_var.clamp(-20.0, 20.0)
    return -(squared_distances(x, mu, safe) + safe + math.log(2 * math.pi)).sum(-1) / 2


@misconception(
    "log_density_of_all",
    belief="the variance is a constant of the model",
    story=(
        "The variance is detached, so no gradient reaches log_var. The values are right, and a model trained with them would "
        "never learn how sure it may be."
    ),
    caught_by=("slopes_are_those_of_the_log_density",),
)
def variance_detached(x, mu, log_var):
    fixed = log_var.detach()
    return -(squared_distances(x, mu, fixed) + fixed + math.log(2 * math.pi)).sum(-1) / 2


# ---- condition_gaussian: right -------------------------------------------------------------------------------------------


@variation("condition_gaussian", "a loop over rows, with a Cholesky factor of cov_bb")
def loop_with_cholesky(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    means, covs = [], []
    for m_a, m_b, aa, ab, bb, x in zip(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b, strict=True):
        factor = torch.linalg.cholesky(bb)
        means.append(m_a + ab @ torch.cholesky_solve((x - m_b)[:, None], factor)[:, 0])
        covs.append(aa - ab @ torch.cholesky_solve(ab.T, factor))
    return torch.stack(means), torch.stack(covs)


@variation("condition_gaussian", "the blocks of the joint's inverse, its precision")
def by_precision(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    joint = torch.cat([torch.cat([cov_aa, cov_ab], 2), torch.cat([cov_ab.mT, cov_bb], 2)], 1)
    precision = torch.linalg.inv(joint)
    a = mu_a.shape[-1]
    cov = torch.linalg.inv(precision[:, :a, :a])
    shift = cov @ precision[:, :a, a:] @ (x_b - mu_b).unsqueeze(-1)
    return mu_a - shift.squeeze(-1), cov


@variation("condition_gaussian", "the inverse of cov_bb and einsum, in float64")
def with_inverse(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.einsum("nab,nbc->nac", cov_ab.double(), cov_bb.double().inverse())
    mean = mu_a + torch.einsum("nab,nb->na", gain, x_b.double() - mu_b.double())
    return mean, cov_aa - torch.einsum("nab,ncb->nac", gain, cov_ab.double())


# ---- condition_gaussian: wrong -------------------------------------------------------------------------------------------

ALWAYS = ("undoes_how_a_was_made", "what_b_explains_and_what_is_left", "two_numbers_by_hand")
"""The laws of conditioning that see almost everything."""


@misconception(
    "condition_gaussian",
    belief="conditioning moves the mean and leaves the covariance",
    story=(
        "cov_aa comes back, the covariance of a before b was seen. Knowing b takes some of the uncertainty away: "
        "Σ_ab Σ_bb⁻¹ Σ_ba of it."
    ),
    caught_by=ALWAYS,
)
def covariance_of_the_marginal(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa.clone()


@misconception(
    "condition_gaussian",
    belief="the observation itself moves the mean",
    story=(
        "The gain is multiplied by x_b where it should be by x_b − μ_b. Only the surprise moves the mean: if b is just what "
        "was expected, a stays where it was."
    ),
    caught_by=ALWAYS,
)
def observation_not_centred(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    return mu_a + (gain @ x_b.unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="it is the covariance of a that is inverted",
    story=(
        "Σ_aa is inverted in the place of Σ_bb. What is observed is b: its surprise is measured in units of its own spread."
    ),
    caught_by=ALWAYS,
)
def wrong_block_inverted(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_aa, cov_ab)
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="covariances are multiplied, and nothing needs inverting",
    story=(
        "Σ_ab Σ_bb takes the place of Σ_ab Σ_bb⁻¹. A larger spread of b makes a given surprise mean less, not more."
    ),
    caught_by=("undoes_how_a_was_made", "what_b_explains_and_what_is_left"),
    may_break=("two_numbers_by_hand",),
)
def inverse_forgotten(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = cov_ab @ cov_bb
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="the entries of b can be used one by one",
    story=(
        "Only the diagonal of Σ_bb is used, as if the entries of b were independent. Where they are not, they tell the same "
        "thing twice, and it is counted twice."
    ),
    caught_by=("undoes_how_a_was_made", "what_b_explains_and_what_is_left"),
)
def correlations_in_b_ignored(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = cov_ab / cov_bb.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="what was explained is added",
    story=("Σ_ab Σ_bb⁻¹ Σ_ba is added to Σ_aa. Seeing b can only take uncertainty away, never add to it."),
    caught_by=ALWAYS,
)
def explained_part_added(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa + gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="the mean moves away from the surprise",
    story=(
        "The sign of the shift is wrong: the mean is μ_a − Σ_ab Σ_bb⁻¹ (x_b − μ_b). With a positive covariance a large b "
        "speaks for a large a; a minus stands in the form with precisions, where Λ_ab has the other sign."
    ),
    caught_by=("undoes_how_a_was_made", "two_numbers_by_hand"),
)
def shift_with_the_wrong_sign(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    return mu_a - (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="a surprising observation makes less certain",
    story=(
        "The covariance grows with the distance of x_b from μ_b. For Gaussians it does not depend on what was observed at "
        "all: how much will be learnt is known beforehand."
    ),
    caught_by=ALWAYS,
)
def surprise_adds_uncertainty(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    shift = gain @ (x_b - mu_b).unsqueeze(-1)
    return mu_a + shift.squeeze(-1), cov_aa - gain @ cov_ab.mT + shift @ shift.mT


@misconception(
    "condition_gaussian",
    belief="a jitter on the diagonal does no harm",
    story=(
        "1e-6 is added to the diagonal of Σ_bb before it is inverted. Where b is measured in units that make its variance as "
        "small as that, the jitter is larger than the variance itself."
    ),
    caught_by=("undoes_how_a_was_made",),
    may_break=("what_b_explains_and_what_is_left", "two_numbers_by_hand"),
)
def jitter_on_the_diagonal(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    safe = cov_bb + 1e-6 * torch.eye(cov_bb.shape[-1], dtype=cov_bb.dtype)
    gain = torch.linalg.solve(safe, cov_ab.mT).mT
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


@misconception(
    "condition_gaussian",
    belief="the block of the inverse is the covariance that is left",
    story=(
        "The block of the joint's inverse that belongs to a comes back. That is the precision of p(a | b): its inverse is the "
        "covariance."
    ),
    caught_by=ALWAYS,
)
def precision_for_covariance(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    left = cov_aa - gain @ cov_ab.mT
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), torch.linalg.inv(left)


# ---- gaussian_product: right ---------------------------------------------------------------------------------------------


@variation("gaussian_product", "as a Kalman filter's update, with a gain")
def as_a_kalman_update(mu_1, var_1, mu_2, var_2):
    gain = var_1 / (var_1 + var_2)
    log_z = Normal(mu_1, (var_1 + var_2).sqrt()).log_prob(mu_2).sum(-1)
    return mu_1 + gain * (mu_2 - mu_1), (1 - gain) * var_1, log_z


@variation("gaussian_product", "precisions, and log Z read off at the product's mean")
def read_off_at_the_mean(mu_1, var_1, mu_2, var_2):
    var = 1 / (1 / var_1 + 1 / var_2)
    mu = var * (mu_1 / var_1 + mu_2 / var_2)
    factors = Normal(mu_1, var_1.sqrt()).log_prob(mu) + Normal(mu_2, var_2.sqrt()).log_prob(mu)
    return mu, var, (factors + 0.5 * torch.log(2 * math.pi * var)).sum(-1)


@variation("gaussian_product", "a loop over rows and dimensions in plain Python")
def loop_over_entries(mu_1, var_1, mu_2, var_2):
    means, variances, logs = [], [], []
    for row in zip(mu_1.tolist(), var_1.tolist(), mu_2.tolist(), var_2.tolist(), strict=True):
        entries = list(zip(*row, strict=True))
        means.append([(m * t + n * s) / (s + t) for m, s, n, t in entries])
        variances.append([s * t / (s + t) for _, s, _, t in entries])
        logs.append(
            sum(-0.5 * math.log(2 * math.pi * (s + t)) - (m - n) ** 2 / (2 * (s + t)) for m, s, n, t in entries)
        )
    return mu_1.new_tensor(means), mu_1.new_tensor(variances), mu_1.new_tensor(logs)


# ---- gaussian_product: wrong ---------------------------------------------------------------------------------------------

MEANS_AND_VARIANCES = ("peak_and_curvature_of_the_product", "equal_at_every_x")
"""The laws that see a wrong mean or variance of the product."""


def mean_and_variance(mu_1, var_1, mu_2, var_2):
    """The product's mean and variance."""
    return (mu_1 * var_2 + mu_2 * var_1) / (var_1 + var_2), var_1 * var_2 / (var_1 + var_2)


def overlap(mu_1, var_1, mu_2, var_2):
    """log Z, dimension by dimension."""
    return -(torch.log(2 * math.pi * (var_1 + var_2)) + (mu_1 - mu_2) ** 2 / (var_1 + var_2)) / 2


@misconception(
    "gaussian_product",
    belief="the product of two densities is a density",
    story=(
        "log Z is returned as 0. The area under the product is not 1: it says how well the two Gaussians agree, and in weeks "
        "to come it is the probability of an observation."
    ),
    caught_by=("z_is_the_area_under_the_product", "equal_at_every_x"),
)
def z_forgotten(mu_1, var_1, mu_2, var_2):
    mu, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return mu, var, torch.zeros_like(mu[:, 0])


@misconception(
    "gaussian_product",
    belief="variances add up",
    story=(
        "σ₁² + σ₂² comes back, the variance of a sum of two numbers. In a product of densities the precisions 1/σ² add up: two "
        "opinions make surer than one."
    ),
    caught_by=(*MEANS_AND_VARIANCES, "surer_than_either"),
)
def variances_added(mu_1, var_1, mu_2, var_2):
    mu, _ = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return mu, var_1 + var_2, overlap(mu_1, var_1, mu_2, var_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="the mean of the product is the mean of the means",
    story=(
        "The plain average of the two means is returned. Each mean counts by its precision 1/σ²: who is surer pulls harder."
    ),
    caught_by=MEANS_AND_VARIANCES,
)
def mean_of_the_means(mu_1, var_1, mu_2, var_2):
    _, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return (mu_1 + mu_2) / 2, var, overlap(mu_1, var_1, mu_2, var_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="each mean counts by its variance",
    story=(
        "The means are weighted by their own variances, so that the vaguer one pulls harder. The weights are the precisions "
        "1/σ²: in (μ₁σ₂² + μ₂σ₁²)/(σ₁² + σ₂²) each mean stands with the other's variance."
    ),
    caught_by=MEANS_AND_VARIANCES,
)
def weights_exchanged(mu_1, var_1, mu_2, var_2):
    _, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return (mu_1 * var_1 + mu_2 * var_2) / (var_1 + var_2), var, overlap(mu_1, var_1, mu_2, var_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="var is a standard deviation",
    story=(
        "The arguments are squared as if they were standard deviations. They are variances: σ², as their name says."
    ),
    caught_by=(*MEANS_AND_VARIANCES, "z_is_the_area_under_the_product", "surer_than_either"),
)
def variances_squared(mu_1, var_1, mu_2, var_2):
    mu, var = mean_and_variance(mu_1, var_1**2, mu_2, var_2**2)
    return mu, var, overlap(mu_1, var_1**2, mu_2, var_2**2).sum(-1)


@misconception(
    "gaussian_product",
    belief="what comes back is a standard deviation",
    story=(
        "The square root of the product's variance is returned. Variances are asked, as they were given: keep the same "
        "quantity on the way in and on the way out."
    ),
    caught_by=MEANS_AND_VARIANCES,
    may_break=("surer_than_either",),
)
def std_returned(mu_1, var_1, mu_2, var_2):
    mu, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return mu, var.sqrt(), overlap(mu_1, var_1, mu_2, var_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="precisions are averaged",
    story=(
        "The harmonic mean of the variances comes back, twice what it should be. Precisions add up: nothing divides them by "
        "two, and two equal Gaussians have a product of half their variance."
    ),
    caught_by=(*MEANS_AND_VARIANCES, "surer_than_either"),
)
def precisions_averaged(mu_1, var_1, mu_2, var_2):
    mu, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return mu, 2 * var, overlap(mu_1, var_1, mu_2, var_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="log Z is averaged over dimensions",
    story=(
        "The log Z of the d dimensions are averaged. The areas of independent dimensions multiply, so their logarithms add "
        "up."
    ),
    caught_by=("z_is_the_area_under_the_product", "equal_at_every_x"),
)
def log_z_averaged(mu_1, var_1, mu_2, var_2):
    return *mean_and_variance(mu_1, var_1, mu_2, var_2), overlap(mu_1, var_1, mu_2, var_2).mean(-1)


@misconception(
    "gaussian_product",
    belief="constants do not matter",
    story=(
        "log 2π is missing in log Z, one half of it for every dimension. Without it Z is not the area under the product."
    ),
    caught_by=("z_is_the_area_under_the_product", "equal_at_every_x"),
)
def two_pi_missing_in_z(mu_1, var_1, mu_2, var_2):
    total = var_1 + var_2
    log_z = -(total.log() + (mu_1 - mu_2) ** 2 / total).sum(-1) / 2
    return *mean_and_variance(mu_1, var_1, mu_2, var_2), log_z


@misconception(
    "gaussian_product",
    belief="Z is measured with the width of the product",
    story=(
        "log Z is computed with the product's variance in the place of σ₁² + σ₂². Z asks how far apart the means are for two "
        "independent draws, whose difference has the *sum* of the variances."
    ),
    caught_by=("z_is_the_area_under_the_product", "equal_at_every_x"),
)
def z_with_the_products_variance(mu_1, var_1, mu_2, var_2):
    mu, var = mean_and_variance(mu_1, var_1, mu_2, var_2)
    return mu, var, Normal(mu_1, var.sqrt()).log_prob(mu_2).sum(-1)


@misconception(
    "gaussian_product",
    belief="the area is asked, not its logarithm",
    story=(
        "Z comes back in the place of log Z. In many dimensions Z underflows; the logarithm adds up over dimensions and stays "
        "a moderate number."
    ),
    caught_by=("z_is_the_area_under_the_product", "equal_at_every_x"),
)
def z_without_log(mu_1, var_1, mu_2, var_2):
    return *mean_and_variance(mu_1, var_1, mu_2, var_2), overlap(mu_1, var_1, mu_2, var_2).sum(-1).exp()


# ---- planar: right -------------------------------------------------------------------------------------------------------


@variation("planar", "autograd and slogdet, in a loop over points")
def loop_with_autograd(z, u, w, b):
    def one(point):
        return point + u * torch.tanh(w @ point + b)

    jacobian = torch.stack([torch.func.jacrev(one)(point) for point in z])
    return torch.stack([one(point) for point in z]), jacobian, torch.linalg.slogdet(jacobian).logabsdet


@variation("planar", "the slope as 1/cosh², outer products by einsum, det and abs")
def with_cosh(z, u, w, b):
    along = z @ w + b
    slope = torch.cosh(along) ** -2.0
    jacobian = torch.eye(z.shape[-1], dtype=z.dtype) + torch.einsum("n,i,j->nij", slope, u, w)
    return z + torch.einsum("n,i->ni", torch.tanh(along), u), jacobian, torch.linalg.det(jacobian).abs().log()


@variation("planar", "log|det| by the product of eigenvalues, in float64")
def with_eigenvalues(z, u, w, b):
    height = torch.tanh(z.double() @ w.double() + b.double())
    jacobian = torch.eye(len(u)).double() + (1 - height**2)[:, None, None] * torch.outer(u, w).double()
    return z + height[:, None] * u, jacobian, torch.linalg.eigvals(jacobian).abs().log().sum(-1)


# ---- planar: wrong -------------------------------------------------------------------------------------------------------

EVERY_PLANAR = ("agrees_with_autograd", "a_fold_has_a_volume_too", "by_hand_where_tanh_is_steepest")


def parts(z, u, w, b):
    """The point that it goes to, tanh's slope there, and the Jacobian."""
    height = torch.tanh(z @ w + b)
    slope = 1 - height**2
    jacobian = torch.eye(len(u), dtype=z.dtype) + slope[:, None, None] * torch.outer(u, w)
    return z + height[:, None] * u, slope, jacobian


@misconception(
    "planar",
    belief="a determinant is positive",
    story=(
        "The logarithm of the determinant is taken without its absolute value, an error that stands in printed lecture notes, "
        "too. Where the map folds space the determinant is negative, and its logarithm NaN."
    ),
    caught_by=("a_fold_has_a_volume_too", "by_hand_where_tanh_is_steepest"),
)
def determinant_without_its_absolute_value(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian, torch.linalg.det(jacobian).log()


@misconception(
    "planar",
    belief="a negative determinant means no volume",
    story=(
        "Determinants are clamped at 1e-6 before the logarithm, so a fold counts as if it crushed everything. A negative "
        "determinant turns space over; how much volume there is afterwards its absolute value says."
    ),
    caught_by=("a_fold_has_a_volume_too", "by_hand_where_tanh_is_steepest"),
)
def determinant_clamped(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian, torch.linalg.det(jacobian).clamp_min(1e-6).log()


@misconception(
    "planar",
    belief="the trace measures the change of volume",
    story=(
        "log|trace| is returned for log|det|. The trace adds the eigenvalues, the determinant multiplies them: only their "
        "product says how volumes change."
    ),
    caught_by=EVERY_PLANAR,
)
def trace_for_determinant(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian, jacobian.diagonal(dim1=-2, dim2=-1).sum(-1).abs().log()


@misconception(
    "planar",
    belief="log det(I + A) is the trace of A",
    story=(
        "uᵀw·tanh′ is returned, the first term of log(1 + uᵀw·tanh′). It is right for small bends alone; here they are as "
        "large as one likes."
    ),
    caught_by=EVERY_PLANAR,
)
def first_order_only(z, u, w, b):
    x, slope, jacobian = parts(z, u, w, b)
    return x, jacobian, slope * (u @ w)


@misconception(
    "planar",
    belief="the Jacobian has one row for each entry of z",
    story=(
        "The Jacobian comes back transposed: entry (i, j) is the slope of x_j in z_i. Rows belong to outputs and columns to "
        "inputs, so that J·dz is the step that x makes; the determinant does not notice."
    ),
    caught_by=EVERY_PLANAR,
    may_break=("jacobian_is_the_slope_of_x",),
)
def jacobian_transposed(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian.mT.contiguous(), torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="only the bend has a slope",
    story=(
        "The identity is missing in the Jacobian: x = z + … moves with z itself, too. Without it the matrix has rank one, and "
        "in more than one dimension no volume would be left."
    ),
    caught_by=EVERY_PLANAR,
    may_break=("jacobian_is_the_slope_of_x",),
)
def identity_forgotten(z, u, w, b):
    x, slope, jacobian = parts(z, u, w, b)
    bend = slope[:, None, None] * torch.outer(u, w)
    return x, bend, torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="tanh has the slope 1 − tanh",
    story=(
        "The slope of tanh is taken for 1 − tanh. It is 1 − tanh²: the same on both sides of zero, and never negative."
    ),
    caught_by=("agrees_with_autograd", "a_fold_has_a_volume_too"),
    may_break=("jacobian_is_the_slope_of_x",),
)
def slope_not_squared(z, u, w, b):
    height = torch.tanh(z @ w + b)
    jacobian = torch.eye(len(u), dtype=z.dtype) + (1 - height)[:, None, None] * torch.outer(u, w)
    return z + height[:, None] * u, jacobian, torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="a constant drops out of the derivative",
    story=(
        "tanh's slope is taken at wᵀz in the place of wᵀz + b. The derivative of b is zero, but b still decides where on its "
        "curve tanh is."
    ),
    caught_by=EVERY_PLANAR,
    may_break=("jacobian_is_the_slope_of_x",),
)
def offset_forgotten_in_the_slope(z, u, w, b):
    slope = 1 - torch.tanh(z @ w) ** 2
    jacobian = torch.eye(len(u), dtype=z.dtype) + slope[:, None, None] * torch.outer(u, w)
    return z + torch.tanh(z @ w + b)[:, None] * u, jacobian, torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="densities shrink where space grows, so the sign is negative",
    story=(
        "−log|det| comes back, by which the log-density of x differs from that of z. Asked is log|det| itself, the growth of "
        "volumes."
    ),
    caught_by=EVERY_PLANAR,
)
def correction_of_the_density(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian, -torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="tanh is written out with exponentials",
    story=(
        "(eᵃ − e⁻ᵃ)/(eᵃ + e⁻ᵃ) becomes ∞/∞ = NaN as soon as the exponentials overflow. torch.tanh knows better, and so does "
        "any form with exponents below zero only."
    ),
    caught_by=("agrees_with_autograd",),
)
def tanh_by_exponentials(z, u, w, b):
    along = z @ w + b
    height = (along.exp() - (-along).exp()) / (along.exp() + (-along).exp())
    jacobian = torch.eye(len(u), dtype=z.dtype) + (1 - height**2)[:, None, None] * torch.outer(u, w)
    return z + height[:, None] * u, jacobian, torch.linalg.slogdet(jacobian).logabsdet


@misconception(
    "planar",
    belief="the determinant is asked, not its logarithm",
    story=(
        "|det| comes back without the logarithm. Several maps after one another multiply their determinants; their logarithms "
        "simply add up."
    ),
    caught_by=EVERY_PLANAR,
)
def determinant_without_log(z, u, w, b):
    x, _, jacobian = parts(z, u, w, b)
    return x, jacobian, torch.linalg.det(jacobian).abs()


# ---- find_the_flaw -------------------------------------------------------------------------------------------------------


@variation("find_the_flaw", "the rule by another of its names")
def mended_by_another_name():
    return 7, "= E(p(z), p(x|z)*f(z))/E(p(z), p(x|z))    # by definition of expectation"


@variation("find_the_flaw", "the factors in another order")
def mended_with_factors_turned():
    return 7, "= E(p(z), p(x | z))**-1 * E(p(z), f(z)*p(x | z))   # expectation"


@misconception(
    "find_the_flaw",
    belief="adding up p(x | z) over z gives p(x)",
    story=(
        "The fifth line is right, p(x) is the sum of the joint over z. The sum of p(x | z) would let every z count the same."
    ),
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_marginal():
    return 5, "= sum(z, p(x, z)*f(z))/sum(z, p(x | z))   # marginal"


@misconception(
    "find_the_flaw",
    belief="p(x) may not leave a sum over z",
    story=(
        "The fourth line is right: p(x) does not depend on z, it has the same value in every term, so it may stand outside."
    ),
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_linearity():
    return 4, "= sum(z, p(x, z)*f(z))/sum(z, p(x))   # linearity"


@misconception(
    "find_the_flaw",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small. The first line, without a relation, has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def counts_from_zero():
    return 6, "= E(p(z), p(x | z)*f(z))/E(p(z), p(x | z))   # expectation"


@misconception(
    "find_the_flaw",
    belief="one of the two averages is right",
    story=(
        "The average above the line is mended, the one below is not. Both sums have the weights p(z), so both are averages under "
        "the prior."
    ),
    caught_by=("mended_it_is_a_derivation",),
)
def mended_above_only():
    return 7, "= E(p(z), p(x | z)*f(z))/E(p(z | x), p(x | z))   # expectation"


@misconception(
    "find_the_flaw",
    belief="a factor in two averages cancels",
    story=(
        "p(x | z) is cancelled above and below. It depends on z and stands inside two different averages; without it nothing is "
        "left of what was seen, and the average is that of the prior."
    ),
    caught_by=("mended_it_is_a_derivation",),
)
def likelihood_cancelled():
    return 7, "= E(p(z), f(z))   # expectation"


# ---- mutants of the solutions that are as right as they are --------------------------------------------------------------

SAME_AXIS = "the tensor has two axes, so that axis −1 is axis 1"

EQUIVALENT = [
    equivalent(
        "enumerate_model",
        was="joint = prior.unsqueeze(-1) * likelihood",
        becomes="joint = prior.unsqueeze(+1) * likelihood",
        why="of a vector, the new axis −1 is the new axis 1",
    ),
    equivalent(
        "log_sum_and_mean_exp",
        was="largest = a.detach().amax(-1, keepdim=True)",
        becomes="largest = a.detach().amax(+1, keepdim=True)",
        why=SAME_AXIS,
    ),
    equivalent(
        "log_sum_and_mean_exp",
        was="shift = torch.where(largest.isfinite(), largest, 0.0)",
        becomes=(
            "shift = torch.where(largest.isfinite(), largest, 1.0)",
            "shift = torch.where(largest.isfinite(), largest, -1.0)",
        ),
        why="beside an infinite largest entry any finite shift gives the same ±∞",
    ),
    equivalent(
        "log_sum_and_mean_exp",
        was="log_sum = (a - shift).exp().sum(-1).log() + shift.squeeze(-1)",
        becomes=(
            "log_sum = (a - shift).exp().sum(+1).log() + shift.squeeze(-1)",
            "log_sum = (a - shift).exp().sum(-1).log() + shift.squeeze(+1)",
        ),
        why=SAME_AXIS,
    ),
    equivalent(
        "log_sum_and_mean_exp",
        was="return log_sum, log_sum - math.log(a.shape[-1])",
        becomes="return log_sum, log_sum - math.log(a.shape[+1])",
        why=SAME_AXIS,
    ),
    equivalent(
        "gaussian_product",
        was="return mu, var_1 * var_2 / total, log_z.sum(-1)",
        becomes="return mu, var_1 * var_2 / total, log_z.sum(+1)",
        why=SAME_AXIS,
    ),
]
