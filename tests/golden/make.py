"""Golden files of the decoder: tiny random-weight Qwen2 and Llama-3.1 models, their logits, and the
losses of overfitting one batch, all from PyTorch and transformers in f32.

    pip install torch transformers safetensors numpy
    python make.py          # writes qwen2/ and llama/ beside this file
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent
SHAPE = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    attn_implementation="eager",
)
# Wavelengths of an 8-wide head span all three ranges of the scaling with these values.
LLAMA3_ROPE = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
STEPS = 20
ADAMW = dict(lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)


def qwen2():
    return Qwen2ForCausalLM(
        Qwen2Config(**SHAPE, rope_theta=10_000.0, rms_norm_eps=1e-6, tie_word_embeddings=True)
    )


def llama():
    return LlamaForCausalLM(
        LlamaConfig(
            **SHAPE,
            rope_theta=500.0,
            rope_scaling=LLAMA3_ROPE,
            rms_norm_eps=1e-5,
            tie_word_embeddings=False,
        )
    )


def randomise(model, generator):
    """Weights large enough that every part of the network matters, biases and norms too."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            else:
                parameter.copy_(noise * parameter.shape[-1] ** -0.5)


def overfit(model, ids):
    optimizer = torch.optim.AdamW(model.parameters(), **ADAMW)
    losses = []
    for _ in range(STEPS):
        logits = model(ids).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def write(name, model, seed):
    generator = torch.Generator().manual_seed(seed)
    model = model.float().eval()
    randomise(model, generator)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    tied = model.config.tie_word_embeddings
    state = {k: v.clone() for k, v in model.state_dict().items() if not (tied and k == "lm_head.weight")}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict()
    (folder / "config.json").write_text(json.dumps(config, indent=1, default=str) + "\n")
    ids = torch.randint(0, SHAPE["vocab_size"], (2, 40), generator=generator)
    with torch.no_grad():
        logits = model(ids).logits
    save_file({"ids": ids.int(), "logits": logits}, folder / "golden.safetensors")
    losses = overfit(model, ids)
    (folder / "losses.json").write_text(json.dumps({"adamw": ADAMW, "losses": losses}, indent=1) + "\n")
    print(name, "logits", logits.abs().max().item(), "losses", losses[0], losses[-1])


if __name__ == "__main__":
    write("qwen2", qwen2(), seed=1)
    write("llama", llama(), seed=2)
