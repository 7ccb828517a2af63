//! The decoder (Qwen2, Llama), its configuration, KV cache and weight loading.
