"""Makes the tiny tokenizers of these tests, and the ids that Hugging Face's tokenizers gives.

    pip install tokenizers==0.23.3
    python make_tokenizers.py

Writes one `<name>.json` for each kind of vocabulary the students use, and `tokenizers.jsonl` with
one line for each text: `{"tokenizer", "text", "parse": ids, "as_text": ids}`; no special tokens
are added. Training is deterministic.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

HERE = Path(__file__).parent

CORPUS = [
    "The quick brown fox jumps over the lazy dog. The dog doesn't mind; it's asleep.",
    "So we have x = 12345 and y = 678, hence x + y = 13023. Let's check: 12345 + 678 = 13023.",
    "Wait, that's wrong. Let me think again.\n\nFirst, the sum.\n\nThen, the product.",
    "def main():\n    for i in range(10):\n        print(i)\n\n    return None\n",
    "Größe, café, naïve, Straße. Привет, мир! 你好，世界。こんにちは 🦙🦙",
    "\\frac{1}{2} + \\sqrt{3} = \\boxed{42}",
    "I'LL SHOUT, WE'VE SHOUTED, DON'T SHOUT",
] * 3

# Contractions in either case, one or three digits a word, newlines kept together.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

TEXTS = [
    "",
    " ",
    "\n",
    "The quick brown fox",
    "  leading and   inner spaces  ",
    "a\n\n\nb\r\nc\t\td \n x",
    "1234567890 3.14159 1,000,000 ½ ²",
    "it's IT'S we'll WE'LL don't o'clock 'tis ſ'ſ",
    "<|start|>user\nHi<|end|>\n<|start|>assistant\n<think>\nSo\n</think>\n\nYes<|end|>",
    "<|start|><|start|>x<|start<|start|>|><think></think>",
    "<think>not</think> a <|control|> token",
    "Größe cafe\u0301 e\u0301<think>e\u0301 \u1112\u1161\u11ab \u212b",
    "Привет мир 你好世界 🦙🦙🏽 ﷽ a\u0300\u0301\u0302",
    "\u00a0nbsp\u3000wide\u2028line\u2029par\u0085nel",
    "\\boxed{\\frac{1}{2}} $$x^2$$ <=> == !== ++--",
    "def f(x):\n\treturn {'a': [1, 2, 3]}  # ok\n\n\n",
    "\x00\x01\x1f\x7f control",
    "dog dogs Dog DOG doG",
]


def train(name, words, normalizer=None, digits=False, ignore_merges=False, begin=None):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    parts = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    if words:
        parts.append(pre_tokenizers.Split(Regex(words), "isolated"))
    parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not words))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=420,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    plain = lambda text: AddedToken(text, special=False, normalized=False)
    tokenizer.add_special_tokens(["<|begin|>", "<|start|>", "<|end|>"])
    tokenizer.add_tokens([plain("<think>"), plain("</think>")])
    if begin:
        # A token that no merge leads to: only `ignore_merges` finds it.
        data = json.loads(tokenizer.to_str())
        data["model"]["vocab"]["Ġasleep"] = 500
        tokenizer = Tokenizer.from_str(json.dumps(data))
        tokenizer.post_processor = processors.Sequence(
            [
                processors.ByteLevel(trim_offsets=False),
                processors.TemplateProcessing(
                    single=f"{begin} $A",
                    pair=f"{begin} $A {begin} $B:1",
                    special_tokens=[(begin, tokenizer.token_to_id(begin))],
                ),
            ]
        )
    tokenizer.save(str(HERE / f"{name}.json"), pretty=False)
    return tokenizer


def train_with_unknown(name):
    """A vocabulary that lacks most bytes, with a token for what it lacks."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=120, show_progress=False, special_tokens=["<unk>", "<|end|>"]
    )
    tokenizer.train_from_iterator(CORPUS[:3], trainer)
    tokenizer.save(str(HERE / f"{name}.json"), pretty=False)
    return tokenizer


def main():
    made = {
        "qwen2": train("qwen2", WORDS % "", normalizer=normalizers.NFC()),
        "llama-bpe": train("llama-bpe", WORDS % "{1,3}", ignore_merges=True, begin="<|begin|>"),
        "smollm": train("smollm", None, digits=True),
        "gpt-2": train("gpt-2", None),
        "unknown": train_with_unknown("unknown"),
    }
    with open(HERE / "tokenizers.jsonl", "w", encoding="utf-8") as out:
        for name, tokenizer in made.items():
            for text in TEXTS + CORPUS[:7]:
                row = {"tokenizer": name, "text": text}
                for key, as_text in (("parse", False), ("as_text", True)):
                    tokenizer.encode_special_tokens = as_text
                    row[key] = tokenizer.encode(text, add_special_tokens=False).ids
                out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
