"""Self-Attention Generative Adversarial Networks for TensorFlow 2."""
