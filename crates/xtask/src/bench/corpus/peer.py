#!/usr/bin/env python3
"""The same corpus through Hugging Face datasets, pandas and datasketch, as one would write it today.

Filters, exact and near duplicates, decontamination by runs of words, selection, mixture, split,
Parquet shards with zstd. Left out, to the peer's advantage: the fuzzy comparison of questions, the
evidence for each dropped row, resuming, the report.

    pip install datasets pandas datasketch pyarrow xxhash
    python peer.py FOLDER OUT          prints one line of JSON
"""

import json
import os
import re
import resource
import sys
import time
from collections import Counter
from functools import lru_cache
from importlib.metadata import version

os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import numpy as np
import pandas as pd
import xxhash
from datasketch import LeanMinHash, MinHash, MinHashLSH

PROCESSES = 2
SCHEME = "affine32"
BANDS, ROWS, SHINGLE, THRESHOLD = 20, 6, 5, 0.8
GRAMS = ((13, 0.3), (10, 0.4), (8, 0.5))
MASKED = (8, 0.6)
WORD = re.compile(r"[^\W\d_]+|\d+")
SPACE = re.compile(r"\s+")
FOREIGN = re.compile(r"[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\u0400-\u052f\u0600-\u077f]")
CODE = re.compile(r"^\s*```(python|py|cpp|c\+\+|java|javascript|rust|sympy)\s*$", re.M)
REFUSAL = re.compile(r"sorry, (but )?i (can't|cannot)|i (can't|cannot) (assist|help) with|i must decline")


def digest(text):
    return xxhash.xxh3_64_hexdigest(SPACE.sub("", text).lower().encode())


def words(text):
    return WORD.findall(text.lower())


def runs(of, n):
    return set(map(" ".join, zip(*(of[at:] for at in range(n)))))


