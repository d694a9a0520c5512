"""No test here may reach a model hub; the switch is read when the hub's client is first imported."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
