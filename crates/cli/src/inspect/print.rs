//! The facts as text for people.

use std::io::{self, Write};

use super::facts::{Architecture, Facts, Format, Memory, TypeRow};
use crate::load::{bytes, count};

/// Lines of a template that are shown.
const TEMPLATE_LINES: usize = 3;
/// Characters of a line.
const LINE_WIDTH: usize = 88;

/// Prints everything but metadata, and the list of tensors if there is one.
pub fn print(facts: &Facts) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    writeln!(out, "{}", facts.name.as_deref().unwrap_or("(unnamed)"))?;
    field(&mut out, "file", &facts.model)?;
    field(&mut out, "format", &format(&facts.format))?;
    match &facts.architecture {
        Some(architecture) => print_architecture(&mut out, architecture)?,
        None => field(&mut out, "architecture", "not supported (below)")?,
    }
    print_parameters(&mut out, facts)?;
    print_types(&mut out, facts)?;
    if let Some(memory) = &facts.memory {
        print_memory(&mut out, memory)?;
    }
    print_text(&mut out, facts)?;
    print_unsupported(&mut out, facts)?;
    for tensor in facts.tensors.iter().flatten() {
        let dims: Vec<String> = tensor.dims.iter().map(u64::to_string).collect();
        let (name, ty, dims) = (&tensor.name, &tensor.ty, dims.join(" x "));
        writeln!(
            out,
            "{name:<44} {ty:<8} {dims:<18} {:>12} at {}",
            tensor.bytes, tensor.offset
        )?;
    }
    out.flush()
}

fn field(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name:<14}{value}")
}

fn format(format: &Format) -> String {
    let version = format
        .version
        .map_or(String::new(), |version| format!(" version {version}"));
    let size = bytes(format.file_bytes);
    let missing = match format.missing_bytes {
        0 => String::new(),
        missing => format!(", {} missing", bytes(missing)),
    };
    format!("{}{version}, {size}{missing}", format.kind)
}

fn print_architecture(out: &mut impl Write, a: &Architecture) -> io::Result<()> {
    field(
        out,
        "architecture",
        &format!(
            "{}: {} layers, hidden {}, feed-forward {}",
            a.name, a.num_hidden_layers, a.hidden_size, a.intermediate_size
        ),
    )?;
    let bias = if a.attention_bias {
        ", bias on q, k and v"
    } else {
        ""
    };
    let tied = match a.tie_word_embeddings {
        true => "output tied to the embedding",
        false => "output of its own",
    };
    field(
        out,
        "attention",
        &format!(
            "{} heads of {}, {} of keys and values{bias}",
            a.num_attention_heads, a.head_dim, a.num_key_value_heads
        ),
    )?;
    field(out, "vocabulary", &format!("{} rows, {tied}", a.vocab_size))?;
    let scaling = a.rope_scaling.as_deref().unwrap_or("unscaled");
    field(
        out,
        "positions",
        &format!(
            "{} (RoPE base {}, {scaling})",
            a.max_position_embeddings, a.rope_theta
        ),
    )
}

fn print_parameters(out: &mut impl Write, facts: &Facts) -> io::Result<()> {
    let parameters = facts.parameters;
    field(
        out,
        "parameters",
        &format!("{} ({parameters})", count(parameters)),
    )?;
    let Some(preset) = &facts.preset else {
        return Ok(());
    };
    let differs = match preset.differs.is_empty() {
        true => "as published".to_owned(),
        false => preset.differs.join(", "),
    };
    field(
        out,
        "student",
        &format!("{}, base {}: {differs}", preset.name, preset.base),
    )
}

fn print_types(out: &mut impl Write, facts: &Facts) -> io::Result<()> {
    writeln!(out, "\nTensors: {}", facts.tensor_count)?;
    for TypeRow {
        ty,
        count,
        bytes: size,
        supported,
        ..
    } in &facts.tensors_by_type
    {
        let note = if *supported { "" } else { "  not supported" };
        writeln!(out, "  {ty:<8} {count:>5}  {:>10}{note}", bytes(*size))?;
    }
    Ok(())
}

fn print_memory(out: &mut impl Write, memory: &Memory) -> io::Result<()> {
    writeln!(
        out,
        "\nMemory with {} tokens of context: {}",
        memory.context,
        bytes(memory.total)
    )?;
    field(out, "weights", &bytes(memory.weights))?;
    field(out, "KV cache", &bytes(memory.kv_cache))?;
    field(
        out,
        "activations",
        &format!("{} (estimate)", bytes(memory.activations)),
    )
}

fn print_text(out: &mut impl Write, facts: &Facts) -> io::Result<()> {
    writeln!(out, "\nText")?;
    if let Some(tokenizer) = &facts.tokenizer {
        let pre = tokenizer
            .pre
            .as_ref()
            .map_or(String::new(), |pre| format!(" ({pre})"));
        let merges = tokenizer
            .merges
            .map_or(String::new(), |count| format!(", {count} merges"));
        let padded = match facts.padded_rows {
            None | Some(0) => String::new(),
            Some(rows) => format!(", {rows} padded rows"),
        };
        let value = format!(
            "{}{pre}: {} tokens{merges}{padded}",
            tokenizer.kind, tokenizer.tokens
        );
        field(out, "tokenizer", &value)?;
        if !tokenizer.stop_ids.is_empty() {
            field(out, "stops at", &format!("{:?}", tokenizer.stop_ids))?;
        }
    }
    for special in &facts.special_tokens {
        let id = special.id.map_or("no id".to_owned(), |id| id.to_string());
        let token = special.token.as_deref().unwrap_or("no such token");
        field(out, &special.name, &format!("{id} {token}"))?;
    }
    let Some(template) = &facts.template else {
        return Ok(());
    };
    let reasons = if template.reasons {
        ", with thoughts"
    } else {
        ""
    };
    let characters = template.source.chars().count();
    let value = format!("{}{reasons}, {characters} characters", template.name);
    field(out, "template", &value)?;
    for line in template.source.lines().take(TEMPLATE_LINES) {
        let cut: String = line.chars().take(LINE_WIDTH).collect();
        let more = if cut.len() < line.len() { "..." } else { "" };
        writeln!(out, "    {cut}{more}")?;
    }
    Ok(())
}

fn print_unsupported(out: &mut impl Write, facts: &Facts) -> io::Result<()> {
    if facts.unsupported.is_empty() {
        return writeln!(out, "\nRuns here: nothing in it is unsupported");
    }
    writeln!(out, "\nNot supported")?;
    for unsupported in &facts.unsupported {
        writeln!(out, "  {}: {}", unsupported.what, unsupported.why)?;
    }
    Ok(())
}
