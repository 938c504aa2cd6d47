"""The models of the course, done properly: one concept a file, to be read in one sitting.

    heads.py          what a decoder's output means: Bernoulli, continuous Bernoulli, Gaussian, categorical, several at once
    vae.py            the variational autoencoder: three distributions, and the bound as the formula has it
    bounds.py         the ELBO, the importance-weighted bound, and the likelihood with an error bar, in bounded memory
    estimators.py     the same gradient, estimated along the path, by the score, and with less noise
    schedules.py      free bits: what keeps a latent dimension alive
    autoencoders.py   plain, denoising, contractive: reconstruction without a distribution

It stands on `lab` (data, training loop, figures) and knows neither the units nor the autograder.
"""
