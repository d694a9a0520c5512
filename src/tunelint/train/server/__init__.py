"""`tunelint serve`: an OpenAI-compatible fine-tuning endpoint whose worker is the local backend."""