def repeats(of):
    if len(of) >= 128:
        all_runs = len(of) - 15
        if 1 - len(runs(of, 16)) / all_runs > 0.25:
            return True
    for period in range(1, min(400, len(of) // 4) + 1):
        needed = max(period * 3, 24 - period)
        if of[-1] == of[-1 - period] and of[-needed:] == of[-needed - period : -period]:
            return True
    return False


def fault(thought, answer, closed, domain, question):
    if not closed or not answer.strip():
        return "unfinished"
    if not thought.strip():
        return "empty_thought"
    if REFUSAL.search(answer[:80].lower()):
        return "refusal"
    if max(map(len, thought.split("\n"))) > 6000:
        return "long_paragraph"
    if domain.startswith("math") and CODE.search(thought):
        return "code_in_math"
    foreign = len(FOREIGN.findall(thought)) + len(FOREIGN.findall(answer))
    if foreign > 4 and foreign > 0.002 * len(thought) and not FOREIGN.search(question):
        return "mixed_language"
    if repeats(words(thought)) or repeats(words(answer)):
        return "repetition"
    return ""


def look(batch):
    """Parts, faults, the hash of the whole, and the signature, of rows."""
    made = {name: [] for name in ("thought", "answer", "fault", "digest", "signature", "key")}
    shingles, places = [], []
    for question, completion, domain in zip(batch["question"], batch["completion"], batch["domain"]):
        thought, mark, answer = completion.removeprefix("<think>").partition("</think>")
        thought, answer = thought.strip(), answer.strip()
        found = fault(thought, answer, bool(mark), domain, question)
        made["thought"].append(thought)
        made["answer"].append(answer)
        made["fault"].append(found)
        text = f"{question}\n{thought}\n{answer}"
        made["digest"].append(digest(text))
        made["key"].append(digest(question))
        made["signature"].append(None)
        if not found:
            of = words(text)
            places.append(len(made["signature"]) - 1)
            shingles.append([run.encode() for run in runs(of, SHINGLE)])
    hashes = MinHash.bulk(shingles, num_perm=BANDS * ROWS, scheme=SCHEME, hashfunc=xxhash.xxh32_intdigest)
    for place, hashed in zip(places, hashes):
        made["signature"][place] = hashed.hashvalues.astype(np.uint32)
    return made


class Benchmark:
    def __init__(self, path):
        texts = [json.loads(line)["problem"] for line in open(path)]
        self.whole = {" ".join(words(text)) for text in texts}
        self.tables = []
        for n, share, masked in [(n, share, False) for n, share in GRAMS] + [(*MASKED, True)]:
            table, counts = {}, []
            for item, text in enumerate(texts):
                of = runs(self.masked(words(text), masked), n)
                counts.append(len(of))
                for run in of:
                    table.setdefault(run, []).append(item)
            self.tables.append((n, share, masked, table, counts))

    @staticmethod
    def masked(of, masked):
        return ["0" if word.isdigit() else word for word in of] if masked else of

    def holds(self, text, question):
        of = words(text)
        if question and " ".join(of) in self.whole:
            return True
        for n, share, masked, table, counts in self.tables:
            hits = Counter()
            for run in runs(self.masked(of, masked), n) & table.keys():
                hits.update(table[run])
            if any(hit >= share * counts[item] for item, hit in hits.items()):
                return True
        return False


@lru_cache
def benchmark(path):
    """In each process once: as an argument it would be pickled, which takes longer."""
    return Benchmark(path)


def check(batch, path):
    holds, found = benchmark(path).holds, []
    for question, thought, answer in zip(batch["question"], batch["thought"], batch["answer"]):
        if holds(question, True):
            found.append("decontaminate: question")
        elif holds(thought, False) or holds(answer, False):
            found.append("decontaminate: reply")
        else:
            found.append("")
    return {"contaminated": found}


def near_copies(signatures):
    """Rows that are nearly the same as one before them."""
    index = MinHashLSH(threshold=THRESHOLD, num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    kept, copies = {}, set()
    for row, signature in enumerate(signatures):
        hashed = LeanMinHash(seed=1, hashvalues=signature, scheme=SCHEME)
        like = (kept[other] for other in index.query(hashed))
        if any(np.mean(signature == other) >= THRESHOLD for other in like):
            copies.add(row)
        else:
            index.insert(row, hashed, check_duplication=False)
            kept[row] = signature
    return copies


def main(folder, out):
    start = time.perf_counter()
    path = f"{folder}/traces.jsonl"
    rows = datasets.load_dataset("json", data_files=path, split="train", cache_dir=f"{out}/cache")
    dropped = Counter()
    rows = rows.map(look, batched=True, batch_size=200, num_proc=PROCESSES, remove_columns=["completion"])
    faults = rows["fault"][:]
    dropped.update(fault for fault in faults if fault)
    rows = rows.select([row for row, fault in enumerate(faults) if not fault])

    again = pd.Series(rows["digest"][:]).duplicated()
    dropped["dedup_exact: trace"] = int(again.sum())
    rows = rows.select(np.flatnonzero(~again))

    copies = near_copies(rows.with_format("numpy", columns=["signature"])["signature"])
    dropped["dedup_near"] = len(copies)
    rows = rows.select([row for row in range(len(rows)) if row not in copies])
    rows = rows.remove_columns(["signature", "digest", "fault"])

    path_of = {"path": f"{folder}/benchmark.jsonl"}
    found = rows.map(check, batched=True, batch_size=200, num_proc=PROCESSES, fn_kwargs=path_of)
    dropped.update(reason for reason in found["contaminated"][:] if reason)
    clean = [row for row, reason in enumerate(found["contaminated"][:]) if not reason]
    rows = found.select(clean).remove_columns("contaminated")

    table = pd.DataFrame({"key": rows["key"][:], "domain": rows["domain"][:]})
    table = table.sample(frac=1, random_state=1).groupby("key").head(3)
    counts = table["domain"].value_counts()
    weights = {"math": 0.6, "code": 0.2, "general": 0.2}
    total = min(counts[domain] / weight for domain, weight in weights.items())
    mixed = [table[table["domain"] == domain].head(round(total * weight)) for domain, weight in weights.items()]
    rows = rows.select(sorted(pd.concat(mixed).index))
    split = pd.Series(rows["key"][:]).map(lambda key: int(key, 16) % 100 == 0)
    for name, chosen in (("test", split), ("train", ~split)):
        part = rows.select(np.flatnonzero(chosen))
        part.to_parquet(f"{out}/{name}.parquet")
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "name": f"datasets {version('datasets')}, datasketch {version('datasketch')}",
                "seconds": seconds,
                "mb_s": os.path.getsize(path) / 1e6 / seconds,
                "dropped": dropped,
                "kept": len(rows),
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
