"""Texts with tiktoken's counts: how a fast counter shows at its start that it splits and merges as tiktoken does.

They hold what a byte pair encoder can get wrong: contractions in both cases, runs of white space with and without a word
behind, digits by threes, combining marks, scripts without spaces, emoji with joiners, code, special-token text, long runs.
The counts are those of tiktoken 0.14 (`len(encode_ordinary(text))`); a test counts them anew.
"""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: tuple[str, ...] = (
    "The quick brown fox jumps over the lazy dog; it's what they'd call a PANGRAM, isn't it?",
    "I'LL WE'VE DON'T she'll You'Re ’s ’LL 'S 'sS",
    "  leading,  double   triple    and trailing   ",
    "a\n\nb\r\n\r\n  c\t\td \n \n\n   e\n",
    " \t \xa0\u3000\u2028\u2029x \x85 y",
    "0 12 123 1234 12345678901234567890 3.14159 1e-10 0x1F 1,000,000 ²½ ٣٤٥ ४५६",
    "camelCase PascalCase snake_case SCREAMING_SNAKE kebab-case McDonaldsXMLHttpRequest2ÉcoleÀÉÎ",
    "def add(left, right):\n    return left + right  # sums\n\nprint(add(1, 2))\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i] * c[i]; }  // ----====////****\n\n\n",
    '{"messages": [{"role": "user", "content": "Hi\\n\\u00e9"}], "n": -1.5e3}',
    "<|endoftext|><|im_start|>system<|im_end|><|endofprompt|> [INST] </s>",
    "https://example.com/a/b?c=d&e=%20f#g C:\\Users\\me\\x.txt ~/.ssh/id",
    "Хорошая погода стоит уже третий день, и мы решили поехать за город. ПРИВЕТ-ЁЖИК їжак",
    "今天天气很好，我们决定全家一起去郊外走走。「こんにちは、世界」カタカナ 한국어 문장입니다.",
    "مرحبا بالعالم، كيف حالك؟ שלום עולם Γειά σου Κόσμε ΑΒΓ สว\u0e31สด\u0e35ชาวโลก नमस\u094dत\u0947 द\u0941न\u093fय\u093e क\u094dष\u093f",
    "Zażółć gęślą jaźń, Größe, naïve café, e\u0301a\u0300o\u0302, İstanbul ısı ǅ ŉ ﬁ",
    "👩\u200d👩\u200d👧 👍🏽 🇩🇪 😀😀😀 ♥\ufe0f → ≠ ∑ ½ ™ © “quoted” ‘single’ — – …",
    "zero\u200bwidth \ufeffbom soft\xadhyphen \u202ertl\u202c \x00\x01\x1f\x7f \x85",
    "� \U0010ffff \ue000 \ufdd0 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𐍈 𓀀",
    "a" * 300 + "b" * 7 + "ab" * 90,
    "=" * 100 + " " * 100 + "-" * 37 + "\n" * 50,
    "0" * 50 + "9" * 50,
    "supercalifragilisticexpialidocious antidisestablishmentarianism Donaudampfschifffahrtsgesellschaftskapitän",
    "T3BlbkFJx9Qz/+aGVsbG8gd29ybGQ= d41d8cd98f00b204e9800998ecf8427e 550e8400-e29b-41d4-a716-446655440000",
)
COUNTS: Mapping[str, tuple[int, ...]] = {
    "o200k_base": (22, 19, 11, 13, 10, 48, 26, 23, 35, 31, 31, 24, 30, 30, 35, 33, 38, 20, 54, 86, 10, 34, 28, 60),
    "cl100k_base": (25, 21, 11, 13, 11, 54, 25, 23, 35, 31, 31, 24, 50, 44, 79, 39, 49, 22, 54, 131, 10, 34, 33, 60),
}
