"""A machine-learning project: data, training, evaluation and a service, behind one command."""
