// Logits of llama.cpp, through its C API: for each line of token ids on standard input, one row of
// f32 for each id, to standard output.
//
//     llama_logits LIBRARIES MODEL.gguf < IDS > LOGITS
//
// The KV cache is f32 and flash attention off: what remains of llama.cpp's rounding is that of the
// activations to the type its matrix kernels multiply with (8 bits for quantised weights).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ggml-backend.h"
#include "llama.h"

enum { LONGEST = 1024 };

static void errors_only(enum ggml_log_level level, const char *text, void *unused) {
    (void)unused;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int count, char **arguments) {
    if (count != 3) return fputs("usage: llama_logits LIBRARIES MODEL.gguf\n", stderr), 2;
    llama_log_set(errors_only, NULL);
    ggml_backend_load_all_from_path(arguments[1]);
    llama_backend_init();
    struct llama_model_params load = llama_model_default_params();
    load.n_gpu_layers = 0;
    struct llama_model *model = llama_model_load_from_file(arguments[2], load);
    if (!model) return 1;
    struct llama_context_params run = llama_context_default_params();
    run.n_ctx = run.n_batch = run.n_ubatch = LONGEST;
    run.n_threads = run.n_threads_batch = 2;
    run.type_k = run.type_v = GGML_TYPE_F32;
    run.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    struct llama_context *context = llama_init_from_model(model, run);
    if (!context) return 1;
    const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));

    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        struct llama_batch batch = llama_batch_init(LONGEST, 0, 1);
        char *at = line, *end;
        for (long id = strtol(at, &end, 10); end != at; id = strtol(at, &end, 10)) {
            const int i = batch.n_tokens++;
            if (i == LONGEST) return fputs("a line of over 1024 ids\n", stderr), 2;
            batch.token[i] = (llama_token)id;
            batch.pos[i] = i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
            at = end;
        }
        llama_memory_clear(llama_get_memory(context), true);
        if (llama_decode(context, batch)) return fputs("llama_decode failed\n", stderr), 1;
        for (int i = 0; i < batch.n_tokens; i++) {
            fwrite(llama_get_logits_ith(context, i), sizeof(float), (size_t)vocabulary, stdout);
        }
        llama_batch_free(batch);
    }
    free(line);
    return fflush(stdout) ? 1 : 0;
}
