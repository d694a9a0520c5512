"""The parts of the backend for OpenAI-compatible APIs: connection, payload, upload, create, follow, explain."""
