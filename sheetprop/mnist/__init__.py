"""The MNIST half: data, networks, recipes, training and the record of a run."""
