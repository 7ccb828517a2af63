"""Golden files of the decoder: tiny random-weight Qwen2 and Llama-3.1 models, their logits, and the
losses of overfitting one batch, all from PyTorch and transformers in f32. Each model is written
twice: as a Hugging Face folder, and as GGUF in the layout of llama.cpp's converter.

    pip install torch transformers safetensors numpy gguf==0.19.0
    python make.py          # writes qwen2/ and llama/ beside this file
"""

import json
import math
import pathlib

import gguf
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent
SHAPE = dict(
    vocab_size=264,
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


def vocabulary():
    """All bytes as byte-level BPE writes them (`encoder.py` of GPT-2), one end, and padding."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    chars = {byte: chr(byte) for byte in printable}
    chars |= {byte: chr(256 + index) for index, byte in enumerate(others)}
    tokens = [chars[byte] for byte in range(256)] + ["<end>"]
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL]
    padding = range(len(tokens), SHAPE["vocab_size"])
    return tokens + [f"[PAD{i}]" for i in padding], kinds + [gguf.TokenType.UNUSED] * len(padding)


GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, stem = stem.split(".", 3)
        return f"blk.{layer}.{GGUF_NAMES[stem]}.{kind}"
    return f"{GGUF_NAMES[stem]}.{kind}"


def interleave(weight, heads):
    """Llama files hold the two halves of each head of q and k in turns, for llama.cpp's rotation."""
    pairs = weight.reshape(heads, 2, -1, weight.shape[-1])
    return pairs.transpose(1, 2).reshape(weight.shape)


def rope_freqs(base, head_dim):
    """Divisors of the frequencies, Llama 3.1's scaling as transformers computes it."""
    low = LLAMA3_ROPE["original_max_position_embeddings"] / LLAMA3_ROPE["low_freq_factor"]
    high = LLAMA3_ROPE["original_max_position_embeddings"] / LLAMA3_ROPE["high_freq_factor"]
    divisors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * base ** (i / head_dim)
        smooth = (low / wavelength - 1) / (low / high - 1)
        mixed = 1 / ((1 - smooth) / LLAMA3_ROPE["factor"] + smooth)
        divisors.append(
            1.0 if wavelength < high else LLAMA3_ROPE["factor"] if wavelength > low else mixed
        )
    return torch.tensor(divisors)


def write_gguf(path, name, model, state):
    config = model.config
    writer = gguf.GGUFWriter(path, name)
    writer.add_name(f"golden {name}")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    base = config.rope_parameters["rope_theta"]
    writer.add_rope_freq_base(base)
    tokens, kinds = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([])
    writer.add_eos_token_id(256)
    writer.add_bos_token_id(256)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")
    if name == "llama":
        head_dim = config.hidden_size // config.num_attention_heads
        writer.add_tensor("rope_freqs.weight", rope_freqs(base, head_dim).float().numpy())
    for key, value in state.items():
        if name == "llama" and "q_proj" in key:
            value = interleave(value, config.num_attention_heads)
        if name == "llama" and "k_proj" in key:
            value = interleave(value, config.num_key_value_heads)
        writer.add_tensor(gguf_name(key), value.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


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
    write_gguf(folder / "model.gguf", name, model, state)
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
