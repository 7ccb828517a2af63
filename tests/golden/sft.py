"""Reference of supervised fine-tuning: 100 steps of the tiny models of make.py in f32, with
ragged documents, a prompt that is not learnt, two micro-batches a step whose loss is normalised by
the learnt tokens of both, global gradient-norm clipping, warm-up and cosine with a floor, and
decoupled weight decay of matrices only.

    pip install torch transformers safetensors numpy
    python sft.py                    # writes sft_qwen2.json and sft_llama.json beside this file
    pip install trl datasets accelerate
    python sft.py --trl              # runs the same through TRL's SFTTrainer, and compares

The documents are a formula, so that the test makes the same ones (tests/tests/sft.rs).
"""

import argparse
import json
import math
import pathlib
import tempfile

import torch
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
SETTINGS = dict(
    steps=100,
    micro_batches=2,
    documents=4,
    learning_rate=8e-3,
    floor=0.1,
    warmup=10,
    betas=(0.9, 0.95),
    epsilon=1e-8,
    weight_decay=0.1,
    max_grad_norm=1.0,
)
IGNORED = -100


class Numbers:
    """The linear congruential generator of Knuth's MMIX."""

    def __init__(self, seed):
        self.state = seed

    def next(self, below):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % below


def document(numbers):
    """Ids that climb by a stride, one in eight of them random; the first third is the prompt."""
    length = 5 + numbers.next(56)
    start, stride = numbers.next(256), 1 + numbers.next(4)
    ids = [
        numbers.next(256) if numbers.next(8) == 0 else (start + stride * i) % 256
        for i in range(length)
    ]
    return ids, [3 * i >= length for i in range(length)]


def documents():
    numbers = Numbers(7)
    count = SETTINGS["steps"] * SETTINGS["micro_batches"] * SETTINGS["documents"]
    return [document(numbers) for _ in range(count)]


def padded(batch):
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in batch])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in batch])
    labels = torch.tensor(
        [
            [i if l else IGNORED for i, l in zip(ids, learnt)] + [IGNORED] * (width - len(ids))
            for ids, learnt in batch
        ]
    )
    return ids, mask, labels


def learning_rate(step):
    warmup, steps, floor = SETTINGS["warmup"], SETTINGS["steps"], SETTINGS["floor"]
    if step < warmup:
        return SETTINGS["learning_rate"] * step / warmup
    progress = (step - warmup) / (steps - warmup)
    return SETTINGS["learning_rate"] * (floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2)


def decayed(name):
    return "norm" not in name and not name.endswith("bias")


def load(name):
    return AutoModelForCausalLM.from_pretrained(
        HERE / name, dtype=torch.float32, attn_implementation="eager"
    )


def plain(name):
    model = load(name).train()
    groups = [
        {
            "params": [p for n, p in model.named_parameters() if decayed(n) == decays],
            "weight_decay": SETTINGS["weight_decay"] if decays else 0.0,
        }
        for decays in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, betas=SETTINGS["betas"], eps=SETTINGS["epsilon"])
    data = iter(documents())
    losses, norms = [], []
    for step in range(SETTINGS["steps"]):
        parts = [
            padded([next(data) for _ in range(SETTINGS["documents"])])
            for _ in range(SETTINGS["micro_batches"])
        ]
        learnt = sum((labels[:, 1:] != IGNORED).sum().item() for _, _, labels in parts)
        total = 0.0
        for ids, mask, labels in parts:
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
            loss = torch.nn.functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]),
                labels[:, 1:].reshape(-1),
                ignore_index=IGNORED,
                reduction="sum",
            )
            (loss / learnt).backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["max_grad_norm"])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(total / learnt)
        norms.append(norm.item())
    return losses, norms


def trl(name):
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    class InOrder(SFTTrainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    data = documents()
    rows = Dataset.from_dict(
        {
            "input_ids": [ids for ids, _ in data],
            "completion_mask": [[int(l) for l in learnt] for _, learnt in data],
        }
    )
    words = Tokenizer(models.WordLevel({f"t{i}": i for i in range(264)}, unk_token="t0"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="t257", pad_token="t0", unk_token="t0"
    )
    arguments = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=SETTINGS["documents"],
        gradient_accumulation_steps=SETTINGS["micro_batches"],
        max_steps=SETTINGS["steps"],
        learning_rate=SETTINGS["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": SETTINGS["floor"]},
        warmup_steps=SETTINGS["warmup"],
        adam_beta1=SETTINGS["betas"][0],
        adam_beta2=SETTINGS["betas"][1],
        adam_epsilon=SETTINGS["epsilon"],
        weight_decay=SETTINGS["weight_decay"],
        max_grad_norm=SETTINGS["max_grad_norm"],
        completion_only_loss=True,
        gradient_checkpointing=False,
        max_length=None,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    )
    trainer = InOrder(load(name), arguments, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
    logged = [row for row in trainer.state.log_history if "loss" in row]
    return [row["loss"] for row in logged], [row["grad_norm"] for row in logged]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trl", action="store_true", help="compare TRL's losses with the files")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    for name in ("qwen2", "llama"):
        path = HERE / f"sft_{name}.json"
        if arguments.trl:
            golden = json.loads(path.read_text())
            losses, norms = trl(name)
            worst = max(abs(a - b) for a, b in zip(losses, golden["losses"], strict=True))
            print(name, "largest difference of a loss between TRL and the plain loop:", worst)
        else:
            losses, norms = plain(name)
            rates = [learning_rate(step) for step in range(SETTINGS["steps"])]
            golden = dict(settings=SETTINGS, losses=losses, norms=norms, learning_rates=rates)
            path.write_text(json.dumps(golden, indent=1) + "\n")
            print(name, "losses", losses[0], losses[-1], "norms", norms[0], norms[-1])
