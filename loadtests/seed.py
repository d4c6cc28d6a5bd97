"""The one seed of a run: what is drawn at random (sampled answers) is drawn from it."""

SEED = 20_260
