"""Secrets and personal data: finding them, hiding them, taking them out."""

from tunelint.checks.privacy.masking import mask, mask_around
from tunelint.checks.privacy.rules import personal_data, secret

__all__ = ["mask", "mask_around", "personal_data", "secret"]
