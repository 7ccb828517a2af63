"""Checks that a published corpus is what its dataset card says, with the reader that people use:
`datasets.load_dataset` on the folder.

    pip install datasets
    retort corpus build recipe.toml -o corpus
    HF_HUB_OFFLINE=1 python corpus.py corpus
"""

import json
import pathlib
import sys
import tempfile

import pyarrow.parquet
import yaml
from datasets import load_dataset

TEXT = ["id", "source", "domain", "problem", "meta"]
GROUP_BYTES = 32 << 20


def check(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    front = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert isinstance(front["license"], str) and front["license"], front
    assert front["task_categories"] == ["text-generation"], front
    named = [files["split"] for files in front["configs"][0]["data_files"]]
    with tempfile.TemporaryDirectory() as cache:
        # The front matter decides the splits; nothing is said here.
        corpus = load_dataset(str(folder), cache_dir=cache)
        assert list(corpus) == named, (list(corpus), named)
        rows = {}
        for file in manifest["files"]:
            rows[file["split"]] = rows.get(file["split"], 0) + file["rows"]
            shard = pyarrow.parquet.ParquetFile(folder / file["file"])
            assert shard.metadata.num_rows == file["rows"]
            for group in range(shard.num_row_groups):
                group = shard.metadata.row_group(group)
                # One trace may be larger than a group is meant to be.
                assert group.num_rows == 1 or group.total_byte_size < 3 * GROUP_BYTES
        assert {split: len(corpus[split]) for split in corpus} == rows
        assert sum(rows.values()) == manifest["traces"]
        ids, thoughts = set(), 0
        for split in corpus.values():
            for row in split:
                assert all(isinstance(row[name], str) for name in TEXT), row
                assert isinstance(json.loads(row["meta"]), dict)
                assert isinstance(json.loads(row["teacher"]["sampling"]), dict)
                turns = row["messages"]
                assert isinstance(turns, list) and turns[-1]["role"] == "assistant", turns
                for turn in turns:
                    assert set(turn) == {"role", "content", "reasoning_content"}, turn
                    assert isinstance(turn["content"], str)
                thoughts += bool(turns[-1]["reasoning_content"])
                thoughts += turns[-1]["content"].startswith("<think>\n")
                ids.add(row["id"])
        assert len(ids) == manifest["traces"], "names are unique"
    print(f"{folder}: {rows}, {thoughts} with a thought, columns {corpus[named[0]].column_names}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        check(pathlib.Path(name))
