// Runs a wasm32-wasip1 program in node, as cargo's runner: node wasi.mjs PROGRAM.wasm [ARGS]
//
// The few system calls of tests and examples, written out: node's own `node:wasi` crashes now and
// then (node 20 and 22) when a garbage collection falls into one of its calls.
import { readFileSync, writeSync } from "node:fs";
import { argv, exit, hrtime } from "node:process";

const [OK, NO_SUCH_FILE_DESCRIPTOR, NOT_SUPPORTED] = [0, 8, 52];
const bytes = (text) => new TextEncoder().encode(`${text}\0`);
const args = argv.slice(2).map(bytes);
const env = process.env.RUST_BACKTRACE ? [bytes(`RUST_BACKTRACE=${process.env.RUST_BACKTRACE}`)] : [];

let memory;
const view = () => new DataView(memory.buffer);

function sizes(strings, count, total) {
  view().setUint32(count, strings.length, true);
  view().setUint32(total, strings.reduce((sum, s) => sum + s.length, 0), true);
  return OK;
}

function strings(list, pointers, at) {
  for (const s of list) {
    view().setUint32(pointers, at, true);
    new Uint8Array(memory.buffer).set(s, at);
    [pointers, at] = [pointers + 4, at + s.length];
  }
  return OK;
}

const calls = {
  args_sizes_get: (count, total) => sizes(args, count, total),
  args_get: (pointers, at) => strings(args, pointers, at),
  environ_sizes_get: (count, total) => sizes(env, count, total),
  environ_get: (pointers, at) => strings(env, pointers, at),
  clock_time_get: (_clock, _precision, to) => {
    view().setBigUint64(to, hrtime.bigint(), true);
    return OK;
  },
  random_get: (at, length) => {
    crypto.getRandomValues(new Uint8Array(memory.buffer, at, length));
    return OK;
  },
  fd_write: (fd, buffers, count, written) => {
    if (fd !== 1 && fd !== 2) return NO_SUCH_FILE_DESCRIPTOR;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const [at, length] = [0, 4].map((part) => view().getUint32(buffers + 8 * i + part, true));
      writeSync(fd, new Uint8Array(memory.buffer, at, length));
      total += length;
    }
    view().setUint32(written, total, true);
    return OK;
  },
  fd_prestat_get: () => NO_SUCH_FILE_DESCRIPTOR,
  sched_yield: () => OK,
  proc_exit: (code) => exit(code),
};

const module = new WebAssembly.Module(readFileSync(argv[2]));
const imports = Object.fromEntries(
  WebAssembly.Module.imports(module).map(({ name }) => [name, calls[name] ?? (() => NOT_SUPPORTED)]),
);
const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
memory = instance.exports.memory;
instance.exports._start();
