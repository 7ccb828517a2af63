// What limits the inner loop of a tiled matmul on a WebGPU adapter: multiply-adds, reads of
// workgroup memory, barriers or loads. Each variant is the loop of crates/kernels/src/gpu/matmul.rs
// with parts left out; only its speed means something.
//
//   npm install playwright-core && node docs/probes/tile.mjs [path of Chromium]
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { mkdtempSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = process.argv[2] ?? "/usr/bin/chromium";
const profile = mkdtempSync(path.join(os.tmpdir(), "tile-probe-"));
const args = ["--no-sandbox", "--headless=new", "--enable-unsafe-webgpu"];
const context = await chromium.launchPersistentContext(profile, { executablePath, args });
const server = http.createServer((_, reply) => {
  reply.setHeader("content-type", "text/html");
  reply.end("<html></html>");
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const page = await context.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
console.table(await page.evaluate(measure));
await context.close();
server.close();

/** Runs in the page; returns multiply-adds per second, in G, of each variant and round. */
async function measure() {
  const GROUPS = 16;
  const BLOCKS = 200;
  // Tokens of a unit's tile, then what of the loop is there.
  const variants = {
    "4 x 4, registers only": [4, {}],
    "4 x 4, weights from workgroup memory": [4, { weights: true }],
    "4 x 4, activations from workgroup memory": [4, { rotated: true }],
    "4 x 4, both": [4, { weights: true, rotated: true }],
    "4 x 4, both, barriers": [4, { weights: true, rotated: true, barriers: true }],
    "4 x 4, both, barriers, loads": [
      4,
      { weights: true, rotated: true, barriers: true, loads: true },
    ],
    "4 x 4, both, activations transposed": [4, { weights: true, transposed: true }],
    "8 x 4, both, activations transposed": [8, { weights: true, transposed: true }],
  };
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();

  function shader(tokens, part) {
    const each = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join("\n");
    return `
      @group(0) @binding(0) var<storage, read> src: array<vec4f>;
      @group(0) @binding(1) var<storage, read_write> dst: array<vec4f>;
      @group(0) @binding(2) var<uniform> blocks: vec4u;
      var<workgroup> tiles: array<vec4f, 1024>;
      @compute @workgroup_size(256)
      fn main(@builtin(local_invocation_index) unit: u32, @builtin(workgroup_id) group: vec3u) {
        let column = unit % 16u;
        let line = unit / 16u;
        ${each(4, (n) => `var w${n} = src[${n}];`)}
        ${each(tokens, (i) => `var x${i} = src[unit + ${i}u]; var s${i} = vec4f();`)}
        for (var block = 0u; block < blocks.x; block++) {
          ${part.loads ? each(4, (i) => `tiles[(unit * 4u + ${i}u) % 1024u] = src[(block * 256u + unit + ${i * 256}u) % 4096u];`) : ""}
          ${part.barriers ? "workgroupBarrier();" : ""}
          for (var q = 0u; q < 8u; q++) {
            ${part.weights ? each(4, (n) => `w${n} = tiles[(q * 4u + ${n}u) * 16u + column];`) : ""}
            ${each(
              tokens,
              (i) => `
              ${part.rotated ? `{ let token = line + ${16 * i}u; x${i} = tiles[(512u + token * 8u + (q + token) % 8u) % 1024u]; }` : ""}
              ${part.transposed ? `x${i} = tiles[512u + (q * ${tokens}u + ${i}u) * 16u % 512u + line];` : ""}
              s${i} += w0 * x${i}.x; s${i} += w1 * x${i}.y; s${i} += w2 * x${i}.z; s${i} += w3 * x${i}.w;`,
            )}
          }
          ${part.barriers ? "workgroupBarrier();" : ""}
        }
        dst[group.x * 256u + unit] = ${Array.from({ length: tokens }, (_, i) => `s${i}`).join(" + ")};
      }`;
  }

  const usage = GPUBufferUsage;
  const src = device.createBuffer({ size: 131072, usage: usage.STORAGE | usage.COPY_DST });
  device.queue.writeBuffer(src, 0, new Float32Array(16384).map((_, i) => (i % 7) * 1e-3));
  const dst = device.createBuffer({ size: GROUPS * 256 * 16, usage: usage.STORAGE });
  const count = device.createBuffer({ size: 16, usage: usage.UNIFORM | usage.COPY_DST });
  const built = {};
  for (const [name, [tokens, part]] of Object.entries(variants)) {
    const module = device.createShaderModule({ code: shader(tokens, part) });
    const pipeline = await device.createComputePipelineAsync({
      layout: "auto",
      compute: { module, entryPoint: "main" },
    });
    const entries = [src, dst, count].map((buffer, binding) => ({ binding, resource: { buffer } }));
    built[name] = [
      tokens,
      pipeline,
      device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
    ];
  }
  async function seconds(pipeline, group, blocks) {
    device.queue.writeBuffer(count, 0, new Uint32Array([blocks, 0, 0, 0]));
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1e3;
  }
  const result = {};
  for (let round = 0; round < 4; round++) {
    for (const [name, [tokens, pipeline, group]] of Object.entries(built)) {
      const time = await seconds(pipeline, group, round === 0 ? 10 : BLOCKS);
      const products = GROUPS * 256 * BLOCKS * 8 * tokens * 16;
      if (round > 0) (result[name] ??= {})[`round ${round}`] = +(products / time / 1e9).toFixed(2);
    }
  }
  return result;
}
